//! One curl command: the request that it sends, and how.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::Url;

use super::super::recorded::{Payload, Recorded};
use super::super::request::is_method;
use super::super::text::percent;
use super::options::{self, Given, Meaning};
use super::part::Part;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
/// Longest wait that is taken.
const TIMEOUT_S_MAX: f64 = 86_400.0;

/// A command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) request: Recorded,
    /// What goes along as `cookie`.
    pub(super) cookie: Option<String>,
    /// Content type and name of a file that is the body.
    pub(super) body_file: Option<(String, String)>,
    /// Parts of a form with files.
    pub(super) parts: Vec<Part>,
    pub(super) timeout: Option<Duration>,
    /// What belongs under `http.tls`.
    pub(super) tls: Map<String, Value>,
    /// What belongs under `http.connect-to`.
    pub(super) connect_to: Vec<(String, String)>,
    /// Options that mean nothing to a load.
    pub(super) ignored: Vec<String>,
    pub(super) remarks: Vec<String>,
}

/// Options put together.
#[derive(Default)]
struct Told {
    urls: Vec<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    data: Vec<String>,
    file: Option<String>,
    parts: Vec<Part>,
    is_get: bool,
    is_head: bool,
    is_json: bool,
    cookies: Vec<String>,
    timeout: Option<Duration>,
    tls: Map<String, Value>,
    connect_to: Vec<(String, String)>,
    ignored: Vec<String>,
    remarks: Vec<String>,
}

/// Reads a command; everything that is wrong with it is put into `wrong`.
pub(super) fn read(words: &[String], wrong: &mut Vec<String>) -> Option<Command> {
    // A prompt that was copied along.
    let words = match words.first()?.as_str() {
        "$" | "%" | ">" => &words[1..],
        _ => words,
    };
    let program = words.first()?;
    if program.rsplit('/').next() != Some("curl") {
        wrong.push(format!("`{program}` is no curl command"));
        return None;
    }
    let mut told = Told::default();
    for given in options::read(&words[1..], wrong) {
        told.take(given, wrong);
    }
    told.command(wrong)
}

impl Told {
    fn take(&mut self, given: Given, wrong: &mut Vec<String>) {
        let Given {
            name,
            meaning,
            value,
        } = given;
        match meaning {
            Meaning::Url => self.urls.push(value),
            Meaning::Method => self.method = Some(value.to_ascii_uppercase()),
            Meaning::Header => self.header(&value),
            Meaning::Data => self.data(&value, true, wrong),
            Meaning::DataBinary => self.data(&value, false, wrong),
            Meaning::DataRaw => self.data.push(value),
            Meaning::DataUrlencode => self.encoded(&value, wrong),
            Meaning::Json => {
                self.is_json = true;
                self.data(&value, false, wrong);
            }
            Meaning::Form => match Part::read(&value) {
                Ok(part) => self.parts.push(part),
                Err(problem) => wrong.push(problem),
            },
            Meaning::FormString => {
                let part = pair(&value, '=').map(|(name, text)| Part::text(&name, &text));
                self.parts.extend(part);
            }
            Meaning::Get => self.is_get = true,
            Meaning::Head => self.is_head = true,
            Meaning::User => {
                use base64::Engine as _;
                let pair = if value.contains(':') {
                    value
                } else {
                    format!("{value}:")
                };
                let pair = base64::engine::general_purpose::STANDARD.encode(pair);
                self.headers
                    .push(("authorization".to_owned(), format!("Basic {pair}")));
            }
            Meaning::Bearer => self
                .headers
                .push(("authorization".to_owned(), format!("Bearer {value}"))),
            Meaning::Cookie if value.contains('=') => self.cookies.push(value),
            Meaning::Cookie => self
                .remarks
                .push(format!("Cookies of the file {value} are not sent.")),
            Meaning::Agent => self.headers.push(("user-agent".to_owned(), value)),
            Meaning::Referer => self.headers.push(("referer".to_owned(), value)),
            Meaning::MaxTime => self.max_time(&value, wrong),
            Meaning::Insecure => self.put_tls("insecure", json!(true)),
            Meaning::CaCert => self.put_tls("ca", json!(value)),
            Meaning::Cert => self.client_cert(&value),
            Meaning::Key => self.put_tls("client-key", json!(value)),
            Meaning::MinVersion => self.put_tls("min-version", json!("1.3")),
            Meaning::Resolve => self.place(&value, &name, wrong),
            Meaning::ConnectTo => self.place(&value, &name, wrong),
            Meaning::Next => wrong.push("`--next` is not taken: write two commands".to_owned()),
            Meaning::Nothing => self.ignored.push(name),
        }
    }

