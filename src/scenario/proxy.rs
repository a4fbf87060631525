//! Whether requests go through a proxy, and through which: by the scenario, or by the variables that other programs follow.
//!
//! PURE.

use std::net::IpAddr;
use std::sync::Arc;

use super::Credentials;

/// The variables for requests without TLS, in the order in which they count. Capital letters alone are for programs that a web server
/// starts: there `HTTP_PROXY` may come from a request.
const FOR_HTTP: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

/// The same for requests with TLS.
const FOR_HTTPS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// Hosts that are reached without one.
const WITHOUT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxies of a run, if there are any.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    http: Option<Arc<Proxy>>,
    https: Option<Arc<Proxy>>,
    without: Vec<String>,
    /// Variables that name a proxy which is not used.
    ignored: Vec<&'static str>,
}

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL, without credentials.
    pub url: url::Url,
    /// Who the shoppers are to it; never shown.
    pub credentials: Option<Credentials>,
}

impl Proxy {
    /// From a URL such as `http://me:secret@proxy.example:3128`, or only host and port.
    ///
    /// # Errors
    /// What it should look like.
    pub fn of(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let whole = match text.contains("://") {
            true => text.to_owned(),
            false => format!("http://{text}"),
        };
        let (bare, credentials) = Credentials::taken_from(&whole);
        let refused = || {
            format!(
                "`{bare}` is no proxy that loadgen can use; write http://HOST:PORT, or environment"
            )
        };
        let url = url::Url::parse(&bare).map_err(|_| refused())?;
        let is_bare = matches!(url.path(), "" | "/") && url.query().is_none();
        match url.scheme() == "http" && url.has_host() && is_bare {
            true => Ok(Self { url, credentials }),
            false => Err(refused()),
        }
    }

    /// As it may be shown: without credentials.
    pub fn shown(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }
}

impl Proxies {
    /// One for all requests.
    pub fn one(proxy: Proxy) -> Self {
        let proxy = Some(Arc::new(proxy));
        Self {
            http: proxy.clone(),
            https: proxy,
            ..Self::default()
        }
    }

    /// Those of the environment, whose variables `get` knows.
    ///
    /// # Errors
    /// The variable whose value is no proxy.
    pub fn of_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let proxy = |names: &[&str]| match first(names, &get) {
            None => Ok(None),
            Some((name, value)) => match Proxy::of(&value) {
                Ok(proxy) => Ok(Some(Arc::new(proxy))),
                Err(message) => Err(format!("{name}: {message}")),
            },
        };
        let without = first(&WITHOUT, &get).map(|(_, value)| value);
        let without = without.iter().flat_map(|list| list.split([',', ' ']));
        Ok(Self {
            http: proxy(&FOR_HTTP)?,
            https: proxy(&FOR_HTTPS)?,
            without: without
                .map(|entry| entry.trim().trim_start_matches('.').to_ascii_lowercase())
                .filter(|entry| !entry.is_empty())
                .collect(),
            ignored: Vec::new(),
        })
    }

    /// What is written: the URL of a proxy, or `environment`, whose variables `get` knows.
    ///
    /// # Errors
    /// What it should look like.
    pub fn of_text(text: &str, get: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        match text.trim() {
            "environment" => Self::of_environment(get),
            text => Proxy::of(text).map(Self::one),
        }
    }

    /// Notes which variables would have named a proxy, if none is used.
    pub fn note_ignored(&mut self, get: impl Fn(&str) -> Option<String>) {
        if self.all().next().is_none() {
            self.ignored = set_variables(get);
        }
    }

    /// What the record says of them, in sentences.
    pub fn remarks(&self, target: Option<&str>) -> Vec<String> {
        let used = self.all().map(|proxy| self.remark(proxy, target));
        used.chain(self.ignored_line()).collect()
    }

    /// Whether requests to the target go through the proxy, or only those to other places would.
    fn remark(&self, proxy: &Arc<Proxy>, target: Option<&str>) -> String {
        let target = target.and_then(|target| url::Url::parse(target).ok());
        let way = target.and_then(|url| {
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            let port = url.port_or_known_default()?;
            self.of(url.scheme() == "https", &host, port).cloned()
        });
        match way {
            Some(way) if way == *proxy => {
                format!("requests went through the proxy {}", proxy.shown())
            }
            _ => format!(
                "requests to the target went through no proxy; those to other places may have gone through {}",
                proxy.shown()
            ),
        }
    }

    /// That the environment names proxies which are not used.
    pub fn ignored_line(&self) -> Option<String> {
        let (names, verb) = match self.ignored.as_slice() {
            [] => return None,
            [only] => ((*only).to_owned(), "is"),
            several => (several.join(", "), "are"),
        };
        Some(format!(
            "{names} {verb} set in the environment and not used; `http.proxy: environment` or --proxy environment would"
        ))
    }

    /// The passwords for them.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let credentials = self.all().filter_map(|proxy| proxy.credentials.as_ref());
        credentials.map(|credentials| credentials.password.as_str())
    }

    /// The proxy for requests to this place.
    pub fn of(&self, tls: bool, host: &str, port: u16) -> Option<&Arc<Proxy>> {
        let proxy = if tls { &self.https } else { &self.http };
        let is_without = || self.without.iter().any(|entry| covers(entry, host, port));
        proxy.as_ref().filter(|_| !is_without())
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Proxy>> {
        let second = self
            .https
            .iter()
            .filter(|proxy| self.http.as_ref() != Some(proxy));
        self.http.iter().chain(second)
    }
}

