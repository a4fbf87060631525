//! One order against what its client was told and what the provider has. Pure.

use crate::audit::books::{BookCharge, BookOrder};
pub(super) use crate::audit::promises::key_digest;
use crate::audit::promises::{OrderPromise, PaymentPromise};

/// Where an order stands, as far as an audit is concerned.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Standing {
    Settled,
    AwaitsShopper,
    InTransit,
}

/// How an order differs from what its client was told.
pub(super) fn differences(promise: &OrderPromise, order: &BookOrder) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(total) = promise.total_minor
        && total != order.total_minor
    {
        let currency = promise.currency.as_deref().unwrap_or(&order.currency);
        found.push(format!(
            "{} were acknowledged, the shop has {}",
            money(total, currency),
            money(order.total_minor, &order.currency)
        ));
    }
    if let Some(currency) = &promise.currency
        && *currency != order.currency
    {
        found.push(format!("{currency} became {}", order.currency));
    }
    if let Some(product) = promise.product {
        let line = order
            .items
            .iter()
            .find(|line| line.product_id == Some(product));
        match (line, promise.quantity) {
            (None, _) => found.push(format!("product {product} is not in it")),
            (Some(line), Some(quantity)) if line.quantity != quantity => found.push(format!(
                "{quantity} pieces of product {product} became {}",
                line.quantity
            )),
            _ => {}
        }
    }
    if let Some(key) = &promise.key
        && order.key_digest.as_ref() != Some(&key_digest(key))
    {
        found.push("it does not carry the idempotency key it was asked for under".to_owned());
    }
    found
}

pub(super) fn payment_difference(
    promise: &PaymentPromise,
    order: Option<&BookOrder>,
) -> Option<String> {
    let Some(order) = order else {
        return Some("its payment was acknowledged, but the shop does not have the order".into());
    };
    if order.payment_status == "none" {
        return Some(format!(
            "its payment was acknowledged, but nothing was taken; it is {}",
            order.status
        ));
    }
    let amount = promise.amount_minor?;
    let currency = promise.currency.as_deref().unwrap_or(&order.currency);
    ((amount, currency) != (order.total_minor, order.currency.as_str())).then(|| {
        format!(
            "a payment of {} was acknowledged for a total of {}",
            money(amount, currency),
            money(order.total_minor, &order.currency)
        )
    })
}

pub(super) fn standing(order: &BookOrder, charges: &[&BookCharge], told_paid: bool) -> Standing {
    if order.payment_status == "refund_due" {
        return Standing::InTransit;
    }
    match order.status.as_str() {
        "reserved" | "shipped" | "delivered" | "cancelled" | "failed" => Standing::Settled,
        "pending"
            if order.payment == "intent"
                && !told_paid
                && charges.iter().all(|charge| charge.refunded) =>
        {
            Standing::AwaitsShopper
        }
        _ => Standing::InTransit,
    }
}

/// How an order's money differs from what the provider has, and from what its state asks for: charges, refunds.
pub(super) fn money_differences(
    order: &BookOrder,
    charges: &[&BookCharge],
) -> (Vec<String>, Vec<String>) {
    let (mut paid, mut refunded) = (Vec::new(), Vec::new());
    let kept: Vec<&BookCharge> = charges.iter().copied().filter(|c| !c.refunded).collect();
    let supplied = matches!(
        order.status.as_str(),
        "paid" | "reserved" | "shipped" | "delivered"
    );
    let is_over = matches!(order.status.as_str(), "cancelled" | "failed");
    match order.payment_status.as_str() {
        "charged" => {
            paid.extend(charge_difference(order, &kept));
            if is_over {
                refunded.push(format!("it is {} and its money was kept", order.status));
            }
        }
        "refunded" => {
            if !kept.is_empty() {
                refunded.push("the shop gave its money back, the provider kept it".to_owned());
            } else if charges.is_empty() {
                refunded.push("its refund is not in the provider's books".to_owned());
            }
            if order.refund_id.is_none() {
                refunded.push("its refund has no name in the shop's books".to_owned());
            }
        }
        "refund_due" => refunded.push("its money is still to be given back".to_owned()),
        _ if !kept.is_empty() => paid.push(format!(
            "the provider took {} for it, the shop knows of nothing",
            money(kept.iter().map(|c| c.amount_minor).sum(), &order.currency)
        )),
        _ => {}
    }
    let covered = matches!(order.payment_status.as_str(), "charged" | "external");
    if supplied && !covered {
        paid.push(format!(
            "it is {} without having been paid ({})",
            order.status, order.payment_status
        ));
    }
    (paid, refunded)
}

/// How the charges that were kept differ from the one that should be there.
fn charge_difference(order: &BookOrder, kept: &[&BookCharge]) -> Option<String> {
    let total = money(order.total_minor, &order.currency);
    match kept {
        [] => Some("it counts as paid, but the provider has no money of it".to_owned()),
        [charge]
            if charge.amount_minor != order.total_minor || charge.currency != order.currency =>
        {
            let taken = money(charge.amount_minor, &charge.currency);
            Some(format!("{taken} were taken for a total of {total}"))
        }
        [charge] if order.charge_id.as_ref() != Some(&charge.id) => Some(format!(
            "the provider's charge {} is not the one in the shop's books",
            charge.id
        )),
        [_] => None,
        more => Some(format!("{total} were taken {} times", more.len())),
    }
}

/// `19.98 USD`.
pub(in crate::audit) fn money(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    let minor = minor.unsigned_abs();
    format!("{sign}{}.{:02} {currency}", minor / 100, minor % 100)
}
