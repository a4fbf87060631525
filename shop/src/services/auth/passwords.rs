//! Hashing passwords with Argon2id on a few threads of their own.
//!
//! A hash is tens of milliseconds of pure CPU: it must neither block the tasks that serve requests
//! nor queue without end. The threads run at low priority where the system allows it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use argon2::password_hash::{Ident, Output, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::oneshot;

use crate::config::PasswordCost;
use crate::error::ApiError;
use crate::token::same;

/// Hashes that may wait; one more is turned away with 503.
const QUEUE_JOBS_MAX: usize = 256;
/// Priority of the hashing threads: requests go first.
const NICENESS: i32 = 10;
const SALT_BYTES: usize = 16;

/// Hashes and checks passwords.
pub struct Passwords {
    jobs: SyncSender<Message>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    thread_count: usize,
    cost: Params,
    /// Checked in place of the hash of an account that does not exist.
    decoy: String,
}

type Job = Box<dyn FnOnce(&mut Vec<Block>) + Send>;

enum Message {
    Job(Job),
    Close,
}

impl Passwords {
    /// Starts the threads: half the cores, at least one.
    pub fn start(cost: PasswordCost) -> anyhow::Result<Self> {
        let cost =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|error| {
                anyhow::anyhow!(
                    "the password cost is not acceptable ({error}); the default is 19456,2,1"
                )
            })?;
        let (jobs, queue) = sync_channel(QUEUE_JOBS_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let thread_count = (cores / 2).max(1);
        let threads = (0..thread_count)
            .map(|_| {
                let queue = Arc::clone(&queue);
                std::thread::Builder::new()
                    .name("password".into())
                    .spawn(move || run(&queue))
            })
            .collect::<Result<_, _>>()?;
        let decoy =
            decoy(&cost).map_err(|error| anyhow::anyhow!("cannot hash passwords: {error}"))?;
        Ok(Passwords {
            jobs,
            threads: Mutex::new(threads),
            thread_count,
            cost,
            decoy,
        })
    }

    /// The hash of a password in PHC form, with a salt of its own.
    pub async fn hash(&self, password: String) -> Result<String, ApiError> {
        let cost = self.cost.clone();
        self.run(move |memory| hash(&cost, &password, memory)).await
    }

    /// Whether the password belongs to the hash. Without a hash it takes as long and says no.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, ApiError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let genuine = self
            .run(move |memory| verify(&hash, &password, memory))
            .await?;
        Ok(genuine && known)
    }

    /// Finishes what waits and joins the threads. Blocks; harmless twice.
    pub fn close(&self) {
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        for _ in 0..self.thread_count {
            // Fails only when the threads are gone already.
            drop(self.jobs.send(Message::Close));
        }
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a password thread panicked");
            }
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<Block>) -> argon2::password_hash::Result<T> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // A caller that has hung up needs no hash.
            if !answer.is_closed() {
                drop(answer.send(work(memory)));
            }
        });
        self.jobs
            .try_send(Message::Job(job))
            .map_err(|error| match error {
                TrySendError::Full(_) => {
                    ApiError::unavailable("too many people log in at once; try again shortly")
                }
                TrySendError::Disconnected(_) => ApiError::unavailable("the shop is shutting down"),
            })?;
        answered
            .await
            .map_err(|_| ApiError::unavailable("the shop is shutting down"))?
            .map_err(|error| ApiError::internal(&error))
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(queue: &Mutex<Receiver<Message>>) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "cannot lower the priority of password hashing");
    }
    // Kept from hash to hash: touching 19 MiB of fresh pages would cost as much as a tenth of it.
    let mut memory = Vec::new();
    loop {
        let message = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match message {
            Ok(Message::Job(job)) => job(&mut memory),
            Ok(Message::Close) | Err(_) => return,
        }
    }
}

fn hash(
    cost: &Params,
    password: &str,
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<String> {
    let mut salt = [0; SALT_BYTES];
    OsRng
        .try_fill_bytes(&mut salt)
        .map_err(|_| argon2::password_hash::Error::Crypto)?;
    phc(cost, password, &salt, memory)
}

fn phc(
    cost: &Params,
    password: &str,
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<String> {
    let output = derive(cost, password, salt, memory)?;
    let salt = SaltString::encode_b64(salt)?;
    let hash = PasswordHash {
        algorithm: Ident::from(Algorithm::Argon2id),
        version: Some(Version::V0x13.into()),
        params: cost.try_into()?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&output)?),
    };
    Ok(hash.to_string())
}

fn verify(
    hash: &str,
    password: &str,
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<bool> {
    let hash = PasswordHash::new(hash)?;
    let cost = Params::try_from(&hash)?;
    let mut salt = [0; 64];
    let salt = match hash.salt {
        Some(encoded) => encoded.decode_b64(&mut salt)?,
        None => return Ok(false),
    };
    let derived = derive(&cost, password, salt, memory)?;
    Ok(hash
        .hash
        .is_some_and(|expected| same(expected.as_bytes(), &derived)))
}

fn derive(
    cost: &Params,
    password: &str,
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<[u8; Params::DEFAULT_OUTPUT_LEN]> {
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    memory.resize(memory.len().max(cost.block_count()), Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.clone()).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        &mut output,
        &mut memory[..cost.block_count()],
    )?;
    Ok(output)
}

/// A well-formed hash of no password, made without spending a hash at start-up.
fn decoy(cost: &Params) -> argon2::password_hash::Result<String> {
    let salt = SaltString::encode_b64(&[0; SALT_BYTES])?;
    let hash = PasswordHash {
        algorithm: Ident::from(Algorithm::Argon2id),
        version: Some(Version::V0x13.into()),
        params: cost.try_into()?,
        salt: Some(salt.as_salt()),
        hash: Some(Output::new(&[0; Params::DEFAULT_OUTPUT_LEN])?),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    fn cheap() -> Passwords {
        Passwords::start(PasswordCost {
            memory_kib: 64,
            passes: 1,
            lanes: 1,
        })
        .unwrap()
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = cheap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let verify = |password: &str, hash: Option<&String>| {
            passwords.verify(password.to_owned(), hash.cloned())
        };
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("battery staple", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_are_what_everyone_else_means_by_argon2id() {
        let hash = cheap().hash("correct horse".into()).await.unwrap();
        let parsed = PasswordHash::new(&hash).unwrap();
        Argon2::default()
            .verify_password(b"correct horse", &parsed)
            .unwrap();
    }
}
