//! The shape of a monitor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::waiver::Waiver;

/// One monitor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// The name that people see.
    pub name: String,
    /// The kind of monitor, in the API's words.
    #[serde(rename = "type")]
    pub kind: MonitorType,
    /// When it alerts. `${critical}` is the critical threshold.
    pub query: String,
    /// What the on-call person reads. `${runbook}`, `${dashboard}` and the project's variables may be used.
    pub message: String,
    /// From 1 (most urgent) to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Value>,
    /// Becomes the tag `severity:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Who is responsible; becomes the tag `team:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What is watched; becomes the tag `service:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The runbook to read, by its file name without `.md`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The logical name of the dashboard to look at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// Further tags, written `key:value`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The numbers of the alert.
    #[serde(default, skip_serializing_if = "Thresholds::is_empty")]
    pub thresholds: Thresholds,
    /// How it is evaluated and how it notifies.
    #[serde(default)]
    pub options: MonitorOptions,
    /// The id of an existing monitor to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<u64>,
    /// Rules that this monitor may break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waive: Vec<Waiver>,
}

/// Kinds of monitor, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum MonitorType {
    #[serde(rename = "metric alert")]
    Metric,
    #[serde(rename = "query alert")]
    Query,
    #[serde(rename = "service check")]
    ServiceCheck,
    #[serde(rename = "composite")]
    Composite,
    #[serde(rename = "slo alert")]
    Slo,
    #[serde(rename = "log alert")]
    Log,
    #[serde(rename = "rum alert")]
    Rum,
    #[serde(rename = "event-v2 alert")]
    EventV2,
    #[serde(rename = "event alert")]
    Event,
    #[serde(rename = "trace-analytics alert")]
    TraceAnalytics,
    #[serde(rename = "audit alert")]
    Audit,
    #[serde(rename = "ci-pipelines alert")]
    CiPipelines,
    #[serde(rename = "ci-tests alert")]
    CiTests,
    #[serde(rename = "error-tracking alert")]
    ErrorTracking,
    #[serde(rename = "database-monitoring alert")]
    DatabaseMonitoring,
    #[serde(rename = "network-performance alert")]
    NetworkPerformance,
    #[serde(rename = "process alert")]
    Process,
    #[serde(rename = "synthetics alert")]
    Synthetics,
    #[serde(rename = "cost alert")]
    Cost,
    #[serde(rename = "data-quality alert")]
    DataQuality,
    #[serde(rename = "network-path alert")]
    NetworkPath,
    #[serde(rename = "data-jobs alert")]
    DataJobs,
    #[serde(rename = "llm-observability alert")]
    LlmObservability,
}

/// The numbers of an alert.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Alerts; the same number as in the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Quantity>,
    /// Recovers from the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_recovery: Option<Quantity>,
    /// Warns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Quantity>,
    /// Recovers from the warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_recovery: Option<Quantity>,
    /// For service checks: this many good answers end the alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok: Option<Quantity>,
    /// For service checks: this many unknown answers alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Quantity>,
}

impl Thresholds {
    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each threshold by its name in the API.
    pub fn each(&self) -> [(&'static str, Option<&Quantity>); 6] {
        [
            ("critical", self.critical.as_ref()),
            ("critical_recovery", self.critical_recovery.as_ref()),
            ("warning", self.warning.as_ref()),
            ("warning_recovery", self.warning_recovery.as_ref()),
            ("ok", self.ok.as_ref()),
            ("unknown", self.unknown.as_ref()),
        ]
    }
}

/// A number, or a variable that holds one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Quantity {
    /// A number.
    Number(f64),
    /// `${variable}`
    Variable(String),
}

/// How a monitor is evaluated and how it notifies. The names are the API's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MonitorOptions {
    /// What happens when there is no data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_missing_data: Option<MissingData>,
    /// Alert when data stop; the older way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_no_data: Option<bool>,
    /// Minutes without data before that; the older way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_data_timeframe: Option<u64>,
    /// Evaluate only when the whole window has data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_full_window: Option<bool>,
    /// Seconds by which evaluation lags behind, for metrics that arrive late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_delay: Option<u64>,
    /// Seconds before a new group is evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_group_delay: Option<u64>,
    /// Seconds before a new host is evaluated; `new_group_delay` replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_host_delay: Option<u64>,
    /// How long a silent group is remembered, such as `2h`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_retention_duration: Option<String>,
    /// Minutes after which an unresolved alert notifies again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renotify_interval: Option<u64>,
    /// How often it does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renotify_occurrences: Option<u64>,
    /// In which states it does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renotify_statuses: Option<Vec<String>>,
    /// What is added to the message when it does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_message: Option<String>,
    /// Hours after which an alert without data resolves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_h: Option<u64>,
    /// Tell people about changes of the monitor itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_audit: Option<bool>,
    /// Group notifications by these keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify_by: Option<Vec<String>>,
    /// How much a notification shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notification_preset_name: Option<NotificationPreset>,
    /// Put the group's tags into the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_tags: Option<bool>,
    /// Add a sample of the logs to the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_logs_sample: Option<bool>,
    /// Add a sample of the events found to the notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_samples: Option<bool>,
    /// Alert once and not per group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groupby_simple_monitor: Option<bool>,
    /// Windows of an anomaly monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_windows: Option<ThresholdWindows>,
    /// The queries that a `formula(…)` speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<Map<String, Value>>>,
    /// When and how often it is evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_options: Option<Map<String, Value>>,
    /// Only its creator and administrators may change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// For synthetics: how the locations count together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation: Option<Map<String, Value>>,
    /// For synthetics: seconds of failure before an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_failure_duration: Option<u64>,
    /// For synthetics: failing locations before an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_location_failed: Option<u64>,
    /// For synthetics: the test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetics_check_id: Option<String>,
    /// For synthetics: the devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_ids: Option<Vec<String>>,
}

/// What happens when there is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own name")]
pub enum MissingData {
    Default,
    ShowNoData,
    ShowAndNotifyNoData,
    Resolve,
}

/// How much a notification shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own name")]
pub enum NotificationPreset {
    ShowAll,
    HideQuery,
    HideHandles,
    HideAll,
    HideQueryAndHandles,
    ShowOnlySnapshot,
    HideHandlesAndFooter,
}

/// Windows of an anomaly monitor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdWindows {
    /// Anomalous this long before an alert, such as `last_15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_window: Option<String>,
    /// Normal this long before recovery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_window: Option<String>,
}
