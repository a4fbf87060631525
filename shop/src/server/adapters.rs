//! Adapters: which database, queue and provider stands behind each port. The only place that decides it.

use std::sync::Arc;

#[cfg(feature = "sqs")]
use futures_util::future::BoxFuture;
use telemetry::metrics::Registry;

use crate::blocking::{Closer, closer, off_thread};
#[cfg(not(all(feature = "postgres", feature = "redis", feature = "sqs")))]
use crate::build;
use crate::config::Config;
use crate::context::Resources;
use crate::db::Durability;
use crate::db::meter::PoolMeter;
use crate::db::propagation::DbmPropagation;
use crate::fault::Faults;
use crate::provider::http::{HttpMail, HttpPayments};
use crate::provider::simulated::{Behaviour, SimulatedProviders};
use crate::provider::{MailProvider, PaymentProvider};
use crate::queue::Queue;
use crate::queue::embedded::EmbeddedQueue;
use crate::queue::observed::ObservedQueue;
use crate::queue::settings::Settings as SqsSettings;
#[cfg(feature = "redis")]
use crate::role::PipelineRole;
use crate::secret::Secret;
#[cfg(any(feature = "redis", feature = "sqs"))]
use crate::service::Service;
use crate::store::{Records, Sessions, Stores, embedded};

/// The queue in the data folder.
pub(super) const QUEUE_FILE: &str = "queue.db";
/// The books of the simulated providers there.
pub(super) const PROVIDER_FILE: &str = "provider.db";

/// What stands behind every port.
pub(super) struct Adapters {
    pub(super) stores: Stores,
    pub(super) resources: Resources,
    /// The simulated providers, where that is what the ports lead to.
    pub(super) simulated: Option<Arc<SimulatedProviders>>,
}

/// Opens the stores, the queue and the providers that the configuration names, and brings schemas up to date.
/// What their clients measure stands in `registry`.
pub(super) async fn open(
    config: &Config,
    faults: &Faults,
    registry: &Registry,
) -> anyhow::Result<Adapters> {
    let meter = match &config.backends.database_url {
        Some(_) => PoolMeter::new(registry, "postgresql"),
        None => PoolMeter::default(),
    };
    let records = open_records(config, faults, meter).await?;
    let stores = Stores::new(records, open_sessions(config, faults).await?);
    let (queue, close_queue) = open_queue(config, faults).await?;
    let backends = &config.backends;
    let mut closers = vec![close_queue];
    let mut simulated = None;
    if backends.payment_provider.is_none() || backends.mail_provider.is_none() {
        let (opened, close) = open_simulated(config, faults).await?;
        simulated = Some(opened);
        closers.push(close);
    }
    let resources = Resources {
        queue,
        payments: payments(config, faults, simulated.as_ref())?,
        mail: mail(config, faults, simulated.as_ref())?,
        closers,
    };
    Ok(Adapters {
        stores,
        resources,
        simulated,
    })
}

/// Opens the stores alone, where no fault acts.
pub async fn open_stores(config: &Config) -> anyhow::Result<Stores> {
    let faults = Faults::default();
    let records = open_records(config, &faults, PoolMeter::default()).await?;
    Ok(Stores::new(records, open_sessions(config, &faults).await?))
}

async fn open_records(
    config: &Config,
    faults: &Faults,
    meter: PoolMeter,
) -> anyhow::Result<Records> {
    let backends = &config.backends;
    match &backends.database_url {
        Some(url) => open_postgres(url, faults, backends.dbm_propagation, meter).await,
        None => embedded::open_records(&config.data_dir, faults).await,
    }
}

