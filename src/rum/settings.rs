//! Where RUM events go, and whose they are: from what is set to what is valid, or everything that is wrong at once.

use url::Url;
use uuid::Uuid;

use super::delivery::endpoint::Endpoint;

/// The service that pages say they are of.
const SERVICE: &str = "storefront";

/// The site where none is set.
const SITE: &str = "datadoghq.com";

/// What is set, as it was written.
#[derive(Debug, Clone, Default)]
pub struct Set {
    /// `DD_SITE`.
    pub site: Option<String>,
    /// `DD_RUM_CLIENT_TOKEN`.
    pub client_token: Option<String>,
    /// `DD_RUM_APPLICATION_ID`.
    pub application_id: Option<String>,
    /// `DD_RUM_PROXY_URL`.
    pub proxy_url: Option<String>,
    /// `DD_ENV`.
    pub env: String,
    /// `DD_VERSION`.
    pub version: Option<String>,
}

/// What is wanted of a run's RUM events.
#[derive(Debug, Clone)]
pub struct RumSpec {
    /// Where they go.
    pub destination: Destination,
    /// Whose they are.
    pub application_id: Uuid,
    /// Of which service.
    pub service: String,
    /// In which environment.
    pub env: String,
    /// The version of what is tested, if it is known.
    pub version: Option<String>,
}

/// Where events go.
#[derive(Debug, Clone)]
pub enum Destination {
    /// Into `rum.jsonl` of the run folder.
    File,
    /// To an intake.
    Intake(Endpoint),
}

impl RumSpec {
    /// What is set, if it is right; nothing is sent anywhere unless a token or a proxy is set.
    ///
    /// # Errors
    /// A sentence for each mistake, with the variable's name and without its value where that is secret.
    pub fn of(set: Set) -> Result<Self, Vec<String>> {
        let set = set.without_empty();
        let mut problems = Vec::new();
        let mut keep = |problem: String| problems.push(problem);
        let token = set
            .client_token
            .filter(|token| is_token(token).map_err(&mut keep).is_ok());
        let id = set.application_id.as_deref().map(application_id);
        let id = id.transpose().map_err(&mut keep).ok().flatten();
        let proxy = set.proxy_url.as_deref().map(proxy);
        let proxy = proxy.transpose().map_err(&mut keep).ok().flatten();
        let site = set.site.unwrap_or_else(|| SITE.to_owned());
        if token.is_some() && proxy.is_none() && !is_site(&site) {
            keep(format!(
                "DD_SITE: '{site}' is no site; write one such as datadoghq.eu"
            ));
        }
        match (&token, set.application_id.is_some()) {
            (Some(_), false) => keep(missing("DD_RUM_CLIENT_TOKEN", "DD_RUM_APPLICATION_ID")),
            (None, true) if proxy.is_none() && problems.is_empty() => {
                problems.push(missing("DD_RUM_APPLICATION_ID", "DD_RUM_CLIENT_TOKEN"));
            }
            _ => {}
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            destination: match (proxy, token) {
                (Some(proxy), token) => Destination::Intake(Endpoint::of_proxy(proxy, token)),
                (None, Some(token)) => Destination::Intake(Endpoint::of_site(&site, token)),
                (None, None) => Destination::File,
            },
            application_id: id.unwrap_or_default(),
            service: SERVICE.to_owned(),
            env: set.env,
            version: set.version,
        })
    }
}

impl Set {
    /// An empty variable is none.
    fn without_empty(self) -> Self {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            site: some(self.site),
            client_token: some(self.client_token),
            application_id: some(self.application_id),
            proxy_url: some(self.proxy_url),
            env: self.env,
            version: some(self.version),
        }
    }
}

fn missing(set: &str, not_set: &str) -> String {
    format!(
        "{set} is set and {not_set} is not; set both, or none to keep RUM events in the run folder"
    )
}

fn is_token(text: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match text.chars().all(fits) {
        true => Ok(()),
        false => Err(
            "DD_RUM_CLIENT_TOKEN is no client token: those are letters and digits, and begin with 'pub'"
                .to_owned(),
        ),
    }
}

fn application_id(text: &str) -> Result<Uuid, String> {
    Uuid::try_parse(text).map_err(|_| {
        "DD_RUM_APPLICATION_ID is no UUID such as 11111111-2222-3333-4444-555555555555".to_owned()
    })
}

fn is_site(site: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    site.chars().all(fits) && site.split('.').count() > 1 && !site.split('.').any(str::is_empty)
}

fn proxy(text: &str) -> Result<Url, String> {
    let wrong =
        |why: &str| format!("DD_RUM_PROXY_URL {why}; write one such as http://127.0.0.1:8080/rum");
    // The URL itself is not shown: people put credentials into such.
    let url = Url::parse(text).map_err(|error| wrong(&format!("is no URL: {error}")))?;
    match url {
        _ if !matches!(url.scheme(), "http" | "https") => Err(wrong("is neither http nor https")),
        _ if !url.has_host() => Err(wrong("has no host")),
        _ if url.query().is_some() || url.fragment().is_some() => {
            Err(wrong("has a query or a fragment, and gets its own"))
        }
        _ => Ok(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "11111111-2222-3333-4444-555555555555";

    fn set(token: &str, id: &str, site: &str, proxy: &str) -> Set {
        let some = |text: &str| Some(text.to_owned());
        Set {
            site: some(site),
            client_token: some(token),
            application_id: some(id),
            proxy_url: some(proxy),
            ..Set::default()
        }
    }

    fn place(set: Set) -> String {
        match RumSpec::of(set).expect("what is right").destination {
            Destination::File => "file".to_owned(),
            Destination::Intake(endpoint) => endpoint.place(),
        }
    }

    #[test]
    fn nothing_leaves_the_machine_unless_it_is_asked_to() {
        assert_eq!(place(Set::default()), "file");
        assert_eq!(place(set("", "", "datadoghq.eu", "")), "file");
        assert_eq!(
            place(set("pub1", ID, "datadoghq.eu", "")),
            "browser-intake-datadoghq.eu"
        );
        assert_eq!(
            place(set("", "", "", "http://localhost:9/")),
            "http://localhost:9"
        );
    }

    #[test]
    fn every_mistake_is_told_at_once_and_no_token() {
        let problems = RumSpec::of(set("pub 1", "7", "eu", "ftp://x")).expect_err("mistakes");
        assert_eq!(problems.len(), 3, "{problems:#?}");
        assert!(!problems.concat().contains("pub 1"));
        let problems = RumSpec::of(set("pub1", "", "nowhere", "")).expect_err("mistakes");
        assert_eq!(problems.len(), 2, "{problems:#?}");
        let problems = RumSpec::of(set("", ID, "", "")).expect_err("a mistake");
        assert!(
            problems[0].contains("DD_RUM_CLIENT_TOKEN is not"),
            "{problems:#?}"
        );
    }
}
