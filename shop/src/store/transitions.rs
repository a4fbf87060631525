//! The moves of an order: what a request or an event does to it, and what follows. Pure: an order as it
//! was and the facts go in, a [`Decision`] comes out. No clock, no SQL; the stores load, ask here, write
//! what was decided and commit, so that every store moves orders alike.

#![expect(
    clippy::result_large_err,
    reason = "a refusal is the store's answer as it stands, and is moved a few times at most"
)]

use std::collections::HashMap;

use uuid::Uuid;

use super::{
    Applied, ChargeRecord, Created, Fact, Handling, Idempotency, NewItems, NewOrder, OrderDetails,
    Product, StatusChange, TransitionResult,
};
use crate::event::{Event, EventKind, EventTrace};
use crate::money::{Amount, Currency, Money};
use crate::order::{Order, OrderLine, OrderStatus, PaymentState, ProductId};

/// Reason of an order that nobody paid in time.
const EXPIRED_REASON: &str = "payment_expired";
/// Reason of an order whose products were gone.
const OUT_OF_STOCK_REASON: &str = "out_of_stock";

/// What happens to the stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StockChange {
    /// The order's pieces leave it.
    Take,
    /// The order's pieces come back.
    PutBack,
}

/// What is written down about money.
#[derive(Clone, Debug)]
pub(super) enum Booking {
    /// A charge, the only one of the order.
    Charge(ChargeRecord),
    /// The refund of that charge, under the provider's id.
    Refund(String),
}

/// What has to be written, all of it or nothing.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    /// The order afterwards.
    pub(super) order: Order,
    /// Whether the order differs from before.
    pub(super) changed: bool,
    /// What happens to the stock.
    pub(super) stock_change: Option<StockChange>,
    /// What is written down about money.
    pub(super) booking: Option<Booking>,
    /// The events that follow, in this order.
    pub(super) events: Vec<EventKind>,
    /// The fact came too late for the effect it was meant to have.
    pub(super) obsolete: bool,
}

impl Decision {
    fn unchanged(order: Order, obsolete: bool) -> Self {
        Decision {
            order,
            changed: false,
            stock_change: None,
            booking: None,
            events: Vec::new(),
            obsolete,
        }
    }

    fn changed(mut order: Order, now_ms: i64) -> Self {
        order.updated_at_ms = now_ms;
        Decision {
            changed: true,
            ..Decision::unchanged(order, false)
        }
    }

    /// The order in a new status. When it ends without being supplied after a charge, the money is owed.
    fn moved(mut order: Order, to: OrderStatus, reason: Option<String>, now_ms: i64) -> Self {
        order.status = to;
        order.reason = reason;
        let refund = called_off(to) && order.payment == PaymentState::Charged;
        if refund {
            order.payment = PaymentState::RefundDue;
        }
        let mut decision = Decision::changed(order, now_ms);
        if refund {
            decision.events.push(EventKind::RefundRequested);
        }
        decision
    }

    fn then(mut self, event: EventKind) -> Self {
        self.events.push(event);
        self
    }

    fn with_stock_change(mut self, stock_change: StockChange) -> Self {
        self.order.stock_held = stock_change == StockChange::Take;
        self.stock_change = Some(stock_change);
        self
    }

    fn with_booking(mut self, booking: Booking) -> Self {
        self.booking = Some(booking);
        self
    }

    /// What the pipeline is told.
    pub(super) fn into_applied(self) -> Applied {
        if self.obsolete {
            Applied::Obsolete(self.order)
        } else {
            Applied::Done(self.order)
        }
    }
}

fn called_off(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Cancelled | OrderStatus::Failed)
}

/// Whether the decision depends on the stock, so that the store has to look (and to hold) it first.
pub(super) fn looks_at_stock(order: &Order, fact: &Fact) -> bool {
    matches!(fact, Fact::StockWanted) && order.status == OrderStatus::Paid
}

/// What an event does to an order. `missing` are the products whose stock does not suffice, if the
/// decision [`looks_at_stock`].
pub(super) fn decide(
    order: Order,
    fact: Fact,
    handling: &Handling,
    missing: &[ProductId],
) -> Decision {
    let now_ms = handling.now_ms;
    match fact {
        Fact::Noted => Decision::unchanged(order, false),
        Fact::Charged(charge) => charged(order, charge, now_ms),
        Fact::Declined(reason) => declined(order, reason, now_ms),
        Fact::StockWanted => stock_wanted(order, missing, now_ms),
        Fact::StockReturned => stock_returned(order, now_ms),
        Fact::Refunded(refund_id) => refunded(order, refund_id, now_ms),
    }
}