    fn put_tls(&mut self, key: &str, value: Value) {
        self.tls.insert(key.to_owned(), value);
    }

    /// `FILE[:PASSPHRASE]`.
    fn client_cert(&mut self, text: &str) {
        let (file, passphrase) = text.split_once(':').unwrap_or((text, ""));
        self.put_tls("client-cert", json!(file));
        if !passphrase.is_empty() {
            self.remarks.push(format!(
                "The passphrase of {file} is not taken along: loadgen reads keys without one."
            ));
        }
    }

    /// `Name: value`, or `Name;` for an empty value; with neither, curl takes a header of its own away.
    fn header(&mut self, text: &str) {
        let Some((name, value)) = pair(text, ':') else {
            let empty = text.trim().strip_suffix(';');
            let empty = empty.map(|name| (name.trim().to_ascii_lowercase(), String::new()));
            self.headers.extend(empty);
            return;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        match name.as_str() {
            "cookie" => self.cookies.push(value),
            _ if value.is_empty() => {}
            _ => self.headers.push((name, value)),
        }
    }

    fn data(&mut self, value: &str, without_breaks: bool, wrong: &mut Vec<String>) {
        let Some(file) = value.strip_prefix('@') else {
            self.data.push(value.to_owned());
            return;
        };
        if self.file.replace(file.to_owned()).is_some() || file == "-" {
            wrong.push(format!(
                "`@{file}`: a body of several files, or of standard input, is not taken"
            ));
        }
        if without_breaks {
            self.remarks.push(format!(
                "curl takes the line breaks out of {file}; loadgen sends it as it is."
            ));
        }
    }

    /// `name=content`, `=content` or `content`, of which the content is encoded.
    fn encoded(&mut self, value: &str, wrong: &mut Vec<String>) {
        let encoded = match value.split_once('=') {
            Some(("", content)) => percent(content),
            Some((name, content)) => format!("{name}={}", percent(content)),
            None if value.contains('@') => {
                wrong.push(format!("`--data-urlencode {value}`: a file is not taken; put what it holds in its place"));
                return;
            }
            None => percent(value),
        };
        // What stands for variables of the shell has no characters to be encoded.
        self.data.push(encoded);
    }

    fn max_time(&mut self, value: &str, wrong: &mut Vec<String>) {
        match value.parse::<f64>() {
            Ok(seconds) if seconds > 0.0 && seconds <= TIMEOUT_S_MAX => {
                self.timeout = Some(Duration::from_millis((seconds * 1000.0).round() as u64));
            }
            _ => wrong.push(format!("`--max-time {value}` is no number of seconds")),
        }
    }

    /// `HOST:PORT:ADDRESS` or `HOST1:PORT1:HOST2:PORT2`.
    fn place(&mut self, value: &str, name: &str, wrong: &mut Vec<String>) {
        let fields = value
            .trim_start_matches(['+', '-'])
            .splitn(3, ':')
            .collect::<Vec<_>>();
        match fields.as_slice() {
            [host, port, to] if !host.is_empty() && !to.is_empty() && *host != "*" => {
                let from = if port.is_empty() {
                    (*host).to_owned()
                } else {
                    format!("{host}:{port}")
                };
                let to = to
                    .split(',')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches(':');
                self.connect_to.push((from, to.to_owned()));
            }
            _ => wrong.push(format!(
                "`{name} {value}` names no place; give it to `loadgen run` as it is"
            )),
        }
    }

    fn command(mut self, wrong: &mut Vec<String>) -> Option<Command> {
        let mut url = match self.urls.as_slice() {
            [one] => self.url(one, wrong)?,
            [] => {
                wrong.push("a command names no address".to_owned());
                return None;
            }
            _ => {
                wrong.push(format!(
                    "one command with {} addresses: write one command for each",
                    self.urls.len()
                ));
                return None;
            }
        };
        let body = self.body(wrong);
        if self.is_get
            && let Some(data) = &body
        {
            let query = [url.query().unwrap_or_default(), &data.text].join("&");
            url.set_query(Some(query.trim_start_matches('&')));
        }
        let has_body = body.is_some() || self.file.is_some() || !self.parts.is_empty();
        let usual = match (self.is_head, has_body && !self.is_get) {
            (true, _) => "HEAD",
            (_, true) => "POST",
            _ => "GET",
        };
        let method = self.method.take().unwrap_or_else(|| usual.to_owned());
        if !is_method(&method) {
            wrong.push(format!("the language has no method {method}"));
            return None;
        }
        if self.is_json {
            self.default_header("accept", "application/json");
        }
        let mime = self.headers.iter().find(|(name, _)| name == "content-type");
        let mime = mime.map_or(
            if self.is_json {
                "application/json"
            } else {
                FORM
            },
            |(_, mime)| mime,
        );
        Some(Command {
            body_file: self.file.map(|file| (mime.to_owned(), file)),
            parts: self.parts,
            request: Recorded {
                method,
                url,
                headers: self.headers,
                body: body.filter(|_| !self.is_get),
            },
            cookie: (!self.cookies.is_empty()).then(|| self.cookies.join("; ")),
            timeout: self.timeout,
            tls: self.tls,
            connect_to: self.connect_to,
            ignored: self.ignored,
            remarks: self.remarks,
        })
    }

    fn default_header(&mut self, name: &str, value: &str) {
        if !self.headers.iter().any(|(known, _)| known == name) {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }

    /// An address; without a scheme it is one of http, as curl has it.
    fn url(&self, text: &str, wrong: &mut Vec<String>) -> Option<Url> {
        let text = text.trim();
        let whole = if text.contains("://") {
            text.to_owned()
        } else {
            format!("http://{text}")
        };
        let found = Url::parse(&whole)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()));
        match found {
            Some(mut url) if !url.host_str().unwrap_or_default().contains('~') => {
                url.set_fragment(None);
                Some(url)
            }
            Some(_) => {
                wrong.push(
                    "an address begins with a variable of the shell: write out where it goes"
                        .to_owned(),
                );
                None
            }
            None => {
                wrong.push("an address is no http or https URL".to_owned());
                None
            }
        }
    }

    fn body(&self, wrong: &mut Vec<String>) -> Option<Payload> {
        if !self.data.is_empty() && self.file.is_some() {
            wrong.push(
                "a body of a file and of text is not taken: put both into the file".to_owned(),
            );
        }
        let own = self.headers.iter().find(|(name, _)| name == "content-type");
        let has_other = !self.data.is_empty() || self.file.is_some();
        if !self.parts.is_empty() && has_other {
            wrong.push("`-F` and `-d` in one command: curl takes only one of them".to_owned());
        }
        if self.data.is_empty() {
            return None;
        }
        let usual = if self.is_json {
            "application/json"
        } else {
            FORM
        };
        Some(Payload {
            mime: own.map_or(usual, |(_, mime)| mime).to_owned(),
            text: self.data.join(if self.is_json { "" } else { "&" }),
        })
    }
}

fn pair(text: &str, separator: char) -> Option<(String, String)> {
    let (name, value) = text.split_once(separator)?;
    Some((name.to_owned(), value.to_owned()))
}
