//! Requests through the typed client, and raw ones where its types would not do. The typed types drop nulls, turn
//! integers into floats and refuse what they do not know; a new object goes through them only if it comes out the
//! same, an update never.

use alerting::normal::normalise;
use alerting::object::Kind;
use datadog_api_client::datadog::{Error, ResponseContent};
use datadog_api_client::datadogV1::api_monitors::{
    DeleteMonitorOptionalParams, ListMonitorsOptionalParams,
};
use datadog_api_client::datadogV1::api_service_level_objectives::{
    DeleteSLOOptionalParams, ListSLOsOptionalParams,
};
use datadog_api_client::datadogV1::model::{Monitor, ServiceLevelObjectiveRequest};
use http::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Api, ApiError, PAGE};

/// The result of a call: its JSON as it came, or that the crate could not read it.
enum Read {
    Whole(Value),
    Unreadable,
}

impl Api {
    pub(super) async fn monitor_page(
        &self,
        page: usize,
        tag: Option<&str>,
    ) -> Result<Value, ApiError> {
        let mut params = ListMonitorsOptionalParams::default()
            .page(i64::try_from(page).unwrap_or(i64::MAX))
            .page_size(i32::try_from(PAGE).unwrap_or(i32::MAX));
        params.monitor_tags = tag.map(str::to_owned);
        match self.read(self.monitors.list_monitors_with_http_info(params).await)? {
            Read::Whole(answer) => Ok(answer),
            Read::Unreadable => {
                let mut query = vec![("page", page.to_string()), ("page_size", PAGE.to_string())];
                query.extend(tag.map(|tag| ("monitor_tags", tag.to_owned())));
                self.raw(Method::GET, "/api/v1/monitor", &query, None).await
            }
        }
    }

    pub(super) async fn slo_page(
        &self,
        offset: usize,
        tag: Option<&str>,
    ) -> Result<Value, ApiError> {
        let mut params = ListSLOsOptionalParams::default()
            .limit(i64::try_from(PAGE).unwrap_or(i64::MAX))
            .offset(i64::try_from(offset).unwrap_or(i64::MAX));
        params.tags_query = tag.map(str::to_owned);
        match self.read(self.slos.list_slos_with_http_info(params).await)? {
            Read::Whole(answer) => Ok(answer),
            Read::Unreadable => {
                let mut query = vec![("limit", PAGE.to_string()), ("offset", offset.to_string())];
                query.extend(tag.map(|tag| ("tags_query", tag.to_owned())));
                self.raw(Method::GET, "/api/v1/slo", &query, None).await
            }
        }
    }

    pub(super) async fn create_monitor(&self, payload: &Value) -> Result<Value, ApiError> {
        let Some(body) = carried::<Monitor>(Kind::Monitor, payload) else {
            return self
                .raw(Method::POST, "/api/v1/monitor", &[], Some(payload))
                .await;
        };
        self.whole(self.monitors.create_monitor_with_http_info(body).await)
    }

    pub(super) async fn create_slo(&self, payload: &Value) -> Result<Value, ApiError> {
        let Some(body) = carried::<ServiceLevelObjectiveRequest>(Kind::Slo, payload) else {
            return self
                .raw(Method::POST, "/api/v1/slo", &[], Some(payload))
                .await;
        };
        self.whole(self.slos.create_slo_with_http_info(body).await)
    }

    pub(super) async fn delete_monitor(&self, id: &str) -> Result<(), ApiError> {
        let Ok(number) = id.parse() else {
            return Err(ApiError::Unexpected("a number as the monitor's id"));
        };
        let params = DeleteMonitorOptionalParams::default();
        self.read(
            self.monitors
                .delete_monitor_with_http_info(number, params)
                .await,
        )
        .map(drop)
    }

    pub(super) async fn delete_slo(&self, id: &str) -> Result<(), ApiError> {
        let params = DeleteSLOOptionalParams::default();
        self.read(
            self.slos
                .delete_slo_with_http_info(id.to_owned(), params)
                .await,
        )
        .map(drop)
    }

