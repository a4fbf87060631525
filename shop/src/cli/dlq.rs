//! `dlq`: looking after messages that no consumer could handle, from the command line.
//!
//! It opens the queue that the shop uses, beside the running shop: the embedded one in the data folder, or the one that the
//! environment names.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::backends::BackendArgs;
use crate::config::Config;
use crate::fault::Faults;
use crate::pipeline::unread_reason;
use crate::queue::{BATCH_MAX, Peeked, Queue, Receive, Received, Topic, redrive, resend};
use crate::server::open_queue;

/// Messages shown or moved unless asked otherwise.
const MESSAGES_DEFAULT: usize = 100;
/// Letters that are looked through for one with a certain id.
const SEARCH_MAX: usize = 10_000;
/// How long letters that are being looked through stay hidden from others.
const SEARCH_VISIBILITY: Duration = Duration::from_secs(60);

/// Lists, shows, redrives or purges dead letters.
#[derive(Debug, clap::Args)]
pub(super) struct DlqArgs {
    /// The shop's data folder
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA",
        global = true
    )]
    data: PathBuf,
    #[command(flatten)]
    backends: BackendArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Each queue: messages that wait, dead letters, and the age of the oldest
    List,
    /// The oldest dead letters of a queue, one JSON object a line
    Show {
        /// Which queue
        queue: QueueName,
        /// At most this many messages
        #[arg(long, value_name = "N", default_value_t = MESSAGES_DEFAULT)]
        max: usize,
    },
    /// Put dead letters back on their queue, where they count as new
    Redrive {
        /// Which queue
        queue: QueueName,
        /// At most this many messages
        #[arg(long, value_name = "N", default_value_t = MESSAGES_DEFAULT)]
        max: usize,
        /// Only the message with this id, as `show` tells it
        #[arg(long, value_name = "ID", conflicts_with = "max")]
        id: Option<String>,
    },
    /// Delete every dead letter of a queue
    Purge {
        /// Which queue
        queue: QueueName,
        /// Really: what is deleted is gone
        #[arg(long)]
        yes: bool,
    },
}

/// The queues of the pipeline.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum QueueName {
    Orders,
    Payments,
    Inventory,
    Notifications,
}

impl QueueName {
    fn topic(self) -> Topic {
        match self {
            QueueName::Orders => Topic::Orders,
            QueueName::Payments => Topic::Payments,
            QueueName::Inventory => Topic::Inventory,
            QueueName::Notifications => Topic::Notifications,
        }
    }
}

impl DlqArgs {
    /// Does what the command says and writes to `out`.
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let mut config = Config::new(&self.data);
        config.backends = self.backends.backends()?;
        let file = self.data.join("queue.db");
        if !config.backends.has_queue() && !file.exists() {
            bail!(
                "{} does not exist; name the shop's data folder with `--data`",
                file.display()
            );
        }
        let (queue, close) = open_queue(&config, &Faults::default()).await?;
        let done = self.action.run(&*queue, out).await;
        close().await;
        done
    }
}

impl Action {
    async fn run(self, queue: &dyn Queue, out: &mut impl Write) -> anyhow::Result<()> {
        match self {
            Action::List => list(queue, out).await,
            Action::Show { queue: name, max } => show(queue, name.topic(), max, out).await,
            Action::Redrive {
                queue: name,
                id: Some(id),
                ..
            } => redrive_one(queue, name.topic(), &id, out).await,
            Action::Redrive {
                queue: name, max, ..
            } => {
                let moved = redrive(queue, name.topic(), max).await?;
                Ok(writeln!(out, "{moved} put back")?)
            }
            Action::Purge { queue: name, yes } => {
                let letters = name.topic().dead_letters();
                let count = queue.depth(letters).await?.total();
                if !yes {
                    bail!("this would delete {count} dead letters for good; say so with `--yes`");
                }
                queue.purge(letters).await?;
                Ok(writeln!(out, "{count} deleted")?)
            }
        }
    }
}

async fn list(queue: &dyn Queue, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{:<16} {:>8} {:>10} {:>10} {:>8} {:>10}",
        "queue", "waiting", "in flight", "oldest, s", "dead", "oldest, s"
    )?;
    for topic in Topic::ALL {
        let alive = queue.depth(topic.queue()).await?;
        let dead = queue.depth(topic.dead_letters()).await?;
        writeln!(
            out,
            "{:<16} {:>8} {:>10} {:>10} {:>8} {:>10}",
            topic.queue().name(),
            alive.visible + alive.delayed,
            alive.in_flight,
            alive.oldest_age.as_secs(),
            dead.total(),
            dead.oldest_age.as_secs()
        )?;
    }
    Ok(())
}

async fn show(
    queue: &dyn Queue,
    topic: Topic,
    max: usize,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    for letter in queue.peek(topic.dead_letters(), max).await? {
        writeln!(out, "{}", described(topic, &letter))?;
    }
    Ok(())
}

fn described(topic: Topic, letter: &Peeked) -> Value {
    let trace_id = letter
        .attributes
        .get("traceparent")
        .and_then(|parent| parent.split('-').nth(1));
    json!({
        "id": letter.id,
        "receiveCount": letter.receive_count,
        "sentAtMs": letter.sent_at_ms,
        "reason": unread_reason(topic, &letter.body)
            .unwrap_or_else(|| "it can be read, but its handling failed; see the log under its trace id".to_owned()),
        "correlationId": letter.attributes.get(telemetry::context::CORRELATION_ID_ATTRIBUTE),
        "traceId": trace_id,
        "attributes": letter.attributes,
        "body": letter.body,
    })
}

/// Looks for one letter. Those that it is not are hidden meanwhile, and given back at the end.
async fn redrive_one(
    queue: &dyn Queue,
    topic: Topic,
    id: &str,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut others: Vec<Received> = Vec::new();
    let found = loop {
        let how = Receive {
            max: BATCH_MAX,
            visibility: SEARCH_VISIBILITY,
            wait: Duration::ZERO,
        };
        let letters = queue.receive(topic.dead_letters(), how).await?;
        let is_over = letters.is_empty() || others.len() > SEARCH_MAX;
        let (found, rest): (Vec<_>, Vec<_>) =
            letters.into_iter().partition(|letter| letter.id == id);
        others.extend(rest);
        if is_over || !found.is_empty() {
            break found;
        }
    };
    for letter in &others {
        let letters = topic.dead_letters();
        queue
            .change_visibility(letters, &letter.receipt, Duration::ZERO)
            .await?;
    }
    if found.is_empty() {
        bail!("no dead letter of that queue has the id `{id}`; `dlq show` lists them");
    }
    let moved = resend(queue, topic, found).await?;
    Ok(writeln!(out, "{moved} put back")?)
}
