//! What clients were promised, out of a run's `orders.jsonl`. Must not know the shop.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Before the digest of a key that is kept without the key itself.
const DIGEST: &str = "sha256:";

/// The clients' side of an audit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Promises {
    /// Orders that were acknowledged.
    pub orders: Vec<OrderPromise>,
    /// Payments that were acknowledged.
    pub payments: Vec<PaymentPromise>,
    /// Promises of other kinds (accounts, carts), which are not audited.
    pub others: u64,
    /// Lines that could not be read: the torn last one of a run that was killed, or one of another program.
    pub unreadable: u64,
}

/// An order, as it was acknowledged to a client. What the scenario did not write down is not compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderPromise {
    /// Its id.
    pub id: Uuid,
    /// The idempotency key it was asked for under.
    pub key: Option<String>,
    /// Its total, in minor units.
    pub total_minor: Option<i64>,
    /// Its currency.
    pub currency: Option<String>,
    /// A product in it.
    pub product: Option<i64>,
    /// Pieces of that product.
    pub quantity: Option<i64>,
}

/// A payment, as it was acknowledged to a client.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PaymentPromise {
    /// The order it pays.
    pub order: Uuid,
    /// What was paid, in minor units.
    pub amount_minor: Option<i64>,
    /// In which currency.
    pub currency: Option<String>,
}

impl Promises {
    /// Every order that a client was told of.
    pub fn order_ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        let paid = self.payments.iter().map(|payment| payment.order);
        self.orders.iter().map(|order| order.id).chain(paid)
    }

    /// Takes in one line.
    pub fn add(&mut self, line: &str) {
        let Ok(promise) = serde_json::from_str::<Value>(line) else {
            self.unreadable += 1;
            return;
        };
        match promise["kind"].as_str() {
            Some("order") => match order(&promise) {
                Some(order) => self.orders.push(order),
                None => self.unreadable += 1,
            },
            Some("payment") => match payment(&promise) {
                Some(payment) => self.payments.push(payment),
                // A payment without an order: there is nothing to compare it with.
                None => self.others += 1,
            },
            Some(_) => self.others += 1,
            None => self.unreadable += 1,
        }
    }
}

/// An idempotency key as `orders.jsonl` keeps it: whoever reads the file cannot repeat the order.
pub fn kept_key(key: &str) -> String {
    format!("{DIGEST}{}", key_digest(key))
}

/// The digest by which a shop knows a key: the first half of its SHA-256, in hex.
pub(super) fn key_digest(key: &str) -> String {
    if let Some(digest) = key.strip_prefix(DIGEST) {
        return digest.to_owned();
    }
    telemetry::text::hex(&Sha256::digest(key)[..16])
}

fn order(promise: &Value) -> Option<OrderPromise> {
    Some(OrderPromise {
        id: id(&promise["id"])?,
        key: text(&promise["key"]),
        total_minor: minor(&promise["total"]),
        currency: text(&promise["currency"]),
        product: whole(&promise["product"]),
        quantity: whole(&promise["quantity"]),
    })
}

fn payment(promise: &Value) -> Option<PaymentPromise> {
    Some(PaymentPromise {
        order: id(&promise["order"])?,
        amount_minor: minor(&promise["amount"]),
        currency: text(&promise["currency"]),
    })
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// Templates write numbers as text.
fn whole(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// Decimal major units, as the shop writes money, in minor units. Exact for every amount that the shop deals in.
pub(super) fn minor(value: &Value) -> Option<i64> {
    let major = value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
    let minor = (major * 100.0).round();
    (minor.abs() < 1e15).then_some(minor as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind_are_sorted() {
        let id = "01934ca5-7c1e-7000-8000-000000000001";
        let mut promises = Promises::default();
        promises.add(&format!(
            r#"{{"kind":"order","at_us":5,"id":"{id}","total":19.98,"currency":"USD","product":"7","quantity":2,"key":"k"}}"#
        ));
        promises.add(&format!(
            r#"{{"kind":"payment","id":"pi_1","order":"{id}","amount":19}}"#
        ));
        for line in [
            r#"{"kind":"payment","id":"pi_2"}"#,
            r#"{"kind":"user","id":"u"}"#,
            r#"{"kind":"order","id":"torn"}"#,
            r#"{"kind":"order","id":"#,
        ] {
            promises.add(line);
        }
        let id: Uuid = id.parse().expect("a UUID");
        assert_eq!(
            promises,
            Promises {
                orders: vec![OrderPromise {
                    id,
                    key: Some("k".to_owned()),
                    total_minor: Some(1998),
                    currency: Some("USD".to_owned()),
                    product: Some(7),
                    quantity: Some(2),
                }],
                payments: vec![PaymentPromise {
                    order: id,
                    amount_minor: Some(1900),
                    currency: None,
                }],
                others: 2,
                unreadable: 2,
            }
        );
    }
}
