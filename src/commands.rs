//! The commands: one file each, with its flags and its output.
//!
//! A command writes data to `out` and what it has to say about itself to `err`, and returns how it ended. Must not know:
//! how the command line as a whole is put together.

pub mod change_args;
pub mod check;
pub mod compare;
pub mod import;
pub mod list;
pub mod logs;
pub mod metrics;
pub mod preview;
pub mod report;
pub mod run;
pub mod runs;
pub mod schema;
pub mod show;
mod summary;
pub mod traces;

use std::io::{self, IsTerminal, Write};

use checked_yaml::{Problems, Style};
use clap::ValueEnum;

use crate::colour;
use crate::exit::Exit;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Where a command writes.
pub struct Output<'a> {
    /// Data.
    pub out: &'a mut dyn Write,
    /// Problems and remarks.
    pub err: &'a mut dyn Write,
    /// How problems are drawn.
    pub style: Style,
}

impl Output<'_> {
    /// Tells problems: as a JSON list among the data, or as a report beside it.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn problems(&mut self, problems: &Problems, format: Format) -> io::Result<Exit> {
        match format {
            Format::Text => write!(self.err, "{}", problems.render(self.style))?,
            Format::Json => self.json(&problems.to_json())?,
        }
        Ok(Exit::Usage)
    }

    /// Prints a JSON value on lines of its own.
    ///
    /// # Errors
    /// A stream that cannot be written.
    pub fn json(&mut self, value: &serde_json::Value) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self.out, value)?;
        writeln!(self.out)
    }
}

/// Colours on a terminal, unless nobody wants them.
pub fn problem_style() -> Style {
    if !colour::is_refused() && io::stderr().is_terminal() {
        Style::Colour
    } else {
        Style::Plain
    }
}
