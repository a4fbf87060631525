//! A shopper's cookies, and where they may go (RFC 6265 and its revision): back to the host that set them or to the domain that
//! it named, below their path, until they expire.
//!
//! The rules are the crate `cookie_store`'s; here is what a load generator adds: bounds, an order that is the same each time, and
//! values that are bytes.

use cookie_store::{Cookie, CookieDomain};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use http::uri::PathAndQuery;
use url::Url;

use crate::transport::Origin;

/// Cookies that one shopper keeps; the oldest go first.
const COOKIES_MAX: usize = 64;

/// Longest cookie, name and value together: what browsers keep (RFC 6265, 6.1).
const COOKIE_BYTES_MAX: usize = 4096;

/// The cookies of one shopper, in the order in which they were first set. Their texts have one character for each byte.
#[derive(Debug, Clone, Default)]
pub(super) struct CookieJar(Vec<Cookie<'static>>);

impl CookieJar {
    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the cookies of an answer from this place, and forgets those that it deletes.
    pub(super) fn store(&mut self, origin: &Origin, path: &PathAndQuery, headers: &HeaderMap) {
        let mut headers = headers.get_all(SET_COOKIE).iter().peekable();
        if headers.peek().is_none() {
            return;
        }
        let Some(from) = origin.url(path) else {
            return;
        };
        let trusted = origin.is_trustworthy();
        let cookies = headers.filter_map(|header| parse(header, &from, trusted));
        cookies.for_each(|cookie| self.replace(cookie));
    }

    fn replace(&mut self, cookie: Cookie<'static>) {
        let same = |kept: &Cookie<'_>| {
            kept.name() == cookie.name()
                && kept.domain.as_cow() == cookie.domain.as_cow()
                && *kept.path == *cookie.path
        };
        let place = self.0.iter().position(same);
        match (place, cookie.is_expired()) {
            // It keeps its place: the order is that of creation.
            (Some(place), false) => self.0[place] = cookie,
            (Some(place), true) => drop(self.0.remove(place)),
            (None, true) => {}
            (None, false) => {
                if self.0.len() == COOKIES_MAX {
                    self.0.retain(|kept| !kept.is_expired());
                }
                if self.0.len() == COOKIES_MAX {
                    self.0.remove(0);
                }
                self.0.push(cookie);
            }
        }
    }

    /// The `cookie` header of a request to this place, with the step's own cookies before those of the jar: of two with one name
    /// the step's goes. `None` if nothing belongs there.
    pub(super) fn header(
        &self,
        origin: &Origin,
        path: &PathAndQuery,
        own: Option<&HeaderValue>,
    ) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return own.cloned();
        }
        let (to, trusted) = (origin.url(path)?, origin.is_trustworthy());
        let mut cookies: Vec<&Cookie<'_>> = self
            .0
            .iter()
            .filter(|cookie| !cookie.is_expired() && goes_to(cookie, &to, trusted))
            .filter(|cookie| own.is_none_or(|own| !names(own, cookie.name())))
            .collect();
        if cookies.is_empty() {
            return own.cloned();
        }
        // Longer paths first, and among equals the older one (RFC 6265, 5.4).
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let mut header = own.map_or(Vec::new(), |own| own.as_bytes().to_vec());
        for cookie in cookies {
            if !header.is_empty() {
                header.extend_from_slice(b"; ");
            }
            let pair = cookie.name().chars().chain(['=']);
            // Each character stands for one byte.
            header.extend(pair.chain(cookie.value().chars()).map(|c| c as u8));
        }
        HeaderValue::from_maybe_shared(bytes::Bytes::from(header)).ok()
    }
}

/// Whether a `cookie` header has a cookie of this name.
fn names(header: &HeaderValue, name: &str) -> bool {
    let mut pairs = header.as_bytes().split(|byte| *byte == b';');
    pairs.any(|pair| {
        let found = pair.split(|byte| *byte == b'=').next().unwrap_or_default();
        found
            .trim_ascii()
            .iter()
            .map(|byte| char::from(*byte))
            .eq(name.chars())
    })
}

