//! Windows and lengths of time in queries. Knows how they are written; must not know which are legal where.

/// A stretch of time relative to the moment of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// `last_5m`: the time up to now.
    Last(Span),
    /// `next_1w`: the time from now on, in forecasts.
    Next(Span),
    /// `current_1d`: since the calendar unit began.
    Current(Span),
    /// `1d_ago`: the same window, this long ago.
    Ago(Span),
}

impl Window {
    /// Its length, or for [`Window::Ago`] its distance.
    pub fn span(self) -> Span {
        match self {
            Self::Last(span) | Self::Next(span) | Self::Current(span) | Self::Ago(span) => span,
        }
    }
}

/// A number of time units, as written: `60m` is not `1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: TimeUnit,
}

impl Span {
    /// Reads `5m`, `1h`, `30d`, `1mo`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let unit = TimeUnit::ALL
            .into_iter()
            .find(|unit| unit.text() == &text[digits..])?;
        let count: u32 = text[..digits].parse().ok()?;
        // A leading zero would not be printed back.
        (count > 0 && !text.starts_with('0')).then_some(Self { count, unit })
    }

    /// Its length; a month counts as 30 days.
    pub fn seconds(self) -> u64 {
        u64::from(self.count) * self.unit.seconds()
    }
}

/// Units of [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum TimeUnit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

impl TimeUnit {
    const ALL: [Self; 6] = [
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Week,
        Self::Month,
    ];

    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Week => "w",
            Self::Month => "mo",
        }
    }

    fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 7 * 86_400,
            Self::Month => 30 * 86_400,
        }
    }
}
