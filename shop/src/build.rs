//! What this build was made with: features leave the clients of real stores and queues out.

/// What helps where something was left out.
pub(crate) const REMEDY: &str = "build with `--features full`";

/// The error of whatever needs `what`, in a build without it.
#[cfg(not(all(feature = "postgres", feature = "redis", feature = "sqs")))]
pub(crate) fn lacks(what: &str) -> anyhow::Error {
    anyhow::anyhow!("this build has no {what}: {REMEDY}")
}
