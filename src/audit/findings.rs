//! What an audit found: checks with their differences, and figures beside them. Shapes only.

use std::collections::BTreeMap;

use serde::Serialize;

/// Sentences kept by each check.
const TOLD_MAX: usize = 20;

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// Every acknowledged order is there.
    Exists,
    /// And not twice.
    Once,
    /// It is what was acknowledged: total, currency, items.
    Same,
    /// It has come to its end.
    Final,
    /// Money was taken once for what is supplied, never for what is not.
    Paid,
    /// Who was told "paid" has paid.
    ToldPaid,
    /// Money of orders that failed or were called off went back.
    Refunded,
    /// Stock before = stock after + sold, for every product.
    Stock,
    /// No shelf is below zero.
    NotNegative,
    /// Nothing is left in outbox, queues and dead-letter queues.
    Idle,
}

impl CheckId {
    /// Every check, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Exists,
        Self::Once,
        Self::Same,
        Self::Final,
        Self::Paid,
        Self::ToldPaid,
        Self::Refunded,
        Self::Stock,
        Self::NotNegative,
        Self::Idle,
    ];

    /// What holds when nothing differs.
    pub fn about(self) -> &'static str {
        match self {
            Self::Exists => "every acknowledged order exists",
            Self::Once => "and exists once",
            Self::Same => "with the total and the items that were acknowledged",
            Self::Final => "every order has reached a final state",
            Self::Paid => "what is supplied was paid once, the rest not at all",
            Self::ToldPaid => "every acknowledged payment was taken",
            Self::Refunded => "refunds match failures and cancellations",
            Self::Stock => "stock before = stock after + sold",
            Self::NotNegative => "no stock is negative",
            Self::Idle => "nothing is left in outbox, queues and dead letters",
        }
    }
}

/// One check and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Which.
    pub id: CheckId,
    /// What holds when nothing differs.
    pub about: &'static str,
    /// Things that were looked at; `None` when it could not be checked.
    pub examined: Option<u64>,
    /// Things that differ.
    pub differing: u64,
    /// The first of them, in words.
    pub differences: Vec<String>,
}

/// Figures beside the checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counts {
    /// Orders that were acknowledged to clients.
    pub acknowledged: u64,
    /// Orders that the shop has since the run began.
    pub in_shop: u64,
    /// Of those, orders that no client was told of: their clients gave up waiting, or they came from elsewhere.
    pub nobody_was_told: u64,
    /// Orders that wait for their shopper to pay, who has not.
    pub awaiting_shopper: u64,
    /// Second charges of an order that were given back.
    pub second_charges_returned: u64,
    /// Orders by where they stand.
    pub by_status: BTreeMap<String, u64>,
    /// Money taken and kept, in minor units, by currency.
    pub kept_minor: BTreeMap<String, i64>,
    /// Money given back, in minor units, by currency.
    pub returned_minor: BTreeMap<String, i64>,
    /// Lines of the clients' record that could not be read.
    pub unreadable_promises: u64,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Every check.
    pub checks: Vec<Check>,
    /// Figures beside them.
    pub counts: Counts,
    /// Orders that may still move by themselves: waiting may help.
    #[serde(skip)]
    pub in_transit: u64,
}

impl Findings {
    /// Whether nothing differs.
    pub fn is_clean(&self) -> bool {
        self.differing() == 0
    }

    /// Differences of all checks.
    pub fn differing(&self) -> u64 {
        self.checks.iter().map(|check| check.differing).sum()
    }

    /// One check.
    pub fn check(&self, id: CheckId) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }
}

impl Check {
    pub(super) fn new(id: CheckId) -> Self {
        Self {
            id,
            about: id.about(),
            examined: Some(0),
            differing: 0,
            differences: Vec::new(),
        }
    }

    pub(super) fn examine(&mut self) {
        self.examined = self.examined.map(|examined| examined + 1);
    }

    pub(super) fn differs(&mut self, difference: String) {
        self.differing += 1;
        if self.differences.len() < TOLD_MAX {
            self.differences.push(difference);
        }
    }

    /// Orders come out of a table in no order of their own; sentences are told in one.
    pub(super) fn sort(&mut self) {
        self.differences.sort();
    }
}