fn charged(mut order: Order, charge: ChargeRecord, now_ms: i64) -> Decision {
    use PaymentState::{Charged, RefundDue, Refunded};
    if matches!(order.payment, Charged | RefundDue | Refunded) {
        return Decision::unchanged(order, true);
    }
    let booking = Booking::Charge(charge);
    if order.status != OrderStatus::Pending {
        // Called off, or paid otherwise, while the provider was charging it.
        order.payment = RefundDue;
        let decision = Decision::changed(order, now_ms).then(EventKind::RefundRequested);
        return Decision {
            obsolete: true,
            ..decision.with_booking(booking)
        };
    }
    order.payment = Charged;
    Decision::moved(order, OrderStatus::Paid, None, now_ms)
        .with_booking(booking)
        .then(EventKind::PaymentProcessed)
}

fn declined(order: Order, reason: String, now_ms: i64) -> Decision {
    if order.status != OrderStatus::Pending {
        return Decision::unchanged(order, true);
    }
    Decision::moved(order, OrderStatus::Failed, Some(reason), now_ms).then(EventKind::PaymentFailed)
}

fn stock_wanted(order: Order, missing: &[ProductId], now_ms: i64) -> Decision {
    if order.status != OrderStatus::Paid {
        return Decision::unchanged(order, true);
    }
    if !missing.is_empty() {
        let reason = Some(OUT_OF_STOCK_REASON.to_owned());
        return Decision::moved(order, OrderStatus::Failed, reason, now_ms)
            .then(EventKind::InventoryFailed);
    }
    Decision::moved(order, OrderStatus::Reserved, None, now_ms)
        .with_stock_change(StockChange::Take)
        .then(EventKind::InventoryReserved)
}

fn stock_returned(order: Order, now_ms: i64) -> Decision {
    if !(called_off(order.status) && order.stock_held) {
        return Decision::unchanged(order, true);
    }
    Decision::changed(order, now_ms).with_stock_change(StockChange::PutBack)
}

fn refunded(mut order: Order, refund_id: String, now_ms: i64) -> Decision {
    if order.payment != PaymentState::RefundDue {
        return Decision::unchanged(order, true);
    }
    order.payment = PaymentState::Refunded;
    Decision::changed(order, now_ms)
        .with_booking(Booking::Refund(refund_id))
        .then(EventKind::PaymentRefunded)
}

/// An order that nobody paid in time is called off.
pub(super) fn expire(order: Order, now_ms: i64) -> Decision {
    let reason = Some(EXPIRED_REASON.to_owned());
    Decision::moved(order, OrderStatus::Cancelled, reason, now_ms).then(EventKind::OrderCancelled)
}

/// Whether a move that somebody asks for depends on the stock.
pub(super) fn change_looks_at_stock(order: &Order, change: &StatusChange) -> bool {
    change.to == OrderStatus::Reserved && order.status.may_become(change.to)
}

/// A move that somebody asks for, or why it cannot be.
pub(super) fn change_status(
    mut order: Order,
    change: &StatusChange,
    missing: &[ProductId],
) -> Result<Decision, TransitionResult> {
    if !order.status.may_become(change.to) {
        return Err(TransitionResult::Illegal(order.status));
    }
    if !missing.is_empty() {
        return Err(TransitionResult::OutOfStock(missing.to_vec()));
    }
    if change.to == OrderStatus::Paid {
        order.payment = PaymentState::External;
    }
    let mut decision = Decision::moved(order, change.to, change.reason.clone(), change.now_ms);
    if change.to == OrderStatus::Reserved {
        decision = decision.with_stock_change(StockChange::Take);
    }
    decision.events.extend(event_of_move(change.to));
    Ok(decision)
}

fn event_of_move(to: OrderStatus) -> Option<EventKind> {
    match to {
        OrderStatus::Paid => Some(EventKind::PaymentProcessed),
        OrderStatus::Reserved => Some(EventKind::InventoryReserved),
        OrderStatus::Shipped => Some(EventKind::OrderShipped),
        OrderStatus::Cancelled | OrderStatus::Failed => Some(EventKind::OrderCancelled),
        OrderStatus::Pending | OrderStatus::Delivered => None,
    }
}

