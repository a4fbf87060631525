//! Functions of values: encodings, digests, signatures.
//!
//! PURE, and the same for the same arguments. Must not know: where arguments come from.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::Expr;
use super::value::write_uri;

/// A function with its arguments.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is done.
    pub function: Function,
    /// What it is done to: as many as the function takes.
    pub arguments: Vec<Expr>,
}

/// What makes a text of others. Each takes one text; a signature takes its key and the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Base64 with padding (RFC 4648, 4).
    Base64,
    /// Base64 for URLs and file names, without padding (RFC 4648, 5).
    Base64Url,
    /// A digest.
    Digest(Algorithm, Spelling),
    /// A keyed digest (RFC 2104).
    Hmac(Algorithm, Spelling),
    /// With character references in place of what HTML gives a meaning to.
    Html,
    /// Percent-encoded as a URI component.
    Url,
}

/// What digests are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// How the bytes of a digest are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
    /// Base64 for URLs, without padding.
    Base64Url,
}

impl Function {
    /// What it makes of these texts; one that is missing counts as empty.
    pub fn apply<S: AsRef<str>>(self, texts: &[S]) -> String {
        let text = |index: usize| texts.get(index).map_or("", S::as_ref);
        match self {
            Self::Base64 => STANDARD.encode(text(0)),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text(0)),
            Self::Digest(algorithm, spelling) => spelling.of(&algorithm.digest(text(0))),
            Self::Hmac(algorithm, spelling) => spelling.of(&algorithm.hmac(text(0), text(1))),
            Self::Html => html_escape::encode_quoted_attribute(text(0)).into_owned(),
            Self::Url => {
                let mut out = Vec::new();
                write_uri(text(0), &mut out);
                // ASCII, every byte.
                out.into_iter().map(char::from).collect()
            }
        }
    }
}

impl Algorithm {
    fn digest(self, text: &str) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha384 => Sha384::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
        }
    }

    fn hmac(self, key: &str, text: &str) -> Vec<u8> {
        match self {
            Self::Sha256 => signed(Hmac::<Sha256>::new_from_slice(key.as_bytes()), text),
            Self::Sha384 => signed(Hmac::<Sha384>::new_from_slice(key.as_bytes()), text),
            Self::Sha512 => signed(Hmac::<Sha512>::new_from_slice(key.as_bytes()), text),
        }
    }
}

/// A key of any length will do, so that there is always a digest.
fn signed<M: Mac, E>(keyed: Result<M, E>, text: &str) -> Vec<u8> {
    keyed.map_or_else(
        |_| Vec::new(),
        |mac| mac.chain_update(text).finalize().into_bytes().to_vec(),
    )
}

impl Spelling {
    fn of(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => telemetry::text::hex(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let texts = ["Jefe", "what do ya want for nothing?"];
        let hex = |algorithm| Function::Hmac(algorithm, Spelling::Hex).apply(&texts);
        assert_eq!(
            hex(Algorithm::Sha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert!(
            hex(Algorithm::Sha384).starts_with("af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47")
        );
        assert!(
            hex(Algorithm::Sha512).starts_with("164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd6")
        );
        let base64 = Function::Hmac(Algorithm::Sha256, Spelling::Base64).apply(&texts);
        assert_eq!(base64, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
    }

    #[test]
    fn encodings_are_the_usual_ones() {
        for (function, text, made) in [
            (Function::Base64, "a?>~", "YT8+fg=="),
            (Function::Base64Url, "a?>~", "YT8-fg"),
            (
                Function::Digest(Algorithm::Sha256, Spelling::Hex),
                "",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                Function::Html,
                "<a href='x'>\"&\"</a>",
                "&lt;a href=&#x27;x&#x27;&gt;&quot;&amp;&quot;&lt;/a&gt;",
            ),
            (Function::Url, "ü &/", "%C3%BC%20%26%2F"),
        ] {
            assert_eq!(function.apply(&[text]), made);
        }
    }
}
