//! Secrets that show by themselves what they are.

use std::ops::Range;

use super::numbers::{card, iban};
use super::views;

/// What vendors begin their secrets with, and how many characters follow at least.
const PREFIXES: [(&str, usize); 52] = [
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("pk_live_", 8),
    ("whsec_", 8),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 16),
    ("glpat-", 16),
    ("gldt-", 16),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxe-", 8),
    ("xoxo-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xapp-", 8),
    ("AKIA", 16),
    ("ASIA", 16),
    ("ABIA", 16),
    ("ACCA", 16),
    ("AIza", 30),
    ("ya29.", 16),
    ("GOCSPX-", 16),
    ("SG.", 20),
    ("npm_", 20),
    ("pypi-", 20),
    ("hf_", 20),
    ("sk-ant-", 16),
    ("sk-proj-", 16),
    ("sk-", 20),
    ("shpat_", 16),
    ("shpca_", 16),
    ("shppa_", 16),
    ("shpss_", 16),
    ("dop_v1_", 16),
    ("doo_v1_", 16),
    ("sq0atp-", 16),
    ("sq0csp-", 16),
    ("EAACEdEose0cBA", 8),
    ("dckr_pat_", 16),
    ("NRAK-", 16),
    ("lin_api_", 16),
    ("PMAK-", 16),
    ("hvs.", 16),
    ("AGE-SECRET-KEY-", 16),
    ("dapi", 32),
];

/// Words before a token.
const SCHEMES: [(&str, usize); 4] = [
    ("bearer ", 8),
    ("basic ", 8),
    ("apikey ", 8),
    ("token ", 16),
];

/// Shortest beginning of a JSON Web Token that is taken for one.
const JWT_BYTES_MIN: usize = 20;

/// How far a URL's user name and password are looked for.
const AUTHORITY_BYTES_MAX: usize = 1024;

const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_END: &[u8] = b"-----END ";
/// Longest label of a PEM block.
const PEM_LABEL_BYTES_MAX: usize = 64;

/// Finds them.
pub(super) fn scan(bytes: &[u8], out: &mut Vec<Range<usize>>) {
    for at in 0..bytes.len() {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") {
            out.extend(user_info(bytes, at));
        } else if rest.starts_with(PEM_BEGIN) {
            out.extend(private_key(rest).map(|length| at..at + length));
        }
        let begins_word = at == 0 || !is_word(bytes[at - 1]);
        if begins_word && rest[0].is_ascii_alphanumeric() {
            out.extend(word(bytes, at).map(|(skipped, length)| at + skipped..at + length));
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Of a secret that begins with a word: what is not part of it, and its end.
fn word(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let rest = &bytes[at..];
    if rest[0].is_ascii_digit() {
        // The decimals of a number are no card.
        let decimals = at > 1 && bytes[at - 1] == b'.' && bytes[at - 2].is_ascii_digit();
        return card(rest).filter(|_| !decimals).map(|length| (0, length));
    }
    if rest.starts_with(b"eyJ") {
        let length = token(rest, b"._-");
        return (length >= JWT_BYTES_MIN).then_some((0, length));
    }
    iban(rest)
        .map(|length| (0, length))
        .or_else(|| vendor(rest).map(|length| (0, length)))
        .or_else(|| after_scheme(rest))
}

fn vendor(rest: &[u8]) -> Option<usize> {
    let known = |(prefix, more): &(&str, usize)| {
        let after = rest.strip_prefix(prefix.as_bytes())?;
        let length = token(after, b"._-");
        (length >= *more).then_some(prefix.len() + length)
    };
    PREFIXES.iter().find_map(known)
}

/// `Bearer abc`: the token alone.
fn after_scheme(rest: &[u8]) -> Option<(usize, usize)> {
    SCHEMES.iter().find_map(|(scheme, least)| {
        let begin = rest.get(..scheme.len())?;
        let token_of = &rest[scheme.len()..];
        let length = token(token_of, b"._-~+/=");
        let is_basic = || views::decode(token_of[..length].trim_ascii_end()).is_some();
        let found = begin.eq_ignore_ascii_case(scheme.as_bytes())
            && length >= *least
            && (*scheme != "basic " || is_basic() || token_of[..length].contains(&b'='));
        found.then_some((scheme.len(), scheme.len() + length))
    })
}

/// How many letters, digits and others of these the text begins with.
fn token(bytes: &[u8], others: &[u8]) -> usize {
    let part = |byte: &&u8| byte.is_ascii_alphanumeric() || others.contains(byte);
    bytes.iter().take_while(part).count()
}

/// The `user:password` of a URL whose `//` stands at `at`.
fn user_info(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let begins =
        at == 0 || !(is_word(bytes[at - 1]) || matches!(bytes[at - 1], b'/' | b'.' | b'%'));
    let start = at + 2;
    let rest = &bytes[start..bytes.len().min(start + AUTHORITY_BYTES_MAX)];
    let length = |ends: &dyn Fn(&u8) -> bool| rest.iter().position(ends).unwrap_or(rest.len());
    let whole = length(&|byte| byte.is_ascii_whitespace() || b"\"'<>`".contains(byte));
    let authority = length(&|byte| b"/?#".contains(byte)).min(whole);
    let last_at = |end: usize| rest[..end].iter().rposition(|byte| *byte == b'@');
    let end = match last_at(authority) {
        Some(end) => Some(end),
        // A password with a `/` in it: what stands behind the colon is no port.
        // Or with a space or a quote: up to the first `@` of the line.
        None if !is_host(&rest[..authority]) => last_at(whole).or_else(|| {
            let line = length(&|byte| *byte == b'\n');
            rest[..line].iter().position(|byte| *byte == b'@')
        }),
        None => None,
    };
    end.filter(|end| begins && *end > 0)
        .map(|end| start..start + end)
}

/// Whether an authority is a host with nothing behind it, or with a port.
fn is_host(authority: &[u8]) -> bool {
    match authority.iter().rposition(|byte| *byte == b':') {
        Some(_) if authority.starts_with(b"[") => true,
        Some(colon) => authority[colon + 1..].iter().all(u8::is_ascii_digit),
        None => true,
    }
}

/// Length of the PEM block that begins here, if it is a private key; without its end, all that follows belongs to it.
fn private_key(rest: &[u8]) -> Option<usize> {
    let label = &rest[PEM_BEGIN.len()..rest.len().min(PEM_BEGIN.len() + PEM_LABEL_BYTES_MAX)];
    let label_end = super::position(label, b"-----")?;
    super::position(&label[..label_end], b"PRIVATE")?;
    let Some(end) = super::position(rest, PEM_END) else {
        return Some(rest.len());
    };
    let behind = end + PEM_END.len();
    let closing = super::position(&rest[behind..], b"-----");
    Some(closing.map_or(rest.len(), |closing| behind + closing + 5))
}
