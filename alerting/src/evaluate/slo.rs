//! Service levels: indicators, budgets and how fast they burn (rules L1 to L5). Shares and targets are in per cent.

/// Good of total, in per cent; none without any.
pub fn indicator(good: f64, total: f64) -> Option<f64> {
    (total > 0.0).then(|| 100.0 * good / total)
}

/// Per cent of the error budget that is used; above 100 when the target is missed (rule L2).
pub fn budget_used(indicator: f64, target: f64) -> f64 {
    100.0 - 100.0 * (indicator - target) / (100.0 - target)
}

/// How many times faster than allowed errors come: the share of errors in a window by the share that the target leaves
/// (rule L3); none without any events.
pub fn burn_rate(good: f64, total: f64, target: f64) -> Option<f64> {
    Some((100.0 - indicator(good, total)?) / (100.0 - target))
}

/// The greatest burn rate there can be: everything fails (rule L3).
pub fn burn_rate_max(target: f64) -> f64 {
    100.0 / (100.0 - target)
}

/// The burn rate at which a share of the budget, in per cent, is used in a long window of so many hours (rule L4).
pub fn burn_rate_of_share(slo_days: f64, share: f64, long_hours: f64) -> f64 {
    slo_days * 24.0 * share / 100.0 / long_hours
}

/// Per cent of time slices in which all groups were up; a group without data is up (rule L5). One row of slices a group.
pub fn uptime(groups: &[Vec<bool>]) -> Option<f64> {
    let slices = groups.iter().map(Vec::len).max()?;
    let is_up = |slice: &usize| groups.iter().all(|group| group.get(*slice) != Some(&false));
    let up = (0..slices).filter(is_up).count();
    indicator(up as f64, slices as f64)
}
