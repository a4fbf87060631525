//! A shopper's cookies, and where they may go (RFC 6265): back to the host that set them, or to the domain that it named.
//!
//! Cookies know no ports. Paths and expiry dates are not looked at; a deletion by `Max-Age` is.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

use crate::transport::Origin;

/// Cookies that one shopper keeps; the oldest go first.
const COOKIES_MAX: usize = 64;

/// Longest cookie, name and value together: what browsers keep (RFC 6265, 6.1).
const COOKIE_BYTES_MAX: usize = 4096;

/// The cookies of one shopper.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieJar(Vec<Cookie>);

#[derive(Debug, Clone)]
struct Cookie {
    name: Box<str>,
    value: Box<str>,
    /// The host that set it, or the domain that it named.
    domain: Box<str>,
    /// Whether hosts below the domain get it too.
    and_below: bool,
    /// Set to be secure, over TLS: never sent in the clear. One that came in the clear goes back the same way, because a target
    /// on this machine has no TLS while its cookies say what they say in production.
    tls_only: bool,
}

impl CookieJar {
    /// Keeps the cookies of an answer from this origin, and forgets those that it deletes.
    pub(super) fn store(&mut self, origin: &Origin, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            if let Some((cookie, deleted)) =
                header.to_str().ok().and_then(|text| parse(text, origin))
            {
                self.replace(cookie, deleted);
            }
        }
    }

    fn replace(&mut self, cookie: Cookie, deleted: bool) {
        let same = |kept: &Cookie| kept.name == cookie.name && kept.domain == cookie.domain;
        self.0.retain(|kept| !same(kept));
        if deleted {
            return;
        }
        if self.0.len() == COOKIES_MAX {
            self.0.remove(0);
        }
        self.0.push(cookie);
    }

    /// The `cookie` header of a request to this origin; `None` if nothing belongs there.
    pub(super) fn header(&self, origin: &Origin) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let cookies = self.0.iter().filter(|cookie| cookie.goes_to(origin));
        let pairs: Vec<String> = cookies
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| HeaderValue::from_str(&pairs.join("; ")).ok())?
    }
}

impl Cookie {
    fn goes_to(&self, origin: &Origin) -> bool {
        let there = match self.and_below {
            true => domain_matches(&origin.host, &self.domain),
            false => *self.domain == *origin.host,
        };
        there && (origin.tls || !self.tls_only)
    }
}

/// A cookie, and whether it is deleted; `None` for one that must be ignored.
fn parse(text: &str, origin: &Origin) -> Option<(Cookie, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    if name.len() + value.len() > COOKIE_BYTES_MAX {
        return None;
    }
    let (mut domain, mut deleted, mut secure) = (None, false, false);
    for attribute in parts {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "max-age" => {
                deleted = value
                    .trim()
                    .parse::<i64>()
                    .is_ok_and(|seconds| seconds <= 0)
            }
            "domain" => domain = Some(value.trim().trim_start_matches('.').to_ascii_lowercase()),
            "secure" => secure = true,
            _ => {}
        }
    }
    let domain = domain.filter(|domain| !domain.is_empty() && *domain != origin.host);
    if let Some(domain) = &domain {
        // Somebody else's, or a whole top-level domain's.
        if !domain.contains('.') || !domain_matches(&origin.host, domain) {
            return None;
        }
    }
    let cookie = Cookie {
        name: name.into(),
        value: value.into(),
        and_below: domain.is_some(),
        domain: domain.map_or_else(|| origin.host.as_str().into(), Into::into),
        tls_only: secure && origin.tls,
    };
    Some((cookie, deleted))
}

/// Whether a host is the domain or lies below it (RFC 6265, 5.1.3); addresses have nothing below them.
fn domain_matches(host: &str, domain: &str) -> bool {
    if host == domain {
        return true;
    }
    let below = host
        .strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.'));
    below && host.parse::<std::net::IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Origin {
        Origin::of_url(&url::Url::parse(url).expect("a URL")).expect("an origin")
    }

    fn jar(from: &str, cookies: &[&str]) -> CookieJar {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_str(cookie).expect("a value"));
        }
        let mut jar = CookieJar::default();
        jar.store(&origin(from), &headers);
        jar
    }

    fn sent(jar: &CookieJar, to: &str) -> String {
        let header = jar.header(&origin(to));
        header.map_or(String::new(), |value| {
            value.to_str().expect("text").to_owned()
        })
    }

    #[test]
    fn cookies_go_to_their_host_whatever_the_port() {
        let jar = jar(
            "http://shop.example:8080/",
            &["a=1", "b=2; Secure; Path=/x"],
        );
        assert_eq!(sent(&jar, "http://shop.example/"), "a=1; b=2");
        assert_eq!(sent(&jar, "https://shop.example/"), "a=1; b=2");
        for other in [
            "http://other.example/",
            "http://api.shop.example/",
            "http://example/",
        ] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
    }

    #[test]
    fn a_domain_reaches_below_itself_and_never_elsewhere() {
        let jar = jar(
            "http://www.shop.example/",
            &[
                "a=1; Domain=.Shop.example",
                "b=2; Domain=other.example",
                "c=3; Domain=example",
                "d=4; domain=pay.www.shop.example",
                "e=5; Domain=www.shop.example",
            ],
        );
        assert_eq!(sent(&jar, "http://api.shop.example/"), "a=1");
        assert_eq!(sent(&jar, "http://shop.example/"), "a=1");
        assert_eq!(sent(&jar, "http://www.shop.example/"), "a=1; e=5");
        assert_eq!(sent(&jar, "http://evilshop.example/"), "");
        assert_eq!(sent(&jar, "http://other.example/"), "");
        let address = self::jar("http://10.0.0.1/", &["a=1; Domain=0.0.1"]);
        assert_eq!(sent(&address, "http://10.0.0.1/"), "");
    }

    #[test]
    fn what_is_secure_stays_under_tls_and_what_is_deleted_goes() {
        let mut jar = jar("https://shop.example/", &["a=1; Secure", "b=2", "c=3"]);
        assert_eq!(sent(&jar, "http://shop.example/"), "b=2; c=3");
        assert_eq!(sent(&jar, "https://shop.example/"), "a=1; b=2; c=3");
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("b=; Max-Age=0"));
        let long = format!("d={}", "x".repeat(COOKIE_BYTES_MAX));
        headers.append(SET_COOKIE, HeaderValue::from_str(&long).expect("a value"));
        jar.store(&origin("https://shop.example/"), &headers);
        assert_eq!(sent(&jar, "https://shop.example/"), "a=1; c=3");
    }

    #[test]
    fn the_oldest_go_first() {
        let many: Vec<String> = (0..COOKIES_MAX + 2).map(|n| format!("c{n}=v")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let jar = jar("http://shop.example/", &many);
        let sent = sent(&jar, "http://shop.example/");
        assert_eq!(sent.split("; ").count(), COOKIES_MAX);
        assert!(sent.starts_with("c2=v"), "{sent}");
    }
}
