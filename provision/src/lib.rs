//! Keeps the monitors, SLOs and dashboards of a Datadog org as the definition files say: the `monitors` command.
//!
//! In reading order:
//!
//! - [`cli`]: what may be typed; [`exit`]: how it ends; [`run`]: from the one to the other
//! - [`project`]: the files of a project, read
//! - [`api`]: the Datadog API, within its rate limits and in spite of failures
//! - [`apply`]: carries out a plan that `alerting` made
//! - [`import`]: the way back, from an org to files; [`tidy`]: the usual form of files
//! - [`stand_in`]: the API itself, small, for tests and for people without an org
//!
//! No state is kept between runs: an object belongs to a namespace if it carries its mark, and to a definition if
//! the mark names it. What makes two objects equal, what depends on what and what may be deleted is decided in
//! `alerting`; this crate fetches, asks and executes.

pub mod api;
pub mod apply;
pub mod cli;
mod command;
pub mod exit;
pub mod import;
pub mod progress;
pub mod project;
pub mod stand_in;
pub mod tidy;
mod whole_file;

pub use command::run;
