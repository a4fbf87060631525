//! The text of datagrams: `name:value[:value…]|type[|@rate]|#tag,tag`. Must not know sockets.

use std::fmt::Write as _;

use crate::metrics::{Collected, Point};
use crate::text::cut;

/// Longest tag; receivers cut longer ones off.
const TAG_BYTES_MAX: usize = 200;

/// Packs points into datagrams.
#[derive(Debug)]
pub(super) struct Lines {
    bytes_max: usize,
    /// Tags of every metric, with a comma in front of each.
    common: String,
    datagram: String,
    /// How many values stand in the datagram.
    values: usize,
    /// The end of the current point's lines.
    end: String,
    value: String,
    /// How many values could not be put into a datagram.
    pub(super) unsendable: usize,
}

impl Lines {
    pub(super) fn new(bytes_max: usize, tags: &[String]) -> Self {
        let mut common = String::new();
        for tag in tags {
            common.push(',');
            push_clean(&mut common, cut(tag, TAG_BYTES_MAX));
        }
        Self {
            bytes_max,
            common,
            datagram: String::with_capacity(bytes_max),
            values: 0,
            end: String::new(),
            value: String::new(),
            unsendable: 0,
        }
    }

    /// Adds a point; gives each datagram that is full to `send`, with the number of values in it.
    pub(super) fn add(&mut self, point: &Point<'_>, send: &mut impl FnMut(&[u8], usize)) {
        let (kind, rate) = match point.value {
            Collected::Increment(_) => ("c", 1.0),
            Collected::Value(_) => ("g", 1.0),
            Collected::Observed { values, count } => ("d", values.len() as f64 / count as f64),
        };
        self.write_end(point, kind, rate);
        let name = point.metric.name();
        match point.value {
            Collected::Increment(value) | Collected::Value(value) => {
                self.add_values(name, &[value], send);
            }
            Collected::Observed { values, .. } => self.add_values(name, values, send),
        }
    }

    /// Sends what is left.
    pub(super) fn flush(&mut self, send: &mut impl FnMut(&[u8], usize)) {
        if self.values > 0 {
            send(self.datagram.as_bytes(), self.values);
        }
        self.datagram.clear();
        self.values = 0;
    }

    fn write_end(&mut self, point: &Point<'_>, kind: &str, rate: f64) {
        let end = &mut self.end;
        end.clear();
        let _ = write!(end, "|{kind}");
        if rate < 1.0 {
            let _ = write!(end, "|@{rate}");
        }
        let identity = point.identity;
        let common = [
            ("|#service", identity.service()),
            (",env", identity.env()),
            (",version", identity.version()),
        ];
        let own = point
            .tags
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        for (name, value) in common {
            push_tag(end, name, value);
        }
        for (name, value) in own.filter(|(_, value)| !value.is_empty()) {
            end.push(',');
            push_tag(end, name, value);
        }
        end.push_str(&self.common);
    }

    /// Lines with as many values each as fit.
    fn add_values(&mut self, name: &str, values: &[f64], send: &mut impl FnMut(&[u8], usize)) {
        let mut open = false;
        for value in values {
            self.value.clear();
            let _ = write!(self.value, ":{value}");
            let start = if open { 0 } else { 1 + name.len() };
            let room = start + self.value.len() + self.end.len();
            if !value.is_finite() || name.len() + self.value.len() + self.end.len() > self.bytes_max
            {
                self.unsendable += 1;
                continue;
            }
            if self.datagram.len() + room > self.bytes_max {
                if open {
                    self.datagram.push_str(&self.end);
                }
                self.flush(send);
                open = false;
            }
            if !open {
                if !self.datagram.is_empty() {
                    self.datagram.push('\n');
                }
                self.datagram.push_str(name);
                open = true;
            }
            self.datagram.push_str(&self.value);
            self.values += 1;
        }
        if open {
            self.datagram.push_str(&self.end);
        }
    }
}

