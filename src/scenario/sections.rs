//! The keys at the top of a scenario file, and which of them hold nothing that could be a secret. Must not know what is
//! in them.

/// A section and whether its values are figures and names alone, which may be shown.
const SECTIONS: [(&str, bool); 17] = [
    ("name", true),
    ("about", true),
    ("seed", true),
    ("target", true),
    ("load", true),
    ("warm-up", true),
    ("browser", true),
    ("http", false),
    ("limits", true),
    ("popularity", true),
    ("feeders", false),
    ("variables", false),
    ("personas", false),
    ("journeys", false),
    ("prepare", false),
    ("thresholds", true),
    ("secrets", true),
];

/// The names of all sections.
pub(crate) fn names() -> [&'static str; 17] {
    SECTIONS.map(|(name, _)| name)
}

/// Whether there is such a section.
pub(crate) fn is_section(name: &str) -> bool {
    SECTIONS.iter().any(|(known, _)| *known == name)
}

/// Whether there is such a section and its values may be shown.
pub(crate) fn is_open(name: &str) -> bool {
    SECTIONS.contains(&(name, true))
}
