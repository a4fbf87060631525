//! Where a value stands in a file's structure: a JSON pointer (RFC 6901).
//!
//! Must not know: text positions (the document maps places to those).

use std::fmt;

/// A JSON pointer, built from the root downwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(String);

impl Place {
    /// The whole file.
    pub fn root() -> Self {
        Self::default()
    }

    /// The value of `key` in the mapping here.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{escaped}", self.0))
    }

    /// The `index`-th item of the list here, counted from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The mapping or list that holds this value; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|cut| Self(self.0[..cut].to_owned()))
    }

    /// Keys and indices from the root, unescaped.
    pub fn segments(&self) -> impl Iterator<Item = String> + '_ {
        self.0
            .split('/')
            .skip(1)
            .map(|raw| raw.replace("~1", "/").replace("~0", "~"))
    }

    /// The pointer's text, empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn escapes_and_unescapes() {
        let place = Place::root().key("a/b~c").index(3);
        assert_eq!(place.as_str(), "/a~1b~0c/3");
        assert_eq!(place.segments().collect::<Vec<_>>(), ["a/b~c", "3"]);
        assert_eq!(place.parent(), Some(Place::root().key("a/b~c")));
        assert_eq!(Place::root().parent(), None);
    }
}
