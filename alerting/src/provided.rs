//! Metrics that definitions may query and that the product does not send itself: integrations, cloud providers,
//! traces. Only what is used, each with the tags that may stand in a scope. Must not repeat the telemetry catalogue.

/// A metric that comes from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provided {
    /// Its name.
    pub name: &'static str,
    /// Whether it reports nothing while nothing happens.
    pub sparse: bool,
    /// Whether percentiles can be asked of it.
    pub distribution: bool,
    /// Its tags, besides [`EVERYWHERE`].
    pub tags: &'static [&'static str],
}

/// Tags that the Agent or a cloud integration puts on everything.
pub const EVERYWHERE: &[&str] = &[
    "env",
    "service",
    "version",
    "host",
    "region",
    "account_id",
    "name",
    "team",
];

const fn gauge(name: &'static str, tags: &'static [&'static str]) -> Provided {
    Provided {
        name,
        sparse: false,
        distribution: false,
        tags,
    }
}

const fn sparse(name: &'static str, tags: &'static [&'static str]) -> Provided {
    Provided {
        name,
        sparse: true,
        distribution: false,
        tags,
    }
}

const fn distribution(name: &'static str, tags: &'static [&'static str]) -> Provided {
    Provided {
        name,
        sparse: true,
        distribution: true,
        tags,
    }
}

const POSTGRES: &[&str] = &["db", "server", "port"];
const STATEMENT: &[&str] = &["db", "server", "port", "query_signature", "query", "user"];
const LOCKS: &[&str] = &[
    "db",
    "server",
    "port",
    "lock_mode",
    "lock_type",
    "granted",
    "table",
];
const REDIS: &[&str] = &["redis_host", "redis_port", "redis_role"];
const ECS: &[&str] = &["clustername", "servicename", "cluster_name"];
const RDS: &[&str] = &["dbinstanceidentifier", "engine"];
const ALB: &[&str] = &["loadbalancer", "targetgroup", "availability-zone"];
const LAMBDA: &[&str] = &["functionname", "resource"];
const SQS: &[&str] = &["queuename"];
const CACHE: &[&str] = &["cacheclusterid", "cachenodeid"];
const TRACE: &[&str] = &["resource_name", "resource", "http.status_code", "span.kind"];

/// The table.
pub const PROVIDED: &[Provided] = &[
    gauge("postgresql.connections", POSTGRES),
    gauge("postgresql.max_connections", POSTGRES),
    gauge("postgresql.percent_usage_connections", POSTGRES),
    gauge("postgresql.buffer_hit", POSTGRES),
    gauge("postgresql.disk_read", POSTGRES),
    gauge("postgresql.deadlocks", POSTGRES),
    gauge("postgresql.rows_fetched", POSTGRES),
    gauge("postgresql.locks", LOCKS),
    gauge(
        "postgresql.activity.wait_event",
        &["db", "server", "port", "wait_event", "wait_event_type"],
    ),
    gauge("postgresql.transactions.duration.max", POSTGRES),
    sparse("postgresql.queries.count", STATEMENT),
    sparse("postgresql.queries.time", STATEMENT),
    sparse("postgresql.queries.rows", STATEMENT),
    gauge("redis.mem.used", REDIS),
    gauge("redis.mem.maxmemory", REDIS),
    gauge("redis.stats.keyspace_hits", REDIS),
    gauge("redis.stats.keyspace_misses", REDIS),
    gauge("aws.ecs.service.cpuutilization", ECS),
    gauge("aws.ecs.service.memory_utilization", ECS),
    gauge("aws.rds.cpuutilization", RDS),
    gauge("aws.rds.free_storage_space", RDS),
    gauge("aws.rds.database_connections", RDS),
    gauge("aws.elasticache.engine_cpuutilization", CACHE),
    sparse("aws.applicationelb.httpcode_elb_5xx", ALB),
    sparse("aws.applicationelb.httpcode_target_5xx", ALB),
    sparse("aws.applicationelb.request_count", ALB),
    sparse("aws.lambda.errors", LAMBDA),
    sparse("aws.lambda.invocations", LAMBDA),
    sparse("aws.lambda.throttles", LAMBDA),
    gauge("aws.sqs.approximate_number_of_messages_visible", SQS),
    gauge("aws.sqs.approximate_age_of_oldest_message", SQS),
    distribution("trace.http.server.request", TRACE),
    sparse("trace.http.server.request.hits", TRACE),
    sparse("trace.http.server.request.errors", TRACE),
];

/// Finds a metric by name.
pub fn by_name(name: &str) -> Option<&'static Provided> {
    PROVIDED.iter().find(|provided| provided.name == name)
}
