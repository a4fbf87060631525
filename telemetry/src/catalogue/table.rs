//! The rows of the metric catalogue. Adding a metric means adding a row here and regenerating `docs/metrics.md`.

use super::{Definition, Kind, Unit};

/// Turns rows into the enum, the lookup table and the typed keys, so that they cannot disagree.
macro_rules! catalogue {
    ($(
        $variant:ident, $key:ident, $name:literal, $kind:ident($marker:ident), $unit:ident, [$($tag:literal),*],
        $description:literal;
    )*) => {
        /// Every metric of the product.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $(#[doc = concat!("`", $name, "`: ", $description)] $variant,)*
        }

        const DEFINITIONS: &[Definition] = &[$(
            Definition {
                name: $name,
                kind: Kind::$kind,
                unit: Unit::$unit,
                tags: &[$($tag),*],
                description: $description,
            },
        )*];

        impl Metric {
            /// Every metric, in the order of the table.
            pub const ALL: &'static [Metric] = &[$(Metric::$variant,)*];
        }

        /// One typed key for each metric that code reports through a handle.
        pub mod metric {
            use crate::catalogue::{
                CounterKind, DistributionKind, GaugeKind, HistogramKind, Key, Metric,
            };

            $(
                #[doc = concat!("`", $name, "`: ", $description)]
                pub const $key: Key<$marker> = Key::new(Metric::$variant);
            )*
        }
    };
}

impl Metric {
    /// The metric's row.
    pub const fn definition(self) -> &'static Definition {
        &DEFINITIONS[self as usize]
    }

    /// The metric's name, as DogStatsD and the monitors know it.
    pub const fn name(self) -> &'static str {
        self.definition().name
    }

    /// Finds a metric by its catalogue name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.name() == name)
    }

    /// Finds a metric by its name in Prometheus, without the suffixes of a histogram's series.
    pub fn by_prometheus_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|metric| metric.definition().prometheus_name() == name)
    }
}

