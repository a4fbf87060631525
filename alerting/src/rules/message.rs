//! What several rules on messages need: the template tokens. Must not know any of the rules.

/// Blocks that take arguments.
pub(super) const MATCHING: &[&str] = &["is_match", "is_exact_match", "is_zero", "is_priority"];

/// What stands between `{{` and `}}`, trimmed.
pub(super) fn tokens(message: &str) -> Vec<&str> {
    message
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"))
        .map(|(inner, _)| inner.trim())
        .collect()
}
