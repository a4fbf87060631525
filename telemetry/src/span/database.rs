//! Spans of statements on a database or cache, with the names of both generations of the conventions.

use super::{OpenSpan, TARGET};
use crate::catalogue::attribute;

/// The statement for which a database span is opened.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// Database system: `postgresql`, `sqlite`, `redis`, `mongodb`.
    pub system: &'a str,
    /// Database, or Redis' number of it.
    pub namespace: &'a str,
    /// Operation such as `SELECT` or `HGET`.
    pub operation: &'a str,
    /// Table, collection or kind of key; empty when there is none.
    pub collection: &'a str,
    /// The statement with placeholders, never with values.
    pub text: &'a str,
    /// The server's host or socket; empty for a database in a file.
    pub server: &'a str,
    /// The server's port, if it has one.
    pub port: Option<u16>,
}

impl Statement<'_> {
    fn span_name(&self) -> String {
        match self.collection {
            "" => self.operation.to_owned(),
            collection => format!("{} {collection}", self.operation),
        }
    }
}

/// Opens a span around a statement inside the current work, if that is recorded; otherwise nothing is made.
pub fn database(statement: &Statement<'_>) -> OpenSpan {
    OpenSpan::below_recorded(|_| {
        let collection = Some(statement.collection).filter(|name| !name.is_empty());
        let server = Some(statement.server).filter(|name| !name.is_empty());
        tracing::info_span!(
            target: TARGET,
            "database",
            { attribute::OTEL_KIND } = "client",
            { attribute::OTEL_NAME } = statement.span_name(),
            { attribute::DB_SYSTEM_NAME } = statement.system,
            { attribute::DB_SYSTEM } = statement.system,
            { attribute::DB_NAMESPACE } = statement.namespace,
            { attribute::DB_NAME } = statement.namespace,
            { attribute::DB_OPERATION_NAME } = statement.operation,
            { attribute::DB_OPERATION } = statement.operation,
            { attribute::DB_COLLECTION_NAME } = collection,
            { attribute::DB_SQL_TABLE } = collection,
            { attribute::DB_QUERY_TEXT } = statement.text,
            { attribute::DB_STATEMENT } = statement.text,
            { attribute::SERVER_ADDRESS } = server,
            { attribute::SERVER_PORT } = statement.port,
            { attribute::DB_RESPONSE_RETURNED_ROWS } = tracing::field::Empty,
            { attribute::DB_OPERATION_BATCH_SIZE } = tracing::field::Empty,
            { attribute::DD_DBM_TRACE_INJECTED } = tracing::field::Empty,
            { attribute::ERROR_TYPE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_CODE } = tracing::field::Empty,
            { attribute::OTEL_STATUS_DESCRIPTION } = tracing::field::Empty,
        )
    })
}
