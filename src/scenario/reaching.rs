//! How a target is reached: where connections really go, and with which credentials.
//!
//! PURE.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Connections meant for one place that go to another. Name, `host` header and certificate stay those of the URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// The URL's host, lower case; any without one.
    pub host: Option<String>,
    /// The URL's port; any without one.
    pub port: Option<u16>,
    /// Host names or addresses to connect to, tried as those of one name are; the URL's host without any.
    pub to_hosts: Vec<String>,
    /// Port to connect to; the URL's without one.
    pub to_port: Option<u16>,
}

impl ConnectTo {
    /// From `HOST:PORT:ADDRESS[,ADDRESS…]`, as curl's `--resolve` has it; `*` stands for any host or port.
    ///
    /// # Errors
    /// What it should look like.
    pub fn resolve(text: &str) -> Result<Self, String> {
        let refused = || {
            "write it as HOST:PORT:ADDRESS, such as shop.example:443:127.0.0.1; several addresses with commas"
                .to_owned()
        };
        let [host, port, addresses] = fields::<3>(text).ok_or_else(refused)?;
        let any = |field: &str| field == "*";
        let addresses: Vec<String> = addresses.split(',').map(name).collect();
        let are_addresses = addresses.iter().all(|one| one.parse::<IpAddr>().is_ok());
        let port = match any(port) {
            true => Some(None),
            false => port.parse().ok().filter(|port| *port > 0).map(Some),
        };
        match port {
            Some(port) if are_addresses && !host.is_empty() => Ok(Self {
                host: (!any(host)).then(|| name(host)),
                port,
                to_hosts: addresses,
                to_port: None,
            }),
            _ => Err(refused()),
        }
    }

    /// From `HOST1:PORT1:HOST2:PORT2`, as curl's `--connect-to` has it: an empty field in front stands for any, behind for that
    /// of the URL.
    ///
    /// # Errors
    /// What it should look like.
    pub fn connect(text: &str) -> Result<Self, String> {
        let refused = || {
            "write it as HOST1:PORT1:HOST2:PORT2, such as shop.example:443:127.0.0.1:8443; fields may be empty"
                .to_owned()
        };
        let [host, port, to_host, to_port] = fields::<4>(text).ok_or_else(refused)?;
        let some = |field: &str| (!field.is_empty()).then(|| name(field));
        Ok(Self {
            host: some(host),
            port: port_of(port).ok_or_else(refused)?,
            to_hosts: some(to_host).into_iter().collect(),
            to_port: port_of(to_port).ok_or_else(refused)?,
        })
    }

    /// From a host and a port, both with or without, such as `shop.example` and `127.0.0.1:8443`.
    ///
    /// # Errors
    /// What it should look like.
    pub fn of_pair(from: &str, to: &str) -> Result<Self, String> {
        let refused = |what: &str| {
            format!(
                "`{what}` is no place; write it as `host` or `host:port`, such as `127.0.0.1:8443`"
            )
        };
        let (host, port) = host_and_port(from).ok_or_else(|| refused(from))?;
        let (to_host, to_port) = host_and_port(to).ok_or_else(|| refused(to))?;
        Ok(Self {
            host: Some(host),
            port,
            to_hosts: vec![to_host],
            to_port,
        })
    }

    /// Whether it is meant for connections to this place.
    fn is_for(&self, host: &str, port: u16) -> bool {
        let same_host = self
            .host
            .as_deref()
            .is_none_or(|of| of.eq_ignore_ascii_case(host));
        same_host && self.port.is_none_or(|of| of == port)
    }
}

/// Where connections to this place really go: the first rule that is for it tells. Several hosts are as good as each other.
pub fn places<'a>(rules: &'a [ConnectTo], host: &'a str, port: u16) -> (Vec<&'a str>, u16) {
    let Some(rule) = rules.iter().find(|rule| rule.is_for(host, port)) else {
        return (vec![host], port);
    };
    let port = rule.to_port.unwrap_or(port);
    match rule.to_hosts.is_empty() {
        true => (vec![host], port),
        false => (rule.to_hosts.iter().map(String::as_str).collect(), port),
    }
}

/// Fields between colons; those in brackets are addresses that have some of their own. The last field takes the rest.
fn fields<const COUNT: usize>(text: &str) -> Option<[&str; COUNT]> {
    let mut rest = text.trim();
    let mut found = [""; COUNT];
    for (index, field) in found.iter_mut().enumerate() {
        if index + 1 == COUNT {
            *field = rest;
            break;
        }
        let end = match rest.strip_prefix('[') {
            Some(inner) => inner.find(']')? + 2,
            None => rest.find(':')?,
        };
        *field = rest.get(..end)?;
        rest = rest.get(end..)?.strip_prefix(':')?;
    }
    Some(found)
}

fn name(field: &str) -> String {
    field.trim().trim_matches(['[', ']']).to_ascii_lowercase()
}

