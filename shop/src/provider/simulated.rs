//! The outside world in a file: a bank and a post office with latency, refusals and outages.
//!
//! Everything random follows from the seed and the idempotency key, so the same run meets the same
//! world. What was charged, refunded and mailed stays in `provider.db`, which stands for the books of
//! somebody else: an audit reads it to see whether each order was paid once.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{
    BookedCharge, Charge, ChargeError, ChargeOutcome, Charged, DeclineReason, Delivered, Mail,
    MailError, MailProvider, PaymentMethod, PaymentProvider, RefundError, Refunded,
};
use crate::{
    clock::now_ms,
    db::{Db, DbError, DbOptions, Durability, Migration},
    fault::{Faults, Point},
    page::Page,
};

/// Spread of the latency: the sigma of the logarithm. About one call in a hundred takes three times the median.
const LATENCY_SIGMA: f64 = 0.45;
/// No simulated call takes longer, however unlucky the draw.
const LATENCY_MAX: Duration = Duration::from_secs(10);
/// Threads that answer audits.
const READERS: usize = 1;

mod books;
mod test_cards;

pub(super) use books::{Attempt, Attempts};
use test_cards::{card_verdict, last4, token_verdict};

/// The schema of the provider's books.
pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    name: "books of the payment and mail providers",
    up: "CREATE TABLE charges (
             idempotency_key TEXT PRIMARY KEY,
             charge_id TEXT NOT NULL UNIQUE,
             amount_minor INTEGER NOT NULL,
             currency TEXT NOT NULL,
             last4 TEXT,
             decline_reason TEXT,
             refund_id TEXT,
             created_at_ms INTEGER NOT NULL,
             refunded_at_ms INTEGER
         ) STRICT;
         CREATE TABLE mails (
             idempotency_key TEXT PRIMARY KEY,
             message_id TEXT NOT NULL UNIQUE,
             recipient TEXT NOT NULL,
             subject TEXT NOT NULL,
             created_at_ms INTEGER NOT NULL
         ) STRICT;",
    down: "DROP TABLE charges; DROP TABLE mails;",
}];

/// How the simulated world behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Behaviour {
    /// Where all chance comes from.
    pub seed: u64,
    /// Half of all payment calls are faster than this.
    pub payment_latency_median: Duration,
    /// Half of all mail calls are faster than this.
    pub mail_latency_median: Duration,
    /// Share of charges of methods on file that the bank declines, 0 to 1.
    pub decline_share: f64,
    /// Share of mails that the post office refuses for good, 0 to 1.
    pub mail_rejection_share: f64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            seed: 0,
            payment_latency_median: Duration::from_millis(40),
            mail_latency_median: Duration::from_millis(25),
            decline_share: 0.0,
            mail_rejection_share: 0.0,
        }
    }
}

/// The bank and the post office.
pub struct SimulatedProviders {
    db: Db,
    behaviour: Behaviour,
    faults: Faults,
}

impl SimulatedProviders {
    /// Opens or makes the books.
    pub fn open(
        path: &Path,
        durability: Durability,
        behaviour: Behaviour,
    ) -> Result<Self, DbError> {
        let options = DbOptions {
            path: path.to_owned(),
            durability,
            readers: READERS,
        };
        Ok(Self {
            // What a provider keeps is nothing that its customers see.
            db: Db::open(&options, MIGRATIONS)?.untraced(),
            behaviour,
            faults: Faults::default(),
        })
    }

    /// Finishes what waits and closes the books. Blocks.
    pub fn close(&self) {
        self.db.close();
    }

    /// Lets faults act on what the providers are asked.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// How many mails were accepted for this key: 0 or 1.
    pub async fn mails_of(&self, idempotency_key: &str) -> Result<u64, DbError> {
        let key = idempotency_key.to_owned();
        self.db
            .read(move |connection| {
                let mut count = connection
                    .prepare_cached("SELECT count(*) FROM mails WHERE idempotency_key = ?1")?;
                Ok(count.query_row([key], |row| row.get(0))?)
            })
            .await
    }

    /// Half the latency before the books are written and half after, so that a caller who dies while
    /// waiting may or may not have been charged, as in life.
    async fn half_latency(&self, median: Duration, key: &str) {
        if let Ok(distribution) = LogNormal::new(
            median.as_secs_f64().max(f64::MIN_POSITIVE).ln(),
            LATENCY_SIGMA,
        ) {
            let seconds = distribution.sample(&mut self.rng_for("latency", key)) / 2.0;
            tokio::time::sleep(Duration::from_secs_f64(
                seconds.min(LATENCY_MAX.as_secs_f64()),
            ))
            .await;
        }
    }

