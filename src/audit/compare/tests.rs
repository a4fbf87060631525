//! A shop that keeps its promises passes, and each kind of damage is found by the check that is meant to find it.

use proptest::prelude::*;

use super::*;
use crate::audit::books::{BookLine, Pipeline, QueueState, StockLevel};
use crate::audit::promises::{OrderPromise, PaymentPromise};

const PRODUCTS: i64 = 8;
const PIECES: i64 = 1_000;
const BEGIN_MS: u128 = 1_700_000_000_000;

/// What becomes of one order.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Reserved,
    Shipped,
    /// Paid by an administrator's word.
    External,
    Declined,
    /// Paid, then nothing left on the shelf.
    SoldOut,
    CancelledUnpaid,
    CancelledPaid,
    /// The shopper went away before paying.
    Abandoned,
    /// Charged twice, once given back.
    PaidTwiceReturned,
}

#[derive(Debug, Clone)]
struct Plan {
    fate: Fate,
    product: i64,
    quantity: i64,
    price: i64,
    /// Whether the client lived to see the answer.
    told: bool,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let fate = prop_oneof![
        Just(Fate::Reserved),
        Just(Fate::Shipped),
        Just(Fate::External),
        Just(Fate::Declined),
        Just(Fate::SoldOut),
        Just(Fate::CancelledUnpaid),
        Just(Fate::CancelledPaid),
        Just(Fate::Abandoned),
        Just(Fate::PaidTwiceReturned),
    ];
    let told = prop::bool::weighted(0.9);
    (fate, 1..=PRODUCTS, 1..5_i64, 1..100_000_i64, told).prop_map(
        |(fate, product, quantity, price, told)| Plan {
            fate,
            product,
            quantity,
            price,
            told,
        },
    )
}

/// Where damage strikes.
#[derive(Debug, Clone, Copy)]
struct Which(usize);

impl Which {
    fn index(self, count: usize) -> usize {
        self.0 % count.max(1)
    }
}

/// Both sides of an audit.
#[derive(Debug, Clone)]
struct ScenarioData {
    promises: Promises,
    before: Before,
    books: Books,
}

fn id(number: usize) -> Uuid {
    Uuid::from_u128(((BEGIN_MS + 1) << 80) | (7 << 76) | number as u128)
}

/// A shop in which everything went as it should.
fn world(plans: &[Plan]) -> ScenarioData {
    let mut world = ScenarioData {
        promises: Promises::default(),
        before: Before {
            version: 1,
            at_ms: BEGIN_MS as i64,
            dead_letters: 2,
            stock: (1..=PRODUCTS).map(|product| (product, PIECES, 7)).collect(),
        },
        books: Books {
            floor: Uuid::from_u128(BEGIN_MS << 80),
            stock: (1..=PRODUCTS)
                .map(|product_id| StockLevel {
                    product_id,
                    on_shelf: PIECES,
                    sold: 7,
                })
                .collect(),
            pipeline: Pipeline {
                queues: vec![QueueState {
                    queue: "payments".to_owned(),
                    dead_letters: 2,
                    ..QueueState::default()
                }],
                ..Pipeline::default()
            },
            ..Books::default()
        },
    };
    for (number, plan) in plans.iter().enumerate() {
        world.add(number, plan);
    }
    world
}

