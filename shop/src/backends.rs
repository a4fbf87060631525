//! Which real store, queue and provider stands behind each port. What is left out is embedded or
//! simulated. Addresses come from the environment, since most of them hold a password.

use std::path::PathBuf;

use crate::provider::http::{MailAddress, PaymentAddress, ProviderArgs};
use crate::queue::sqs;
use crate::secret::Secret;

/// Addresses of what the shop uses instead of its embedded and simulated parts.
#[derive(Clone, Debug, Default)]
pub struct Backends {
    /// PostgreSQL: `postgres://user:password@host:5432/database`.
    pub database_url: Option<Secret>,
    /// Redis: `redis://host:6379`.
    pub redis_url: Option<Secret>,
    /// What the shop's keys in Redis begin with, instead of `shop:<environment>:`.
    pub redis_key_prefix: Option<String>,
    /// PEM file with the authorities to trust for `rediss://`, instead of the public ones.
    pub redis_ca_file: Option<PathBuf>,
    /// SQS, or what speaks its protocol.
    pub queue: Option<sqs::Settings>,
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

/// The variables behind [`Backends`]: a command line can be read by everyone on the machine.
#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Stores, queue and providers (environment only)")]
pub struct BackendArgs {
    /// PostgreSQL for products, orders, users and outbox
    #[arg(long, hide = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
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
    queue: sqs::QueueArgs,
    #[command(flatten)]
    providers: ProviderArgs,
}

impl BackendArgs {
    /// What the variables name; an empty variable names nothing.
    pub fn backends(&self) -> Backends {
        Backends {
            database_url: Secret::given(self.database_url.as_deref()),
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
