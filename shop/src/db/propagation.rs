//! What a statement tells the database about who asks: the word for it, as Datadog's tracers know it.

/// What stands in a comment in front of each statement on PostgreSQL, for Datadog's database monitoring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DbmPropagation {
    /// No comment
    #[default]
    #[value(alias = "disabled")]
    Off,
    /// Database, environment, service and version
    Service,
    /// The same, and the trace of a statement whose trace is kept
    Full,
}