/// `Some(None)` for an empty field.
fn port_of(field: &str) -> Option<Option<u16>> {
    match field {
        "" => Some(None),
        field => field.parse().ok().filter(|port| *port > 0).map(Some),
    }
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let text = text.trim();
    let is_name = |host: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        !host.is_empty() && host.chars().all(plain)
    };
    if text.parse::<IpAddr>().is_ok() {
        return Some((name(text), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port_of(port).filter(Option::is_some)?)
        }
        _ => (text, None),
    };
    let address = name(host);
    (address.parse::<IpAddr>().is_ok() || is_name(host)).then_some((address, port))
}

/// User name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Who.
    pub user: String,
    /// By which proof; may be empty.
    pub password: String,
}

impl Credentials {
    /// Takes `user:password@` out of a URL, percent signs decoded.
    pub fn taken_from(url: &str) -> (String, Option<Self>) {
        let Some((scheme, rest)) = url.split_once("://") else {
            return (url.to_owned(), None);
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let Some((info, host)) = rest[..end].rsplit_once('@') else {
            return (url.to_owned(), None);
        };
        let (user, password) = info.split_once(':').unwrap_or((info, ""));
        let credentials = Self {
            user: decoded(user),
            password: decoded(password),
        };
        let without = format!("{scheme}://{host}{}", &rest[end..]);
        (without, Some(credentials))
    }

    /// From curl's `USER:PASSWORD`.
    ///
    /// # Errors
    /// What it should look like.
    pub fn of_pair(text: &str) -> Result<Self, String> {
        let (user, password) = text
            .split_once(':')
            .ok_or("write it as USER:PASSWORD; the password may be empty")?;
        Ok(Self {
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    /// The value of `authorization`.
    pub fn header(&self) -> String {
        basic(&format!("{}:{}", self.user, self.password))
    }
}

/// The value of `authorization` for `user:password` (RFC 7617).
pub(super) fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

/// Without the password.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(…)")
    }
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_curl_writes_them() {
        let to = |rule: ConnectTo, host, port| {
            let rules = [rule];
            let (hosts, port) = places(&rules, host, port);
            format!("{} {port}", hosts.join(" "))
        };
        let resolve = |text: &str| ConnectTo::resolve(text);
        let rule = resolve("Shop.example:443:127.0.0.1").unwrap();
        assert_eq!(to(rule.clone(), "shop.example", 443), "127.0.0.1 443");
        assert_eq!(to(rule.clone(), "shop.example", 80), "shop.example 80");
        assert_eq!(to(rule, "other.example", 443), "other.example 443");
        for text in ["a:443:::1", "a:443:[::1]"] {
            assert_eq!(to(resolve(text).unwrap(), "a", 443), "::1 443", "{text}");
        }
        assert_eq!(to(resolve("*:*:10.0.0.1").unwrap(), "b", 81), "10.0.0.1 81");
        let both = resolve("a:443:10.0.0.1,[::1]").unwrap();
        assert_eq!(to(both, "a", 443), "10.0.0.1 ::1 443");
        for text in [
            "",
            "a",
            "a:443",
            "a:443:b.example",
            ":443:1.2.3.4",
            "a:0:1.2.3.4",
            "a:443:1.2.3.4,",
        ] {
            assert!(resolve(text).is_err(), "{text}");
        }
        let rule = ConnectTo::connect("a:443:[::1]:8443").unwrap();
        assert_eq!(to(rule, "a", 443), "::1 8443");
        let rule = ConnectTo::connect("::b:").unwrap();
        assert_eq!(to(rule, "a", 443), "b 443");
        assert!(ConnectTo::connect("a:443:b").is_err());
        for (from, into, found) in [
            ("a", "127.0.0.1:8443", "127.0.0.1 8443"),
            ("a:443", "[::1]:1", "::1 1"),
            ("a", "::1", "::1 443"),
            ("a", "b", "b 443"),
        ] {
            let rule = ConnectTo::of_pair(from, into).unwrap();
            assert_eq!(to(rule, "a", 443), found, "{from} {into}");
        }
        for into in ["", "a b", "http://x", "b:x", "b:0"] {
            assert!(ConnectTo::of_pair("a", into).is_err(), "{into}");
        }
    }

    #[test]
    fn credentials_are_taken_out_of_urls() {
        let taken = |url: &str| {
            let (url, found) = Credentials::taken_from(url);
            (
                url,
                found.map(|found| format!("{}|{}", found.user, found.password)),
            )
        };
        let some = |url: &str, found: &str| (url.to_owned(), Some(found.to_owned()));
        assert_eq!(taken("http://u:p@h:1/a@b"), some("http://h:1/a@b", "u|p"));
        assert_eq!(taken("https://u%40x:p%3Aq@h"), some("https://h", "u@x|p:q"));
        assert_eq!(taken("https://token@h/?a"), some("https://h/?a", "token|"));
        assert_eq!(taken("http://h/a@b"), ("http://h/a@b".to_owned(), None));
        let header = Credentials::of_pair("Aladdin:open sesame")
            .unwrap()
            .header();
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