#[cfg(feature = "postgres")]
async fn open_postgres(
    url: &Secret,
    faults: &Faults,
    propagation: DbmPropagation,
    meter: PoolMeter,
) -> anyhow::Result<Records> {
    crate::store::postgres::open_records(url, faults, propagation, meter).await
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(
    _: &Secret,
    _: &Faults,
    _: DbmPropagation,
    _: PoolMeter,
) -> anyhow::Result<Records> {
    Err(build::lacks("PostgreSQL"))
}

async fn open_sessions(config: &Config, faults: &Faults) -> anyhow::Result<Sessions> {
    match &config.backends.redis_url {
        Some(url) => open_redis(url, config, faults).await,
        None => embedded::open_sessions(&config.data_dir, faults).await,
    }
}

#[cfg(feature = "redis")]
async fn open_redis(url: &Secret, config: &Config, faults: &Faults) -> anyhow::Result<Sessions> {
    use crate::store::redis;

    let backends = &config.backends;
    let mut settings = redis::Settings::new(url.clone(), &config.env);
    if let Some(prefix) = &backends.redis_key_prefix {
        settings.prefix.clone_from(prefix);
    }
    settings.ca_file.clone_from(&backends.redis_ca_file);
    settings.faults = faults.clone();
    let uses_intents = |role: &PipelineRole| role.service() == Service::Payment;
    let needed = config.runs(Service::Cart)
        || config.runs(Service::Payment)
        || config.roles().iter().any(uses_intents);
    redis::open_sessions(&settings, needed).await
}

#[cfg(not(feature = "redis"))]
async fn open_redis(_: &Secret, _: &Config, _: &Faults) -> anyhow::Result<Sessions> {
    Err(build::lacks("Redis"))
}

fn payments(
    config: &Config,
    faults: &Faults,
    simulated: Option<&Arc<SimulatedProviders>>,
) -> anyhow::Result<Arc<dyn PaymentProvider>> {
    match (&config.backends.payment_provider, simulated) {
        (Some(address), _) => Ok(Arc::new(HttpPayments::new(address)?.with_faults(faults))),
        (None, Some(simulated)) => Ok(simulated.clone()),
        (None, None) => anyhow::bail!("there is no payment provider; set PAYMENT_PROVIDER_URL"),
    }
}

fn mail(
    config: &Config,
    faults: &Faults,
    simulated: Option<&Arc<SimulatedProviders>>,
) -> anyhow::Result<Arc<dyn MailProvider>> {
    match (&config.backends.mail_provider, simulated) {
        (Some(address), _) => Ok(Arc::new(HttpMail::new(address)?.with_faults(faults))),
        (None, Some(simulated)) => Ok(simulated.clone()),
        (None, None) => anyhow::bail!("there is no mail provider; set MAIL_PROVIDER_URL"),
    }
}

/// Opens the queue that the configuration names; its calls are seen in the traces.
pub(crate) async fn open_queue(
    config: &Config,
    faults: &Faults,
) -> anyhow::Result<(Arc<dyn Queue>, Closer)> {
    let (queue, close) = open_bare_queue(config, faults).await?;
    Ok((Arc::new(ObservedQueue::new(queue)), close))
}

async fn open_bare_queue(
    config: &Config,
    faults: &Faults,
) -> anyhow::Result<(Arc<dyn Queue>, Closer)> {
    if let Some(settings) = &config.backends.queue {
        return Ok((open_sqs(settings, config, faults).await?, closer(|| {})));
    }
    let file = config.data_dir.join(QUEUE_FILE);
    let open = move || EmbeddedQueue::open(&file, Durability::Process);
    let queue = Arc::new(off_thread(open).await??.with_faults(faults));
    let closing = queue.clone();
    Ok((queue, closer(move || closing.close())))
}

#[cfg(feature = "sqs")]
async fn open_sqs(
    settings: &SqsSettings,
    config: &Config,
    faults: &Faults,
) -> anyhow::Result<Arc<dyn Queue>> {
    use crate::queue::sqs::SqsQueue;

    let needed = !config.roles().is_empty() || config.runs(Service::Payment);
    // Boxed: the compiler gives up on futures as deep as those of AWS's library.
    let open: BoxFuture<'_, _> = Box::pin(SqsQueue::open(settings.clone(), needed));
    Ok(Arc::new(open.await?.with_faults(faults)))
}

#[cfg(not(feature = "sqs"))]
async fn open_sqs(_: &SqsSettings, _: &Config, _: &Faults) -> anyhow::Result<Arc<dyn Queue>> {
    Err(build::lacks("SQS"))
}

async fn open_simulated(
    config: &Config,
    faults: &Faults,
) -> anyhow::Result<(Arc<SimulatedProviders>, Closer)> {
    let settings = &config.pipeline;
    let behaviour = Behaviour {
        seed: config.seed,
        payment_latency_median: settings.payment_latency,
        mail_latency_median: settings.mail_latency,
        decline_share: settings.decline_share,
        mail_rejection_share: settings.mail_rejection_share,
    };
    let file = config.data_dir.join(PROVIDER_FILE);
    let open = move || SimulatedProviders::open(&file, Durability::Process, behaviour);
    let simulated = Arc::new(off_thread(open).await??.with_faults(faults));
    let closing = simulated.clone();
    Ok((simulated, closer(move || closing.close())))
}
