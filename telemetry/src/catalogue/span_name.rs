//! Names of spans. Server spans are named by method and route, client spans by method, database spans by operation and table.

/// Creating an order.
pub const ORDER_CREATE: &str = "order.create";
/// Publishing an order's events from the outbox.
pub const ORDER_PUBLISH_EVENTS: &str = "order.publish_events";
/// The payment consumer's work on one message.
pub const PAYMENT_PROCESS: &str = "PaymentService.process";
/// The call to the payment provider.
pub const PAYMENT_PROCESS_EXTERNAL: &str = "payment.process_external";
/// A consumer's publishing of its result.
pub const SQS_PUBLISH_DOWNSTREAM: &str = "sqs.publish_downstream";
/// The inventory consumer's work on one message.
pub const INVENTORY_PROCESS: &str = "InventoryService.process";
/// The attempt to reserve stock.
pub const INVENTORY_ATTEMPT_RESERVATION: &str = "inventory.attempt_reservation";
/// The notification consumer's work on one message.
pub const NOTIFICATION_PROCESS: &str = "NotificationService.process";
/// The call to the mail provider.
pub const NOTIFICATION_SEND_EMAIL: &str = "notification.send_email";
/// The dead-letter handler's work.
pub const DEAD_LETTER_PROCESS: &str = "DeadLetterHandler.process";
/// The scheduled order producer's work.
pub const ORDER_PRODUCER_RUN: &str = "OrderProducer.run";
/// The queue worker's work on one message.
pub const ORDER_WORKER_PROCESS: &str = "OrderWorker.process";
/// The wait for a connection to a database.
pub const DB_CONNECTION_ACQUIRE: &str = "db.connection.acquire";

/// Every fixed span name with what it covers, for the documentation.
pub const ALL: &[(&str, &str)] = &[
    (ORDER_CREATE, "creating an order"),
    (
        ORDER_PUBLISH_EVENTS,
        "publishing an order's events from the outbox",
    ),
    (
        PAYMENT_PROCESS,
        "the payment consumer's work on one message",
    ),
    (PAYMENT_PROCESS_EXTERNAL, "the call to the payment provider"),
    (
        SQS_PUBLISH_DOWNSTREAM,
        "a consumer's publishing of its result",
    ),
    (
        INVENTORY_PROCESS,
        "the inventory consumer's work on one message",
    ),
    (
        INVENTORY_ATTEMPT_RESERVATION,
        "the attempt to reserve stock",
    ),
    (
        NOTIFICATION_PROCESS,
        "the notification consumer's work on one message",
    ),
    (NOTIFICATION_SEND_EMAIL, "the call to the mail provider"),
    (DEAD_LETTER_PROCESS, "the dead-letter handler's work"),
    (ORDER_PRODUCER_RUN, "the scheduled order producer's work"),
    (
        ORDER_WORKER_PROCESS,
        "the queue worker's work on one message",
    ),
    (
        DB_CONNECTION_ACQUIRE,
        "the wait for a connection to a database, where none is free",
    ),
];
