//! HTTP requests made ready before a run: what is the same for every shopper is computed once.

use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::uri::PathAndQuery;
use url::Url;

use crate::scenario::{Body, Credentials, Http as Settings, HttpRequest, Piece, Redirects};
use crate::shopper::{ScenarioData, Shopper};
use crate::template::{Part, TEXT_BYTES_MAX, Template};
use crate::transport::{Failure, Origin};

/// Where a scenario's requests go.
#[derive(Debug)]
pub(crate) struct Site {
    /// Scheme, host and port.
    pub(crate) origin: Arc<Origin>,
    /// Path below which the steps' own paths lie.
    prefix: String,
}

impl Site {
    /// Of a target.
    ///
    /// # Errors
    /// A sentence for people when the target is no usable URL.
    pub(crate) fn new(target: &str) -> Result<Self, String> {
        // Credentials were taken out before; none may come as far as messages and records.
        let (target, _) = Credentials::taken_from(target);
        let base =
            Url::parse(&target).map_err(|e| format!("the target '{target}' is no URL: {e}"))?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(QUERY.to_owned());
        }
        Ok(Self {
            origin: Arc::new(Origin::of_url(&base)?),
            prefix: base.path().trim_end_matches('/').to_owned(),
        })
    }
}

/// One request, ready.
#[derive(Debug)]
pub(crate) struct PreparedRequest {
    /// The method.
    pub(crate) method: Method,
    url: Prepared<Located>,
    /// Headers of the step and of the scenario, `content-type` included.
    headers: Vec<(HeaderName, Prepared<HeaderValue>)>,
    body: PreparedBody,
    /// `authorization` for the target, where the step has none of its own.
    auth: Option<Prepared<HeaderValue>>,
    /// Redirects that are followed.
    pub(super) redirects_max: u8,
}

/// Where a request goes.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) origin: Arc<Origin>,
    pub(crate) path: PathAndQuery,
    /// The credentials that stood in its URL.
    authorization: Option<HeaderValue>,
}

/// Known before the run, or different each time.
#[derive(Debug)]
enum Prepared<T> {
    Fixed(T),
    Rendered(Template),
}

/// A body that is the same each time, or is not.
#[derive(Debug)]
enum PreparedBody {
    Fixed(Bytes),
    Rendered(Vec<Piece>),
}

/// Redirects that a step follows which says so where the scenario follows none.
const REDIRECTS_DEFAULT: u8 = 10;

/// What is said about a target with a query or a fragment.
const QUERY: &str = "the target has a query or a fragment, which no request would carry; put it into the paths of the steps";

/// Whether a URL carries a user name or a password.
pub fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

impl PreparedRequest {
    /// Makes a request ready.
    ///
    /// # Errors
    /// A sentence for people when a fixed URL or header is not valid.
    pub(crate) fn new(
        request: &HttpRequest,
        settings: &Settings,
        site: &Site,
    ) -> Result<Self, String> {
        let url = match fixed(&request.url) {
            Some(text) => Prepared::Fixed(locate(&text, &site.origin, &site.prefix)?),
            None => Prepared::Rendered(prefixed(&request.url, &site.prefix)),
        };
        Ok(Self {
            method: request.method.clone(),
            url,
            headers: headers(request, settings)?,
            body: PreparedBody::of(request.body.as_ref()),
            redirects_max: redirects_max(request, settings),
            auth: settings.auth.as_ref().map(authorization).transpose()?,
        })
    }

    /// Where this shopper's request goes. Adds to its headers what follows from that: the host, and who the shopper is there.
    ///
    /// # Errors
    /// When the values make no valid URL, or no valid header.
    pub(crate) fn locate(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        target: &Arc<Origin>,
        headers: &mut http::HeaderMap,
    ) -> Result<Located, Failure> {
        let located = self.url(world, shopper, target)?;
        let authority = &located.origin.authority;
        headers.entry(HOST).or_insert_with(|| authority.clone());
        let has_none = located.authorization.is_none() && self.auth.is_none();
        if has_none || headers.contains_key(AUTHORIZATION) {
            return Ok(located);
        }
        if let Some(value) = &located.authorization {
            headers.insert(AUTHORIZATION, value.clone());
        } else if let Some(auth) = self.auth.as_ref().filter(|_| located.origin == *target) {
            headers.insert(AUTHORIZATION, auth.header(world, shopper)?);
        }
        Ok(located)
    }

