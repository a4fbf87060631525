//! The embedded shop: a child process of this same binary, so that it can be killed, paused and measured apart.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::report::folder::SHOP_DATA;

/// How long the shop may take until all its ports listen.
const READY_MAX: Duration = Duration::from_secs(60);

/// How long the shop may take to finish what it began after it was told to stop.
const STOP_MAX: Duration = Duration::from_secs(15);

/// How often the shop's memory is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// The shop yields the processor to the generator: a clock that comes late would measure itself.
const NICENESS: i32 = 5;

/// A running shop. Dropping it stops it.
pub struct EmbeddedShop {
    child: Child,
    /// Base URL of the gateway.
    pub url: String,
    /// Time from the start of the process until its ports listened.
    pub ready_after: Duration,
    audit_token: String,
    memory_bytes_max: Arc<AtomicU64>,
    watching: Arc<AtomicBool>,
    watcher: Option<std::thread::JoinHandle<()>>,
}

/// What the shop writes when it listens.
#[derive(Deserialize)]
struct Ready {
    services: BTreeMap<String, String>,
}

impl EmbeddedShop {
    /// Starts the shop with its data and log in `folder`, and `environment` besides this process' own; waits until it listens.
    ///
    /// # Errors
    /// When it cannot be started or ends at once; the message carries the end of its log.
    pub fn start(
        folder: &Path,
        environment: &BTreeMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        Self::start_logging(folder, &folder.join("shop.log"), environment)
    }

    /// Starts the shop of an earlier run again on its data; the log of that run stays as it is.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn start_again(folder: &Path) -> anyhow::Result<Self> {
        Self::start_logging(folder, &folder.join("shop-audit.log"), &BTreeMap::new())
    }

    fn start_logging(
        folder: &Path,
        log: &Path,
        environment: &BTreeMap<&'static str, String>,
    ) -> anyhow::Result<Self> {
        let ready_file = folder.join("shop-ready.json");
        // One that a crash left would be taken for this shop's.
        let _ = std::fs::remove_file(&ready_file);
        let begin = Instant::now();
        let audit_token = random_token()?;
        let child = command(folder, log, &ready_file)?
            .env("SHOP_AUDIT_TOKEN", &audit_token)
            .envs(environment)
            .spawn()
            .context("cannot start the embedded shop")?;
        let mut shop = Self {
            audit_token,
            memory_bytes_max: Arc::default(),
            watching: Arc::new(AtomicBool::new(true)),
            watcher: None,
            child,
            url: String::new(),
            ready_after: Duration::ZERO,
        };
        shop.url = shop.wait_until_ready(&ready_file, log)?;
        shop.ready_after = begin.elapsed();
        shop.watcher = shop.watch().ok();
        let _ = std::fs::remove_file(ready_file);
        Ok(shop)
    }

    fn wait_until_ready(&mut self, ready_file: &Path, log: &Path) -> anyhow::Result<String> {
        let begin = Instant::now();
        loop {
            if let Ok(text) = std::fs::read_to_string(ready_file) {
                let ready: Ready = serde_json::from_str(&text)
                    .context("the embedded shop's ready file is damaged")?;
                return ready
                    .services
                    .get("gateway")
                    .cloned()
                    .context("the embedded shop has no gateway");
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "the embedded shop ended at once ({status}). Its last words:\n{}",
                    tail(log)
                );
            }
            if begin.elapsed() > READY_MAX {
                bail!(
                    "the embedded shop was not ready after {} s; see {}",
                    READY_MAX.as_secs(),
                    log.display()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn watch(&self) -> std::io::Result<std::thread::JoinHandle<()>> {
        let process = self.child.id().to_string();
        let (highest, watching) = (self.memory_bytes_max.clone(), self.watching.clone());
        std::thread::Builder::new()
            .name("shop-watch".to_owned())
            .spawn(move || {
                while watching.load(Ordering::Relaxed) {
                    highest.fetch_max(crate::own::memory_bytes_of(&process), Ordering::Relaxed);
                    std::thread::park_timeout(WATCH_EVERY);
                }
            })
    }

    /// Opens this shop's books; it is made anew for each start and kept nowhere else.
    pub fn audit_token(&self) -> &str {
        &self.audit_token
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Highest resident memory seen, bytes.
    pub fn memory_bytes_max(&self) -> u64 {
        self.memory_bytes_max.load(Ordering::Relaxed)
    }

    /// Tells the shop to stop over its lifeline, and waits; one that does not stop is killed. A lifeline that ends without a word
    /// is what a killed loadgen leaves, and the shop then takes no time to finish anything.
    pub fn stop(&mut self) {
        self.watching.store(false, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            let _ = watcher.join();
        }
        if let Some(mut lifeline) = self.child.stdin.take() {
            // A shop that has gone already hears nothing.
            let _ = lifeline.write_all(b"stop\n");
        }
        let begin = Instant::now();
        while begin.elapsed() < STOP_MAX {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tracing::warn!(
            "the embedded shop did not stop in {} s and was killed",
            STOP_MAX.as_secs()
        );
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for EmbeddedShop {
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(folder: &Path, log: &Path, ready_file: &Path) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("cannot find loadgen's own program file")?;
    let log =
        shop::private::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let data: PathBuf = folder.join(SHOP_DATA);
    let mut command = Command::new(program);
    command
        .args(["shop", "serve", "--free-ports", "--lifeline", "--data"])
        .arg(data)
        .arg("--ready-file")
        .arg(ready_file)
        .stdin(Stdio::piped())
        .stderr(log.try_clone()?)
        .stdout(log)
        // Ctrl-C is for the generator, which tells the shop to stop when it has finished measuring.
        .process_group(0);
    Ok(command)
}

/// Random bytes of the system as text. A seed would make them guessable.
fn random_token() -> anyhow::Result<String> {
    let bytes: [u8; 32] = crate::own::random_bytes().context("the system gives no random bytes")?;
    Ok(telemetry::text::hex(bytes))
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// Lets the shop yield to the generator. Where the system refuses, the run's own judgement tells whether it mattered.
pub fn yield_to_generator(shop: &EmbeddedShop) {
    let process = i32::try_from(shop.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    if process.is_some_and(|process| {
        rustix::process::setpriority_process(Some(process), NICENESS).is_err()
    }) {
        tracing::info!("the embedded shop runs at the generator's own priority");
    }
}
