//! Stretches of a threshold's text that know where they stand.

use std::ops::Range;

/// A trimmed stretch of the threshold's text.
#[derive(Clone, Copy)]
pub(super) struct Words<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'t> Words<'t> {
    pub(super) fn of(text: &'t str, range: Range<usize>) -> Self {
        let part = &text[range.clone()];
        let start = range.start + (part.len() - part.trim_start().len());
        Self {
            text,
            start,
            end: (start + part.trim().len()).max(start),
        }
    }

    pub(super) fn text(self) -> &'t str {
        &self.text[self.start..self.end]
    }

    /// The bytes, at least one where there are any.
    pub(super) fn range(self) -> Range<usize> {
        if self.start == self.end {
            self.start.saturating_sub(1)..self.end
        } else {
            self.start..self.end
        }
    }

    pub(super) fn find(self, needle: &str) -> Option<usize> {
        self.text().find(needle)
    }

    pub(super) fn before(self, at: usize) -> Self {
        Self::of(self.text, self.start..self.start + at)
    }

    pub(super) fn after(self, at: usize) -> Self {
        Self::of(self.text, self.start + at..self.end)
    }

    pub(super) fn strip(self, prefix: &str) -> Option<Self> {
        self.text()
            .starts_with(prefix)
            .then(|| self.after(prefix.len()))
    }
}
