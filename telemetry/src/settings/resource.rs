//! What is said about all services of the process.

use super::input::{Input, pairs};
use crate::catalogue::attribute;

/// What is said about every service, whatever it is called.
///
/// Services keep their names: monitors, dashboards and the service map go by them, and several live in one process. So
/// `OTEL_SERVICE_NAME`, and `service.name` among the attributes, become `service.namespace`, which is what they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceSettings {
    /// The environment, if it is said.
    pub env: Option<String>,
    /// The version, if it is said.
    pub version: Option<String>,
    /// Further attributes of the resource; none of those that an identity has.
    pub attributes: Vec<(String, String)>,
    /// Tags of every metric, `key:value`.
    pub tags: Vec<String>,
}

/// Most attributes, and most tags.
const ATTRIBUTES_MAX: usize = 64;

pub(super) fn parse(input: &mut Input<'_>) -> ResourceSettings {
    let given = input.get("OTEL_RESOURCE_ATTRIBUTES");
    let attributes = input.parsed(given, |text| bounded(pairs(text)?));
    let mut attributes = attributes.unwrap_or_default();
    let mut take = |name: &str| {
        let at = attributes.iter().position(|(key, _)| key == name)?;
        Some(attributes.remove(at).1).filter(|value| !value.is_empty())
    };
    let stable = take(attribute::DEPLOYMENT_ENVIRONMENT_NAME);
    let older = take(attribute::DEPLOYMENT_ENVIRONMENT);
    let version = take(attribute::SERVICE_VERSION);
    let named = take(attribute::SERVICE_NAME);
    let name = input.get("OTEL_SERVICE_NAME").map(|given| given.text);
    if let Some(name) = name.or(named)
        && !attributes.iter().any(|(key, _)| key == SERVICE_NAMESPACE)
    {
        attributes.push((SERVICE_NAMESPACE.to_owned(), name));
    }
    let text = |input: &Input<'_>, name| input.get(name).map(|given| given.text);
    let tags = input.get("DD_TAGS");
    ResourceSettings {
        env: text(input, "DD_ENV").or(stable).or(older),
        version: text(input, "DD_VERSION").or(version),
        attributes,
        tags: input
            .parsed(tags, |text| bounded(parse_tags(text)))
            .unwrap_or_default(),
    }
}

const SERVICE_NAMESPACE: &str = "service.namespace";

/// Tags separated by commas or blanks, as Datadog's tracers read them.
fn parse_tags(text: &str) -> Vec<String> {
    let tags = text.split(|c: char| c == ',' || c.is_whitespace());
    tags.filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}

fn bounded<T>(all: Vec<T>) -> Result<Vec<T>, String> {
    match all.len() {
        0..=ATTRIBUTES_MAX => Ok(all),
        more => Err(format!(
            "{more} are too many; at most {ATTRIBUTES_MAX} can be sent"
        )),
    }
}
