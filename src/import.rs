//! Scenarios from what other programs recorded or described: HAR files, curl commands, OpenAPI documents.
//!
//! PURE: text in, text out. Each source is read in a module of its own and becomes a [`Draft`]; `write` makes a file of that, with
//! comments. Read in this order: `draft` (what a source amounts to), `text` (the language's own escapes), `vault` (secrets never
//! reach the file), `recorded`, `making` and `request` (one request, from bytes to a step), the sources, `write`.
//!
//! Must not know: files, terminals, how a scenario runs.

mod body;
pub mod curl;
pub mod draft;
pub mod har;
mod making;
pub mod openapi;
mod recorded;
mod request;
mod route;
mod tally;
mod text;
mod vault;
mod write;

pub use draft::Draft;
pub use tally::Tally;
pub use vault::Needed;
pub use write::scenario;