impl ScenarioData {
    fn add(&mut self, number: usize, plan: &Plan) {
        use Fate::*;
        let (status, payment_status, charges) = match plan.fate {
            Reserved => ("reserved", "charged", vec![false]),
            Shipped => ("shipped", "charged", vec![false]),
            PaidTwiceReturned => ("reserved", "charged", vec![false, true]),
            External => ("reserved", "external", vec![]),
            Declined => ("failed", "none", vec![]),
            SoldOut => ("failed", "refunded", vec![true]),
            CancelledUnpaid => ("cancelled", "none", vec![]),
            CancelledPaid => ("cancelled", "refunded", vec![true]),
            Abandoned => ("pending", "none", vec![]),
        };
        let id = id(number);
        let total_minor = plan.price * plan.quantity;
        let holds = matches!(status, "reserved" | "shipped");
        for (n, refunded) in charges.iter().enumerate() {
            self.books.charges.push(BookCharge {
                id: format!("ch_{number}_{n}"),
                amount_minor: total_minor,
                currency: "USD".to_owned(),
                refunded: *refunded,
                purpose: "order".to_owned(),
                order_id: Some(id),
            });
        }
        if holds {
            let shelf = &mut self.books.stock[plan.product as usize - 1];
            shelf.on_shelf -= plan.quantity;
            shelf.sold += plan.quantity;
        }
        let key = format!("key-{number}");
        self.books.orders.push(BookOrder {
            id,
            status: status.to_owned(),
            reason: None,
            total_minor,
            currency: "USD".to_owned(),
            payment: "intent".to_owned(),
            payment_status: payment_status.to_owned(),
            charge_id: (!charges.is_empty()).then(|| format!("ch_{number}_0")),
            refund_id: (payment_status == "refunded").then(|| format!("re_{number}")),
            stock_held: holds,
            items: vec![BookLine {
                product_id: Some(plan.product),
                quantity: plan.quantity,
            }],
            key_digest: Some(order::key_digest(&key)),
        });
        if plan.told {
            self.promises.orders.push(OrderPromise {
                id,
                key: Some(key),
                total_minor: Some(total_minor),
                currency: Some("USD".to_owned()),
                product: Some(plan.product),
                quantity: Some(plan.quantity),
            });
        }
        if plan.told && !charges.is_empty() {
            self.promises.payments.push(PaymentPromise {
                order: id,
                amount_minor: Some(total_minor),
                currency: Some("USD".to_owned()),
            });
        }
    }

    fn findings(&self) -> Findings {
        compare(&self.promises, Some(&self.before), &self.books)
    }

    fn order(&mut self, which: Which) -> &mut BookOrder {
        let count = self.books.orders.len();
        &mut self.books.orders[which.index(count)]
    }
}

fn differing(findings: &Findings) -> Vec<CheckId> {
    let differs = |check: &&Check| check.differing > 0;
    findings
        .checks
        .iter()
        .filter(differs)
        .map(|check| check.id)
        .collect()
}

type Strike = fn(&mut ScenarioData, Which) -> Option<CheckId>;