    fn url(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        origin: &Arc<Origin>,
    ) -> Result<Located, Failure> {
        match &self.url {
            Prepared::Fixed(located) => Ok(located.clone()),
            Prepared::Rendered(template) => {
                let mut out = Vec::with_capacity(128);
                template.render(world, shopper, &mut out);
                if out.starts_with(b"/") {
                    let path = PathAndQuery::from_maybe_shared(Bytes::from(out))
                        .map_err(|_| Failure::BadRequest)?;
                    return Ok(Located {
                        origin: origin.clone(),
                        path,
                        authorization: None,
                    });
                }
                let text = String::from_utf8(out).map_err(|_| Failure::BadRequest)?;
                locate(&text, origin, "").map_err(|_| Failure::BadRequest)
            }
        }
    }

    /// Adds this step's own headers.
    ///
    /// # Errors
    /// When a value has characters that no header may have.
    pub(crate) fn add_headers(
        &self,
        world: &ScenarioData,
        shopper: &mut Shopper,
        out: &mut http::HeaderMap,
    ) -> Result<(), Failure> {
        let mut before = None;
        for (name, value) in &self.headers {
            let value = value.header(world, shopper)?;
            // What the browser says of itself gives way; of a list each value has a line.
            match before.replace(name) == Some(name) {
                true => drop(out.append(name.clone(), value)),
                false => drop(out.insert(name.clone(), value)),
            }
        }
        Ok(())
    }

    /// The request's body; empty for none.
    pub(crate) fn body(&self, world: &ScenarioData, shopper: &mut Shopper) -> Bytes {
        match &self.body {
            PreparedBody::Fixed(bytes) => bytes.clone(),
            PreparedBody::Rendered(pieces) => {
                let mut out = Vec::with_capacity(256);
                for piece in pieces {
                    match piece {
                        Piece::Text(template) => template.render(world, shopper, &mut out),
                        Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                    }
                }
                if out.len() > TEXT_BYTES_MAX {
                    shopper.note_too_large();
                }
                Bytes::from(out)
            }
        }
    }
}

impl PreparedBody {
    fn of(body: Option<&Body>) -> Self {
        let pieces = body.map_or(&[][..], |body| &body.pieces);
        if let [Piece::Bytes(bytes)] = pieces {
            return Self::Fixed(bytes.clone());
        }
        let known = pieces.iter().map(|piece| match piece {
            Piece::Text(template) => fixed(template).map(Bytes::from),
            Piece::Bytes(bytes) => Some(bytes.clone()),
        });
        match known.collect::<Option<Vec<_>>>() {
            Some(known) => Self::Fixed(known.concat().into()),
            None => Self::Rendered(pieces.to_vec()),
        }
    }
}

impl Prepared<HeaderValue> {
    fn header(&self, world: &ScenarioData, shopper: &mut Shopper) -> Result<HeaderValue, Failure> {
        match self {
            Self::Fixed(value) => Ok(value.clone()),
            Self::Rendered(template) => {
                let mut text = Vec::with_capacity(64);
                template.render(world, shopper, &mut text);
                HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| Failure::BadRequest)
            }
        }
    }
}

fn redirects_max(request: &HttpRequest, settings: &Settings) -> u8 {
    match request.redirects {
        None => settings.redirects_max,
        Some(Redirects::AtMost(count)) => count,
        Some(Redirects::Follow) if settings.redirects_max == 0 => REDIRECTS_DEFAULT,
        Some(Redirects::Follow) => settings.redirects_max,
    }
}