/// New addresses for a pending order, or why not.
pub(super) fn change_details(
    mut order: Order,
    details: OrderDetails,
    now_ms: i64,
) -> Result<Decision, TransitionResult> {
    if order.status != OrderStatus::Pending {
        return Err(TransitionResult::Illegal(order.status));
    }
    order.email = details.email.or(order.email);
    order.shipping_address = details.shipping_address.or(order.shipping_address);
    Ok(Decision::changed(order, now_ms))
}

/// What a key that was used before means for a request under the same key.
pub(super) fn replay(asked: &Idempotency, earlier_digest: &str, earlier: Order) -> Created {
    if earlier_digest == asked.request_digest {
        Created::Replayed(earlier)
    } else {
        Created::KeyReused
    }
}

/// Products that pricing needs to know.
pub(super) fn products_wanted(items: &NewItems) -> Vec<ProductId> {
    match items {
        NewItems::Catalogue(items) => items.iter().map(|(id, _)| *id).collect(),
        NewItems::Plain(..) => Vec::new(),
    }
}

/// The order at the prices of now, or why it cannot be made. Its event is [`EventKind::OrderCreated`].
pub(super) fn place(
    new: NewOrder,
    products: &HashMap<ProductId, Product>,
) -> Result<Order, Created> {
    let (lines, total) = match new.items {
        NewItems::Plain(lines, total) => (lines, total),
        NewItems::Catalogue(items) => price(&items, products, new.currency)?,
    };
    Ok(Order {
        id: new.id,
        owner: new.owner,
        customer_id: new.customer_id,
        email: new.email,
        shipping_address: new.shipping_address,
        cart_session_id: new.cart_session_id,
        lines,
        total,
        status: OrderStatus::Pending,
        reason: None,
        payment_mode: new.payment_mode,
        payment: PaymentState::None,
        stock_held: false,
        correlation_id: new.correlation_id,
        created_at_ms: new.now_ms,
        updated_at_ms: new.now_ms,
    })
}

fn price(
    items: &[(ProductId, u32)],
    products: &HashMap<ProductId, Product>,
    currency: Option<Currency>,
) -> Result<(Vec<OrderLine>, Money), Created> {
    let mut lines = Vec::with_capacity(items.len());
    let (mut unknown, mut short) = (Vec::new(), Vec::new());
    let mut total = Some(Amount::ZERO);
    let mut expected = currency;
    for &(id, quantity) in items {
        let Some(product) = products.get(&id) else {
            unknown.push(id);
            continue;
        };
        if *expected.get_or_insert(product.price.currency) != product.price.currency {
            return Err(Created::CurrencyMismatch(product.price.currency));
        }
        if product.stock < quantity {
            short.push(id);
        }
        let cost = product.price.amount.times(quantity);
        total = total.zip(cost).and_then(|(total, cost)| total.plus(cost));
        lines.push(OrderLine {
            product_id: Some(id),
            name: product.name.clone(),
            quantity,
            unit_price: product.price.amount,
        });
    }
    if !unknown.is_empty() {
        return Err(Created::UnknownProducts(unknown));
    }
    if !short.is_empty() {
        return Err(Created::OutOfStock(short));
    }
    let amount = total.ok_or(Created::TotalTooLarge)?;
    let currency = expected.unwrap_or_default();
    Ok((lines, Money { amount, currency }))
}

/// Catalogue products of an order with their quantities, by rising id: the order in which every store
/// takes hold of them. Each product stands in one line only.
pub(super) fn pieces_of(order: &Order) -> Vec<(ProductId, u32)> {
    let mut pieces: Vec<_> = order
        .lines
        .iter()
        .filter_map(|line| line.product_id.map(|id| (id, line.quantity)))
        .collect();
    pieces.sort_unstable();
    pieces
}

/// An event about an order as it stands now.
pub(super) fn event_about(
    order: &Order,
    kind: EventKind,
    trace: &EventTrace,
    event_id: Uuid,
) -> Event {
    Event {
        event_id,
        kind,
        order_id: order.id,
        correlation_id: order.correlation_id.clone(),
        trace: trace.clone(),
        occurred_at_ms: order.updated_at_ms,
        payload: serde_json::json!({
            "status": order.status,
            "reason": order.reason,
            "totalMinor": order.total.amount.minor(),
            "currency": order.total.currency,
            "paymentMode": order.payment_mode,
            "email": order.email,
            "createdAtMs": order.created_at_ms,
        }),
    }
}
