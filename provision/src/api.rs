//! The Datadog API as this tool uses it: objects as JSON in, objects as JSON out. The typed client crate does the
//! talking for monitors and SLOs wherever its types carry an object unchanged; dashboards, and what its types would
//! alter, go as raw JSON through the same connection, limits and retries.

mod endpoint;
mod error;
mod limiter;
mod middleware;
mod typed;

use std::time::Duration;

use alerting::object::{Key, Kind, MANAGED_TAG, Remote};
use datadog_api_client::datadog::{APIKey, Configuration};
use datadog_api_client::datadogV1::api_monitors::MonitorsAPI;
use datadog_api_client::datadogV1::api_service_level_objectives::ServiceLevelObjectivesAPI;
use http::Method;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::Value;

pub use endpoint::{Endpoint, EndpointError, Keys, SITES, Settings};
pub use error::ApiError;

use crate::progress::Progress;

/// How long one attempt may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Objects in a page; the API's own bound.
const PAGE: usize = 1000;
/// Dashboards in a page.
const DASHBOARD_PAGE: usize = 100;
/// Most pages asked for: more than an org's objects need, so that a server that never ends a list is found out.
const PAGES_MAX: usize = 200;
/// How often a create is sent, with a look at what exists before each repetition.
const CREATES_MAX: u32 = 8;
/// Most requests under way at a time.
pub(crate) const IN_FLIGHT_MAX: usize = 8;

/// One org.
#[derive(Debug, Clone)]
pub struct Api {
    endpoint: Endpoint,
    client: ClientWithMiddleware,
    monitors: MonitorsAPI,
    slos: ServiceLevelObjectivesAPI,
}

impl Api {
    /// A client; no request is sent yet.
    ///
    /// # Errors
    ///
    /// When the TLS library or the system's certificates cannot be used.
    pub fn new(endpoint: Endpoint, progress: Progress) -> Result<Self, ApiError> {
        // A second client in one process finds the provider installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // The API never redirects; whatever answers in its place must not send the keys elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("monitors/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ApiError::Unreachable(telemetry::text::chain(&error)))?;
        let layer = middleware::LimitAndRetry::new(progress);
        let client = ClientBuilder::new(http).with(layer).build();
        let configuration = configuration(&endpoint);
        Ok(Self {
            monitors: MonitorsAPI::with_client_and_config(configuration.clone(), client.clone()),
            slos: ServiceLevelObjectivesAPI::with_client_and_config(configuration, client.clone()),
            endpoint,
            client,
        })
    }

    /// Every monitor, or those with a tag.
    ///
    /// # Errors
    ///
    /// When the API refuses, cannot be reached, or never ends its list.
    pub async fn list_monitors(&self, tag: Option<&str>) -> Result<Vec<Remote>, ApiError> {
        let mut found = Vec::new();
        for page in 0..PAGES_MAX {
            let Value::Array(items) = self.monitor_page(page, tag).await? else {
                return Err(ApiError::Unexpected("a list of monitors"));
            };
            let last = items.len() < PAGE;
            found.extend(
                items
                    .into_iter()
                    .filter_map(|item| Remote::new(Kind::Monitor, item)),
            );
            if last {
                return Ok(found);
            }
        }
        Err(ApiError::Endless("monitors"))
    }

    /// Every SLO, or those with a tag.
    ///
    /// # Errors
    ///
    /// When the API refuses, cannot be reached, or never ends its list.
    pub async fn list_slos(&self, tag: Option<&str>) -> Result<Vec<Remote>, ApiError> {
        let mut found = Vec::new();
        for page in 0..PAGES_MAX {
            let mut answer = self.slo_page(page * PAGE, tag).await?;
            let Some(Value::Array(items)) = answer.get_mut("data").map(Value::take) else {
                return Err(ApiError::Unexpected("a list of SLOs"));
            };
            let last = items.len() < PAGE;
            found.extend(
                items
                    .into_iter()
                    .filter_map(|item| Remote::new(Kind::Slo, item)),
            );
            if last {
                return Ok(found);
            }
        }
        Err(ApiError::Endless("SLOs"))
    }

    /// Every dashboard, without its widgets.
    ///
    /// # Errors
    ///
    /// When the API refuses, cannot be reached, or never ends its list.
    pub async fn list_dashboards(&self) -> Result<Vec<Remote>, ApiError> {
        let mut found = Vec::new();
        for page in 0..PAGES_MAX {
            let query = [
                ("count", DASHBOARD_PAGE.to_string()),
                ("start", (page * DASHBOARD_PAGE).to_string()),
            ];
            let mut answer = self
                .raw(Method::GET, "/api/v1/dashboard", &query, None)
                .await?;
            let Some(Value::Array(items)) = answer.get_mut("dashboards").map(Value::take) else {
                return Err(ApiError::Unexpected("a list of dashboards"));
            };
            let last = items.len() < DASHBOARD_PAGE;
            found.extend(
                items
                    .into_iter()
                    .filter_map(|item| Remote::new(Kind::Dashboard, item)),
            );
            if last {
                return Ok(found);
            }
        }
        Err(ApiError::Endless("dashboards"))
    }

