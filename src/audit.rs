//! `loadgen audit`: is what clients were promised what the shop has, to the last piece and cent?
//!
//! The clients' side is the run folder, the shop's side its own books, which it opens to auditors over HTTP. In between stands
//! the pipeline, which may need time: an audit waits until it is idle, and for orders that may still move.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use uuid::Uuid;

use crate::commands::Format;
use crate::embedded_shop::EmbeddedShop;
use crate::exit::Exit;
use crate::redact::{Redactor, Shown};
use crate::report::folder::RunFolder;
use crate::scenario::parse_duration;

pub mod books;
pub mod compare;
pub mod findings;
pub mod promises;
pub mod reader;
mod run_folder;
mod show;

use books::{Before, Pipeline};
use compare::compare;
use findings::Findings;
use reader::{ReadError, Reader};
use run_folder::{BEFORE_VERSION, FolderError, RunToAudit};

/// How often the pipeline is looked at while it works.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looks in a row that must find the pipeline idle: figures of queues are approximate, and a message is for a moment in neither.
const IDLE_LOOKS: u32 = 3;
/// How long the books of a shop may take to be read beyond the wait of an audit.
const READ_MAX: Duration = Duration::from_secs(30);
/// How long the audit at the end of a run waits.
const WAIT_DEFAULT: Duration = Duration::from_secs(60);
/// What the clocks of a shop's machines may differ by, milliseconds.
const SKEW_MS: i64 = 5_000;

/// Compare what clients were promised with what the shop has
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  loadgen audit runs/20260101-120000-checkout-storm
  SHOP_AUDIT_TOKEN=… loadgen audit runs/20260101-120000-checkout-storm --target http://127.0.0.1:5921
  loadgen run checkout-storm --audit

A run on the embedded shop is audited at its end (run --audit), or by starting that shop again on the data that run --keep-shop has
kept. Any other shop is asked at the run's target,
or at --target, with its audit or administrator's token from the environment (SHOP_AUDIT_TOKEN or SHOP_ADMIN_TOKEN).

Exit codes: 0 nothing differs · 1 the shop does not answer, or loadgen failed · 2 wrong folder, target or token · 3 something differs")]
pub struct AuditArgs {
    /// Run folder
    #[arg(value_name = "RUN")]
    run: PathBuf,

    /// Base URL of the shop [default: the run's; the embedded shop is started again]
    #[arg(long, value_name = "URL")]
    target: Option<String>,

    /// How long orders may take to come to their end
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    wait: Duration,

    /// Print the findings as JSON
    #[arg(long)]
    json: bool,

    /// What opens the books.
    #[command(flatten)]
    tokens: Tokens,
}

/// What opens a shop's books; from the environment alone.
#[derive(Clone, Default, Args)]
pub struct Tokens {
    /// The shop's audit token
    #[arg(long, hide = true, env = "SHOP_AUDIT_TOKEN", hide_env_values = true)]
    audit_token: Option<String>,
    /// An administrator's token
    #[arg(long, hide = true, env = "SHOP_ADMIN_TOKEN", hide_env_values = true)]
    admin_token: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Tokens {
    /// The one to show: the one that can do less, if both are there.
    pub fn token(&self) -> Option<&str> {
        [&self.audit_token, &self.admin_token]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .find(|token| !token.is_empty())
    }
}

/// Why there are no findings.
#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(
        "the books of {0} need a token: set SHOP_AUDIT_TOKEN or SHOP_ADMIN_TOKEN to what the shop was started with"
    )]
    NoToken(String),
    #[error(
        "--target '{0}' is no URL of a shop: write it like http://127.0.0.1:5921, without user name and password"
    )]
    Target(String),
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

impl AuditError {
    fn is_usage(&self) -> bool {
        match self {
            Self::Folder(_) | Self::NoToken(_) | Self::Target(_) => true,
            Self::Read(error) => error.is_usage(),
            Self::Failed(_) => false,
        }
    }
}