    /// Any request as it is.
    pub(super) async fn raw(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let mut request = self
            .client
            .request(method, format!("{}{path}", self.endpoint.url()))
            .query(query)
            .header("accept", "application/json")
            .header("dd-api-key", &self.endpoint.keys.api)
            .header("dd-application-key", &self.endpoint.keys.app);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.hide(error.into()))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .map_err(|error| self.hide(error.into()))?;
        if !status.is_success() {
            return Err(self.hide(ApiError::answered(status, &text)));
        }
        parse(&text)
    }

    fn read<T, E: std::fmt::Debug>(
        &self,
        outcome: Result<ResponseContent<T>, Error<E>>,
    ) -> Result<Read, ApiError> {
        let error = match outcome {
            Ok(content) => return parse(&content.content).map(Read::Whole),
            Err(Error::Serde(_)) => return Ok(Read::Unreadable),
            Err(Error::ResponseError(content)) => {
                let status = StatusCode::from_u16(content.status.as_u16());
                let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                ApiError::answered(status, &content.content)
            }
            Err(Error::Reqwest(error)) => error.into(),
            Err(Error::ReqwestMiddleware(error)) => error.into(),
            Err(other) => ApiError::Unreachable(other.to_string()),
        };
        Err(self.hide(error))
    }

    /// A create whose answer the crate could not read has happened: the caller looks for it.
    fn whole<T, E: std::fmt::Debug>(
        &self,
        outcome: Result<ResponseContent<T>, Error<E>>,
    ) -> Result<Value, ApiError> {
        match self.read(outcome)? {
            Read::Whole(answer) => Ok(answer),
            Read::Unreadable => Err(ApiError::Unexpected("an object in the usual form")),
        }
    }

    /// An answer that repeats a key must not carry it into a log.
    fn hide(&self, error: ApiError) -> ApiError {
        let hide = |text: String| self.endpoint.keys.redact(&text);
        match error {
            ApiError::Refused { status, reason } => ApiError::Refused {
                status,
                reason: hide(reason),
            },
            ApiError::Failed { status, reason } => ApiError::Failed {
                status,
                reason: hide(reason),
            },
            ApiError::Unreachable(reason) => ApiError::Unreachable(hide(reason)),
            other => other,
        }
    }
}

fn parse(text: &str) -> Result<Value, ApiError> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text).map_err(|_| ApiError::Unexpected("JSON"))
}

/// The typed form of a payload, if that form says the same. Mutes are compared too, which normalising leaves out.
fn carried<T: DeserializeOwned + Serialize>(kind: Kind, payload: &Value) -> Option<T> {
    let typed: T = serde_json::from_value(payload.clone()).ok()?;
    let back = serde_json::to_value(&typed).ok()?;
    let mutes = |value: &Value| {
        value
            .pointer("/options/silenced")
            .cloned()
            .unwrap_or_default()
    };
    let removed = |value: &Value| value.get("priority").is_some_and(Value::is_null);
    let same = normalise(kind, &back) == normalise(kind, payload)
        && mutes(&back) == mutes(payload)
        && removed(&back) == removed(payload);
    same.then_some(typed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn monitor(options: Value) -> Value {
        json!({ "name": "n", "type": "query alert", "query": "avg(last_5m):avg:a{*} > 5", "message": "m", "tags": ["a:b"],
                "priority": null, "options": options })
    }

    #[test]
    fn usual_objects_go_through_the_types() {
        let options = json!({ "thresholds": { "critical": 5, "warning": 4.5 }, "require_full_window": false,
                              "silenced": { "*": null }, "notify_by": ["host"], "renotify_statuses": ["alert"] });
        assert!(carried::<Monitor>(Kind::Monitor, &monitor(options)).is_some());
        let slo = json!({ "name": "s", "type": "metric", "query": { "numerator": "a", "denominator": "b" },
                          "thresholds": [{ "timeframe": "7d", "target": 99 }], "tags": ["a:b"], "description": "d" });
        assert!(carried::<ServiceLevelObjectiveRequest>(Kind::Slo, &slo).is_some());
    }

    #[test]
    fn what_the_types_would_alter_does_not() {
        // A number where the type has a text: the crate refuses it.
        let odd = json!({ "notify_by": [1] });
        assert!(carried::<Monitor>(Kind::Monitor, &monitor(odd)).is_none());
        // A fraction of a minute is cut off by the type.
        let cut = json!({ "renotify_interval": 1.5 });
        assert!(carried::<Monitor>(Kind::Monitor, &monitor(cut)).is_none());
    }
}