/// Whether a cookie belongs to a request; what is secure only to one that nobody on the way can read.
fn goes_to(cookie: &Cookie<'_>, to: &Url, trusted: bool) -> bool {
    let secure = cookie.secure().unwrap_or(false);
    cookie.domain.matches(to) && cookie.path.matches(to) && (!secure || trusted)
}

/// A cookie, also one that is deleted by it; `None` for one that must be ignored.
fn parse(header: &HeaderValue, from: &Url, trusted: bool) -> Option<Cookie<'static>> {
    // Values are bytes, for all that the standard says of ASCII; so they go back as they came.
    let text: String = header
        .as_bytes()
        .iter()
        .map(|byte| char::from(*byte))
        .collect();
    let cookie = Cookie::parse(text, from).ok()?;
    let length = cookie.name().chars().count() + cookie.value().chars().count();
    let secure = cookie.secure().unwrap_or(false);
    let is_kept = length <= COOKIE_BYTES_MAX
        && (!secure || trusted)
        && !is_whole_top_level(&cookie.domain, from)
        && keeps_the_promise_of_its_name(&cookie, secure);
    is_kept.then_some(cookie)
}

/// Whether the domain that a host names is all of `com` and not the host itself.
fn is_whole_top_level(domain: &CookieDomain, from: &Url) -> bool {
    matches!(domain, CookieDomain::Suffix(name) if !name.contains('.') && from.host_str() != Some(name))
}

