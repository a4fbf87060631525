//! The comparison: what clients were promised × what the shop has written down → every difference. Pure.
//!
//! A difference is told in one sentence and counted under the check that found it. Each check keeps a bounded list of sentences;
//! what is beyond is counted only.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::books::{Before, BookCharge, BookOrder, Books};
use super::findings::{Check, CheckId, Counts, Findings};
use super::promises::Promises;

mod order;

use order::Standing;
pub(super) use order::money;

/// Compares. Without `before`, stock is not checked.
pub fn compare(promises: &Promises, before: Option<&Before>, books: &Books) -> Findings {
    let mut audit = Audit::new(promises, books);
    audit.promised_orders();
    audit.keys();
    audit.told_paid();
    audit.orders();
    audit.strange_charges();
    audit.stock(before);
    audit.idle(before);
    audit.finish()
}

struct Audit<'a> {
    promises: &'a Promises,
    books: &'a Books,
    orders: HashMap<Uuid, &'a BookOrder>,
    charges: HashMap<Uuid, Vec<&'a BookCharge>>,
    strange: Vec<&'a BookCharge>,
    told_paid: HashSet<Uuid>,
    checks: BTreeMap<CheckId, Check>,
    counts: Counts,
    in_transit: u64,
}

impl<'a> Audit<'a> {
    fn new(promises: &'a Promises, books: &'a Books) -> Self {
        let checks = CheckId::ALL.map(|id| (id, Check::new(id)));
        let mut audit = Self {
            promises,
            books,
            orders: books.orders.iter().map(|order| (order.id, order)).collect(),
            charges: HashMap::new(),
            strange: Vec::new(),
            told_paid: promises.payments.iter().map(|paid| paid.order).collect(),
            checks: BTreeMap::from(checks),
            counts: Counts::default(),
            in_transit: 0,
        };
        audit.sort_charges();
        audit
    }

    /// Finds the order of each charge: by what the shop says of it, else by the charge that an order names.
    fn sort_charges(&mut self) {
        let named: HashMap<&str, Uuid> = self
            .books
            .orders
            .iter()
            .filter_map(|order| Some((order.charge_id.as_deref()?, order.id)))
            .collect();
        for charge in &self.books.charges {
            let order = charge
                .order_id
                .or_else(|| named.get(charge.id.as_str()).copied());
            match order {
                Some(order) if self.orders.contains_key(&order) => {
                    self.charges.entry(order).or_default().push(charge);
                }
                // An order from before the run: not this audit's.
                Some(order) if order < self.books.floor => {}
                None if charge.purpose == "amount" => {}
                _ => self.strange.push(charge),
            }
        }
    }

    fn check(&mut self, id: CheckId) -> &mut Check {
        self.checks.entry(id).or_insert_with(|| Check::new(id))
    }

    fn promised_orders(&mut self) {
        for promise in &self.promises.orders {
            self.check(CheckId::Exists).examine();
            let Some(order) = self.orders.get(&promise.id).copied() else {
                self.check(CheckId::Exists).differs(format!(
                    "order {} was acknowledged, but the shop does not have it",
                    promise.id
                ));
                continue;
            };
            let check = self.check(CheckId::Same);
            check.examine();
            for difference in order::differences(promise, order) {
                check.differs(format!("order {}: {difference}", promise.id));
            }
        }
    }

