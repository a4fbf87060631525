//! W3C baggage: key-value pairs that travel with a trace, bounded as the recommendation asks.

use std::sync::Arc;

use percent_encoding::{percent_decode_str, utf8_percent_encode};

use crate::text::COMPONENT;

/// Most entries that are kept.
pub const BAGGAGE_ENTRIES_MAX: usize = 64;
/// Most bytes of encoded baggage that are kept.
pub const BAGGAGE_BYTES_MAX: usize = 8192;

/// Key-value pairs in the order they came. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Baggage(Option<Arc<[(String, String)]>>);

impl Baggage {
    /// Baggage with the given pairs; keys that are no tokens and pairs beyond the bounds are left out.
    pub fn new<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut bytes = 0;
        let kept: Vec<(String, String)> = pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .filter(|(key, _)| is_token(key))
            .take(BAGGAGE_ENTRIES_MAX)
            .take_while(|(key, value)| {
                bytes += key.len()
                    + 2
                    + utf8_percent_encode(value, COMPONENT)
                        .map(str::len)
                        .sum::<usize>();
                bytes <= BAGGAGE_BYTES_MAX
            })
            .collect();
        Self((!kept.is_empty()).then(|| kept.into()))
    }

    /// Reads the values of `baggage` headers; members that are malformed are left out.
    pub fn parse<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let members = values
            .into_iter()
            .filter(|value| value.len() <= BAGGAGE_BYTES_MAX)
            .flat_map(|value| value.split(','))
            .filter_map(parse_member);
        Self::new(members)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The pairs, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .flat_map(|pairs| pairs.iter())
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The header's value, with values encoded as `encodeURIComponent` does.
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        for (key, value) in self.iter() {
            if !encoded.is_empty() {
                encoded.push(',');
            }
            encoded.push_str(key);
            encoded.push('=');
            encoded.extend(utf8_percent_encode(value, COMPONENT));
        }
        encoded
    }
}

/// One `key=value;property;property`; the properties are dropped.
fn parse_member(member: &str) -> Option<(String, String)> {
    let pair = member.split(';').next().unwrap_or_default();
    let (key, value) = pair.split_once('=')?;
    let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
    Some((key.trim().to_owned(), value.into_owned()))
}

/// Whether `key` is a token of RFC 7230.
fn is_token(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_like_a_uri_component() {
        let baggage = Baggage::new([("session.id", "a-b"), ("user.id", "Zoë, (1;2)=%")]);
        assert_eq!(
            baggage.encode(),
            "session.id=a-b,user.id=Zo%C3%AB%2C%20(1%3B2)%3D%25"
        );
        assert_eq!(Baggage::parse([baggage.encode().as_str()]), baggage);
    }

    #[test]
    fn malformed_members_are_left_out() {
        let baggage = Baggage::parse(["a=1 ; p=2, =x,novalue,b c=3,d=%ff", "e = 5"]);
        assert_eq!(baggage.iter().collect::<Vec<_>>(), [("a", "1"), ("e", "5")]);
    }

    #[test]
    fn bounds_hold() {
        let many = Baggage::new((0..1000).map(|i| (format!("k{i}"), "v")));
        assert_eq!(many.iter().count(), BAGGAGE_ENTRIES_MAX);
        let long = Baggage::new((0..20).map(|i| (format!("k{i}"), "é".repeat(200))));
        assert!(long.encode().len() <= BAGGAGE_BYTES_MAX);
        assert!(!long.is_empty());
    }
}