/// An audit that came to its end.
pub struct Audited {
    /// What it found.
    pub findings: Findings,
    /// How long it waited for the shop.
    pub waited: Duration,
}

/// Audits a run folder, tells what it found, and says how it went.
///
/// # Errors
/// When loadgen itself fails, or the shop does not answer.
pub fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    match audit(args) {
        Ok((run, audited)) => {
            let format = if args.json {
                Format::Json
            } else {
                Format::Text
            };
            tell(&run.folder, &audited, format)
        }
        Err(error) if error.is_usage() => {
            let _ = writeln!(
                std::io::stderr(),
                "error: {}",
                Shown::from(error.to_string())
            );
            Ok(Exit::Usage)
        }
        Err(error) => Err(error.into()),
    }
}

fn audit(args: &AuditArgs) -> Result<(RunToAudit, Audited), AuditError> {
    let run = RunToAudit::read(&args.run)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    if args.target.is_none() && run.embedded {
        run.embedded_data()?;
        let mut shop = EmbeddedShop::start_again(run.folder.path())?;
        let reader = Reader::new(&shop.url, shop.audit_token()).context("cannot make a client")?;
        let audited = runtime.block_on(look(&run, &reader, args.wait));
        shop.stop();
        return Ok((run, audited?));
    }
    let url = args.target.as_ref().unwrap_or(&run.target);
    let parsed = url::Url::parse(url).map_err(|_| AuditError::Target(url.clone()))?;
    let has_user_info = crate::engine::plan::has_user_info(&parsed);
    if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() || has_user_info {
        return Err(AuditError::Target(url.clone()));
    }
    let token = args.tokens.token();
    let token = token.ok_or_else(|| AuditError::NoToken(url.clone()))?;
    let reader = Reader::new(url, token).context("cannot make a client")?;
    let audited = runtime.block_on(look(&run, &reader, args.wait))?;
    Ok((run, audited))
}

/// Audits the run in `folder` at a shop that still runs.
///
/// # Errors
/// When the folder cannot be read, or the shop does not answer.
pub async fn look_live(folder: &RunFolder, reader: &Reader) -> anyhow::Result<Audited> {
    let run = RunToAudit::read(folder.path())?;
    Ok(look(&run, reader, WAIT_DEFAULT).await?)
}

/// Tells what an audit found, keeps it in the run folder, and says how it went.
///
/// # Errors
/// When the findings cannot be put into words.
pub fn tell(folder: &RunFolder, audited: &Audited, format: Format) -> anyhow::Result<Exit> {
    // Ids and texts came from the shop.
    let record = Redactor::default().show_json(show::json(audited), "");
    let record = serde_json::to_vec_pretty(&record)?;
    if let Err(error) = folder.write("audit.json", &record) {
        // The folder of an old run may be read-only; the findings are told all the same.
        tracing::warn!(error = format!("{error:#}"), "audit.json was not written");
        let _ = writeln!(std::io::stderr(), "audit.json was not kept: {error:#}");
    }
    let text = match format {
        Format::Json => String::from_utf8_lossy(&record).into_owned() + "\n",
        Format::Text => Shown::from(show::text(audited)).to_string(),
    };
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(match audited.findings.is_clean() {
        true => Exit::Ok,
        false => Exit::AuditDiffers,
    })
}

