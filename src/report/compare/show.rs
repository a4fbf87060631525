//! A comparison as text and as Markdown: what moved first.

use std::fmt::Write as _;

use super::{Comparison, ERRORS, Row};

/// Characters shown of a step's name.
const STEP_CHARS_MAX: usize = 28;

// Writing to a String does not fail.

impl Comparison {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, side) in [("A", &self.a), ("B", &self.b)] {
            let _ = writeln!(
                out,
                "{name}  {}  {}  {}",
                side.folder, side.verdict, side.started_at
            );
        }
        list(&mut out, "\nThe runs differ in", &self.unlike, "  ");
        list(&mut out, "\nLimits", &self.limits_text(), "  ");
        list(&mut out, "\nIn short", &self.in_short(), "  ");
        let width = self
            .rows
            .iter()
            .map(|row| row.step.chars().count())
            .max()
            .unwrap_or(4)
            .clamp(4, STEP_CHARS_MAX);
        let mut moved = None;
        for row in &self.rows {
            if moved.replace(row.has_moved()) != Some(row.has_moved()) {
                let _ = writeln!(
                    out,
                    "\n{}\n{:width$} {:<6} {:>8} {:>8} {:>10} {:>9}  95 % interval",
                    self.title(row.has_moved()),
                    "step",
                    "figure",
                    "A",
                    "B",
                    "moved",
                    "change"
                );
            }
            let step: String = row.step.chars().take(width).collect();
            let line = format!(
                "{step:width$} {:<6} {:>8} {:>8} {:>10} {:>9}  {}",
                row.figure,
                row.a,
                row.b,
                row.moved_text(),
                row.change_text(),
                row.interval_text()
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        let _ = writeln!(out, "\nIntervals: {}", self.method());
        list(&mut out, "\nWhat this cannot prove", &self.caveats, "  ");
        out
    }

    /// For pull requests.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for (name, side) in [("A", &self.a), ("B", &self.b)] {
            let _ = writeln!(
                out,
                "- **{name}** `{}` · {} · {}",
                side.folder.replace('`', "'"),
                side.verdict,
                side.started_at
            );
        }
        list(&mut out, "\n**The runs differ in**\n", &self.unlike, "");
        list(&mut out, "\n**Limits**\n", &self.limits_text(), "");
        list(&mut out, "\n**In short**\n", &self.in_short(), "");
        let _ = writeln!(
            out,
            "\n| step | figure | A | B | moved | change | 95 % interval |\n|---|---|--:|--:|--:|--:|--:|"
        );
        for row in &self.rows {
            let step = row.step.replace('`', "'").replace('|', "\\|");
            let _ = writeln!(
                out,
                "| `{step}` | {} | {} | {} | {} | {} | {} |",
                row.figure,
                row.a,
                row.b,
                row.moved_text(),
                row.change_text(),
                row.interval_text()
            );
        }
        let _ = writeln!(out, "\nIntervals: {}", self.method());
        list(
            &mut out,
            "\n**What this cannot prove**\n",
            &self.caveats,
            "",
        );
        out
    }

    fn title(&self, moved: bool) -> &'static str {
        match (moved, self.paired) {
            (true, _) => "What moved, the largest share first",
            (false, true) => "What did not move, or not for sure",
            (false, false) => "Differences, the largest share first",
        }
    }

    /// What one would say in a sentence.
    fn in_short(&self) -> Vec<String> {
        let mut said = Vec::new();
        if let Some(shift) = &self.together {
            said.push(shift.sentence());
        }
        let (all, moved) = (self.intervals, self.intervals_without_zero);
        if all > 0 {
            let by_chance = (all as f64 / 20.0).max(0.1);
            said.push(format!(
                "{moved} of {all} intervals leave out zero; about {by_chance:.1} would by chance alone if nothing had changed"
            ));
        }
        said
    }

    fn limits_text(&self) -> Vec<String> {
        self.limits.iter().map(super::Limited::sentence).collect()
    }

    fn method(&self) -> String {
        format!(
            "Hodges-Lehmann estimate of B/A over paired blocks of {} s with the exact signed-rank interval; none where there are fewer than six blocks with enough requests.",
            self.block_s
        )
    }
}

fn list(out: &mut String, title: &str, items: &[String], indent: &str) {
    if items.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}");
    for item in items {
        let _ = writeln!(out, "{indent}- {item}");
    }
}

impl Row {
    /// Whether its interval leaves out zero.
    pub(super) fn has_moved(&self) -> bool {
        self.interval
            .is_some_and(|interval| interval.leaves_out_zero())
    }

    fn moved_text(&self) -> String {
        self.moved_ms
            .map_or_else(String::new, super::shift::signed_time)
    }

    fn change_text(&self) -> String {
        match (self.change, self.figure.as_str()) {
            (None, _) => "–".to_owned(),
            (Some(points), ERRORS) => format!("{:+.3} pp", points * 100.0),
            (Some(ratio), _) => format!("{:+.1} %", ratio * 100.0),
        }
    }

    fn interval_text(&self) -> String {
        self.interval.map_or_else(String::new, |found| {
            format!("{:+.1} to {:+.1} %", found.low * 100.0, found.high * 100.0)
        })
    }
}
