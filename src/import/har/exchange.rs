//! Requests with their answers: in order, redirects joined with what they lead to, and what cannot be sent left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use url::Url;

use super::super::Tally;
use super::super::recorded::{Payload, Recorded};
use super::super::request::is_method;
use super::ENTRIES_MAX;
use super::file::{Content, Entry, Log, Pair, PostData};

/// Largest answer that values are looked for in, bytes.
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How many requests later what a redirect leads to is looked for.
const REDIRECT_DISTANCE_MAX: usize = 64;
/// What a name of a static file ends in.
const ASSET_ENDINGS: [&str; 18] = [
    "css", "js", "mjs", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff",
    "woff2", "ttf", "otf", "mp4", "webm",
];

/// Under this name stand the cookies that redirects on the way have set: no step sees them, the jar does.
pub(super) const HOP_COOKIE: &str = "hop set-cookie";

/// A request, and what came of it.
#[derive(Debug)]
pub(super) struct Exchange {
    /// What was sent first.
    pub(super) request: Recorded,
    /// When it began, milliseconds.
    pub(super) start: f64,
    /// When its last answer was there.
    pub(super) end: f64,
    /// Status of the last answer.
    pub(super) status: u16,
    /// Redirects that were followed.
    pub(super) hops: usize,
    /// Where those led to.
    pub(super) leads_to: Option<String>,
    /// The page that it belongs to.
    pub(super) page: Option<String>,
    /// Whether it is a page itself.
    pub(super) document: bool,
    /// Whether it is a part of a page that is the same for all.
    pub(super) asset: bool,
    /// The last answer.
    pub(super) answer: Answer,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// Content type without parameters.
    pub(super) mime: String,
    /// Its body, if that is text and of a bounded size.
    pub(super) text: Option<String>,
}

impl Exchange {
    /// Whether the last answer leads elsewhere.
    pub(super) fn is_redirect(&self) -> bool {
        let mut headers = self.answer.headers.iter();
        [301, 302, 303, 307, 308].contains(&self.status)
            && headers.any(|(name, _)| name == "location")
    }

    /// Statuses that are right: of what the browser had already, the whole.
    pub(super) fn statuses(&self) -> Vec<u16> {
        match self.status {
            304 => vec![200, 304],
            _ if self.is_redirect() => Vec::new(),
            status => vec![status],
        }
    }
}

/// Everything that can be sent, by the time at which it began.
pub(super) fn all(log: Log, skipped: &mut Tally) -> Vec<Exchange> {
    let beyond = log.entries.len().saturating_sub(ENTRIES_MAX);
    skipped.add_many(format!("beyond the first {ENTRIES_MAX}"), beyond);
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut latest = 0.0;
    for entry in log.entries.into_iter().take(ENTRIES_MAX) {
        match exchange(entry, latest, skipped) {
            Ok(exchange) => {
                latest = exchange.end;
                exchanges.push(exchange);
            }
            Err(reason) => skipped.add(reason),
        }
    }
    exchanges.sort_by(|one, other| one.start.total_cmp(&other.start));
    joined(exchanges)
}

/// One entry, or why it is left out.
fn exchange(entry: Entry, latest: f64, skipped: &mut Tally) -> Result<Exchange, String> {
    let url = url_of(&entry)?;
    let headers = pairs(&entry.request.headers);
    let method = entry.request.method.trim().to_ascii_uppercase();
    let is_preflight = headers
        .iter()
        .any(|(name, _)| name == "access-control-request-method");
    if method == "OPTIONS" && is_preflight {
        return Err(
            "CORS preflights, which a browser makes by itself (`browser: { preflight: true }`)"
                .to_owned(),
        );
    }
    if !is_method(&method) {
        return Err(format!(
            "with the method {}",
            method.chars().take(20).collect::<String>()
        ));
    }
    if entry.from_cache.is_some() {
        return Err("answered from the browser's own cache".to_owned());
    }
    if entry.response.status < 100.0 {
        return Err("without an answer".to_owned());
    }
    let mime = mime(&entry.response.content);
    let is_page =
        entry.resource_type.is_empty() && asks_for_a_page(&headers) && mime.contains("html");
    let start = begin(&entry.started_date_time).unwrap_or(latest);
    let body = entry.request.post_data.as_ref();
    let body = body.and_then(|data| payload(data, &headers, skipped));
    Ok(Exchange {
        start,
        end: start + entry.time.max(0.0),
        status: entry.response.status as u16,
        hops: 0,
        leads_to: None,
        page: entry.pageref.filter(|page| !page.is_empty()),
        document: entry.resource_type == "document" || is_page,
        asset: is_asset(&entry.resource_type, &mime, &url),
        answer: Answer {
            headers: with_location(pairs(&entry.response.headers), &entry.response.redirect),
            text: text(entry.response.content, &mime),
            mime,
        },
        request: Recorded {
            method,
            url,
            headers,
            body,
        },
    })
}

fn url_of(entry: &Entry) -> Result<Url, String> {
    let web_socket = || "WebSockets, which the language does not have".to_owned();
    if entry.resource_type.eq_ignore_ascii_case("websocket") || entry.response.status == 101.0 {
        return Err(web_socket());
    }
    let mut url =
        Url::parse(&entry.request.url).map_err(|_| "whose address is no URL".to_owned())?;
    url.set_fragment(None);
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        "ws" | "wss" => Err(web_socket()),
        scheme => Err(format!("to `{scheme}:` addresses, which go to no server")),
    }
}

