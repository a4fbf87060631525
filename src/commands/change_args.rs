//! Flags that change a scenario; shared by every command that takes one.

use std::time::Duration;

use clap::Args;

use crate::scenario::{Changes, parse_duration, parse_rate, parse_set};

/// Changes to the scenario.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Changes to the scenario")]
pub struct ChangeArgs {
    /// Replace a value of the file: a dotted path (`load.phases.spike.rate=80/s`) or a variable's name
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, String)>,

    /// Multiply every rate by this
    #[arg(long, value_name = "FACTOR", conflicts_with = "rate")]
    pub rate_scale: Option<f64>,

    /// Scale all rates so that the highest becomes this, such as 500/s
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub rate: Option<f64>,

    /// Stretch or shrink all phases so that they last this long together, such as 5m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Never show the value of this header, field, parameter or variable; may be repeated. Passwords, tokens, keys, cookies and
    /// their like are never shown anyway
    #[arg(long = "secret", value_name = "NAME")]
    pub secrets: Vec<String>,
}

impl ChangeArgs {
    /// The changes for [`crate::scenario::load`].
    pub fn changes(&self) -> Changes {
        Changes {
            set: self.set.iter().cloned().collect(),
            rate_scale: self.rate_scale,
            rate: self.rate,
            duration: self.duration,
            secrets: self.secrets.clone(),
        }
    }
}