/// What can go wrong with a shop; each returns the check that must notice, or `None` when this world offers no place for it.
const DAMAGES: &[(&str, Strike)] = &[
    (
        "an acknowledged order is lost with all its traces",
        |world, which| {
            let promised = which.index(world.promises.orders.len());
            let id = world.promises.orders[promised].id;
            world.books.orders.retain(|order| order.id != id);
            world
                .books
                .charges
                .retain(|charge| charge.order_id != Some(id));
            Some(CheckId::Exists)
        },
    ),
    ("an order is lost, its charge stays", |world, which| {
        let kept: Vec<Uuid> = world
            .books
            .charges
            .iter()
            .filter(|c| !c.refunded)
            .filter_map(|c| c.order_id)
            .collect();
        let id = *kept.get(which.index(kept.len()))?;
        world.books.orders.retain(|order| order.id != id);
        Some(CheckId::Paid)
    }),
    ("a key makes a second order", |world, which| {
        let mut copy = world.order(which).clone();
        copy.id = id(1_000_000);
        copy.status = "cancelled".to_owned();
        copy.payment_status = "none".to_owned();
        (copy.charge_id, copy.refund_id, copy.stock_held) = (None, None, false);
        world.books.orders.push(copy);
        Some(CheckId::Once)
    }),
    (
        "clients are told of two orders under one key",
        |world, which| {
            let promised = world.promises.orders[which.index(world.promises.orders.len())].clone();
            let id = id(1_000_000);
            world.promises.orders.push(OrderPromise { id, ..promised });
            Some(CheckId::Once)
        },
    ),
    ("a total changes", |world, which| {
        let promised = which.index(world.promises.orders.len());
        let id = world.promises.orders[promised].id;
        let order = world.books.orders.iter_mut().find(|order| order.id == id)?;
        order.total_minor += 1;
        Some(CheckId::Same)
    }),
    ("an item changes", |world, which| {
        let promised = which.index(world.promises.orders.len());
        let id = world.promises.orders[promised].id;
        let order = world.books.orders.iter_mut().find(|order| order.id == id)?;
        order.items[0].quantity += 1;
        Some(CheckId::Same)
    }),
    ("an order hangs", |world, which| {
        world.order(which).status = "paid".to_owned();
        Some(CheckId::Final)
    }),
    ("an automatic order is never charged", |world, which| {
        let order = world.order(which);
        order.payment = "automatic".to_owned();
        order.status = "pending".to_owned();
        Some(CheckId::Final)
    }),
    ("money is taken twice", |world, which| {
        let kept: Vec<BookCharge> = world
            .books
            .charges
            .iter()
            .filter(|c| !c.refunded)
            .cloned()
            .collect();
        let mut again = kept.get(which.index(kept.len()))?.clone();
        again.id.push_str("_again");
        world.books.charges.push(again);
        Some(CheckId::Paid)
    }),
    ("the wrong amount is taken", |world, which| {
        let count = world.books.charges.len();
        let charge = world.books.charges.get_mut(which.index(count))?;
        if charge.refunded {
            return None;
        }
        charge.amount_minor += 100;
        Some(CheckId::Paid)
    }),
    ("money is taken for nothing", |world, _| {
        world.books.charges.push(BookCharge {
            id: "ch_nobody".to_owned(),
            amount_minor: 1,
            currency: "USD".to_owned(),
            refunded: false,
            purpose: "unknown".to_owned(),
            order_id: None,
        });
        Some(CheckId::Paid)
    }),
    (
        "the provider has no money of a paid order",
        |world, which| {
            let kept: Vec<String> = world
                .books
                .charges
                .iter()
                .filter(|c| !c.refunded)
                .map(|c| c.id.clone())
                .collect();
            let gone = kept.get(which.index(kept.len()))?;
            world.books.charges.retain(|charge| charge.id != *gone);
            Some(CheckId::Paid)
        },
    ),
    (
        "a payment that was acknowledged is forgotten",
        |world, which| {
            let count = world.promises.payments.len();
            let id = world.promises.payments.get(which.index(count))?.order;
            let order = world.books.orders.iter_mut().find(|order| order.id == id)?;
            order.payment_status = "none".to_owned();
            Some(CheckId::ToldPaid)
        },
    ),
    ("money of a failed order is kept", |world, which| {
        let returned = |order: &&mut BookOrder| order.payment_status == "refunded";
        let mut owed: Vec<&mut BookOrder> =
            world.books.orders.iter_mut().filter(returned).collect();
        let count = owed.len();
        let order = owed.get_mut(which.index(count))?;
        order.payment_status = "refund_due".to_owned();
        Some(CheckId::Refunded)
    }),
    ("a refund never reaches the provider", |world, which| {
        let alone = |charge: &&mut BookCharge| charge.refunded && charge.id.ends_with("_0");
        let mut returned: Vec<&mut BookCharge> =
            world.books.charges.iter_mut().filter(alone).collect();
        let count = returned.len();
        let charge = returned.get_mut(which.index(count))?;
        charge.refunded = false;
        Some(CheckId::Refunded)
    }),
    ("pieces vanish", |world, which| {
        world.books.stock[which.index(PRODUCTS as usize)].on_shelf -= 1;
        Some(CheckId::Stock)
    }),
    ("pieces appear", |world, which| {
        world.books.stock[which.index(PRODUCTS as usize)].on_shelf += 1;
        Some(CheckId::Stock)
    }),
    (
        "pieces of a cancelled order are not put back",
        |world, which| {
            let order = world.order(which);
            if order.stock_held {
                return None;
            }
            order.stock_held = true;
            Some(CheckId::Stock)
        },
    ),
    ("a product leaves the catalogue", |world, which| {
        world.books.stock.remove(which.index(PRODUCTS as usize));
        Some(CheckId::Stock)
    }),
    ("a shelf falls below zero", |world, which| {
        world.books.stock[which.index(PRODUCTS as usize)].on_shelf = -1;
        Some(CheckId::NotNegative)
    }),
    ("an event stays in the outbox", |world, _| {
        world.books.pipeline.outbox = 1;
        Some(CheckId::Idle)
    }),
    ("a message stays on its queue", |world, _| {
        world.books.pipeline.queues[0].in_flight = 1;
        Some(CheckId::Idle)
    }),
    ("a message dies", |world, _| {
        world.books.pipeline.queues[0].dead_letters += 1;
        Some(CheckId::Idle)
    }),
];

