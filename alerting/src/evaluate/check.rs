//! Service checks: what each run of a check said, made into a state [A7].

use super::state::State;

/// What one run of a check said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is its own name")]
pub enum CheckStatus {
    Ok,
    Warning,
    Critical,
    Unknown,
}

/// After how many consecutive runs `count_by_status()` changes its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunsInARow {
    /// Of CRITICAL, to ALERT.
    pub critical: usize,
    /// Of WARNING, to WARN.
    pub warning: usize,
    /// Of OK, back to OK.
    pub ok: usize,
}

impl RunsInARow {
    /// The state after the last of these runs, the earliest first.
    pub fn next(&self, state: State, runs: &[CheckStatus]) -> State {
        let in_a_row =
            |status: CheckStatus| runs.iter().rev().take_while(|run| **run == status).count();
        if in_a_row(CheckStatus::Critical) >= self.critical {
            return State::Alert;
        }
        if in_a_row(CheckStatus::Warning) >= self.warning {
            return State::Warn;
        }
        match in_a_row(CheckStatus::Ok) >= self.ok {
            true => State::Ok,
            false => state,
        }
    }
}

/// `pct_by_status()`: per cent of the combinations of tags whose latest status is this one; none without any.
pub fn percent_by_status(latest: &[CheckStatus], status: CheckStatus) -> Option<f64> {
    let of = latest.iter().filter(|latest| **latest == status).count();
    (!latest.is_empty()).then(|| 100.0 * of as f64 / latest.len() as f64)
}
