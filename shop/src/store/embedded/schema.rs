//! The tables of the embedded stores, as migrations with their way back.

use crate::db::Migration;

pub(super) const SHOP: [Migration; 2] = [
    Migration {
        version: 1,
        name: "products, users, orders, payments",
        up: "
CREATE TABLE products (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT NOT NULL,
    price_minor INTEGER NOT NULL CHECK (price_minor >= 0),
    currency TEXT NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0),
    popularity_rank INTEGER NOT NULL
) STRICT;
CREATE INDEX products_by_category ON products (category, id);
CREATE VIRTUAL TABLE product_words USING fts5(
    name, description, content='products', content_rowid='id', prefix='2 3'
);
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    customer_id TEXT,
    email TEXT,
    shipping_address TEXT,
    cart_session_id TEXT,
    total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    payment_mode TEXT NOT NULL,
    payment_state TEXT NOT NULL,
    stock_held INTEGER NOT NULL,
    correlation_id TEXT NOT NULL,
    idempotency_scope TEXT,
    idempotency_key TEXT,
    request_digest TEXT,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_by_idempotency_key ON orders (idempotency_scope, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_by_owner ON orders (owner, created_at_ms, id);
CREATE INDEX orders_by_customer ON orders (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX orders_by_creation ON orders (created_at_ms);
CREATE INDEX orders_waiting_for_intent ON orders (created_at_ms)
    WHERE status = 'pending' AND payment_mode = 'intent';
CREATE TABLE order_lines (
    order_id TEXT NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    product_id INTEGER,
    name TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    unit_price_minor INTEGER NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE payments (
    order_id TEXT PRIMARY KEY REFERENCES orders (id),
    provider_charge_id TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    charged_at_ms INTEGER NOT NULL,
    provider_refund_id TEXT,
    refunded_at_ms INTEGER
) STRICT, WITHOUT ROWID;
",
        down: "
DROP TABLE payments;
DROP TABLE order_lines;
DROP TABLE orders;
DROP TABLE users;
DROP TABLE product_words;
DROP TABLE products;
",
    },
    Migration {
        version: 2,
        name: "outbox and memory of handled events",
        up: "
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL
) STRICT;
CREATE TABLE handled_events (
    consumer TEXT NOT NULL,
    event_id TEXT NOT NULL,
    handled_at_ms INTEGER NOT NULL,
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX handled_events_by_age ON handled_events (handled_at_ms);
",
        down: "
DROP TABLE handled_events;
DROP TABLE outbox;
",
    },
];

pub(super) const SESSIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "carts, payment intents, webhooks",
    up: "
CREATE TABLE carts (
    session_id TEXT PRIMARY KEY,
    items TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX carts_by_expiry ON carts (expires_at_ms);
CREATE TABLE intents (
    id TEXT PRIMARY KEY,
    order_id TEXT,
    owner TEXT,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    provider_charge_id TEXT,
    created_at_ms INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX intents_by_order ON intents (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX intents_processing ON intents (updated_at_ms) WHERE status = 'processing';
CREATE INDEX intents_by_expiry ON intents (expires_at_ms);
CREATE TABLE webhook_events (
    event_id TEXT PRIMARY KEY,
    seen_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_events_by_age ON webhook_events (seen_at_ms);
",
    down: "
DROP TABLE webhook_events;
DROP TABLE intents;
DROP TABLE carts;
",
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::migrate;

    #[test]
    fn every_migration_has_a_way_back_and_forth_again() {
        for migrations in [&SHOP[..], &SESSIONS[..]] {
            let mut file = rusqlite::Connection::open_in_memory().unwrap();
            let path = std::path::Path::new("memory");
            for target in [None, Some(1), Some(0), None] {
                migrate(&mut file, path, migrations, target).unwrap();
            }
        }
    }
}
