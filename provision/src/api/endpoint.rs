//! Where the API is and which keys open it. The only module that reads keys; they leave it as headers alone.

use std::fmt;

use thiserror::Error;

/// The sites that exist.
pub const SITES: &[&str] = &[
    "datadoghq.com",
    "us3.datadoghq.com",
    "us5.datadoghq.com",
    "ap1.datadoghq.com",
    "ap2.datadoghq.com",
    "uk1.datadoghq.com",
    "datadoghq.eu",
    "ddog-gov.com",
    "us2.ddog-gov.com",
];

/// Where requests go and with which keys.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `https` or `http`.
    pub(crate) protocol: String,
    /// Host, port and path before `/api`.
    pub(crate) name: String,
    /// The keys.
    pub(crate) keys: Keys,
}

/// The two keys of the API. Debug output hides them.
#[derive(Clone)]
pub struct Keys {
    pub(crate) api: String,
    pub(crate) app: String,
}

/// Why there is nowhere to send requests to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// A key is missing.
    #[error(
        "{0} is not set; export DD_API_KEY and DD_APP_KEY (Organization Settings → API Keys, Application Keys)"
    )]
    KeyMissing(&'static str),
    /// A key holds what no header can.
    #[error("{0} holds characters that no key has; copy it again, without quotes and line ends")]
    KeyUnusable(&'static str),
    /// The site does not exist.
    #[error("DD_SITE: there is no site `{0}`; sites: {sites}; for anything else pass --api-url or set DD_API_URL", sites = SITES.join(", "))]
    Site(String),
    /// The address is not one.
    #[error(
        "`{0}` is not an http or https address; correct --api-url, DD_API_URL or `api_url` in monitors.yaml, like \
         https://api.datadoghq.eu"
    )]
    Address(String),
}

/// What the environment and the command line say.
#[derive(Clone, Default)]
pub struct Settings {
    /// `--api-url`, DD_API_URL or the project's; wins over the site.
    pub api_url: Option<String>,
    /// `DD_SITE`.
    pub site: Option<String>,
    /// `DD_API_KEY`.
    pub api_key: Option<String>,
    /// `DD_APP_KEY`.
    pub app_key: Option<String>,
}

impl Endpoint {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that cannot be used.
    pub fn new(settings: Settings) -> Result<Self, EndpointError> {
        let (protocol, name) = address(settings.api_url, settings.site)?;
        let keys = Keys {
            api: key("DD_API_KEY", settings.api_key)?,
            app: key("DD_APP_KEY", settings.app_key)?,
        };
        Ok(Self {
            protocol,
            name,
            keys,
        })
    }

    /// The address in front of `/api`.
    pub fn url(&self) -> String {
        format!("{}://{}", self.protocol, self.name)
    }
}

fn address(url: Option<String>, site: Option<String>) -> Result<(String, String), EndpointError> {
    if let Some(url) = url {
        let parsed = reqwest::Url::parse(url.trim()).ok();
        let sound = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let sound = sound.filter(|url| url.query().is_none() && url.fragment().is_none());
        let sound = sound.filter(|url| url.username().is_empty() && url.password().is_none());
        let sound = sound.ok_or(EndpointError::Address(url))?;
        let text = sound.as_str().trim_end_matches('/');
        let (protocol, name) = text.split_once("://").unwrap_or(("https", text));
        return Ok((protocol.to_owned(), name.to_owned()));
    }
    let site = site
        .filter(|site| !site.is_empty())
        .unwrap_or_else(|| SITES[0].to_owned());
    if !SITES.contains(&site.as_str()) {
        return Err(EndpointError::Site(site));
    }
    Ok(("https".to_owned(), format!("api.{site}")))
}

fn key(name: &'static str, value: Option<String>) -> Result<String, EndpointError> {
    let value = value.filter(|value| !value.is_empty());
    let value = value.ok_or(EndpointError::KeyMissing(name))?;
    // The API client panics on what no header can hold.
    if !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EndpointError::KeyUnusable(name));
    }
    Ok(value)
}

impl Keys {
    /// Text from outside without the keys, should it repeat them.
    pub(crate) fn redact(&self, text: &str) -> String {
        text.replace(&self.api, "‹key›").replace(&self.app, "‹key›")
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(api_url: Option<&str>, site: Option<&str>) -> Settings {
        Settings {
            api_url: api_url.map(str::to_owned),
            site: site.map(str::to_owned),
            api_key: Some("a".into()),
            app_key: Some("b".into()),
        }
    }

    #[test]
    fn sites_and_addresses_become_urls() {
        let url = |api_url, site| Endpoint::new(settings(api_url, site)).map(|end| end.url());
        assert_eq!(url(None, None).as_deref(), Ok("https://api.datadoghq.com"));
        assert_eq!(
            url(None, Some("datadoghq.eu")).as_deref(),
            Ok("https://api.datadoghq.eu")
        );
        assert_eq!(
            url(Some("http://[::1]:80/x/"), None).as_deref(),
            Ok("http://[::1]/x")
        );
        assert!(url(None, Some("example.com")).is_err());
        assert!(url(Some("ftp://example.com"), None).is_err());
    }

    #[test]
    fn keys_are_checked_and_hidden() {
        let missing = Settings {
            app_key: None,
            ..settings(None, None)
        };
        assert_eq!(
            Endpoint::new(missing).err(),
            Some(EndpointError::KeyMissing("DD_APP_KEY"))
        );
        let torn = Settings {
            api_key: Some("se\ncret".into()),
            ..settings(None, None)
        };
        let error = Endpoint::new(torn)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default();
        assert!(
            error.contains("DD_API_KEY") && !error.contains("secret"),
            "{error}"
        );
    }
}
