//! Checks of what clients send: all problems of a request at once, each naming its field.

use crate::error::ApiError;

/// Longest mail address (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;

/// The problems of one request.
#[derive(Debug, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// No problems yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a problem unless `fine`.
    pub fn check(&mut self, fine: bool, problem: impl Into<String>) -> &mut Self {
        if !fine {
            self.0.push(problem.into());
        }
        self
    }

    /// A text must have so many characters and no NUL.
    pub fn text(
        &mut self,
        field: &str,
        text: &str,
        chars_min: usize,
        chars_max: usize,
    ) -> &mut Self {
        let chars = text.chars().count();
        self.check(
            (chars_min..=chars_max).contains(&chars),
            format!("`{field}` must have {chars_min} to {chars_max} characters"),
        )
        .check(
            !text.contains('\0'),
            format!("`{field}` must not contain NUL characters"),
        )
    }

    /// Like [`text`](Self::text), for a field that may be absent.
    pub fn optional_text(
        &mut self,
        field: &str,
        text: Option<&str>,
        chars_max: usize,
    ) -> &mut Self {
        match text {
            Some(text) => self.text(field, text, 1, chars_max),
            None => self,
        }
    }

    /// The whole number in `text`, if there is one within the bounds; nothing is said about one that is absent.
    pub fn number(&mut self, field: &str, text: Option<&str>, min: u32, max: u32) -> Option<u32> {
        let parsed = text?.parse().ok().filter(|n| (min..=max).contains(n));
        self.check(
            parsed.is_some(),
            format!("`{field}` must be a whole number from {min} to {max}"),
        );
        parsed
    }

    /// A mail address must look like one.
    pub fn email(&mut self, field: &str, email: &str) -> &mut Self {
        self.check(
            is_email(email),
            format!("`{field}` must be a mail address such as `ann@example.com`"),
        )
    }

    /// A session id must be short and plain.
    pub fn session_id(&mut self, field: &str, id: &str) -> &mut Self {
        self.check(
            is_session_id(id),
            format!("`{field}` must be 1 to 128 letters, digits or any of `_ . : -`"),
        )
    }

    /// Fine, or every problem in one answer.
    pub fn finish(&mut self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid(std::mem::take(&mut self.0).join("; ")))
    }
}

/// Whether the text can be a mail address: something, an at sign, a domain; no blanks or controls.
pub fn is_email(text: &str) -> bool {
    let plain = text
        .chars()
        .all(|character| !character.is_whitespace() && !character.is_control());
    let parts = text.rsplit_once('@');
    plain
        && text.len() <= EMAIL_BYTES_MAX
        && parts.is_some_and(|(local, domain)| {
            !local.is_empty()
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        })
}

/// Whether the text can name a session.
pub fn is_session_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_told_at_once() {
        let mut problems = Problems::new();
        problems
            .text("name", "", 1, 10)
            .email("email", "nobody")
            .session_id("sessionId", "a b");
        let error = format!("{:?}", problems.finish().unwrap_err());
        for field in ["name", "email", "sessionId"] {
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn mail_addresses_are_told_from_other_texts() {
        for good in ["a@b.co", "o'hara+x@mail.example.org", "demo@rumshop.com"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "@b.co", "a@", "a@b", "a b@c.de", "a@.de", "a\0@b.co"] {
            assert!(!is_email(bad), "{bad}");
        }
    }
}
