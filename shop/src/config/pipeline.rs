//! How the pipeline and the simulated outside world behave, as flags and as values.

use std::time::Duration;

use crate::duration::parse_duration;

/// Settings of the pipeline.
#[derive(Clone, Debug, PartialEq, clap::Args)]
#[command(next_help_heading = "Pipeline")]
pub struct PipelineSettings {
    /// Median latency of the simulated payment provider.
    #[arg(long, env = "SHOP_PAYMENT_LATENCY", value_name = "DURATION", default_value = "40ms", value_parser = parse_duration)]
    pub payment_latency: Duration,
    /// Median latency of the simulated mail provider.
    #[arg(long, env = "SHOP_MAIL_LATENCY", value_name = "DURATION", default_value = "25ms", value_parser = parse_duration)]
    pub mail_latency: Duration,
    /// Share of automatic payments that the simulated bank declines, 0 to 1.
    #[arg(long, env = "SHOP_DECLINE_SHARE", value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    pub decline_share: f64,
    /// Share of mails that the simulated post office refuses, 0 to 1.
    #[arg(long, env = "SHOP_MAIL_REJECTION_SHARE", value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    pub mail_rejection_share: f64,
    /// Messages that one consumer works on at the same time.
    #[arg(long, env = "SHOP_CONSUMER_CONCURRENCY", value_name = "N", default_value = "64", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub consumer_concurrency: u16,
    /// How long a dead letter that can be read rests before it is tried again.
    #[arg(long, env = "SHOP_REDRIVE_AFTER", value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub redrive_after: Duration,
    /// Puts a generated order on the orders queue this often.
    #[arg(long, env = "SHOP_PRODUCE_EVERY", value_name = "DURATION", value_parser = parse_interval)]
    pub produce_every: Option<Duration>,
    /// How long the first request to search and recommendations takes, as on a cold start.
    #[arg(long, env = "SHOP_COLD_START", value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    pub cold_start: Duration,
}

impl Default for PipelineSettings {
    fn default() -> Self {
        PipelineSettings {
            payment_latency: Duration::from_millis(40),
            mail_latency: Duration::from_millis(25),
            decline_share: 0.0,
            mail_rejection_share: 0.0,
            consumer_concurrency: 64,
            redrive_after: Duration::from_secs(30),
            produce_every: None,
            cold_start: Duration::ZERO,
        }
    }
}

/// Reads a duration that is longer than zero.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text)?;
    if interval.is_zero() {
        return Err("an interval must be longer than zero".into());
    }
    Ok(interval)
}

/// Reads a share from 0 to 1.
pub(crate) fn parse_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!(
            "`{text}` is not a share; write a number from 0 to 1"
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Probe {
        #[command(flatten)]
        settings: PipelineSettings,
    }

    #[test]
    fn flags_and_values_have_the_same_defaults() {
        let parsed = Probe::try_parse_from(["probe"]).expect("defaults are valid");
        assert_eq!(parsed.settings, PipelineSettings::default());
    }

    #[test]
    fn no_interval_is_zero_and_no_share_above_one() {
        assert!(parse_interval("0s").is_err());
        assert!(parse_share("1.1").is_err() && parse_share("NaN").is_err());
    }
}