    fn rng_for(&self, what: &str, key: &str) -> ChaCha8Rng {
        let mut digest = Sha256::new();
        digest.update(self.behaviour.seed.to_le_bytes());
        digest.update(what);
        digest.update([0]);
        digest.update(key);
        ChaCha8Rng::from_seed(digest.finalize().into())
    }

    fn happens(&self, what: &str, key: &str, share: f64) -> bool {
        use rand::Rng;
        self.rng_for(what, key).random::<f64>() < share
    }

    fn verdict(&self, charge: &Charge) -> Result<Option<DeclineReason>, ChargeError> {
        if charge.amount_minor <= 0 {
            return Err(ChargeError::Invalid("the amount must be above zero".into()));
        }
        match &charge.method {
            PaymentMethod::OnFile => Ok(self
                .happens(
                    "decline",
                    &charge.idempotency_key,
                    self.behaviour.decline_share,
                )
                .then_some(DeclineReason::InsufficientFunds)),
            PaymentMethod::Token(token) => token_verdict(token),
            PaymentMethod::Card(card) => Ok(card_verdict(card)),
        }
    }
}

#[async_trait]
impl PaymentProvider for SimulatedProviders {
    async fn charge(&self, charge: Charge) -> Result<Charged, ChargeError> {
        let median = self.behaviour.payment_latency_median;
        self.half_latency(median, &charge.idempotency_key).await;
        self.faults
            .at(Point::PaymentCall, "charge")
            .await
            .map_err(|injected| ChargeError::Unavailable(injected.0))?;
        let entry = BookEntry {
            decline: self.verdict(&charge)?,
            last4: last4(&charge.method),
            charge_id: name("ch", &charge.idempotency_key),
            idempotency_key: charge.idempotency_key.clone(),
            amount_minor: charge.amount_minor,
            currency: charge.currency,
        };
        let booked = self
            .db
            .write(move |connection| insert_charge(connection, &entry))
            .await
            .map_err(|error| ChargeError::Unavailable(error.to_string()))?;
        self.half_latency(median, &charge.idempotency_key).await;
        booked
    }

    async fn lookup(&self, idempotency_key: &str) -> Result<Option<ChargeOutcome>, ChargeError> {
        self.faults
            .at(Point::PaymentCall, "lookup")
            .await
            .map_err(|injected| ChargeError::Unavailable(injected.0))?;
        let key = idempotency_key.to_owned();
        self.db
            .read(move |connection| Ok(select_outcome(connection, &key)?))
            .await
            .map_err(|error| ChargeError::Unavailable(error.to_string()))
    }

    async fn refund(&self, charge_id: &str) -> Result<Refunded, RefundError> {
        let median = self.behaviour.payment_latency_median;
        self.half_latency(median, charge_id).await;
        self.faults
            .at(Point::PaymentCall, "refund")
            .await
            .map_err(|injected| RefundError::Unavailable(injected.0))?;
        let (id, refund_id) = (charge_id.to_owned(), name("re", charge_id));
        let refunded = self
            .db
            .write(move |connection| give_back(connection, &id, &refund_id))
            .await
            .map_err(|error| RefundError::Unavailable(error.to_string()))?;
        self.half_latency(median, charge_id).await;
        refunded.ok_or_else(|| RefundError::UnknownCharge(charge_id.to_owned()))
    }