proptest! {
    /// A shop in which everything went as it should has no differences, whatever happened to its orders.
    #[test]
    fn a_shop_that_keeps_its_promises_is_clean(plans in prop::collection::vec(any_plan(), 0..40)) {
        let world = world(&plans);
        let findings = world.findings();
        prop_assert!(findings.is_clean(), "{findings:?}");
        prop_assert_eq!(findings.in_transit, 0);
        prop_assert_eq!(findings.counts.in_shop, plans.len() as u64);
        let told = plans.iter().filter(|plan| plan.told).count() as u64;
        prop_assert_eq!(findings.counts.nobody_was_told, plans.len() as u64 - told);
    }

    /// Damage of every kind is found by the check that is meant to find it, wherever it strikes.
    #[test]
    fn every_damage_is_found(
        mut plans in prop::collection::vec(any_plan(), 1..30),
        damage in 0..DAMAGES.len(),
        which in 0..1_000_usize,
    ) {
        // So that there is something to damage.
        plans[0].told = true;
        let mut world = world(&plans);
        let (name, strike) = DAMAGES[damage];
        if let Some(expected) = strike(&mut world, Which(which)) {
            let findings = world.findings();
            prop_assert!(differing(&findings).contains(&expected), "{name}: {findings:?}");
        }
    }
}

#[test]
fn every_damage_can_strike() {
    let fates = [Fate::Reserved, Fate::CancelledPaid, Fate::Declined];
    let plans = fates.map(|fate| Plan {
        fate,
        product: 1,
        quantity: 1,
        price: 100,
        told: true,
    });
    for (name, strike) in DAMAGES {
        let struck = (0..64).any(|n| strike(&mut world(&plans), Which(n)).is_some());
        assert!(struck, "{name}");
    }
}

#[test]
fn stock_without_a_past_is_not_judged() {
    let mut world = world(&[]);
    world.books.stock[0].on_shelf -= 1;
    let findings = compare(&world.promises, None, &world.books);
    assert_eq!(
        findings.check(CheckId::Stock).map(|check| check.examined),
        Some(None)
    );
    // Dead letters of earlier days cannot be told from those of the run.
    assert_eq!(differing(&findings), [CheckId::Idle]);
}

#[test]
fn a_charge_is_found_by_the_name_that_its_order_knows() {
    let mut world = world(&[Plan {
        fate: Fate::Reserved,
        product: 1,
        quantity: 2,
        price: 50,
        told: true,
    }]);
    // The intent behind it has been swept away by now.
    world.books.charges[0].purpose = "unknown".to_owned();
    world.books.charges[0].order_id = None;
    assert!(world.findings().is_clean());
}

#[test]
fn sentences_are_bounded_and_the_rest_is_counted() {
    let plans = vec![
        Plan {
            fate: Fate::Reserved,
            product: 1,
            quantity: 1,
            price: 50,
            told: true,
        };
        500
    ];
    let mut world = world(&plans);
    world.books.orders.clear();
    let findings = world.findings();
    let exists = findings.check(CheckId::Exists).expect("the check");
    assert_eq!((exists.differing, exists.differences.len()), (500, 20));
}
