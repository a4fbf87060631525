//! The id of a run: what keeps the keys of two runs with one seed apart.
//!
//! The seed says what shoppers do, the run id under which keys they do it: `${uuid}`, session ids, trace ids and e-mail
//! addresses. The same seed and the same run id make the same keys. Must not know: who draws from it.

use std::fmt;
use std::str::FromStr;

use crate::rng::hash;

/// Longest run id, in characters.
pub const CHARS_MAX: usize = 32;

/// Letters, digits and hyphens; none for what is no run (a preview, a test), whose keys follow from the seed alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunId(Box<str>);

impl RunId {
    /// A new one, from the system's random bytes: a seed would give the same again.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> std::io::Result<Self> {
        let number = u64::from_le_bytes(crate::own::random_bytes()?);
        Ok(Self(format!("{number:016x}").into()))
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is mixed into keys; 0 without a run.
    pub(crate) fn key(&self) -> u64 {
        match &*self.0 {
            "" => 0,
            text => hash(text.as_bytes()),
        }
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if text.is_empty() || text.len() > CHARS_MAX || !text.chars().all(plain) {
            return Err(format!(
                "a run id is 1 to {CHARS_MAX} letters, digits and hyphens, such as 2026-11-20-a"
            ));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_and_differ() {
        let id: RunId = "nightly-7".parse().expect("a run id");
        assert_eq!((id.as_str(), id.key()), ("nightly-7", hash(b"nightly-7")));
        assert_eq!(RunId::default().key(), 0);
        let (one, other) = (RunId::random(), RunId::random());
        let (one, other) = (one.expect("bytes"), other.expect("bytes"));
        assert_ne!(one.key(), other.key());
        assert_eq!(one.as_str().parse(), Ok(one));
        for wrong in ["", "a b", "ä", "a_b", &"x".repeat(CHARS_MAX + 1)] {
            assert!(wrong.parse::<RunId>().is_err(), "{wrong}");
        }
    }
}
