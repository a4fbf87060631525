//! The comment in front of a statement that ties it, in database monitoring, to the service and the trace it belongs to.
//!
//! In `full` mode a statement whose span is recorded carries the trace as well. Its text is another one each time, so it
//! is prepared for this once and forgotten; every other text is the same as ever and stays prepared.

use std::fmt::Write as _;

use sqlx::Execute;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgStatement};
use telemetry::context::Context;

use super::Sql;
use super::link::Server;
use crate::db::propagation::DbmPropagation;

/// What database monitoring calls this database among the services.
const DB_SERVICE: &str = "rum-shop-postgres";

/// A statement with its comment.
pub(super) struct Commented {
    sql: String,
    /// Whether the comment names a trace.
    pub(super) is_traced: bool,
}

impl Commented {
    /// The statement as it is sent; nothing when it is sent as it is. `span` is its own, if that is recorded.
    pub(super) fn of(server: &Server, sql: &str, span: Option<&Context>) -> Option<Self> {
        if server.propagation == DbmPropagation::Off {
            return None;
        }
        let span = span.filter(|_| server.propagation == DbmPropagation::Full);
        let mut text = String::with_capacity(256 + sql.len());
        text.push_str("/*");
        write_service(&mut text, server);
        let trace = span.and_then(Context::trace);
        if let Some(trace) = trace {
            // Ids need no encoding; a recorded span is a sampled one.
            let _ = write!(
                text,
                ",traceparent='00-{}-{}-01'",
                trace.trace_id, trace.span_id
            );
        }
        text.push_str("*/ ");
        text.push_str(sql);
        Some(Commented {
            sql: text,
            is_traced: trace.is_some(),
        })
    }

    /// The same query with this text.
    pub(super) fn instead_of<'s, 'q>(
        &'s self,
        query: &mut impl Execute<'q, sqlx::Postgres>,
    ) -> Sql<CommentedQuery<'s>> {
        Ok(CommentedQuery {
            sql: &self.sql,
            arguments: query.take_arguments().map_err(sqlx::Error::Encode)?,
            persistent: query.persistent() && !self.is_traced,
        })
    }
}

/// Names and values in the alphabetical order of their names, as Datadog's tracers write them.
fn write_service(text: &mut String, server: &Server) {
    write_pair(text, "dddb", &server.database);
    write_pair(text, "dddbs", DB_SERVICE);
    let current = Context::current();
    let identity = current.as_ref().map(Context::identity);
    if let Some(identity) = identity {
        write_pair(text, "dde", identity.env());
    }
    write_pair(text, "ddh", &server.address);
    if let Some(identity) = identity {
        write_pair(text, "ddps", identity.service());
        write_pair(text, "ddpv", identity.version());
    }
}

/// Whatever could end the value or the comment is percent-encoded.
fn write_pair(text: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    if !text.ends_with('*') {
        text.push(',');
    }
    text.push_str(name);
    text.push_str("='");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.push('\'');
}

/// A query whose text has a comment.
pub(super) struct CommentedQuery<'s> {
    sql: &'s str,
    arguments: Option<PgArguments>,
    persistent: bool,
}

impl CommentedQuery<'_> {
    /// Whether it is prepared at all; a simple query is not.
    pub(super) fn is_prepared(&self) -> bool {
        self.arguments.is_some()
    }

    /// Whether it is prepared for this once.
    pub(super) fn is_for_once(&self) -> bool {
        !self.persistent
    }
}

impl<'s> Execute<'s, sqlx::Postgres> for CommentedQuery<'s> {
    fn sql(&self) -> &'s str {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement<'s>> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        Ok(self.arguments.take())
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

#[cfg(test)]
mod tests {
    use super::write_pair;

    #[test]
    fn no_value_ends_the_comment() {
        let mut text = "/*".to_owned();
        write_pair(&mut text, "dddb", "shop");
        write_pair(&mut text, "dde", "it's */ me%");
        write_pair(&mut text, "ddh", "");
        assert_eq!(text, "/*dddb='shop',dde='it%27s%20%2A%2F%20me%25'");
    }
}