catalogue! {
    // The order pipeline.
    OrdersCreated, ORDERS_CREATED, "ecommerce.orders.created", Counter(CounterKind), Order, ["status"],
        "Orders accepted and stored, by the status they were created in.";
    OrdersValue, ORDERS_VALUE, "ecommerce.orders.value", Distribution(DistributionKind), MajorCurrencyUnit, ["currency"],
        "Value of each order; integer minor units inside, reported in major units.";
    OrdersProcessingTime, ORDERS_PROCESSING_TIME, "ecommerce.orders.processing_time_ms", Distribution(DistributionKind), Millisecond, ["outcome"],
        "Time from an order's creation to its final state.";
    PaymentsProcessed, PAYMENTS_PROCESSED, "ecommerce.payments.processed", Counter(CounterKind), Payment, [],
        "Payments that the provider accepted.";
    PaymentsFailed, PAYMENTS_FAILED, "ecommerce.payments.failed", Counter(CounterKind), Payment, ["reason"],
        "Payments that failed, by reason.";
    PaymentsAmount, PAYMENTS_AMOUNT, "ecommerce.payments.amount", Distribution(DistributionKind), MajorCurrencyUnit, ["currency"],
        "Amount of each accepted payment in major units.";
    InventoryReserved, INVENTORY_RESERVED, "ecommerce.inventory.reserved", Counter(CounterKind), Reservation, [],
        "Reservations that found enough stock.";
    InventoryFailed, INVENTORY_FAILED, "ecommerce.inventory.failed", Counter(CounterKind), Reservation, ["reason"],
        "Reservations that failed, by reason.";
    InventoryStockLevel, INVENTORY_STOCK_LEVEL, "ecommerce.inventory.stock_level", Gauge(GaugeKind), Item, ["product_class"],
        "Items in stock, by product class (never by product).";
    NotificationsSent, NOTIFICATIONS_SENT, "ecommerce.notifications.sent", Counter(CounterKind), Message, ["type"],
        "Notifications handed to the mail provider, by type.";
    NotificationsFailed, NOTIFICATIONS_FAILED, "ecommerce.notifications.failed", Counter(CounterKind), Message, ["type", "reason"],
        "Notifications that could not be sent, by type and reason.";
    QueueMessagesProcessed, QUEUE_MESSAGES_PROCESSED, "ecommerce.queue.messages_processed", Counter(CounterKind), Message, ["queue", "outcome"],
        "Messages that a consumer finished with, by outcome.";
    QueueProcessingTime, QUEUE_PROCESSING_TIME, "ecommerce.queue.processing_time_ms", Distribution(DistributionKind), Millisecond, ["queue"],
        "Time a consumer spent on one message.";
    QueueDepth, QUEUE_DEPTH, "ecommerce.queue.depth", Gauge(GaugeKind), Message, ["queue"],
        "Messages waiting to be received.";
    QueueOldestMessageAge, QUEUE_OLDEST_MESSAGE_AGE, "ecommerce.queue.oldest_message_age_s", Gauge(GaugeKind), Second, ["queue"],
        "Age of the oldest waiting message.";
    QueueDlqDepth, QUEUE_DLQ_DEPTH, "ecommerce.queue.dlq_depth", Gauge(GaugeKind), Message, ["queue"],
        "Messages in the queue's dead-letter queue.";
    QueueInFlight, QUEUE_IN_FLIGHT, "ecommerce.queue.in_flight", Gauge(GaugeKind), Message, ["queue"],
        "Messages received and not yet deleted or visible again.";
    DlqMessages, DLQ_MESSAGES, "ecommerce.dlq.messages", Counter(CounterKind), Message, ["queue", "reason"],
        "Messages moved to a dead-letter queue, by reason.";

    // Every service.
    HttpRequests, HTTP_REQUESTS, "http_requests_total", Counter(CounterKind), Request, ["route", "method", "status"],
        "Requests, by route template, method and status code; 499 stands for those that nobody waited for any more.";
    HttpRequestDuration, HTTP_REQUEST_DURATION, "http_request_duration_seconds", Histogram(HistogramKind), Second, ["route", "method", "status"],
        "Time to answer a request, by route template, method and status code; with 499, until nobody waited for it any more.";
    HttpServerRequestDuration, HTTP_SERVER_REQUEST_DURATION, "http.server.request.duration", Distribution(DistributionKind), Second, ["route", "method", "status"],
        "Time to answer a request, as a distribution whose percentiles the server computes.";
    HttpClientRequestDuration, HTTP_CLIENT_REQUEST_DURATION, "http.client.request.duration", Distribution(DistributionKind), Second, ["peer", "method", "status"],
        "Time of a call to another service; instead of a status the kind of failure of a call that had no answer.";
    CacheRequests, CACHE_REQUESTS, "cache.requests", Counter(CounterKind), Request, ["cache", "result"],
        "Looks into a cache of the service's own, by result: hit or miss.";
    ActiveConnections, ACTIVE_CONNECTIONS, "active_connections", Gauge(GaugeKind), Connection, [],
        "Client connections that are open now.";
    ProcessCpuSeconds, PROCESS_CPU_SECONDS, "process_cpu_seconds_total", Counter(CounterKind), Second, [],
        "User and system CPU time spent by the process.";
    ProcessOpenFds, PROCESS_OPEN_FDS, "process_open_fds", Gauge(GaugeKind), Descriptor, [],
        "Open file descriptors of the process.";
    ProcessMaxFds, PROCESS_MAX_FDS, "process_max_fds", Gauge(GaugeKind), Descriptor, [],
        "Largest number of file descriptors that the process may open.";
    ProcessResidentMemory, PROCESS_RESIDENT_MEMORY, "process_resident_memory_bytes", Gauge(GaugeKind), Byte, [],
        "Resident memory of the process.";
    ProcessVirtualMemory, PROCESS_VIRTUAL_MEMORY, "process_virtual_memory_bytes", Gauge(GaugeKind), Byte, [],
        "Virtual memory of the process.";
    ProcessStartTime, PROCESS_START_TIME, "process_start_time_seconds", Gauge(GaugeKind), Second, [],
        "Start of the process, in seconds since the Unix epoch.";
    ProcessThreads, PROCESS_THREADS, "process_threads", Gauge(GaugeKind), Thread, [],
        "Operating-system threads of the process.";
    DbConnectionCount, DB_CONNECTION_COUNT, "db.client.connection.count", Gauge(GaugeKind), Connection, ["pool", "state"],
        "Connections to a database server, by state: used or idle.";
    DbConnectionWaitTime, DB_CONNECTION_WAIT_TIME, "db.client.connection.wait_time", Distribution(DistributionKind), Second, ["pool"],
        "Time for which a connection to a database server was waited for.";
    DbConnectionTimeouts, DB_CONNECTION_TIMEOUTS, "db.client.connection.timeouts", Counter(CounterKind), Request, ["pool"],
        "Waits for a connection to a database server that were given up.";
    DbStatements, DB_STATEMENTS, "db.client.statements", Counter(CounterKind), Request, ["pool", "cache"],
        "Statements with a comment for database monitoring, by whether their connection had prepared them before: hit or miss.";
    RuntimeWorkers, RUNTIME_WORKERS, "runtime.workers", Gauge(GaugeKind), Thread, [],
        "Threads of the process that run tasks.";
    RuntimeTasks, RUNTIME_TASKS, "runtime.tasks", Gauge(GaugeKind), Task, [],
        "Tasks of the process that have begun and not ended.";
    RuntimeQueueDepth, RUNTIME_QUEUE_DEPTH, "runtime.queue_depth", Gauge(GaugeKind), Task, [],
        "Tasks that are ready and wait in the queue that all workers share.";
    LogLinesDropped, LOG_LINES_DROPPED, "telemetry.logs.dropped", Counter(CounterKind), Line, [],
        "Log lines dropped because the writer could not keep up.";
    ExportsDropped, EXPORTS_DROPPED, "telemetry.exports.dropped", Counter(CounterKind), Item, ["exporter", "reason"],
        "Spans, metric values and errors that an exporter dropped, by reason.";

    // The load generator.
    LoadgenTargetRate, LOADGEN_TARGET_RATE, "loadgen.rate.target", Gauge(GaugeKind), ArrivalPerSecond, ["scenario"],
        "Arrival rate that the schedule asks for.";
    LoadgenAchievedRate, LOADGEN_ACHIEVED_RATE, "loadgen.rate.achieved", Gauge(GaugeKind), ArrivalPerSecond, ["scenario"],
        "Arrival rate that was really started.";
    LoadgenArrivals, LOADGEN_ARRIVALS, "loadgen.arrivals.started", Counter(CounterKind), Arrival, ["scenario", "journey"],
        "Journeys started.";
    LoadgenStartLag, LOADGEN_START_LAG, "loadgen.start_lag_ms", Distribution(DistributionKind), Millisecond, ["scenario"],
        "The generator's own lateness: a journey's first request sent minus its intended time.";
    LoadgenResponseTime, LOADGEN_RESPONSE_TIME, "loadgen.response_time_ms", Distribution(DistributionKind), Millisecond, ["scenario", "step"],
        "Done minus intended time: what a user would have waited. Requests that failed are apart.";
    LoadgenServiceTime, LOADGEN_SERVICE_TIME, "loadgen.service_time_ms", Distribution(DistributionKind), Millisecond, ["scenario", "step"],
        "Done minus sent time. Requests that failed are apart.";
    LoadgenFailureTime, LOADGEN_FAILURE_TIME, "loadgen.failure_time_ms", Distribution(DistributionKind), Millisecond, ["scenario", "step"],
        "Done minus intended time of requests that failed, time-outs not among them.";
    LoadgenRequests, LOADGEN_REQUESTS, "loadgen.requests", Counter(CounterKind), Request, ["scenario", "step", "outcome"],
        "Requests done, by step and outcome.";
    LoadgenErrors, LOADGEN_ERRORS, "loadgen.errors", Counter(CounterKind), Error, ["scenario", "step", "kind"],
        "Requests that failed, by kind of failure.";
    LoadgenActiveShoppers, LOADGEN_ACTIVE_SHOPPERS, "loadgen.shoppers.active", Gauge(GaugeKind), Shopper, ["scenario"],
        "Shoppers in the middle of a journey.";
    LoadgenOpenConnections, LOADGEN_OPEN_CONNECTIONS, "loadgen.connections.open", Gauge(GaugeKind), Connection, ["scenario"],
        "Connections that the generator holds open.";
    LoadgenCpuBusy, LOADGEN_CPU_BUSY, "loadgen.cpu.busy", Gauge(GaugeKind), Fraction, ["scenario"],
        "Share of its CPU time that the busiest worker used.";
}