/// Variables that name a proxy.
fn set_variables(get: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for name in FOR_HTTP.iter().chain(&FOR_HTTPS) {
        if !found.contains(name) && first(&[name], &get).is_some() {
            found.push(name);
        }
    }
    found
}

/// The first variable of these that is set and not empty.
fn first<'n>(names: &[&'n str], get: impl Fn(&str) -> Option<String>) -> Option<(&'n str, String)> {
    let mut set = names.iter().filter_map(|name| Some((*name, get(name)?)));
    set.find(|(_, value)| !value.trim().is_empty())
}

/// Whether an entry of `NO_PROXY` is for a place: `*`, a name (with all below it), an address or a block of addresses, each perhaps
/// with a port.
fn covers(entry: &str, host: &str, port: u16) -> bool {
    let (name, of_port) = match entry.rsplit_once(':') {
        Some((name, of_port)) if !name.contains(':') || name.ends_with(']') => {
            (name, of_port.parse::<u16>().ok())
        }
        _ => (entry, None),
    };
    if of_port.is_some_and(|of_port| of_port != port) {
        return false;
    }
    let name = name.trim_matches(['[', ']']);
    if let (Some((block, bits)), Ok(address)) = (name.split_once('/'), host.parse()) {
        return in_block(address, block, bits).unwrap_or(false);
    }
    let host = host.to_ascii_lowercase();
    let is_below = || {
        host.strip_suffix(name)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    name == "*" || host == name || (host.parse::<IpAddr>().is_err() && is_below())
}

/// Whether an address lies in a block such as `10.0.0.0/8`.
fn in_block(address: IpAddr, block: &str, bits: &str) -> Option<bool> {
    let bits: u32 = bits.parse().ok()?;
    match (address, block.parse().ok()?) {
        (IpAddr::V4(address), IpAddr::V4(block)) => {
            let shift = 32_u32.checked_sub(bits)?;
            let differ = address.to_bits() ^ block.to_bits();
            Some(differ.checked_shr(shift).unwrap_or(0) == 0)
        }
        (IpAddr::V6(address), IpAddr::V6(block)) => {
            let shift = 128_u32.checked_sub(bits)?;
            let differ = address.to_bits() ^ block.to_bits();
            Some(differ.checked_shr(shift).unwrap_or(0) == 0)
        }
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::of_environment(|name| {
            let mut known = variables.iter();
            let found = known.find(|(known, _)| *known == name)?;
            Some(found.1.to_owned())
        })
    }

    #[test]
    fn the_environment_is_read_as_other_programs_read_it() {
        let proxies = of(&[
            ("HTTP_PROXY", "http://capital:1"),
            ("http_proxy", "http://me:secret@small:1"),
            ("ALL_PROXY", "all:3128"),
            ("https_proxy", ""),
            (
                "NO_PROXY",
                "localhost, .example.com,10.0.0.0/8,[::1],other:8443",
            ),
        ])
        .unwrap();
        let proxy = |tls, host: &str, port| Some(proxies.of(tls, host, port)?.shown());
        let small = Some("http://small:1".to_owned());
        let all = Some("http://all:3128".to_owned());
        assert_eq!(proxy(false, "shop", 80), small);
        assert_eq!(proxy(true, "shop", 443), all);
        for without in [
            "localhost",
            "a.example.com",
            "example.com",
            "10.1.2.3",
            "::1",
        ] {
            assert_eq!(proxy(true, without, 443), None, "{without}");
        }
        for with in ["badexample.com", "11.1.2.3", "::2", "localhost.com"] {
            assert_eq!(proxy(true, with, 443), all, "{with}");
        }
        assert_eq!(proxy(false, "other", 8443), None);
        assert_eq!(proxy(false, "other", 80), small);
        assert!(
            of(&[("NO_PROXY", "*"), ("ALL_PROXY", "a:1")])
                .unwrap()
                .of(true, "b", 1)
                .is_none()
        );
        let names = set_variables(|name| name.starts_with("ALL").then(|| "x".to_owned()));
        assert_eq!(names, ["ALL_PROXY"]);
    }

    #[test]
    fn a_proxy_is_one_of_http_and_its_credentials_are_apart() {
        let proxy = Proxy::of("http://me:p%40ss@proxy.example:3128/").unwrap();
        assert_eq!(proxy.shown(), "http://proxy.example:3128");
        assert_eq!(proxy.credentials.unwrap().password, "p@ss");
        assert_eq!(
            Proxy::of("10.0.0.1:3128").unwrap().shown(),
            "http://10.0.0.1:3128"
        );
        for text in [
            "",
            "socks5://a:1",
            "https://me:pl4nted@a:1",
            "http://a:1/path",
        ] {
            let error = Proxy::of(text).unwrap_err();
            assert!(!error.contains("pl4nted"), "{error}");
        }
        assert!(
            of(&[("HTTPS_PROXY", "socks5://a:1")])
                .unwrap_err()
                .contains("HTTPS_PROXY")
        );
    }
}
