//! Buckets of time (rules W4, S7, S8): which there are, and which of them a point falls into.

/// Width of buckets, in seconds, by the length of the time that is looked at (rule S7); odd lengths take the next longer row.
const WIDTHS: [(i64, i64); 12] = [
    (60, 1),
    (300, 2),
    (900, 5),
    (1_800, 10),
    (3_600, 20),
    (14_400, 60),
    (86_400, 300),
    (172_800, 600),
    (604_800, 3_600),
    (2_592_000, 14_400),
    (7_776_000, 43_200),
    (i64::MAX, 86_400),
];

/// So many buckets are evaluated at most.
pub const BUCKETS_MAX: i64 = 20_000;

/// Width of the buckets that a time of this length has by default, in seconds [A1].
pub fn default_width(seconds: i64) -> i64 {
    let row = WIDTHS.iter().find(|(length, _)| seconds <= *length);
    row.map_or(86_400, |(_, width)| *width)
}

/// A row of buckets of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// UNIX second at which the first bucket begins.
    pub start: i64,
    /// Width of a bucket in seconds, at least 1.
    pub width: i64,
    /// How many buckets there are.
    pub count: usize,
    /// Points of the first bucket before this second do not count: the bucket is cut.
    first: i64,
    /// Nor do points after this second.
    last: i64,
}

impl Grid {
    /// Buckets aligned to UNIX time over a window to which both ends belong.
    pub fn over(from: i64, to: i64, width: i64) -> Self {
        let width = width.max(1);
        let start = from.div_euclid(width) * width;
        Self::new(start, from, to, width)
    }

    /// The aligned buckets that begin in the window, as an explicit rollup has them: a cut first one is left out.
    pub fn rolled_up(from: i64, to: i64, width: i64) -> Self {
        let width = width.max(1);
        let start = (from + width - 1).div_euclid(width) * width;
        Self::new(start, start, to, width)
    }

    /// One bucket that is the whole window, to which both ends belong.
    pub fn whole(from: i64, to: i64) -> Self {
        Self::new(from, from, to, (to - from + 1).max(1))
    }

    fn new(start: i64, first: i64, last: i64, width: i64) -> Self {
        // One more than may be is enough for being refused.
        let count = ((last - start).div_euclid(width) + 1).clamp(0, BUCKETS_MAX + 1);
        Self {
            start,
            width,
            count: usize::try_from(count).unwrap_or(0),
            first,
            last,
        }
    }

    /// The same, this many seconds later.
    pub fn shifted(self, seconds: i64) -> Self {
        Self {
            start: self.start + seconds,
            first: self.first + seconds,
            last: self.last + seconds,
            ..self
        }
    }

    /// The same with as many buckets before it as this many seconds need, and how many those are.
    pub fn with_past(self, seconds: i64) -> (Self, usize) {
        let more = (seconds + self.width - 1) / self.width;
        let more = more.clamp(0, BUCKETS_MAX);
        let count = usize::try_from(more).unwrap_or(0);
        let grid = Self {
            start: self.start - more * self.width,
            count: self.count + count,
            ..self
        };
        (grid, count)
    }

    /// The bucket that a point at this second falls into; none if it does not count. `past` buckets were added in front.
    pub(super) fn index(&self, at: i64, past: usize) -> Option<usize> {
        let cut = self.start + self.width * i64::try_from(past).unwrap_or(0);
        if at > self.last || (at >= cut && at < self.first) {
            return None;
        }
        let index = usize::try_from((at - self.start).div_euclid(self.width)).ok()?;
        (index < self.count).then_some(index)
    }

    /// When a bucket begins, in UNIX seconds.
    pub fn at(&self, index: usize) -> i64 {
        self.start + self.width * i64::try_from(index).unwrap_or(0)
    }
}
