//! Which real store, queue and provider stands behind each port. What is left out is embedded or
//! simulated. Addresses come from the environment, since most of them hold a password.

use std::path::PathBuf;

use crate::build::REMEDY;
use crate::db::propagation::DbmPropagation;
use crate::provider::http::{MailAddress, PaymentAddress, ProviderArgs};
use crate::queue::settings;
use crate::secret::Secret;

/// Addresses of what the shop uses instead of its embedded and simulated parts.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    /// PostgreSQL: `postgres://user:password@host:5432/database`.
    pub database_url: Option<Secret>,
    /// What statements on PostgreSQL tell database monitoring about who asks.
    pub dbm_propagation: DbmPropagation,
    /// Redis: `redis://host:6379`.
    pub redis_url: Option<Secret>,
    /// What the shop's keys in Redis begin with, instead of `shop:<environment>:`.
    pub redis_key_prefix: Option<String>,
    /// PEM file with the authorities to trust for `rediss://`, instead of the public ones.
    pub redis_ca_file: Option<PathBuf>,
    /// SQS, or what speaks its protocol.
    pub queue: Option<settings::Settings>,
    /// Who takes the money.
    pub payment_provider: Option<PaymentAddress>,
    /// Who carries the mail.
    pub mail_provider: Option<MailAddress>,
}

impl Backends {
    /// Whether the queue is somewhere else than in the data folder.
    pub(crate) fn has_queue(&self) -> bool {
        self.queue.is_some()
    }
}

/// Which of the real ones this build can talk to; the embedded and simulated ones are always there.
#[derive(Clone, Copy)]
struct Build {
    postgres: bool,
    redis: bool,
    sqs: bool,
}

const THIS_BUILD: Build = Build {
    postgres: cfg!(feature = "postgres"),
    redis: cfg!(feature = "redis"),
    sqs: cfg!(feature = "sqs"),
};

impl Build {
    /// Fails when `backends` name something that is not in the build, and says all of it.
    fn check(self, backends: &Backends) -> anyhow::Result<()> {
        let database = backends.database_url.is_some();
        let wanted = [
            ("PostgreSQL", "DATABASE_URL", database && !self.postgres),
            (
                "Redis",
                "REDIS_URL",
                backends.redis_url.is_some() && !self.redis,
            ),
            ("SQS", "QUEUE_URL", backends.queue.is_some() && !self.sqs),
        ];
        let lacking = wanted.into_iter().filter(|(.., is_lacking)| *is_lacking);
        let (names, variables): (Vec<_>, Vec<_>) =
            lacking.map(|(name, variable, _)| (name, variable)).unzip();
        let set = match names.len() {
            0 => return Ok(()),
            1 => "is set",
            _ => "are set",
        };
        let (names, variables) = (names.join(" and no "), variables.join(", "));
        anyhow::bail!("this build has no {names}, and {variables} {set}: {REMEDY}")
    }
}

/// The variables behind [`Backends`]: a command line can be read by everyone on the machine.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Stores, queue and providers (environment only)")]
pub struct BackendArgs {
    /// PostgreSQL for products, orders, users and outbox
    #[arg(long, hide = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// What a comment in front of each statement tells Datadog's database monitoring
    #[arg(
        long,
        value_name = "MODE",
        env = "DD_DBM_PROPAGATION_MODE",
        default_value = "off"
    )]
    dbm_propagation: DbmPropagation,
    /// Redis for carts and payment intents
    #[arg(long, hide = true, env = "REDIS_URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// What the shop's keys in Redis begin with
    #[arg(long, hide = true, env = "REDIS_KEY_PREFIX")]
    redis_key_prefix: Option<String>,
    /// PEM file with the authorities to trust for rediss://
    #[arg(long, hide = true, env = "REDIS_CA_FILE")]
    redis_ca_file: Option<PathBuf>,
    #[command(flatten)]
    queue: settings::QueueArgs,
    #[command(flatten)]
    providers: ProviderArgs,
}

impl BackendArgs {
    /// What the variables name; an empty variable names nothing. Fails when this build was made without what they name.
    pub fn backends(&self) -> anyhow::Result<Backends> {
        let backends = self.named();
        THIS_BUILD.check(&backends)?;
        Ok(backends)
    }

    fn named(&self) -> Backends {
        Backends {
            database_url: Secret::given(self.database_url.as_deref()),
            dbm_propagation: self.dbm_propagation,
            redis_url: Secret::given(self.redis_url.as_deref()),
            queue: self.queue.settings(),
            payment_provider: self.providers.payment(),
            mail_provider: self.providers.mail(),
            redis_key_prefix: self
                .redis_key_prefix
                .clone()
                .filter(|prefix| !prefix.is_empty()),
            redis_ca_file: self
                .redis_ca_file
                .clone()
                .filter(|file| !file.as_os_str().is_empty()),
        }
    }
}

impl std::fmt::Debug for BackendArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BackendArgs(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAN: Build = Build {
        postgres: false,
        redis: false,
        sqs: false,
    };

    #[test]
    fn what_a_build_lacks_is_named_at_once() {
        let mut backends = Backends::default();
        assert!(LEAN.check(&backends).is_ok());
        backends.database_url = Some(Secret::new("postgres://a:hunter2@b/c"));
        backends.queue = Some(settings::Settings::new(Secret::new("http://b/q-")));
        assert_eq!(
            LEAN.check(&backends).unwrap_err().to_string(),
            "this build has no PostgreSQL and no SQS, and DATABASE_URL, QUEUE_URL are set: build with `--features full`"
        );
        assert!(
            THIS_BUILD.check(&backends).is_ok(),
            "tests are built with all features"
        );
    }
}
