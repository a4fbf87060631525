//! YAML files with positions, checked against a JSON Schema: every problem at once.
//!
//! [`Document::parse`] keeps where each value stands. [`Document::check`] walks the schema of a serde type and the
//! file side by side, so that a reader gets file, line, column, the piece of text and what is allowed instead of a
//! deserializer's first complaint. Checks that a schema cannot express name a [`Place`] and become [`Problem`]s of the
//! same kind.
//!
//! Left out on purpose: several documents in one file, tags (`!!str`), merge keys (`<<`), keys that are not text.
//! Anchors and aliases work, bounded by [`NODES_MAX`].
//!
//! Must not know: what the files are about.

pub mod document;
mod parse;
mod place;
pub mod problem;
mod reading;
mod rewrite;
pub mod schema;
pub mod suggest;
mod tree;
pub mod write;

pub use document::Document;
pub use parse::{DEPTH_MAX, NODES_MAX, TEXT_BYTES_MAX};
pub use place::Place;
pub use problem::{Problem, Problems, Style};
pub use reading::Reading;
pub use rewrite::Edit;
pub use suggest::{closest, did_you_mean};
pub use tree::{Entry, Kind, Node, Quoting, Span};