    /// One key, one order: among what clients were told, and among what the shop has.
    fn keys(&mut self) {
        let mut orders_of: HashMap<String, Vec<Uuid>> = HashMap::new();
        let told = self.promises.orders.iter().filter_map(|promise| {
            let key = promise.key.as_deref()?;
            Some((order::key_digest(key), promise.id))
        });
        let booked = self.books.orders.iter().filter_map(|order| {
            let digest = order.key_digest.clone()?;
            Some((digest, order.id))
        });
        for (digest, id) in told.chain(booked) {
            let ids = orders_of.entry(digest).or_default();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut twice: Vec<Vec<Uuid>> = orders_of
            .into_values()
            .filter(|ids| ids.len() > 1)
            .collect();
        twice.sort();
        let listed = self.books.orders.len() - self.orders.len();
        let promised = self.promises.orders.len() as u64;
        let check = self.check(CheckId::Once);
        for ids in twice {
            check.differs(format!(
                "one idempotency key made {} orders: {}",
                ids.len(),
                ids.iter()
                    .map(Uuid::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ));
        }
        if listed > 0 {
            check.differs(format!("{listed} ids stand twice in the shop's books"));
        }
        check.examined = Some(promised);
    }

    fn told_paid(&mut self) {
        for promise in &self.promises.payments {
            let order = self.orders.get(&promise.order).copied();
            let check = self.check(CheckId::ToldPaid);
            check.examine();
            if let Some(difference) = order::payment_difference(promise, order) {
                check.differs(format!("order {}: {difference}", promise.order));
            }
        }
    }

    fn orders(&mut self) {
        let told: HashSet<Uuid> = self.promises.orders.iter().map(|order| order.id).collect();
        for order in self.orders.clone().into_values() {
            let none = Vec::new();
            let charges = self.charges.get(&order.id).unwrap_or(&none).clone();
            self.count(order, &charges, told.contains(&order.id));
            self.standing(order, &charges);
            let (paid, refunded) = order::money_differences(order, &charges);
            for (id, differences) in [(CheckId::Paid, paid), (CheckId::Refunded, refunded)] {
                let check = self.check(id);
                check.examine();
                for difference in differences {
                    check.differs(format!("order {}: {difference}", order.id));
                }
            }
        }
    }

    fn count(&mut self, order: &BookOrder, charges: &[&BookCharge], told: bool) {
        let counts = &mut self.counts;
        *counts.by_status.entry(order.status.clone()).or_default() += 1;
        counts.nobody_was_told += u64::from(!told);
        for charge in charges {
            let sum = match charge.refunded {
                true => &mut counts.returned_minor,
                false => &mut counts.kept_minor,
            };
            *sum.entry(charge.currency.clone()).or_default() += charge.amount_minor;
        }
        let returned = charges.iter().filter(|charge| charge.refunded).count();
        let is_kept = returned < charges.len();
        counts.second_charges_returned += u64::from(is_kept) * returned as u64;
    }

    fn standing(&mut self, order: &BookOrder, charges: &[&BookCharge]) {
        let standing = order::standing(order, charges, self.told_paid.contains(&order.id));
        let check = self.check(CheckId::Final);
        check.examine();
        match standing {
            Standing::Settled => {}
            Standing::AwaitsShopper => self.counts.awaiting_shopper += 1,
            Standing::InTransit => {
                check.differs(format!(
                    "order {} is {} and its money {}",
                    order.id, order.status, order.payment_status
                ));
                self.in_transit += 1;
            }
        }
        let holds = matches!(order.status.as_str(), "reserved" | "shipped" | "delivered");
        if order.stock_held != holds {
            let what = match holds {
                true => "has taken nothing from the shelf",
                false => "has not put its pieces back",
            };
            self.check(CheckId::Stock)
                .differs(format!("order {} is {} but {what}", order.id, order.status));
        }
    }

    fn strange_charges(&mut self) {
        for charge in std::mem::take(&mut self.strange) {
            let whose = match charge.order_id {
                Some(order) => format!("for order {order}, which the shop does not have"),
                None => "for no order".to_owned(),
            };
            let money = money(charge.amount_minor, &charge.currency);
            if !charge.refunded {
                self.check(CheckId::Paid)
                    .differs(format!("charge {}: {money} were taken {whose}", charge.id));
            }
        }
    }

    fn stock(&mut self, before: Option<&Before>) {
        let then: HashMap<i64, i64> = before
            .iter()
            .flat_map(|before| &before.stock)
            .map(|&(product, on_shelf, sold)| (product, on_shelf + sold))
            .collect();
        let mut seen = 0;
        for shelf in &self.books.stock {
            let negative = self.check(CheckId::NotNegative);
            negative.examine();
            if shelf.on_shelf < 0 {
                negative.differs(format!(
                    "product {} has {} pieces",
                    shelf.product_id, shelf.on_shelf
                ));
            }
            // A product that came into the catalogue during the run has no past.
            let Some(pieces) = then.get(&shelf.product_id) else {
                continue;
            };
            seen += 1;
            let now = shelf.on_shelf + shelf.sold;
            if now != *pieces {
                self.check(CheckId::Stock).differs(format!(
                    "product {}: {pieces} pieces before, {} on the shelf and {} sold now: {:+}",
                    shelf.product_id,
                    shelf.on_shelf,
                    shelf.sold,
                    now - pieces
                ));
            }
        }
        let check = self.check(CheckId::Stock);
        check.examined = before.map(|_| seen);
        let gone = then.len() as u64 - seen;
        if before.is_some() && gone > 0 {
            check.differs(format!("{gone} products have left the catalogue"));
        }
    }

    fn idle(&mut self, before: Option<&Before>) {
        let pipeline = &self.books.pipeline;
        let dead_before = before.map_or(0, |before| before.dead_letters);
        let check = self.check(CheckId::Idle);
        check.examined = Some(2 + 2 * pipeline.queues.len() as u64);
        let mut left = |count: u64, what: String| {
            if count > 0 {
                check.differs(format!("{what}: {count}"));
            }
        };
        left(pipeline.outbox, "events in the outbox".to_owned());
        left(
            pipeline.undecided_intents,
            "payment intents whose confirmation has not ended".to_owned(),
        );
        for queue in &pipeline.queues {
            left(
                queue.waiting(),
                format!("messages on the queue {}", queue.queue),
            );
        }
        left(
            pipeline.dead_letters().saturating_sub(dead_before),
            "messages that no consumer could handle".to_owned(),
        );
    }

    fn finish(mut self) -> Findings {
        self.counts.acknowledged = self.promises.orders.len() as u64;
        self.counts.in_shop = self.orders.len() as u64;
        self.counts.unreadable_promises = self.promises.unreadable;
        self.checks.values_mut().for_each(Check::sort);
        Findings {
            checks: self.checks.into_values().collect(),
            counts: self.counts,
            in_transit: self.in_transit,
        }
    }
}

#[cfg(test)]
mod tests;
