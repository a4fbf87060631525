//! What a person sees while the work goes on: lines on standard error, so that standard output stays a result.

/// Where progress goes.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    quiet: bool,
}

impl Progress {
    /// Tells everything, or nothing when `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A line about the work itself.
    pub fn line(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// A line about why it takes longer.
    pub fn note(&self, text: &str) {
        self.line(&format!("… {text}"));
    }
}
