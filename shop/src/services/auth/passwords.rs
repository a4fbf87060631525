//! Hashing passwords with Argon2id on a few threads of their own.
//!
//! A hash is tens of milliseconds of pure CPU: it must neither block the tasks that serve requests nor queue without end, and
//! whoever asks for many must not keep the others from theirs. The threads run at low priority where the system allows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{Ident, Output, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::http::StatusCode;
use rand::TryRngCore;
use rand::rngs::OsRng;
use tokio::sync::oneshot;

use super::client::ClientNetwork;
use super::failures::{Attempt, Failures};
use super::pool::{Job, Pool, Refused};
use crate::config::PasswordCost;
use crate::error::ApiError;
use crate::secret::same;

/// How long a hash may wait for its turn: less than a request may take, so that a client that asks for more than there is
/// hears of it in time.
const WAIT_MAX: Duration = Duration::from_secs(8);
const SALT_BYTES: usize = 16;

/// Hashes and checks passwords.
pub struct Passwords {
    pool: Pool,
    failures: Arc<Failures>,
    cost: Params,
    /// Checked in place of the hash of an account that does not exist.
    decoy: String,
}

/// Why there is no hash.
enum NoHash {
    /// The client has lost its place in line.
    Displaced,
    /// The account was tried too often; how long to wait.
    TooManyFailures(Duration),
    /// Argon2 failed.
    Failed(argon2::password_hash::Error),
}

impl From<argon2::password_hash::Error> for NoHash {
    fn from(error: argon2::password_hash::Error) -> Self {
        NoHash::Failed(error)
    }
}

impl From<NoHash> for ApiError {
    fn from(reason: NoHash) -> Self {
        match reason {
            NoHash::Displaced => crowded(),
            NoHash::TooManyFailures(wait) => too_many_failures(wait),
            NoHash::Failed(error) => ApiError::internal(&error),
        }
    }
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
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let decoy =
            decoy(&cost).map_err(|error| anyhow::anyhow!("cannot hash passwords: {error}"))?;
        Ok(Passwords {
            pool: Pool::start((cores / 2).max(1))?,
            failures: Arc::default(),
            cost,
            decoy,
        })
    }

    /// The hash of a password in PHC form, with a salt of its own.
    pub async fn hash(&self, whose: Attempt, password: String) -> Result<String, ApiError> {
        self.run(whose, Some(WAIT_MAX), self.hashing(password))
            .await
    }

    /// The hash of a password of the shop's own, however long it takes: a busy machine is no reason not to start.
    pub(super) async fn hash_own(&self, password: &str) -> Result<String, ApiError> {
        let shop = Attempt {
            account: String::new(),
            client: ClientNetwork::OWN,
        };
        self.run(shop, None, self.hashing(password.to_owned()))
            .await
    }

    fn hashing(
        &self,
        password: String,
    ) -> impl FnOnce(&mut Vec<Block>) -> Result<String, NoHash> + Send + use<> {
        let cost = self.cost.clone();
        move |memory| Ok(hash(&cost, &password, memory)?)
    }

    /// Refuses an attempt that may not be made now, before it costs anything.
    pub(super) fn check(&self, attempt: &Attempt) -> Result<(), ApiError> {
        let checked = self.failures.check(attempt, Instant::now());
        checked.map_err(too_many_failures)
    }

    /// Whether the password belongs to the hash, unless the account was tried too often. Without a hash it takes as long and
    /// says no.
    pub async fn verify(
        &self,
        attempt: Attempt,
        password: String,
        hash: Option<String>,
    ) -> Result<bool, ApiError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let failures = Arc::clone(&self.failures);
        let tried = attempt.clone();
        // Counted where the hash is made: the attempts that wait behind it see the outcome.
        let work = move |memory: &mut Vec<Block>| {
            let checked = failures.check(&tried, Instant::now());
            checked.map_err(NoHash::TooManyFailures)?;
            let genuine = verify(&hash, &password, memory)? && known;
            failures.record(&tried, genuine, Instant::now());
            Ok(genuine)
        };
        self.run(attempt, Some(WAIT_MAX), work).await
    }

    /// Finishes what waits and joins the threads. Blocks; harmless twice.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn run<T: Send + 'static>(
        &self,
        whose: Attempt,
        patience: Option<Duration>,
        work: impl FnOnce(&mut Vec<Block>) -> Result<T, NoHash> + Send + 'static,
    ) -> Result<T, ApiError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |memory| {
            // A caller that has hung up needs no hash.
            if !answer.is_closed() {
                drop(answer.send(memory.map_or(Err(NoHash::Displaced), work)));
            }
        });
        self.pool
            .submit(whose, job)
            .map_err(|refused| match refused {
                Refused::Crowded => crowded(),
                Refused::Closed => shutting_down(),
            })?;
        let outcome = match patience {
            Some(patience) => tokio::time::timeout(patience, answered)
                .await
                .map_err(|_| crowded())?,
            None => answered.await,
        };
        Ok(outcome.map_err(|_| shutting_down())??)
    }
}

fn crowded() -> ApiError {
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "more people log in from this address than the shop can check; try again shortly",
    )
    .retry_after(1)
}

fn too_many_failures(wait: Duration) -> ApiError {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
    ApiError::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_failures",
        "too many wrong passwords for this account; try again later",
    )
    .retry_after(seconds.saturating_add(1))
}

fn shutting_down() -> ApiError {
    ApiError::unavailable("the shop is shutting down")
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

    fn ann() -> Attempt {
        Attempt {
            account: "ann@example.com".into(),
            client: ClientNetwork::OWN,
        }
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        let passwords = cheap();
        let hash = passwords.hash_own("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let verify = |password: &str, hash: Option<&String>| {
            passwords.verify(ann(), password.to_owned(), hash.cloned())
        };
        assert!(verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!verify("battery staple", Some(&hash)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_are_what_everyone_else_means_by_argon2id() {
        let hash = cheap().hash_own("correct horse").await.unwrap();
        let parsed = PasswordHash::new(&hash).unwrap();
        Argon2::default()
            .verify_password(b"correct horse", &parsed)
            .unwrap();
    }
}
