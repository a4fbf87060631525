//! A sketch as bytes, for a recording. Numbers are little-endian, integers are LEB128; nothing is lost.

use thiserror::Error;

use super::{BINS_MAX, Bins, Body, EXACT_MAX, Sketch};

/// The first byte of every sketch.
pub const SKETCH_VERSION: u8 = 1;

const EXACT: u8 = 0;
const BINNED: u8 = 1;

/// Why bytes are no sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SketchError {
    /// Written by another version of this program.
    #[error("the sketch has version {0}, and this program reads version {SKETCH_VERSION}")]
    Version(u8),
    /// Cut off or damaged.
    #[error("the bytes are no sketch: they are cut off or damaged")]
    Damaged,
}

impl Sketch {
    /// The sketch as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![SKETCH_VERSION];
        integer(&mut out, self.count);
        if self.count == 0 {
            return out;
        }
        for number in [self.sum, self.min, self.max] {
            out.extend(number.to_le_bytes());
        }
        match &self.body {
            Body::Exact(values) => {
                out.push(EXACT);
                integer(&mut out, values.len() as u64);
                for (value, times) in values {
                    out.extend(value.to_le_bytes());
                    integer(&mut out, *times);
                }
            }
            Body::Binned(bins) => {
                out.push(BINNED);
                side(&mut out, &bins.negative);
                integer(&mut out, bins.zero);
                side(&mut out, &bins.positive);
            }
        }
        out
    }

    /// Reads [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// Bytes of another version, or no sketch at all. What is read keeps the bounds of a sketch, whatever the bytes say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SketchError> {
        match bytes.first() {
            Some(&SKETCH_VERSION) => Reader(&bytes[1..]).sketch().ok_or(SketchError::Damaged),
            Some(version) => Err(SketchError::Version(*version)),
            None => Err(SketchError::Damaged),
        }
    }
}

fn integer(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The first key, then the distance of each from the one before.
fn side(out: &mut Vec<u8>, bins: &[(i16, u64)]) {
    integer(out, bins.len() as u64);
    let mut before = i16::MIN;
    for (key, times) in bins {
        integer(out, u64::from(key.abs_diff(before)));
        integer(out, *times);
        before = *key;
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn sketch(mut self) -> Option<Sketch> {
        let count = self.integer()?;
        if count == 0 {
            return self.0.is_empty().then(Sketch::default);
        }
        let (sum, min, max) = (self.number()?, self.number()?, self.number()?);
        let body = match self.byte()? {
            EXACT => Body::Exact(self.exact()?),
            BINNED => Body::Binned(Bins {
                negative: self.side()?,
                zero: self.integer()?,
                positive: self.side()?,
            }),
            _ => return None,
        };
        let sketch = Sketch {
            count,
            sum,
            min,
            max,
            body,
        };
        (self.0.is_empty() && sketch.is_sound()).then_some(sketch)
    }

    fn exact(&mut self) -> Option<Vec<(f64, u64)>> {
        let length = self.length(EXACT_MAX)?;
        let values: Option<Vec<_>> = (0..length)
            .map(|_| Some((self.number()?, self.integer()?)))
            .collect();
        values.filter(|values| values.is_sorted_by(|a, b| a.0 < b.0))
    }

    fn side(&mut self) -> Option<Vec<(i16, u64)>> {
        let length = self.length(BINS_MAX)?;
        let mut before = i16::MIN;
        let keys = (0..length).map(|_| {
            let step = u16::try_from(self.integer()?).ok()?;
            before = before.checked_add_unsigned(step)?;
            Some((before, self.integer()?))
        });
        let bins: Option<Vec<_>> = keys.collect();
        bins.filter(|bins| bins.is_sorted_by(|a, b| a.0 < b.0))
    }

    fn length(&mut self, most: usize) -> Option<usize> {
        let length = usize::try_from(self.integer()?).ok()?;
        (length <= most).then_some(length)
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<f64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(f64::from_le_bytes(*first)).filter(|number| number.is_finite())
    }

    fn integer(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Sketch {
    /// Whether count and bounds agree with the values.
    fn is_sound(&self) -> bool {
        let times = match &self.body {
            Body::Exact(values) => sum(values.iter().map(|(_, times)| *times)),
            Body::Binned(bins) => {
                let sides = bins.negative.iter().chain(&bins.positive);
                sum(sides.map(|(_, times)| *times).chain([bins.zero]))
            }
        };
        self.min <= self.max && times == Some(self.count)
    }
}

fn sum(mut times: impl Iterator<Item = u64>) -> Option<u64> {
    times.try_fold(0_u64, |sum, times| sum.checked_add(times))
}