/// What `__Secure-` and `__Host-` say of a cookie must be true.
fn keeps_the_promise_of_its_name(cookie: &Cookie<'_>, secure: bool) -> bool {
    let host_only = matches!(cookie.domain, CookieDomain::HostOnly(_));
    match cookie.name() {
        name if name.starts_with("__Host-") => secure && host_only && &*cookie.path == "/",
        name if name.starts_with("__Secure-") => secure,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> (Origin, PathAndQuery) {
        let url = Url::parse(url).expect("a URL");
        let path = &url[url::Position::BeforePath..];
        let origin = Origin::of_url(&url).expect("an origin");
        (origin, path.parse().expect("a path"))
    }

    fn store(jar: &mut CookieJar, from: &str, cookies: &[&str]) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            let value = HeaderValue::from_bytes(cookie.as_bytes());
            headers.append(SET_COOKIE, value.expect("a value"));
        }
        let (origin, path) = place(from);
        jar.store(&origin, &path, &headers);
    }

    fn jar(from: &str, cookies: &[&str]) -> CookieJar {
        let mut jar = CookieJar::default();
        store(&mut jar, from, cookies);
        jar
    }

    fn sent_with(jar: &CookieJar, to: &str, own: Option<&'static str>) -> String {
        let (origin, path) = place(to);
        let own = own.map(HeaderValue::from_static);
        let header = jar.header(&origin, &path, own.as_ref());
        header.map_or(String::new(), |value| {
            String::from_utf8(value.as_bytes().to_vec()).expect("UTF-8")
        })
    }

    fn sent(jar: &CookieJar, to: &str) -> String {
        sent_with(jar, to, None)
    }

    #[test]
    fn cookies_go_to_their_host_whatever_the_port() {
        let jar = jar("http://shop.example:8080/", &["a=1", "b=2; Path=/"]);
        assert_eq!(sent(&jar, "http://shop.example/"), "a=1; b=2");
        assert_eq!(sent(&jar, "https://shop.example/"), "a=1; b=2");
        for other in [
            "http://other.example/",
            "http://api.shop.example/",
            "http://example/",
        ] {
            assert_eq!(sent(&jar, other), "", "{other}");
        }
        let address = self::jar("http://[::1]:81/", &["a=1"]);
        assert_eq!(sent(&address, "http://[::1]:82/"), "a=1");
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
        let single = self::jar("http://gateway/", &["a=1; Domain=gateway"]);
        assert_eq!(sent(&single, "http://gateway/"), "a=1");
    }

    #[test]
    fn a_path_reaches_below_itself() {
        let jar = jar(
            "http://shop.example/admin/login?next=/",
            &[
                "d=default",
                "a=1; Path=/admin",
                "r=root; Path=/",
                "o=2; Path=/other",
            ],
        );
        assert_eq!(sent(&jar, "http://shop.example/"), "r=root");
        assert_eq!(sent(&jar, "http://shop.example/administrators"), "r=root");
        // Longer paths first, equals in their order.
        assert_eq!(
            sent(&jar, "http://shop.example/admin?x=1"),
            "d=default; a=1; r=root"
        );
        assert_eq!(sent(&jar, "http://shop.example/other/page"), "o=2; r=root");
    }

    #[test]
    fn what_is_secure_stays_under_tls_or_on_this_machine() {
        let jar = jar("https://shop.example/", &["a=1; Secure", "b=2"]);
        assert_eq!(sent(&jar, "http://shop.example/"), "b=2");
        assert_eq!(sent(&jar, "https://shop.example/"), "a=1; b=2");
        let clear = self::jar("http://shop.example/", &["a=1; Secure", "b=2"]);
        assert_eq!(sent(&clear, "https://shop.example/"), "b=2");
        for here in ["http://127.0.0.1:81/", "http://localhost/", "http://[::1]/"] {
            assert_eq!(sent(&self::jar(here, &["a=1; Secure"]), here), "a=1");
        }
    }

    #[test]
    fn names_keep_their_promise() {
        let cookies = [
            "__Host-a=1; Secure; Path=/",
            "__Host-b=2; Secure; Path=/; Domain=shop.example",
            "__Host-c=3; Path=/",
            "__Secure-d=4; Secure",
            "__Secure-e=5",
        ];
        let jar = jar("https://shop.example/", &cookies);
        assert_eq!(
            sent(&jar, "https://shop.example/"),
            "__Host-a=1; __Secure-d=4"
        );
    }

    #[test]
    fn what_has_expired_goes() {
        let shop = "http://shop.example/";
        let mut jar = jar(
            shop,
            &["a=1", "b=2; Path=/", "c=3", "d=4; Max-Age=600", "e=5"],
        );
        store(
            &mut jar,
            shop,
            &[
                "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "b=; Path=/; Max-Age=0",
                "c=; Max-Age=-1; Expires=Fri, 31 Dec 9999 23:59:59 GMT",
                "e=6; expires=Thursday, 01-Jan-70 00:00:00 GMT; max-age=60",
                "f=7; Expires=no date at all",
            ],
        );
        assert_eq!(sent(&jar, shop), "d=4; e=6; f=7");
        let mut expiring = self::jar(shop, &["a=1; Max-Age=600"]);
        expiring.0[0].expire();
        assert_eq!(sent(&expiring, shop), "");
    }

    #[test]
    fn values_are_bytes_and_have_a_bound() {
        let long = format!("d={}", "x".repeat(COOKIE_BYTES_MAX));
        let jar = jar("http://shop.example/", &["name=Müller", "q=\"a b\"", &long]);
        assert_eq!(sent(&jar, "http://shop.example/"), "name=Müller; q=\"a b\"");
        let mut latin = CookieJar::default();
        let value = HeaderValue::from_bytes(b"name=M\xfcller").expect("a value");
        let (origin, path) = place("http://shop.example/");
        latin.store(&origin, &path, &HeaderMap::from_iter([(SET_COOKIE, value)]));
        let header = latin.header(&origin, &path, None).expect("a cookie");
        assert_eq!(header.as_bytes(), b"name=M\xfcller");
    }

    #[test]
    fn a_steps_own_cookies_go_along_and_win() {
        let jar = jar("http://shop.example/", &["sid=s", "theme=dark"]);
        let own = "consent=yes;theme=light";
        assert_eq!(
            sent_with(&jar, "http://shop.example/", Some(own)),
            "consent=yes;theme=light; sid=s"
        );
        assert_eq!(
            sent_with(&jar, "http://other.example/", Some(own)),
            "consent=yes;theme=light"
        );
        assert_eq!(
            sent_with(&CookieJar::default(), "http://shop.example/", Some(own)),
            own
        );
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
