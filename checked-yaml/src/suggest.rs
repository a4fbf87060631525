//! Did you mean …?

/// Similarity (Jaro-Winkler, 0…1) from which a name counts as a likely slip for another.
const SIMILAR_MIN: f64 = 0.8;

/// The candidate most like `word`, if one is like it at all.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    candidates
        .into_iter()
        .map(|candidate| (similarity(&word, &normal(candidate)), candidate))
        .filter(|(score, _)| *score >= SIMILAR_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// ``did you mean `x`?``, if something is like it.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    closest(word, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

fn similarity(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let distance = strsim::damerau_levenshtein(a, b);
    let shorter = a.chars().count().min(b.chars().count());
    // One slip in a short word scores low with Jaro-Winkler, yet is the likeliest of all.
    if shorter >= 3 && distance == 1 {
        return 0.99;
    }
    strsim::jaro_winkler(a, b)
}

/// Case and the choice of word separator are no difference worth a different answer.
fn normal(word: &str) -> String {
    word.to_lowercase().replace(['_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn finds_slips_and_refuses_strangers() {
        let keys = ["rate", "ramp", "peak-at", "for"];
        assert_eq!(closest("rat", keys), Some("rate"));
        assert_eq!(closest("Rate", keys), Some("rate"));
        assert_eq!(closest("peak_at", keys), Some("peak-at"));
        assert_eq!(closest("zebra", keys), None);
        assert_eq!(closest("", keys), None);
    }
}
