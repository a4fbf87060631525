//! Reading bodies and queries of the form `a=b&c[d]=e`.

/// Fields in the order in which they came.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body or a query; what cannot be decoded is taken as it is.
    pub(super) fn read(text: &str) -> Self {
        let fields = text.split('&').filter(|field| !field.is_empty());
        Self(
            fields
                .map(|field| field.split_once('=').unwrap_or((field, "")))
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect(),
        )
    }

    /// The first field of this name, unless it is empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(known, _)| known == name)?;
        Some(field.1.as_str()).filter(|value| !value.is_empty())
    }

    /// A field that is a number.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }
}

/// `%41+b` → `A b`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = || {
            let mut ahead = rest.clone();
            let digits = [ahead.next()?, ahead.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match escaped() {
                Some(escaped) => {
                    bytes.push(escaped);
                    rest.nth(1);
                }
                None => bytes.push(byte),
            },
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::read("a%5Bb%5D=1+2%2B3&empty=&odd=%zz%4&n=-5");
        assert_eq!(form.get("a[b]"), Some("1 2+3"));
        assert_eq!(form.get("empty"), None);
        assert_eq!(form.get("odd"), Some("%zz%4"));
        assert_eq!(form.number::<i64>("n"), Some(-5));
    }

    proptest! {
        /// No text makes the reader panic.
        #[test]
        fn any_text_is_read(text in "\\PC*") {
            Form::read(&text);
        }
    }
}