fn authorization(template: &Template) -> Result<Prepared<HeaderValue>, String> {
    prepare(template, |text| {
        HeaderValue::from_str(text).map_err(|_| {
            "`http.auth` makes no valid header: it has a character that none may have".to_owned()
        })
    })
}

/// Headers of the scenario, of the body and of the request: the more special comes later and wins.
fn headers(
    request: &HttpRequest,
    settings: &Settings,
) -> Result<Vec<(HeaderName, Prepared<HeaderValue>)>, String> {
    let content_type = request.body.as_ref().map(|body| {
        (
            CONTENT_TYPE.as_str().to_owned(),
            Template::text(&body.content_type),
        )
    });
    let content_type = Vec::from_iter(content_type);
    // The scenario's own `host` is the target's: a URL that names another place goes there under its own name.
    let is_path =
        matches!(request.url.parts.first(), Some(Part::Text(text)) if text.starts_with('/'));
    let common = settings.headers.iter();
    let common: Vec<_> = common
        .filter(|(name, _)| is_path || name != HOST.as_str())
        .cloned()
        .collect();
    let mut headers: Vec<(HeaderName, Prepared<HeaderValue>)> = Vec::new();
    for level in [&common, &content_type, &request.headers] {
        headers.retain(|(known, _)| level.iter().all(|(name, _)| known.as_str() != name));
        for (name, value) in level {
            let name = HeaderName::try_from(name.as_str())
                .map_err(|_| format!("'{name}' is no valid header name"))?;
            let value = prepare(value, |text| {
                HeaderValue::from_str(text)
                    .map_err(|_| format!("'{text}' is no valid value of {name}"))
            })?;
            headers.push((name, value));
        }
    }
    Ok(headers)
}

fn prepare<T>(
    template: &Template,
    make: impl Fn(&str) -> Result<T, String>,
) -> Result<Prepared<T>, String> {
    match fixed(template) {
        Some(text) => make(&text).map(Prepared::Fixed),
        None => Ok(Prepared::Rendered(template.clone())),
    }
}

/// The text of a template without holes.
fn fixed(template: &Template) -> Option<String> {
    template
        .parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            Part::Value(..) => None,
        })
        .collect()
}

/// A path goes below the target's own path; an absolute URL stays as it is.
fn prefixed(url: &Template, prefix: &str) -> Template {
    let is_path = matches!(url.parts.first(), Some(Part::Text(text)) if text.starts_with('/'));
    let mut prefixed = url.clone();
    if is_path && !prefix.is_empty() {
        prefixed.parts.insert(0, Part::Text(prefix.into()));
    }
    prefixed
}

/// Origin and path of a path below the target, or of an absolute URL.
pub(super) fn locate(text: &str, target: &Arc<Origin>, prefix: &str) -> Result<Located, String> {
    let path = |text: &str| {
        PathAndQuery::try_from(text).map_err(|e| format!("'{text}' is no valid path: {e}"))
    };
    if text.starts_with('/') {
        return Ok(Located {
            origin: target.clone(),
            path: path(&format!("{prefix}{text}"))?,
            authorization: None,
        });
    }
    let (text, credentials) = match text.contains('@') {
        true => Credentials::taken_from(text),
        false => (text.to_owned(), None),
    };
    let url = Url::parse(&text)
        .map_err(|e| format!("'{text}' is neither a path that begins with '/' nor a URL: {e}"))?;
    let origin = Origin::of_url(&url)?;
    let origin = if origin == **target {
        target.clone()
    } else {
        Arc::new(origin)
    };
    let authorization = credentials.map(|credentials| HeaderValue::try_from(credentials.header()));
    Ok(Located {
        origin,
        path: path(&url[url::Position::BeforePath..url::Position::AfterQuery])?,
        authorization: authorization
            .transpose()
            .map_err(|_| "the credentials of a URL make no header".to_owned())?,
    })
}
