//! The URL of a batch, as the browser SDK builds it: straight to a site's intake, or through a proxy.

use percent_encoding::utf8_percent_encode;
use telemetry::text::COMPONENT;
use url::Url;
use uuid::Uuid;

use crate::rum::event::SDK_VERSION;

/// Stands for a client token where a proxy adds its own.
const NO_TOKEN: &str = "none";

/// Where batches are sent. Its `Debug` form does not show the token.
#[derive(Clone)]
pub struct Endpoint {
    base: Base,
    token: Option<String>,
}

#[derive(Clone)]
enum Base {
    /// Such as `https://browser-intake-datadoghq.eu`.
    Intake(String),
    Proxy(Url),
}

/// What differs from one request to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) request: Uuid,
    /// Milliseconds since 1970.
    pub(super) time: u128,
    pub(super) is_exit: bool,
    /// Attempts before, and the status of the last one.
    pub(super) retry: Option<(u32, u16)>,
}

impl Endpoint {
    /// The intake of a site such as `datadoghq.eu`.
    pub fn of_site(site: &str, token: String) -> Self {
        let (name, end) = site.rsplit_once('.').unwrap_or((site, "com"));
        let host = name.replace('.', "-");
        Self {
            base: Base::Intake(format!("https://browser-intake-{host}.{end}")),
            token: Some(token),
        }
    }

    /// A proxy that forwards to an intake.
    pub fn of_proxy(proxy: Url, token: Option<String>) -> Self {
        Self {
            base: Base::Proxy(proxy),
            token,
        }
    }

    /// Where that is, in words for people.
    pub fn place(&self) -> String {
        match &self.base {
            Base::Intake(base) => base.trim_start_matches("https://").to_owned(),
            Base::Proxy(url) => url.origin().ascii_serialization(),
        }
    }

    pub(super) fn url(&self, attempt: Attempt) -> String {
        let token = self.token.as_deref().unwrap_or(NO_TOKEN);
        let api = if attempt.is_exit { "beacon" } else { "fetch" };
        let mut path = format!(
            "/api/v2/rum?ddsource=browser&dd-api-key={token}&dd-evp-origin-version={SDK_VERSION}\
             &dd-evp-origin=browser&dd-request-id={}&batch_time={}&_dd.api={api}",
            attempt.request, attempt.time
        );
        if let Some((count, status)) = attempt.retry {
            path += &format!("&_dd.retry_count={count}&_dd.retry_after={status}");
        }
        match &self.base {
            Base::Intake(base) => [base.as_str(), &path].concat(),
            Base::Proxy(url) => {
                format!("{url}?ddforward={}", utf8_percent_encode(&path, COMPONENT))
            }
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({})", self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ATTEMPT: Attempt = Attempt {
        request: Uuid::from_u128(5),
        time: 1_795_780_800_000,
        is_exit: false,
        retry: None,
    };

    #[test]
    fn a_site_has_an_intake() {
        let endpoint = Endpoint::of_site("us5.datadoghq.com", "pub1".to_owned());
        assert_eq!(
            endpoint.url(ATTEMPT),
            "https://browser-intake-us5-datadoghq.com/api/v2/rum?ddsource=browser&dd-api-key=pub1\
             &dd-evp-origin-version=6.20.0&dd-evp-origin=browser\
             &dd-request-id=00000000-0000-0000-0000-000000000005&batch_time=1795780800000&_dd.api=fetch"
        );
        assert!(!format!("{endpoint:?}").contains("pub1"));
    }

    #[test]
    fn a_proxy_is_told_what_to_forward() {
        let proxy = Url::parse("http://127.0.0.1:9/rum").expect("a URL");
        let endpoint = Endpoint::of_proxy(proxy, None);
        let url = endpoint.url(Attempt {
            is_exit: true,
            retry: Some((2, 503)),
            ..ATTEMPT
        });
        let begin = "http://127.0.0.1:9/rum?ddforward=%2Fapi%2Fv2%2Frum%3Fddsource%3Dbrowser%26dd-api-key%3Dnone";
        assert!(url.starts_with(begin), "{url}");
        let end = "%26_dd.api%3Dbeacon%26_dd.retry_count%3D2%26_dd.retry_after%3D503";
        assert!(url.ends_with(end), "{url}");
    }
}