fn push_tag(line: &mut String, name: &str, value: &str) {
    line.push_str(name);
    line.push(':');
    push_clean(line, cut(value, TAG_BYTES_MAX));
}

/// What separates fields, tags and lines must not stand in a tag.
fn push_clean(line: &mut String, text: &str) {
    line.extend(text.chars().map(|c| match c {
        '|' | ',' => '_',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;
    use crate::catalogue::Metric;

    type Given<'a> = (Metric, &'a [(&'static str, &'a str)], Collected<'a>);

    fn datagrams(bytes_max: usize, points: &[Given<'_>]) -> (Vec<String>, usize) {
        let identity = Identity::new("cart", "dev", "1");
        let mut lines = Lines::new(bytes_max, &["team:a b".to_owned()]);
        let mut sent = Vec::new();
        let mut total = 0;
        let mut send = |datagram: &[u8], values| {
            assert!(datagram.len() <= bytes_max);
            sent.push(String::from_utf8(datagram.to_vec()).unwrap());
            total += values;
        };
        for (metric, tags, value) in points {
            let tags: Vec<_> = tags
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect();
            let point = Point {
                identity: &identity,
                metric: *metric,
                tags: &tags,
                value: *value,
            };
            lines.add(&point, &mut send);
        }
        lines.flush(&mut send);
        (sent, total)
    }

    #[test]
    fn lines_have_their_types_rates_and_clean_tags() {
        let observed = Collected::Observed {
            values: &[1.5, 2.0],
            count: 8,
        };
        let (sent, values) = datagrams(
            1432,
            &[
                (
                    Metric::PaymentsFailed,
                    &[("reason", "a|b,c\nd#e")],
                    Collected::Increment(3.0),
                ),
                (Metric::QueueDepth, &[("queue", "")], Collected::Value(0.5)),
                (Metric::OrdersValue, &[("currency", "EUR")], observed),
            ],
        );
        let common = "service:cart,env:dev,version:1";
        assert_eq!(
            sent,
            [format!(
                "ecommerce.payments.failed:3|c|#{common},reason:a_b_c_d#e,team:a_b\n\
             ecommerce.queue.depth:0.5|g|#{common},team:a_b\n\
             ecommerce.orders.value:1.5:2|d|@0.25|#{common},currency:EUR,team:a_b"
            )]
        );
        assert_eq!(values, 4);
    }

    #[test]
    fn many_values_are_split_into_datagrams_that_fit_and_none_is_lost() {
        let values: Vec<f64> = (0..1000).map(|n| f64::from(n) / 8.0).collect();
        let count = values.len() as u64;
        let point = (
            Metric::OrdersValue,
            &[][..],
            Collected::Observed {
                values: &values,
                count,
            },
        );
        let (sent, total) = datagrams(200, &[point, point]);
        let mut read = Vec::new();
        for line in sent.iter().flat_map(|datagram| datagram.lines()) {
            let (head, tags) = line.split_once("|d|#").expect("a distribution");
            assert_eq!(tags, "service:cart,env:dev,version:1,team:a_b");
            let mut parts = head.split(':');
            assert_eq!(parts.next(), Some("ecommerce.orders.value"));
            read.extend(parts.map(|value| value.parse::<f64>().unwrap()));
        }
        assert_eq!(total, 2000);
        assert_eq!(read, [&values[..], &values[..]].concat());
    }

    #[test]
    fn what_cannot_be_sent_is_counted() {
        let identity = Identity::new("x".repeat(150), "dev", "1");
        let mut lines = Lines::new(100, &[]);
        let mut none = |_: &[u8], _| panic!("nothing fits");
        let point = |value| Point {
            identity: &identity,
            metric: Metric::QueueDepth,
            tags: &[],
            value,
        };
        lines.add(&point(Collected::Value(1.0)), &mut none);
        lines.add(&point(Collected::Value(f64::NAN)), &mut none);
        lines.flush(&mut none);
        assert_eq!(lines.unsendable, 2);
    }
}
