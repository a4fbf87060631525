//! Attribute names of spans, log lines and resources; database names exist in both generations of the conventions.

/// Resource: the service that reports.
pub const SERVICE_NAME: &str = "service.name";
/// Resource: its version.
pub const SERVICE_VERSION: &str = "service.version";
/// Resource: the environment, stable name.
pub const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";
/// Resource: the environment, older name.
pub const DEPLOYMENT_ENVIRONMENT: &str = "deployment.environment";

/// Span kind, read by the bridge to OpenTelemetry.
pub const OTEL_KIND: &str = "otel.kind";
/// Span name, read by the bridge to OpenTelemetry.
pub const OTEL_NAME: &str = "otel.name";
/// Span status, read by the bridge to OpenTelemetry: `OK` or `ERROR`.
pub const OTEL_STATUS_CODE: &str = "otel.status_code";
/// What went wrong, read by the bridge to OpenTelemetry.
pub const OTEL_STATUS_DESCRIPTION: &str = "otel.status_description";

/// Request method, such as `GET`.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// Route template, such as `/api/products/{id}`.
pub const HTTP_ROUTE: &str = "http.route";
/// Status code of the answer.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// Path of the request.
pub const URL_PATH: &str = "url.path";
/// Whole address of a request sent, without credentials.
pub const URL_FULL: &str = "url.full";
/// `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// Host that was called.
pub const SERVER_ADDRESS: &str = "server.address";
/// Port that was called.
pub const SERVER_PORT: &str = "server.port";
/// Service that was called, by its telemetry name.
pub const PEER_SERVICE: &str = "peer.service";
/// Class of a failure, such as a status code or `timeout`.
pub const ERROR_TYPE: &str = "error.type";

/// Event of a span: an error.
pub const EXCEPTION_EVENT: &str = "exception";
/// Its class.
pub const EXCEPTION_TYPE: &str = "exception.type";
/// What it says.
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// The chain of its causes, one a line.
pub const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// Database system, stable name.
pub const DB_SYSTEM_NAME: &str = "db.system.name";
/// Database system, older name.
pub const DB_SYSTEM: &str = "db.system";
/// Statement, stable name.
pub const DB_QUERY_TEXT: &str = "db.query.text";
/// Statement, older name.
pub const DB_STATEMENT: &str = "db.statement";
/// Database or schema, stable name.
pub const DB_NAMESPACE: &str = "db.namespace";
/// Database, older name.
pub const DB_NAME: &str = "db.name";
/// Operation such as `SELECT`, stable name.
pub const DB_OPERATION_NAME: &str = "db.operation.name";
/// Operation, older name.
pub const DB_OPERATION: &str = "db.operation";
/// Table or collection, stable name.
pub const DB_COLLECTION_NAME: &str = "db.collection.name";
/// Table, older name.
pub const DB_SQL_TABLE: &str = "db.sql.table";
/// Rows that the statement gave back.
pub const DB_RESPONSE_RETURNED_ROWS: &str = "db.response.returned_rows";
/// Changes that one commit carried.
pub const DB_OPERATION_BATCH_SIZE: &str = "db.operation.batch.size";
/// Set when a statement carries the trace context in a comment.
pub const DD_DBM_TRACE_INJECTED: &str = "_dd.dbm_trace_injected";

/// Messaging system, such as `aws_sqs`.
pub const MESSAGING_SYSTEM: &str = "messaging.system";
/// Queue.
pub const MESSAGING_DESTINATION_NAME: &str = "messaging.destination.name";
/// `send`, `receive`, `process` or `settle`.
pub const MESSAGING_OPERATION_TYPE: &str = "messaging.operation.type";
/// The system's own word for the operation.
pub const MESSAGING_OPERATION_NAME: &str = "messaging.operation.name";
/// The message's id.
pub const MESSAGING_MESSAGE_ID: &str = "messaging.message.id";
/// The id that ties the messages of one order together.
pub const MESSAGING_MESSAGE_CONVERSATION_ID: &str = "messaging.message.conversation_id";
/// Messages in the batch.
pub const MESSAGING_BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";

/// The order that a span or log line is about.
pub const ORDER_ID: &str = "order.id";
/// The event that a message carries.
pub const EVENT_ID: &str = "event.id";
/// The id that follows one order through everything.
pub const CORRELATION_ID: &str = "correlation_id";
/// Duration of the thing a log line tells about, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// The session of the browser, also a baggage key.
pub const SESSION_ID: &str = "session.id";
/// The user, also a baggage key.
pub const USER_ID: &str = "user.id";
/// The account, also a baggage key.
pub const ACCOUNT_ID: &str = "account.id";