/// Milliseconds since 1970.
fn begin(text: &str) -> Option<f64> {
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok()?;
    Some(time.unix_timestamp_nanos() as f64 / 1e6)
}

fn pairs(pairs: &[Pair]) -> Vec<(String, String)> {
    let lower = |pair: &Pair| (pair.name.trim().to_ascii_lowercase(), pair.value.clone());
    pairs.iter().map(lower).collect()
}

fn with_location(mut headers: Vec<(String, String)>, redirect: &str) -> Vec<(String, String)> {
    let has_one = headers.iter().any(|(name, _)| name == "location");
    if !has_one && !redirect.is_empty() {
        headers.push(("location".to_owned(), redirect.to_owned()));
    }
    headers
}

fn asks_for_a_page(headers: &[(String, String)]) -> bool {
    let mut headers = headers.iter();
    headers.any(|(name, value)| name == "accept" && value.contains("text/html"))
}

fn mime(content: &Content) -> String {
    let mime = content.mime_type.split(';').next().unwrap_or_default();
    mime.trim().to_ascii_lowercase()
}

fn is_asset(resource_type: &str, mime: &str, url: &Url) -> bool {
    const TYPES: [&str; 6] = ["stylesheet", "script", "image", "font", "media", "manifest"];
    if !resource_type.is_empty() && resource_type != "other" {
        return TYPES.contains(&resource_type);
    }
    let ending = url
        .path()
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    let by_mime = [
        "image/",
        "font/",
        "audio/",
        "video/",
        "text/css",
        "text/javascript",
        "application/javascript",
    ];
    by_mime.iter().any(|kind| mime.starts_with(kind))
        || ending.is_some_and(|ending| ASSET_ENDINGS.contains(&ending.as_str()))
}

fn payload(data: &PostData, headers: &[(String, String)], skipped: &mut Tally) -> Option<Payload> {
    let mut headers = headers.iter();
    let mime = headers.find(|(name, _)| name == "content-type");
    let mime = mime.map_or(&data.mime_type, |(_, value)| value);
    let mut payload = Payload {
        mime: mime.clone(),
        text: data.text.clone(),
    };
    if data.encoding == "base64" {
        let bytes = STANDARD.decode(data.text.trim()).ok();
        match bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => payload.text = text,
            None => {
                skipped.add("bodies that are no text");
                return None;
            }
        }
    }
    if payload.text.is_empty() && payload.is_form() {
        let fields = data.params.iter().map(|field| (&field.name, &field.value));
        payload.text = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
    } else if payload.text.is_empty() && !data.params.is_empty() {
        skipped.add("bodies of which only the names of the parts were recorded");
    }
    (!payload.text.is_empty()).then_some(payload)
}

fn text(content: Content, mime: &str) -> Option<String> {
    let kinds = [
        "json",
        "html",
        "xml",
        "text/",
        "javascript",
        "x-www-form-urlencoded",
    ];
    let text = content
        .text
        .filter(|_| kinds.iter().any(|kind| mime.contains(kind)))?;
    if text.len() > ANSWER_BYTES_MAX {
        return None;
    }
    match content.encoding.as_str() {
        "base64" => String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok(),
        _ => Some(text),
    }
}

/// Redirects and what they lead to made one, as a step follows them.
fn joined(exchanges: Vec<Exchange>) -> Vec<Exchange> {
    let mut rest: Vec<Option<Exchange>> = exchanges.into_iter().map(Some).collect();
    let mut out = Vec::new();
    for index in 0..rest.len() {
        let Some(mut exchange) = rest[index].take() else {
            continue;
        };
        let mut from = index + 1;
        let mut current = exchange.request.url.clone();
        while exchange.is_redirect() {
            let Some(target) = location_from(&exchange, &current) else {
                break;
            };
            let until = rest.len().min(from + REDIRECT_DISTANCE_MAX);
            let is_next = |next: &Option<Exchange>| {
                next.as_ref().is_some_and(|next| next.request.url == target)
            };
            let Some(at) = (from..until).find(|at| is_next(&rest[*at])) else {
                break;
            };
            let Some(next) = rest[at].take() else {
                break;
            };
            exchange.hops += 1;
            exchange.leads_to = Some(next.request.url.path().to_owned());
            exchange.end = exchange.end.max(next.end);
            exchange.status = next.status;
            let cookies = std::mem::take(&mut exchange.answer.headers).into_iter();
            let cookies = cookies.filter(|(name, _)| name.ends_with("set-cookie"));
            exchange.answer = next.answer;
            exchange
                .answer
                .headers
                .extend(cookies.map(|(_, value)| (HOP_COOKIE.to_owned(), value)));
            exchange.document |= next.document;
            exchange.page = next.page.or(exchange.page);
            (from, current) = (at + 1, target);
        }
        out.push(exchange);
    }
    out
}

/// Where the last answer leads to, seen from where it came from.
fn location_from(exchange: &Exchange, current: &Url) -> Option<Url> {
    let mut headers = exchange.answer.headers.iter();
    let (_, location) = headers.find(|(name, _)| name == "location")?;
    let mut url = current.join(location).ok()?;
    url.set_fragment(None);
    Some(url)
}
