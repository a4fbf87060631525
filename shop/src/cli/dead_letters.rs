//! `dead-letters`: looking after messages that no consumer could handle, from the command line.
//!
//! It opens the queue beside a running shop, which is what the queue is made for.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::json;

use crate::db::Durability;
use crate::queue::embedded::EmbeddedQueue;
use crate::queue::{Queue, Topic, redrive};

/// Messages shown or moved unless asked otherwise.
const MESSAGES_DEFAULT: usize = 100;

/// Lists, shows, redrives or purges dead letters.
#[derive(Debug, clap::Args)]
pub(super) struct DeadLetterArgs {
    /// The shop's data folder
    #[arg(
        long,
        value_name = "DIR",
        default_value = "shop-data",
        env = "SHOP_DATA",
        global = true
    )]
    data: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// How many dead letters each queue has, and the age of the oldest
    List,
    /// The oldest dead letters of a queue, one JSON object a line
    Show(Selection),
    /// Put dead letters back on their queue, where they count as new
    Redrive(Selection),
    /// Delete every dead letter of a queue
    Purge {
        /// Which queue
        queue: QueueName,
    },
}

#[derive(Debug, clap::Args)]
struct Selection {
    /// Which queue
    queue: QueueName,
    /// At most this many messages
    #[arg(long, value_name = "N", default_value_t = MESSAGES_DEFAULT)]
    max: usize,
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

impl DeadLetterArgs {
    /// Does what the command says and writes to `out`.
    pub(super) async fn run(self, out: &mut impl Write) -> anyhow::Result<()> {
        let queue = open(&self.data)?;
        let done = self.action.run(&queue, out).await;
        queue.close();
        done
    }
}

fn open(folder: &Path) -> anyhow::Result<EmbeddedQueue> {
    let file = folder.join("queue.db");
    if !file.exists() {
        bail!(
            "{} does not exist; name the shop's data folder with `--data`",
            file.display()
        );
    }
    EmbeddedQueue::open(&file, Durability::Process)
        .with_context(|| format!("cannot open the queue in {}", file.display()))
}

impl Action {
    async fn run(self, queue: &dyn Queue, out: &mut impl Write) -> anyhow::Result<()> {
        match self {
            Action::List => list(queue, out).await,
            Action::Show(selection) => show(queue, &selection, out).await,
            Action::Redrive(selection) => {
                let moved = redrive(queue, selection.queue.topic(), selection.max).await?;
                Ok(writeln!(out, "{moved} put back")?)
            }
            Action::Purge { queue: name } => {
                queue.purge(name.topic().dead_letters()).await?;
                Ok(writeln!(out, "purged")?)
            }
        }
    }
}

async fn list(queue: &dyn Queue, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "{:<32} {:>8} {:>12}", "queue", "messages", "oldest, s")?;
    for topic in Topic::ALL {
        let name = topic.dead_letters();
        let depth = queue.depth(name).await?;
        let age_s = depth.oldest_age.as_secs();
        writeln!(
            out,
            "{:<32} {:>8} {:>12}",
            name.name(),
            depth.total(),
            age_s
        )?;
    }
    Ok(())
}

async fn show(
    queue: &dyn Queue,
    selection: &Selection,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let name = selection.queue.topic().dead_letters();
    for letter in queue.peek(name, selection.max).await? {
        let line = json!({
            "id": letter.id,
            "receiveCount": letter.receive_count,
            "sentAtMs": letter.sent_at_ms,
            "attributes": letter.attributes,
            "body": letter.body,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}
