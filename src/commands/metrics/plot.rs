//! A series in the terminal, in braille dots, and below it the times, phases and faults of the run.

use alerting::evaluate::grid::Grid;
use alerting::evaluate::{Evaluated, Group};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line, Points};

use super::moments::{Moments, Stretch};

/// Columns for the scale at the left.
const SCALE: usize = 11;

/// One group; all groups of a query share `range`, their least and largest value.
pub(super) fn plot(
    group: &Group,
    grid: &Grid,
    range: (f64, f64),
    columns: usize,
    rows: usize,
) -> String {
    let (low, high) = scale(range);
    let width = columns.saturating_sub(SCALE + 1).max(1);
    let area = Rect::new(0, 0, cells(width), cells(rows));
    let mut buffer = Buffer::empty(area);
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, grid.count as f64])
        .y_bounds([low, high])
        .paint(|context| {
            let points = points(group);
            for pair in points.windows(2) {
                let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
                // Over a gap there is no line.
                if x2 - x1 <= 1.5 {
                    let line = Line {
                        x1,
                        y1,
                        x2,
                        y2,
                        ..Line::default()
                    };
                    context.draw(&line);
                }
            }
            context.draw(&Points {
                coords: &points,
                ..Points::default()
            });
        })
        .render(area, &mut buffer);
    let lines = (0..rows).map(|row| {
        let label = match row {
            0 => number(high),
            row if row + 1 == rows => number(low),
            row if row * 2 + 1 == rows => number(f64::midpoint(low, high)),
            _ => String::new(),
        };
        let dots = (0..width).map(|column| symbol(&buffer, column, row));
        let line = format!("{label:>SCALE$}┤{}", dots.collect::<String>());
        format!("{}\n", line.trim_end())
    });
    lines.collect()
}

fn points(group: &Group) -> Vec<(f64, f64)> {
    let values = group.values.iter().enumerate();
    values
        .filter(|(_, value)| !value.is_nan())
        .map(|(bucket, value)| (bucket as f64 + 0.5, *value))
        .collect()
}

fn symbol(buffer: &Buffer, column: usize, row: usize) -> String {
    let cell = buffer.cell((cells(column), cells(row)));
    // An empty pattern is a space, so that the ends of lines can be trimmed.
    match cell.map_or(" ", |cell| cell.symbol()) {
        "\u{2800}" => " ".to_owned(),
        symbol => symbol.to_owned(),
    }
}

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// From zero on where that is near, and never without height.
fn scale((low, high): (f64, f64)) -> (f64, f64) {
    let low = if low > 0.0 && (low < high / 2.0 || low == high) {
        0.0
    } else {
        low
    };
    match low < high {
        true => (low, high),
        false => (low, low + 1.0),
    }
}

/// The times below a plot, and the phases and faults that lie in them.
pub(super) fn ruler(found: &Evaluated, moments: &Moments, columns: usize) -> String {
    let width = columns.saturating_sub(SCALE + 1).max(1);
    let grid = found.grid;
    let begin = (grid.start - moments.start_s) as f64;
    let ruler = Ruler {
        width,
        begin,
        length: (grid.width * i64::try_from(grid.count).unwrap_or(1)) as f64,
    };
    let (first, last) = (begin, begin + ruler.length);
    let times = (format!("{first:.0} s"), format!("{last:.0} s"));
    let between = width.saturating_sub(times.0.len() + times.1.len());
    let mut text = format!("{:SCALE$}└{}\n", "", "─".repeat(width));
    text.push_str(&format!(
        "{:SCALE$} {}{}{}\n",
        "",
        times.0,
        " ".repeat(between),
        times.1
    ));
    text.push_str(&ruler.line("phases", &moments.phases));
    for fault in &moments.faults {
        text.push_str(&ruler.line("fault", std::slice::from_ref(fault)));
    }
    text
}

struct Ruler {
    width: usize,
    /// Seconds since the load began.
    begin: f64,
    length: f64,
}

impl Ruler {
    /// Each stretch from its begin to its end, with as much of its name as fits.
    fn line(&self, label: &str, stretches: &[Stretch]) -> String {
        let mut cells = vec![' '; self.width];
        let mut any = false;
        for stretch in stretches {
            let (Some(from), Some(to)) = (self.column(stretch.begin_s), self.column(stretch.end_s))
            else {
                continue;
            };
            if to <= from {
                continue;
            }
            any = true;
            cells[from..to].fill('─');
            cells[from] = '├';
            let name = stretch.name.chars().take((to - from).saturating_sub(2));
            for (cell, char) in cells[from + 1..to].iter_mut().zip(name) {
                *cell = char;
            }
        }
        match any {
            true => format!(
                "{label:>SCALE$} {}\n",
                cells.iter().collect::<String>().trim_end()
            ),
            false => String::new(),
        }
    }

    /// The column of a time, cut to the plot; none for what is no time.
    fn column(&self, at_s: f64) -> Option<usize> {
        let share = (at_s - self.begin) / self.length;
        share
            .is_finite()
            .then(|| (share.clamp(0.0, 1.0) * self.width as f64).round() as usize)
    }
}

/// A value with four significant digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if value == 0.0 => return "0".to_owned(),
        _ if !(1e-6..1e12).contains(&size) => return format!("{value:.3e}"),
        _ if size >= 1_000.0 => return format!("{value:.0}"),
        _ => {
            let digits = (3 - size.log10().floor() as i32).clamp(0, 9);
            format!("{value:.*}", usize::try_from(digits).unwrap_or(0))
        }
    };
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_four_digits_and_no_empty_ones() {
        let shown = [0.0, 0.012_345, 1.5, 42.0, 123.456, 12_345.6, -0.25, 2e13].map(number);
        assert_eq!(
            shown,
            [
                "0", "0.01235", "1.5", "42", "123.5", "12346", "-0.25", "2.000e13"
            ]
        );
    }
}
