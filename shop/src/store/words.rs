//! Which words a text is searched by. Pure; the stores index and query alike.

/// Words of a search text that are looked at.
const SEARCH_WORDS_MAX: usize = 8;

/// The words of a text: runs of letters and digits.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// The words to search for.
pub(super) fn search_words(text: &str) -> impl Iterator<Item = &str> {
    words_of(text).take(SEARCH_WORDS_MAX)
}

/// A word as PostgreSQL compares it: lower case, Latin letters without their accents. SQLite folds by itself.
#[cfg(feature = "postgres")]
pub(super) fn folded(word: &str) -> String {
    word.chars()
        .flat_map(char::to_lowercase)
        .map(without_accent)
        .collect()
}

#[cfg(feature = "postgres")]
fn without_accent(letter: char) -> char {
    match letter {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' => 'i',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_letters_and_digits_and_fold() {
        let words: Vec<String> = words_of("Café-Crème, 2x5'; DROP").map(folded).collect();
        assert_eq!(words, ["cafe", "creme", "2x5", "drop"]);
        assert_eq!(search_words(&"a ".repeat(20)).count(), SEARCH_WORDS_MAX);
    }
}
