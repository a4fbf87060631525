//! OTLP over HTTP: a small server on a thread of its own, `POST /v1/{traces,metrics,logs}`, in protobuf and JSON.
//!
//! In reading order: [`server`] (connections), [`body`] (a body, read and unpacked within bounds), [`answer`] (what OTLP answers),
//! [`message`] (bytes to messages), [`spans`], [`metrics`] and [`logs`] (messages to what is recorded).

mod answer;
mod body;
mod logs;
mod message;
mod metrics;
mod server;
mod spans;
mod value;

pub use server::OtlpServer;