    async fn books(
        &self,
        since_ms: i64,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<BookedCharge, String>, ChargeError> {
        self.faults
            .at(Point::PaymentCall, "books")
            .await
            .map_err(|injected| ChargeError::Unavailable(injected.0))?;
        let place = match after {
            None => 0,
            Some(after) => after
                .parse()
                .map_err(|_| ChargeError::Invalid("no such place in the books".into()))?,
        };
        let mut rows = self
            .charges_after(since_ms, place, limit.saturating_add(1))
            .await
            .map_err(|error| ChargeError::Unavailable(error.to_string()))?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let last = rows.last().filter(|_| more);
        let next = last.map(|(place, _)| place.to_string());
        let items = rows.into_iter().map(|(_, charge)| charge).collect();
        Ok(Page { items, next })
    }
}

#[async_trait]
impl MailProvider for SimulatedProviders {
    async fn send(&self, mail: Mail) -> Result<Delivered, MailError> {
        let key = mail.idempotency_key.clone();
        self.half_latency(self.behaviour.mail_latency_median, &key)
            .await;
        self.faults
            .at(Point::MailSend, "send")
            .await
            .map_err(|injected| MailError::Unavailable(injected.0))?;
        if self.happens("mail", &key, self.behaviour.mail_rejection_share) {
            return Err(MailError::Rejected("no such mailbox".into()));
        }
        let message_id = name("msg", &key);
        let delivered = Delivered {
            message_id: message_id.clone(),
        };
        self.db
            .write(move |connection| insert_mail(connection, &mail, &message_id))
            .await
            .map_err(|error| MailError::Unavailable(error.to_string()))?;
        self.half_latency(self.behaviour.mail_latency_median, &key)
            .await;
        Ok(delivered)
    }
}

struct BookEntry {
    idempotency_key: String,
    charge_id: String,
    amount_minor: i64,
    currency: String,
    last4: Option<String>,
    decline: Option<DeclineReason>,
}

/// Writes the charge unless its key is known, and answers what the books then say.
fn insert_charge(
    connection: &Connection,
    entry: &BookEntry,
) -> Result<Result<Charged, ChargeError>, DbError> {
    connection
        .prepare_cached(
            "INSERT INTO charges (idempotency_key, charge_id, amount_minor, currency, last4, decline_reason, created_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (idempotency_key) DO NOTHING",
        )?
        .execute(params![
            entry.idempotency_key,
            entry.charge_id,
            entry.amount_minor,
            entry.currency,
            entry.last4,
            entry.decline.map(DeclineReason::as_str),
            now_ms(),
        ])?;
    let is_same = connection
        .prepare_cached(
            "SELECT amount_minor = ?1 AND currency = ?2 FROM charges WHERE idempotency_key = ?3",
        )?
        .query_row(
            params![entry.amount_minor, entry.currency, entry.idempotency_key],
            |row| row.get::<_, bool>(0),
        )?;
    if !is_same {
        let message = "the idempotency key was used for another amount";
        return Ok(Err(ChargeError::Invalid(message.into())));
    }
    Ok(match select_outcome(connection, &entry.idempotency_key)? {
        Some(Ok(charged)) => Ok(charged),
        Some(Err(reason)) => Err(ChargeError::Declined(reason)),
        None => Err(ChargeError::Unavailable("the books lost the charge".into())),
    })
}

fn select_outcome(connection: &Connection, key: &str) -> rusqlite::Result<Option<ChargeOutcome>> {
    connection
        .prepare_cached(
            "SELECT charge_id, last4, decline_reason FROM charges WHERE idempotency_key = ?1",
        )?
        .query_row([key], |row| {
            let decline: Option<String> = row.get(2)?;
            Ok(match decline {
                Some(reason) => Err(DeclineReason::from_word(&reason)),
                None => Ok(Charged {
                    charge_id: row.get(0)?,
                    last4: row.get(1)?,
                }),
            })
        })
        .optional()
}

fn give_back(
    connection: &Connection,
    charge_id: &str,
    refund_id: &str,
) -> Result<Option<Refunded>, DbError> {
    connection
        .prepare_cached(
            "UPDATE charges SET refund_id = ?1, refunded_at_ms = ?2
             WHERE charge_id = ?3 AND decline_reason IS NULL AND refund_id IS NULL",
        )?
        .execute(params![refund_id, now_ms(), charge_id])?;
    let refunded = connection
        .prepare_cached(
            "SELECT refund_id FROM charges WHERE charge_id = ?1 AND refund_id IS NOT NULL",
        )?
        .query_row([charge_id], |row| {
            Ok(Refunded {
                refund_id: row.get(0)?,
            })
        })
        .optional()?;
    Ok(refunded)
}

fn insert_mail(connection: &Connection, mail: &Mail, message_id: &str) -> Result<(), DbError> {
    connection
        .prepare_cached(
            "INSERT INTO mails (idempotency_key, message_id, recipient, subject, created_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (idempotency_key) DO NOTHING",
        )?
        .execute(params![
            mail.idempotency_key,
            message_id,
            mail.to,
            mail.subject,
            now_ms()
        ])?;
    Ok(())
}

/// A stable name for something, as providers give: `ch_5f2a…`.
pub(super) fn name(prefix: &str, key: &str) -> String {
    let digest = Sha256::digest(format!("{prefix}:{key}"));
    let hex = telemetry::text::hex(&digest[..12]);
    format!("{prefix}_{hex}")
}

#[cfg(test)]
mod tests;