/// Waits for the pipeline, reads the books, compares; again as long as something may still move.
async fn look(run: &RunToAudit, reader: &Reader, wait: Duration) -> Result<Audited, ReadError> {
    let begin = Instant::now();
    let (end, read_end) = (begin + wait, begin + wait + READ_MAX);
    let since_ms = (run.since_ms - SKEW_MS).max(0);
    let floor = floor(since_ms, run.promises.order_ids());
    let charged_since_ms = charged_since_ms(since_ms, floor);
    loop {
        let idle = wait_until_idle(reader, end, read_end).await?;
        let books = reader.books(floor, charged_since_ms, read_end).await?;
        let findings = compare(&run.promises, run.before.as_ref(), &books);
        // The shop tries dead letters that it can read again.
        let dead_before = run.before.as_ref().map_or(0, |before| before.dead_letters);
        let may_change = !idle
            || findings.in_transit > 0
            || !books.pipeline.is_idle()
            || books.pipeline.dead_letters() > dead_before;
        if findings.is_clean() || !may_change || Instant::now() >= end {
            let waited = begin.elapsed();
            return Ok(Audited { findings, waited });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn wait_until_idle(
    reader: &Reader,
    end: Instant,
    read_end: Instant,
) -> Result<bool, ReadError> {
    let mut idle_looks = 0;
    loop {
        let pipeline: Pipeline = reader.pipeline(read_end).await?;
        idle_looks = if pipeline.is_idle() {
            idle_looks + 1
        } else {
            0
        };
        if idle_looks == IDLE_LOOKS || Instant::now() >= end {
            return Ok(idle_looks == IDLE_LOOKS);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The largest id below all orders of the run: ids begin with the milliseconds of their making.
fn floor(since_ms: i64, promised: impl Iterator<Item = Uuid>) -> Uuid {
    let since = u128::from(since_ms.unsigned_abs()) << 80;
    let first = promised.map(|id| id.as_u128().saturating_sub(1)).min();
    Uuid::from_u128(first.map_or(since, |first| first.min(since)))
}

/// Since when charges are read: those of every order that is compared, also of orders that were there before the run and
/// were promised again.
fn charged_since_ms(since_ms: i64, floor: Uuid) -> i64 {
    since_ms.min(made_ms(floor) - SKEW_MS).max(0)
}

/// When the order with this id was made, in milliseconds since 1970.
fn made_ms(id: Uuid) -> i64 {
    i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX)
}

/// Keeps what the shop has before the first request of a run, so that an audit can tell what became of it.
///
/// # Errors
/// When the books cannot be read, or not be kept.
pub async fn remember(
    folder: &RunFolder,
    reader: &Reader,
    patience: Duration,
) -> anyhow::Result<()> {
    let end = Instant::now() + patience;
    let pipeline = reader.pipeline(end).await?;
    let stock = reader.stock(end).await?;
    let before = Before {
        version: BEFORE_VERSION,
        at_ms: pipeline.now_ms,
        dead_letters: pipeline.dead_letters(),
        stock: stock
            .iter()
            .map(|shelf| (shelf.product_id, shelf.on_shelf, shelf.sold))
            .collect(),
    };
    run_folder::keep_before(folder, &before)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The id of an order that was made then.
    fn at(ms: u128) -> Uuid {
        Uuid::from_u128((ms << 80) | (7 << 76) | 5)
    }

    #[test]
    fn the_charges_of_an_order_that_is_promised_again_are_read() {
        let begin: i64 = 1_700_000_000_000;
        let minutes_before = begin - 600_000;
        let made = u128::from(minutes_before.unsigned_abs());
        let floor_of = |made| floor(begin, [at(made)].into_iter());
        assert!(charged_since_ms(begin, floor_of(made)) <= minutes_before - SKEW_MS);
        assert!(charged_since_ms(begin, floor_of(made + 700_000)) <= begin);
        assert_eq!(charged_since_ms(begin, floor_of(1)), 0);
    }

    #[test]
    fn the_floor_lies_below_every_order_of_the_run() {
        let begin = 1_700_000_000_000;
        let none = floor(begin, std::iter::empty());
        assert!(none < at(1_700_000_000_000) && none > at(1_699_999_999_999));
        let early = at(1_699_999_000_000);
        assert!(floor(begin, [early, at(1_700_000_000_001)].into_iter()) < early);
        assert_eq!(floor(begin, [at(1_700_000_000_001)].into_iter()), none);
    }
}
