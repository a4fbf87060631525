//! What traces show of an exchange with Redis: the command without its values, and where it went.

use redis::{Arg, Cmd, ConnectionAddr, ConnectionInfo};
use telemetry::span::{self, OpenSpan, Statement};

use crate::store::{StoreError, StoreResult};

/// The system's name by the conventions.
const SYSTEM: &str = "redis";

/// Redis, as traces name it.
pub(super) struct Server {
    address: String,
    port: Option<u16>,
    database: String,
}

/// A command without its values. Making it costs nothing that an unrecorded command would notice.
pub(super) enum Told {
    /// One command, with its number of arguments.
    Command(String, usize),
    /// A script of the shop's, with its number of keys.
    Script(&'static str, usize),
}

impl Told {
    pub(super) fn of(command: &Cmd) -> Self {
        let mut args = command.args_iter();
        let name = match args.next() {
            Some(Arg::Simple(name)) => String::from_utf8_lossy(name).into_owned(),
            _ => String::new(),
        };
        Told::Command(name, args.count())
    }

    fn operation(&self) -> &str {
        match self {
            Told::Command(name, _) => name,
            Told::Script(..) => "EVALSHA",
        }
    }

    /// The command with a question mark for each value.
    fn text(&self) -> String {
        match self {
            Told::Command(name, values) => format!("{name}{}", " ?".repeat(*values)),
            Told::Script(script, keys) => format!("EVALSHA {script} {keys}{}", " ?".repeat(*keys)),
        }
    }
}

impl Server {
    pub(super) fn of(info: &ConnectionInfo) -> Self {
        let (address, port) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => (host.clone(), Some(*port)),
            ConnectionAddr::TcpTls { host, port, .. } => (host.clone(), Some(*port)),
            other => (other.to_string(), None),
        };
        Server {
            address,
            port,
            database: info.redis_settings().db().to_string(),
        }
    }

    /// Opens the span of a command; nothing is made unless the current work is recorded.
    pub(super) fn span(&self, told: &Told) -> OpenSpan {
        let text = match span::recorded() {
            Some(_) => told.text(),
            None => String::new(),
        };
        span::database(&Statement {
            system: SYSTEM,
            namespace: &self.database,
            operation: told.operation(),
            collection: "",
            text: &text,
            server: &self.address,
            port: self.port,
        })
    }
}

pub(super) fn ended<T>(span: &OpenSpan, outcome: StoreResult<T>) -> StoreResult<T> {
    match &outcome {
        Ok(_) => {}
        Err(error @ StoreError::Busy(_)) => span.fail_with("unavailable", error),
        Err(error) => span.fail_with("refused", error),
    }
    outcome
}
