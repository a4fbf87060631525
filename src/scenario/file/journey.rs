//! Journeys and their steps as people write them.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::request::RequestShape;
use super::scalar::Scalar;
use super::text::{
    ConditionText, DurationText, NameText, PercentText, RangeText, ThinkText, VariableName,
};

/// What one shopper does, from arriving to leaving.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "journey")]
pub struct JourneyShape {
    /// For thresholds and reports.
    pub name: NameText,
    /// Share among journeys; default 1.
    pub weight: Option<f64>,
    /// What happens, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// A step of a journey: a request (`get`, `post`, `put`, `patch`, `delete`, `head`, `options`), or `think`, `set`,
/// `together`, `leave`, `repeat`, `for-each`, `while`, `until`, `when`, `choose`.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(untagged, title = "step")]
pub enum StepShape {
    /// One HTTP exchange.
    Request(Box<RequestShape>),
    /// A pause.
    Think(ThinkStep),
    /// Variables to set.
    Set(SetStep),
    /// Requests sent at the same time, as for a page load; the next step waits for all of them.
    Together(TogetherStep),
    /// Some shoppers leave here.
    Leave(LeaveStep),
    /// The same steps several times.
    Repeat(RepeatStep),
    /// The same steps for each item of a list.
    ForEach(ForEachStep),
    /// The same steps as long as a condition holds before them.
    While(WhileStep),
    /// The same steps until a condition holds after them.
    Until(UntilStep),
    /// One way or the other.
    When(WhenStep),
    /// One of several ways, by weight.
    Choose(ChooseStep),
}

/// By key instead of by trial: a file that passed its schema has exactly one of these.
impl<'de> Deserialize<'de> for StepShape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let has = |key: &str| value.get(key).is_some();
        let only = value.as_object().is_some_and(|keys| keys.len() == 1);
        let step = if RequestShape::METHODS.into_iter().any(has) {
            serde_json::from_value(value).map(Self::Request)
        } else if has("leave") && only {
            serde_json::from_value(value).map(Self::Leave)
        } else if has("think") {
            serde_json::from_value(value).map(Self::Think)
        } else if has("set") {
            serde_json::from_value(value).map(Self::Set)
        } else if has("together") {
            serde_json::from_value(value).map(Self::Together)
        } else if has("repeat") {
            serde_json::from_value(value).map(Self::Repeat)
        } else if has("for-each") {
            serde_json::from_value(value).map(Self::ForEach)
        } else if has("while") {
            serde_json::from_value(value).map(Self::While)
        } else if has("until") {
            serde_json::from_value(value).map(Self::Until)
        } else if has("when") {
            serde_json::from_value(value).map(Self::When)
        } else if has("choose") {
            serde_json::from_value(value).map(Self::Choose)
        } else {
            // A request whose method was cut out as wrong, too.
            serde_json::from_value(value).map(Self::Request)
        };
        step.map_err(D::Error::custom)
    }
}

/// A pause.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "think step")]
pub struct ThinkStep {
    /// How long: `2s`, `1s..4s` (anything between), `{ exponential: 3s }` (by its mean), or
    /// `{ lognormal: { median: 2s, sigma: 0.6 } }`.
    pub think: ThinkShape,
}

/// Variables to set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "set step")]
pub struct SetStep {
    /// Names and values; `${…}` makes a value.
    #[schemars(extend("minProperties" = 1))]
    pub set: IndexMap<VariableName, Scalar>,
}

/// Requests sent at the same time.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "together step")]
pub struct TogetherStep {
    /// The requests.
    #[schemars(length(min = 1, max = 64))]
    pub together: Vec<RequestShape>,
}

/// Some shoppers leave here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "leave step")]
pub struct LeaveStep {
    /// The share of shoppers who leave.
    pub leave: PercentText,
}

/// The same steps several times.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "repeat step")]
pub struct RepeatStep {
    /// How many times: `3`, or anything between: `1..3`.
    pub repeat: RepeatShape,
    /// The steps.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// The same steps for each item of a list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "for-each step")]
pub struct ForEachStep {
    /// The variable that holds the item, and the list: `{ id: "${ids}" }`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub for_each: IndexMap<VariableName, Scalar>,
    /// Most rounds; default 1000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub at_most: Option<u32>,
    /// The steps.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// The same steps as long as a condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "while step")]
pub struct WhileStep {
    /// Asked before each round.
    pub r#while: ConditionText,
    /// Most rounds; default 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub at_most: Option<u32>,
    /// The steps.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// The same steps until a condition holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "until step")]
pub struct UntilStep {
    /// Asked after each round.
    pub until: ConditionText,
    /// Most rounds; default 10.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub at_most: Option<u32>,
    /// The steps.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// One way or the other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "when step")]
pub struct WhenStep {
    /// The condition.
    pub when: ConditionText,
    /// Steps if it holds.
    #[schemars(length(min = 1))]
    pub then: Vec<StepShape>,
    /// Steps if it does not.
    #[schemars(length(min = 1))]
    pub r#else: Option<Vec<StepShape>>,
}

/// One of several ways, by weight.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "choose step")]
pub struct ChooseStep {
    /// The ways.
    #[schemars(length(min = 1, max = 1000))]
    pub choose: Vec<BranchShape>,
}

/// One of several ways.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "way to choose")]
pub struct BranchShape {
    /// Share among the ways; default 1.
    pub weight: Option<f64>,
    /// What happens.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepShape>,
}

/// A pause's length.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(title = "think time")]
pub enum ThinkShape {
    /// `2s` or `1s..4s`.
    Text(ThinkText),
    /// By its mean.
    Exponential(ExponentialShape),
    /// By median and sigma.
    LogNormal(LogNormalShape),
    /// By mean and standard deviation.
    Normal(NormalShape),
}

/// Exponentially distributed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExponentialShape {
    /// The mean.
    pub exponential: DurationText,
}

/// Log-normally distributed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogNormalShape {
    /// Median and sigma.
    pub lognormal: LogNormalDetail,
}

/// Median and sigma.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "log-normal distribution")]
pub struct LogNormalDetail {
    /// Half of the pauses are shorter.
    pub median: DurationText,
    /// Standard deviation of the natural logarithm, above 0 and at most 5.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 5))]
    pub sigma: f64,
}

/// Normally distributed; never below zero.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NormalShape {
    /// Mean and standard deviation.
    pub normal: NormalDetail,
}

/// Mean and standard deviation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "normal distribution")]
pub struct NormalDetail {
    /// The mean.
    pub mean: DurationText,
    /// The standard deviation.
    pub sd: DurationText,
}

/// A number of times: `3`, or a range such as `1..3`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RepeatShape {
    /// Always so many.
    Exactly(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// Anything between.
    Range(RangeText),
}
