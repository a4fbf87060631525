//! What is recorded, in the recording's own words. Must not know who sent it and how.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Longest name of a metric, service, span, check or event; the rest is cut off. Bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest tag, its key included; the rest is cut off. Bytes.
pub const TAG_BYTES_MAX: usize = 200;
/// Tags of a series; further ones, in the order of the alphabet, are left out.
pub const TAGS_MAX: usize = 40;
/// Longest value of an attribute and longest message; the rest is cut off. Bytes.
pub const VALUE_BYTES_MAX: usize = 2_048;
/// Attributes of a span or log line; further ones are left out.
pub const ATTRIBUTES_MAX: usize = 64;
/// Links of a span; further ones are left out.
pub const LINKS_MAX: usize = 32;

/// Signals that arrived together.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch {
    /// Observations of metrics.
    Observations(Vec<Observation>),
    /// Spans.
    Spans(Vec<Span>),
    /// Log lines.
    Logs(Vec<LogLine>),
    /// Service checks.
    Checks(Vec<ServiceCheck>),
    /// Events.
    Events(Vec<Event>),
}

impl Batch {
    /// How many signals it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Observations(all) => all.len(),
            Self::Spans(all) => all.len(),
            Self::Logs(all) => all.len(),
            Self::Checks(all) => all.len(),
            Self::Events(all) => all.len(),
        }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One observation of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The metric.
    pub metric: String,
    /// Its tags.
    pub tags: Tags,
    /// Unit of its values as the sender names it; empty if it does not.
    pub unit: String,
    /// What was observed.
    pub value: Observed,
    /// UNIX seconds at which it was; when it arrived if the sender does not say.
    pub at_s: Option<i64>,
}

/// What an observation says.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// So much more.
    Count(f64),
    /// The value now.
    Gauge(f64),
    /// Values, of which each was seen so often.
    Distribution(Vec<(f64, u64)>),
    /// The same, of which the recording keeps what an Agent makes of a histogram: avg, count, median, 95percentile, max.
    Histogram(Vec<(f64, u64)>),
    /// One value of a set, as its hash.
    Set(u64),
}

/// Tags in the form that identifies a series: `key:value` or bare words, sorted, none twice, joined by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tags(String);

impl Tags {
    /// From tags in any order. Commas, which would end a tag, and control characters become underscores; what is empty is left out.
    pub fn of<S: AsRef<str>>(tags: impl IntoIterator<Item = S>) -> Self {
        let clean = |tag: S| {
            let tag = cut(tag.as_ref().trim(), TAG_BYTES_MAX);
            tag.replace(|c: char| c == ',' || c.is_control(), "_")
        };
        let mut tags: Vec<String> = tags.into_iter().map(clean).collect();
        tags.retain(|tag| !tag.is_empty());
        tags.sort_unstable();
        tags.dedup();
        tags.truncate(TAGS_MAX);
        Self(tags.join(","))
    }

    /// Joined by commas.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a trace: 16 bytes, of which senders with 64-bit ids leave the first eight zero.
pub type TraceId = [u8; 16];
/// The name of a span within its trace.
pub type SpanId = [u8; 8];

/// One span.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// The trace that it belongs to.
    pub trace: TraceId,
    /// Its own id.
    pub id: SpanId,
    /// What caused it; `None` for a root.
    pub parent: Option<SpanId>,
    /// Who worked.
    pub service: String,
    /// What was done.
    pub name: String,
    /// `internal`, `server`, `client`, `producer` or `consumer`.
    pub kind: &'static str,
    /// When it began, UNIX microseconds.
    pub start_us: i64,
    /// How long it took, microseconds.
    pub duration_us: i64,
    /// Whether it failed.
    pub failed: bool,
    /// Attributes, those of its service's environment and version included.
    pub attributes: Map<String, Value>,
    /// Other spans that it continues: trace and span.
    pub links: Vec<(TraceId, SpanId)>,
}

impl Span {
    /// About how much memory it takes, bytes.
    pub fn weight(&self) -> usize {
        let attribute = |(key, value): (&String, &Value)| {
            let text = value.as_str().map_or(8, str::len);
            96 + key.len() + text
        };
        let attributes: usize = self.attributes.iter().map(attribute).sum();
        size_of::<Self>()
            + self.service.len()
            + self.name.len()
            + attributes
            + self.links.len() * size_of::<(TraceId, SpanId)>()
    }

    /// When it ended, UNIX microseconds.
    pub fn end_us(&self) -> i64 {
        self.start_us.saturating_add(self.duration_us)
    }
}

/// One log line.
#[derive(Debug, Clone, PartialEq)]
pub struct LogLine {
    /// UNIX milliseconds.
    pub at_ms: i64,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub level: &'static str,
    /// Who says so.
    pub service: String,
    /// What happened.
    pub message: String,
    /// During which trace.
    pub trace: Option<TraceId>,
    /// During which span.
    pub span: Option<SpanId>,
    /// Everything else.
    pub attributes: Map<String, Value>,
}

/// What a service check found.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceCheck {
    /// UNIX seconds; when it arrived if the sender does not say.
    pub at_s: Option<i64>,
    /// What was checked.
    pub name: String,
    /// 0 well, 1 warning, 2 critical, 3 unknown.
    pub status: u8,
    /// Its tags.
    pub tags: Tags,
    /// A remark.
    pub message: String,
}

/// Something that happened, told by a person or a program.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// UNIX seconds; when it arrived if the sender does not say.
    pub at_s: Option<i64>,
    /// In a line.
    pub title: String,
    /// In more words.
    pub text: String,
    /// Its tags.
    pub tags: Tags,
}

/// A text of at most so many bytes, cut at a character.
pub fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Counts by what they count, as `meta` and reports show them.
pub type Counts = BTreeMap<String, u64>;

#[cfg(test)]
mod tests {
    use super::{TAGS_MAX, Tags, cut};

    #[test]
    fn tags_are_sorted_clean_and_bounded() {
        let tags = Tags::of(["b:2", " a:1", "b:2", "", "c:x,y", "d:\u{1}x"]);
        assert_eq!(tags.as_str(), "a:1,b:2,c:x_y,d:_x");
        let many = Tags::of((0..1_000).map(|number| format!("k{number}:v")));
        assert_eq!(many.as_str().split(',').count(), TAGS_MAX);
    }

    #[test]
    fn a_text_is_cut_at_a_character() {
        assert_eq!(cut("Grüße", 3), "Gr");
        assert_eq!(cut("Grüße", 4), "Grü");
        assert_eq!(cut("Grüße", 400), "Grüße");
    }
}
