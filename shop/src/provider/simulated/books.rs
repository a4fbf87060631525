//! Reading the simulated bank's books: what went through, and every attempt.

use rusqlite::Row;

use super::SimulatedProviders;
use crate::db::DbError;
use crate::provider::BookedCharge;

/// One attempt to charge, whether it went through or not.
#[derive(Clone, Debug)]
pub(in crate::provider) struct Attempt {
    pub(in crate::provider) idempotency_key: String,
    pub(in crate::provider) charge_id: String,
    pub(in crate::provider) amount_minor: i64,
    pub(in crate::provider) currency: String,
    pub(in crate::provider) last4: Option<String>,
    pub(in crate::provider) decline_reason: Option<String>,
    pub(in crate::provider) refund_id: Option<String>,
    pub(in crate::provider) created_at_ms: i64,
}

/// Which attempts.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Attempts {
    /// Those under this key.
    pub(in crate::provider) key: Option<String>,
    /// That one.
    pub(in crate::provider) charge_id: Option<String>,
    /// Those older than that one.
    pub(in crate::provider) before: Option<String>,
    /// Those of this time and later.
    pub(in crate::provider) since_ms: i64,
    pub(in crate::provider) limit: u32,
}

const ATTEMPTS: &str = "
    SELECT * FROM charges
    WHERE created_at_ms >= ?1
      AND (?2 IS NULL OR idempotency_key = ?2)
      AND (?3 IS NULL OR charge_id = ?3)
      AND (?4 IS NULL OR rowid < (SELECT rowid FROM charges WHERE charge_id = ?4))
    ORDER BY rowid DESC LIMIT ?5";

impl SimulatedProviders {
    /// Charges that went through, oldest first, at most `limit`.
    pub async fn booked_charges(&self, limit: u32) -> Result<Vec<BookedCharge>, DbError> {
        let charges = self.charges_after(0, 0, limit).await?;
        Ok(charges.into_iter().map(|(_, charge)| charge).collect())
    }

    /// Charges that went through, oldest first, each with its place in the books.
    pub(super) async fn charges_after(
        &self,
        since_ms: i64,
        place: i64,
        limit: u32,
    ) -> Result<Vec<(i64, BookedCharge)>, DbError> {
        self.db
            .read(move |connection| {
                let mut select = connection.prepare_cached(
                    "SELECT rowid, idempotency_key, charge_id, amount_minor, currency, refund_id IS NOT NULL
                     FROM charges WHERE decline_reason IS NULL AND created_at_ms >= ?1 AND rowid > ?2
                     ORDER BY rowid LIMIT ?3",
                )?;
                let rows = select.query_map((since_ms, place, limit), |row| {
                    let charge = BookedCharge {
                        idempotency_key: row.get(1)?,
                        charge_id: row.get(2)?,
                        amount_minor: row.get(3)?,
                        currency: row.get(4)?,
                        refunded: row.get(5)?,
                    };
                    Ok((row.get(0)?, charge))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// Attempts, newest first.
    pub(in crate::provider) async fn attempts(
        &self,
        which: Attempts,
    ) -> Result<Vec<Attempt>, DbError> {
        self.db
            .read(move |connection| {
                let mut select = connection.prepare_cached(ATTEMPTS)?;
                let values = (
                    which.since_ms,
                    which.key,
                    which.charge_id,
                    which.before,
                    which.limit,
                );
                let rows = select.query_map(values, read_attempt)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        idempotency_key: row.get("idempotency_key")?,
        charge_id: row.get("charge_id")?,
        amount_minor: row.get("amount_minor")?,
        currency: row.get("currency")?,
        last4: row.get("last4")?,
        decline_reason: row.get("decline_reason")?,
        refund_id: row.get("refund_id")?,
        created_at_ms: row.get("created_at_ms")?,
    })
}