    /// One object, whole; `None` when there is none with this id.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn get(&self, kind: Kind, id: &str) -> Result<Option<Remote>, ApiError> {
        let path = object_path(kind, id);
        let mut answer = match self.raw(Method::GET, &path, &[], None).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        let value = if kind == Kind::Slo {
            answer["data"].take()
        } else {
            answer
        };
        Ok(Remote::new(kind, value))
    }

    /// Creates an object and gives back what it became. Sent again only after a look showed that the first one did
    /// not work.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn create(&self, kind: Kind, key: &Key, payload: &Value) -> Result<Remote, ApiError> {
        let mut sent = 1;
        loop {
            let error = match self.post(kind, payload).await {
                Ok(made) => return Ok(made),
                Err(error) if error.is_uncertain() => error,
                Err(error) => return self.own_duplicate(kind, key, error).await,
            };
            tokio::time::sleep(middleware::backoff(sent)).await;
            if let Some(found) = self.find(kind, key).await? {
                return Ok(found);
            }
            if sent >= CREATES_MAX {
                return Err(error);
            }
            sent += 1;
        }
    }

    async fn post(&self, kind: Kind, payload: &Value) -> Result<Remote, ApiError> {
        let answer = match kind {
            Kind::Monitor => self.create_monitor(payload).await?,
            Kind::Slo => self.create_slo(payload).await?,
            Kind::Dashboard => {
                self.raw(Method::POST, "/api/v1/dashboard", &[], Some(payload))
                    .await?
            }
        };
        let value = if kind == Kind::Slo {
            answer["data"][0].clone()
        } else {
            answer
        };
        Remote::new(kind, value).ok_or(ApiError::Unexpected("the object that was created"))
    }

    /// A create that is refused as a duplicate may have met its own earlier attempt.
    async fn own_duplicate(
        &self,
        kind: Kind,
        key: &Key,
        error: ApiError,
    ) -> Result<Remote, ApiError> {
        let Some(id) = error.duplicate_of() else {
            return Err(error);
        };
        match self.get(kind, id).await? {
            Some(remote) if remote.key().as_ref() == Some(key) => Ok(remote),
            _ => Err(error),
        }
    }

    /// The object that carries a key, if it exists already.
    async fn find(&self, kind: Kind, key: &Key) -> Result<Option<Remote>, ApiError> {
        let listed = match kind {
            Kind::Monitor => self.list_monitors(Some(&key.tag())).await?,
            Kind::Slo => self.list_slos(Some(&key.tag())).await?,
            Kind::Dashboard => self.list_dashboards().await?,
        };
        Ok(listed
            .into_iter()
            .find(|remote| remote.key().as_ref() == Some(key)))
    }

    /// Sends the body of an update as it is: the typed client would alter the spelling of what must survive.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn update(&self, kind: Kind, id: &str, body: &Value) -> Result<(), ApiError> {
        let path = object_path(kind, id);
        self.raw(Method::PUT, &path, &[], Some(body))
            .await
            .map(drop)
    }

    /// Asks whether a monitor would be accepted; nothing is changed.
    ///
    /// # Errors
    ///
    /// When the API refuses it, or cannot be reached.
    pub async fn validate(&self, payload: &Value) -> Result<(), ApiError> {
        self.raw(Method::POST, "/api/v1/monitor/validate", &[], Some(payload))
            .await
            .map(drop)
    }

    /// Deletes an object, never by force; one that is gone already is as good.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn delete(&self, kind: Kind, id: &str) -> Result<(), ApiError> {
        let deleted = match kind {
            Kind::Monitor => self.delete_monitor(id).await,
            Kind::Slo => self.delete_slo(id).await,
            Kind::Dashboard => self
                .raw(Method::DELETE, &object_path(kind, id), &[], None)
                .await
                .map(drop),
        };
        match deleted {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }

    /// What carries the mark of any namespace, dashboards whole.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn managed(&self, namespace: &str) -> Result<Vec<Remote>, ApiError> {
        let ours = |remote: &Remote| remote.key().is_some_and(|key| key.namespace == namespace);
        let (monitors, slos, dashboards) = tokio::try_join!(
            self.list_monitors(Some(MANAGED_TAG)),
            self.list_slos(Some(MANAGED_TAG)),
            self.list_dashboards(),
        )?;
        let shown: Vec<String> = dashboards
            .into_iter()
            .filter(ours)
            .map(|remote| remote.id)
            .collect();
        let mut found: Vec<Remote> = monitors.into_iter().chain(slos).filter(ours).collect();
        found.extend(self.get_all(Kind::Dashboard, shown).await?);
        Ok(found)
    }

    /// Several objects by id; those that are gone are left out.
    ///
    /// # Errors
    ///
    /// When the API refuses or cannot be reached.
    pub async fn get_all(&self, kind: Kind, ids: Vec<String>) -> Result<Vec<Remote>, ApiError> {
        use futures_util::{StreamExt as _, TryStreamExt as _};
        let asked = ids
            .into_iter()
            .map(|id| async move { self.get(kind, &id).await });
        let stream = futures_util::stream::iter(asked).buffered(IN_FLIGHT_MAX);
        let found: Vec<Option<Remote>> = stream.try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The address that a person opens for an object's API, without `/api`.
    pub fn url(&self) -> String {
        self.endpoint.url()
    }
}

fn configuration(endpoint: &Endpoint) -> Configuration {
    let mut configuration = Configuration::new();
    // Server 1 takes any address; the others panic on a site that they do not know.
    configuration.server_index = 1;
    configuration
        .server_variables
        .insert("protocol".into(), endpoint.protocol.clone());
    configuration
        .server_variables
        .insert("name".into(), endpoint.name.clone());
    let keys = [
        ("apiKeyAuth", &endpoint.keys.api),
        ("appKeyAuth", &endpoint.keys.app),
    ];
    for (name, key) in keys {
        configuration.set_auth_key(
            name,
            APIKey {
                key: key.clone(),
                prefix: String::new(),
            },
        );
    }
    configuration.set_retry(false, 0);
    configuration
}

fn object_path(kind: Kind, id: &str) -> String {
    // Ids come from the API and from `adopt:`; whatever they hold stays inside of one path segment.
    let id: String = id
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("/api/v1/{kind}/{id}")
}
