//! Names whose values are secret: of headers, fields, query parameters, variables, settings.

/// A name that contains one of these, whatever stands around it.
const ANYWHERE: [&str; 22] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "cookie",
    "signature",
    "authoriz",
    "idempotenc",
    "sessionid",
    "sessionkey",
    "cardnumber",
    "accountnumber",
    "securitycode",
    "bearer",
    "csrf",
    "xsrf",
];

/// A name of which one of these is a word.
const WORDS: [&str; 34] = [
    "tok", "auth", "oauth", "oauth2", "xauth", "pass", "pwd", "pw", "pin", "sid", "sig", "otp",
    "totp", "jwt", "hmac", "saml", "mfa", "tan", "cvc", "cvc2", "cvv", "cvv2", "cvn", "csc", "ssn",
    "iban", "bban", "pan", "session", "key", "keys", "private", "sso", "nonce",
];

/// What is a secret by this name only as a query parameter: elsewhere it has other meanings.
const IN_QUERIES: [&str; 5] = ["code", "ticket", "state", "assertion", "samlresponse"];

/// Words before `key` that make it no secret.
const HARMLESS_KEYS: [&str; 11] = [
    "primary",
    "foreign",
    "sort",
    "partition",
    "public",
    "routing",
    "cache",
    "message",
    "range",
    "hash",
    "group",
];

/// Names that only look like one of those.
const HARMLESS: [&str; 4] = [
    // Which browser session a trace belongs to (RUM), and how many are sampled.
    "session.id",
    "session-sample",
    "session_sample",
    // Says that there may be one.
    "www-authenticate",
];

/// Names whose values are secret: the usual ones, and what someone has added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    more: Vec<String>,
}

impl Names {
    /// The usual names and these, compared without regard to case and to what separates words.
    pub fn with<S: AsRef<str>>(more: impl IntoIterator<Item = S>) -> Self {
        let more = more.into_iter().map(|name| letters(name.as_ref()));
        Self {
            more: more.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// Whether what stands under this name is a secret.
    pub fn is_secret(&self, name: &str) -> bool {
        let all = letters(name);
        if self
            .more
            .iter()
            .any(|more| *more == all || *more == letters(last_part(name)))
        {
            return true;
        }
        let lower = name.to_ascii_lowercase();
        if HARMLESS.contains(&lower.as_str()) || lower.starts_with("access-control-") {
            return false;
        }
        // A number by itself is that of a card or an account.
        all == "number" || ANYWHERE.iter().any(|part| all.contains(part)) || has_secret_word(name)
    }

    /// The same for a parameter in a query.
    pub(super) fn is_secret_in_query(&self, name: &str) -> bool {
        IN_QUERIES.contains(&letters(name).as_str()) || self.is_secret(name)
    }
}

/// `user[dob]` and `user.dob` end in `dob`.
fn last_part(name: &str) -> &str {
    let name = name.trim_end_matches(']');
    name.rsplit(['[', '.', '/']).next().unwrap_or(name)
}

/// Letters and digits in lower case.
fn letters(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|c| c.to_ascii_lowercase()).collect()
}

fn has_secret_word(name: &str) -> bool {
    let mut before = String::new();
    for word in words(name) {
        let harmless = word.starts_with("key") && HARMLESS_KEYS.contains(&before.as_str());
        if WORDS.contains(&word.as_str()) && !harmless {
            return true;
        }
        before = word;
    }
    false
}

/// Words of `x-api-key`, `apiKey`, `APIKey`, in lower case.
fn words(name: &str) -> Vec<String> {
    let bytes = name.as_bytes();
    let mut words = vec![String::new()];
    for (index, byte) in bytes.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(index + 1);
        let camel = byte.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(u8::is_ascii_lowercase)
            });
        if camel || !byte.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
