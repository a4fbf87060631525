//! curl's options: which take a value, and what they mean to a request.

/// What an option means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Url,
    Method,
    Header,
    /// A body without line breaks, where it comes from a file.
    Data,
    /// A body as it stands.
    DataRaw,
    /// A body, or `@file`.
    DataBinary,
    DataUrlencode,
    Json,
    Form,
    FormString,
    /// The body goes into the query.
    Get,
    Head,
    User,
    Bearer,
    Cookie,
    Agent,
    Referer,
    MaxTime,
    Insecure,
    CaCert,
    Cert,
    Key,
    MinVersion,
    Resolve,
    ConnectTo,
    /// The next command begins.
    Next,
    /// Says nothing about what is sent.
    Nothing,
}

use Meaning::*;

/// An option: its long name, its letter (`\0` for none), whether it takes a value, what it means.
type Row = (&'static str, char, bool, Meaning);

const OPTIONS: &[Row] = &[
    ("url", '\0', true, Url),
    ("request", 'X', true, Method),
    ("header", 'H', true, Header),
    ("data", 'd', true, Data),
    ("data-ascii", '\0', true, Data),
    ("data-raw", '\0', true, DataRaw),
    ("data-binary", '\0', true, DataBinary),
    ("data-urlencode", '\0', true, DataUrlencode),
    ("json", '\0', true, Json),
    ("form", 'F', true, Form),
    ("form-string", '\0', true, FormString),
    ("get", 'G', false, Get),
    ("head", 'I', false, Head),
    ("user", 'u', true, User),
    ("oauth2-bearer", '\0', true, Bearer),
    ("cookie", 'b', true, Cookie),
    ("user-agent", 'A', true, Agent),
    ("referer", 'e', true, Referer),
    ("max-time", 'm', true, MaxTime),
    ("insecure", 'k', false, Insecure),
    ("cacert", '\0', true, CaCert),
    ("cert", 'E', true, Cert),
    ("key", '\0', true, Key),
    ("tlsv1.2", '\0', false, Nothing),
    ("tlsv1.3", '\0', false, MinVersion),
    ("resolve", '\0', true, Resolve),
    ("connect-to", '\0', true, ConnectTo),
    ("next", ':', false, Next),
    ("basic", '\0', false, Nothing),
    ("compressed", '\0', false, Nothing),
    ("location", 'L', false, Nothing),
    ("location-trusted", '\0', false, Nothing),
    ("max-redirs", '\0', true, Nothing),
    ("http1.0", '0', false, Nothing),
    ("http1.1", '\0', false, Nothing),
    ("http2", '\0', false, Nothing),
    ("http2-prior-knowledge", '\0', false, Nothing),
    ("http3", '\0', false, Nothing),
    ("silent", 's', false, Nothing),
    ("show-error", 'S', false, Nothing),
    ("verbose", 'v', false, Nothing),
    ("include", 'i', false, Nothing),
    ("show-headers", '\0', false, Nothing),
    ("fail", 'f', false, Nothing),
    ("fail-with-body", '\0', false, Nothing),
    ("fail-early", '\0', false, Nothing),
    ("output", 'o', true, Nothing),
    ("remote-name", 'O', false, Nothing),
    ("remote-header-name", 'J', false, Nothing),
    ("output-dir", '\0', true, Nothing),
    ("create-dirs", '\0', false, Nothing),
    ("dump-header", 'D', true, Nothing),
    ("write-out", 'w', true, Nothing),
    ("cookie-jar", 'c', true, Nothing),
    ("junk-session-cookies", 'j', false, Nothing),
    ("globoff", 'g', false, Nothing),
    ("path-as-is", '\0', false, Nothing),
    ("progress-bar", '#', false, Nothing),
    ("no-progress-meter", '\0', false, Nothing),
    ("no-buffer", 'N', false, Nothing),
    ("no-keepalive", '\0', false, Nothing),
    ("keepalive-time", '\0', true, Nothing),
    ("connect-timeout", '\0', true, Nothing),
    ("retry", '\0', true, Nothing),
    ("retry-delay", '\0', true, Nothing),
    ("retry-max-time", '\0', true, Nothing),
    ("retry-connrefused", '\0', false, Nothing),
    ("retry-all-errors", '\0', false, Nothing),
    ("ipv4", '4', false, Nothing),
    ("ipv6", '6', false, Nothing),
    ("limit-rate", '\0', true, Nothing),
    ("noproxy", '\0', true, Nothing),
    ("proxy", 'x', true, Nothing),
    ("stderr", '\0', true, Nothing),
    ("trace", '\0', true, Nothing),
    ("trace-ascii", '\0', true, Nothing),
    ("parallel", 'Z', false, Nothing),
    ("disable", 'q', false, Nothing),
    ("tcp-nodelay", '\0', false, Nothing),
    ("xattr", '\0', false, Nothing),
];

/// One option as it was given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// As people know it: `--max-time`.
    pub(super) name: String,
    pub(super) meaning: Meaning,
    /// Empty for one without.
    pub(super) value: String,
}

/// The options of a command, addresses among them. What is unknown or lacks its value is put into `wrong`, everything at once.
pub(super) fn read(words: &[String], wrong: &mut Vec<String>) -> Vec<Given> {
    let mut given = Vec::new();
    let mut words = words.iter();
    let mut only_addresses = false;
    while let Some(word) = words.next() {
        if only_addresses || !word.starts_with('-') || word == "-" {
            given.push(of_row(("url", '\0', true, Url), word.clone()));
        } else if word == "--" {
            only_addresses = true;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let Some(row) = find(|row| row.0 == name).or_else(|| negated(name)) else {
                wrong.push(format!("unknown option `--{name}`"));
                continue;
            };
            match (row.2, attached) {
                (false, _) => given.push(of_row(row, String::new())),
                (true, Some(value)) => given.push(of_row(row, value)),
                (true, None) => value(row, words.next(), &mut given, wrong),
            }
        } else {
            letters(&word[1..], &mut words, &mut given, wrong);
        }
    }
    given
}

/// `-sSLXPOST`: letters, of which one with a value takes the rest.
fn letters<'w>(
    letters: &str,
    words: &mut impl Iterator<Item = &'w String>,
    given: &mut Vec<Given>,
    wrong: &mut Vec<String>,
) {
    for (at, letter) in letters.char_indices() {
        let Some(row) = find(|row| row.1 == letter && letter != '\0') else {
            wrong.push(format!("unknown option `-{letter}`"));
            return;
        };
        if !row.2 {
            given.push(of_row(row, String::new()));
            continue;
        }
        let rest = &letters[at + letter.len_utf8()..];
        match rest.is_empty() {
            false => given.push(of_row(row, rest.to_owned())),
            true => value(row, words.next(), given, wrong),
        }
        return;
    }
}

fn value(row: Row, word: Option<&String>, given: &mut Vec<Given>, wrong: &mut Vec<String>) {
    match word {
        Some(word) => given.push(of_row(row, word.clone())),
        None => wrong.push(format!("`--{}` lacks its value", row.0)),
    }
}

fn find(is: impl Fn(&Row) -> bool) -> Option<Row> {
    OPTIONS.iter().find(|row| is(row)).copied()
}

/// `--no-location`: the usual way round, which means nothing.
fn negated(name: &str) -> Option<Row> {
    let name = name.strip_prefix("no-")?;
    let (name, letter, _, _) = find(|row| row.0 == name && !row.2)?;
    Some((name, letter, false, Nothing))
}

fn of_row((name, _, _, meaning): Row, value: String) -> Given {
    Given {
        name: format!("--{name}"),
        meaning,
        value,
    }
}
