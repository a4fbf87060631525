//! CORS preflights: which requests need a target's permission, what is asked, and what grants it (Fetch standard,
//! *CORS-preflight fetch*).
//!
//! PURE. A page is told of nothing but its own answer: whether that answer would be shown to it (the CORS check of the
//! request itself) is not looked at, because it changes nothing of what a target has to carry.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, HeaderName,
    HeaderValue, ORIGIN, USER_AGENT,
};
use http::{HeaderMap, Method, StatusCode};

use crate::transport::Outgoing;

/// Permissions that one shopper remembers; the oldest go first.
const PERMISSIONS_MAX: usize = 256;

/// How long a permission holds that does not say how long.
const MAX_AGE_DEFAULT: Duration = Duration::from_secs(5);

/// How long a permission holds at most, whatever it says: as in Chromium.
const MAX_AGE_MAX: Duration = Duration::from_secs(7200);

/// Headers that a page may set across origins without a preflight (Fetch standard, CORS-safelisted request headers), and
/// those that the browser sets itself.
const SAFELISTED: [&str; 9] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-language",
    "user-agent",
    "cookie",
    "origin",
    "host",
    "content-length",
];

/// What one shopper need not ask again for now.
#[derive(Debug, Default)]
pub(super) struct Permissions(Vec<Permission>);

#[derive(Debug)]
struct Permission {
    /// What may be sent: hash of origin, method, path, header names and whether cookies go along.
    request: u64,
    /// Until when.
    until: Instant,
}

impl Permissions {
    fn holds(&self, request: u64, now: Instant) -> bool {
        let mut known = self.0.iter();
        known.any(|known| known.request == request && known.until > now)
    }

    /// Keeps a permission that was given at `now`.
    pub(super) fn keep(&mut self, request: u64, now: Instant, max_age: Duration) {
        self.0
            .retain(|known| known.request != request && known.until > now);
        if self.0.len() == PERMISSIONS_MAX {
            self.0.remove(0);
        }
        let until = now + max_age;
        self.0.push(Permission { request, until });
    }
}

/// A preflight to be sent.
#[derive(Debug)]
pub(super) struct Preflight {
    /// What asks the target.
    pub(super) question: Outgoing,
    /// What the permission is kept under.
    pub(super) request: u64,
    method: Method,
    names: Vec<HeaderName>,
    with_credentials: bool,
}

impl Preflight {
    /// The question that must come before a request; `None` if it needs no permission, or has one.
    pub(super) fn of(
        outgoing: &Outgoing,
        permissions: &Permissions,
        origin: &HeaderValue,
        user_agent: &HeaderValue,
    ) -> Option<Self> {
        let names = names_in_need(&outgoing.headers);
        if is_safelisted(&outgoing.method) && names.is_empty() {
            return None;
        }
        // A page that sends cookies across origins has asked for it (`credentials: "include"`).
        let with_credentials = outgoing.headers.contains_key(COOKIE);
        let request = fingerprint(outgoing, &names, with_credentials);
        if permissions.holds(request, Instant::now()) {
            return None;
        }
        let mut headers = HeaderMap::new();
        let authority = &outgoing.origin.authority;
        headers.insert(
            HOST,
            outgoing.headers.get(HOST).unwrap_or(authority).clone(),
        );
        headers.insert(USER_AGENT, user_agent.clone());
        headers.insert(ORIGIN, origin.clone());
        let method = HeaderValue::from_str(outgoing.method.as_str()).ok()?;
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, method);
        if !names.is_empty() {
            let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
            let names = HeaderValue::from_str(&names.join(",")).ok()?;
            headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, names);
        }
        Some(Self {
            question: Outgoing {
                origin: outgoing.origin.clone(),
                method: Method::OPTIONS,
                path: outgoing.path.clone(),
                headers,
                body: Bytes::new(),
            },
            request,
            method: outgoing.method.clone(),
            names,
            with_credentials,
        })
    }

    /// How long the request may be sent without asking again; `None` if it may not be sent.
    pub(super) fn granted(&self, status: StatusCode, answer: &HeaderMap) -> Option<Duration> {
        // A redirect is none: a browser does not follow it, and 3xx is no `ok status`.
        let granted = status.is_success()
            && self.passes_cors_check(answer)
            && self.allows_method(answer)
            && self.allows_names(answer);
        granted.then(|| max_age(answer))
    }

    fn passes_cors_check(&self, answer: &HeaderMap) -> bool {
        let mut origins = answer.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return false;
        };
        let credentials = answer.get(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        match self.with_credentials {
            false => origin == "*" || Some(origin) == self.question.headers.get(ORIGIN),
            true => {
                Some(origin) == self.question.headers.get(ORIGIN)
                    && credentials.is_some_and(|value| value == "true")
            }
        }
    }

    fn allows_method(&self, answer: &HeaderMap) -> bool {
        is_safelisted(&self.method)
            || listed(answer, &ACCESS_CONTROL_ALLOW_METHODS)
                .any(|one| one == self.method.as_str() || self.is_wildcard(one))
    }

    fn allows_names(&self, answer: &HeaderMap) -> bool {
        self.names.iter().all(|name| {
            listed(answer, &ACCESS_CONTROL_ALLOW_HEADERS).any(|one| {
                one.eq_ignore_ascii_case(name.as_str())
                    // A token is only let through by its name.
                    || *name != AUTHORIZATION && self.is_wildcard(one)
            })
        })
    }

    fn is_wildcard(&self, listed: &str) -> bool {
        listed == "*" && !self.with_credentials
    }
}

/// The members of a header that is a list.
fn listed<'a>(answer: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = answer.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn max_age(answer: &HeaderMap) -> Duration {
    let value = answer.get(ACCESS_CONTROL_MAX_AGE);
    let seconds = value.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(MAX_AGE_DEFAULT, |seconds| {
        Duration::from_secs(seconds).min(MAX_AGE_MAX)
    })
}

fn is_safelisted(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::POST)
}

/// Names of the headers that need the target's permission: sorted.
fn names_in_need(headers: &HeaderMap) -> Vec<HeaderName> {
    let in_need = |(name, value): &(&HeaderName, &HeaderValue)| {
        !SAFELISTED.contains(&name.as_str()) && !is_simple_content_type(name, value)
    };
    let mut names: Vec<HeaderName> = headers
        .iter()
        .filter(in_need)
        .map(|(name, _)| name.clone())
        .collect();
    names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    names
}

fn is_simple_content_type(name: &HeaderName, value: &HeaderValue) -> bool {
    let simple: [&[u8]; 3] = [
        b"application/x-www-form-urlencoded",
        b"multipart/form-data",
        b"text/plain",
    ];
    *name == CONTENT_TYPE
        && simple
            .iter()
            .any(|simple| value.as_bytes().starts_with(simple))
}

fn fingerprint(outgoing: &Outgoing, names: &[HeaderName], with_credentials: bool) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    outgoing.origin.authority.hash(&mut hasher);
    outgoing.method.hash(&mut hasher);
    outgoing.path.path().hash(&mut hasher);
    names.hash(&mut hasher);
    with_credentials.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::transport::Origin;

    fn outgoing(method: Method, headers: &[(&'static str, &'static str)]) -> Outgoing {
        let url = url::Url::parse("http://api.example").unwrap();
        let named = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        Outgoing {
            origin: Arc::new(Origin::of_url(&url).unwrap()),
            method,
            path: http::uri::PathAndQuery::from_static("/items"),
            headers: headers.iter().map(named).collect(),
            body: Bytes::new(),
        }
    }

    fn asked(outgoing: &Outgoing, permissions: &Permissions) -> Option<Preflight> {
        let (origin, agent) = ("http://shop.example", "test");
        Preflight::of(
            outgoing,
            permissions,
            &HeaderValue::from_static(origin),
            &HeaderValue::from_static(agent),
        )
    }

    /// How long an answer with these headers allows the request.
    fn granted(outgoing: &Outgoing, answer: &[(&'static str, &'static str)]) -> Option<Duration> {
        let answer = answer.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let preflight = asked(outgoing, &Permissions::default()).unwrap();
        preflight.granted(StatusCode::NO_CONTENT, &answer.collect())
    }

    const HERE: (&str, &str) = ("access-control-allow-origin", "http://shop.example");
    const ANYONE: (&str, &str) = ("access-control-allow-origin", "*");
    const HEADERS: &str = "access-control-allow-headers";
    const METHODS: &str = "access-control-allow-methods";

    #[test]
    fn what_a_form_could_send_needs_no_permission() {
        let none = Permissions::default();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert!(asked(&outgoing(Method::GET, &[("accept", "*/*")]), &none).is_none());
        assert!(asked(&outgoing(Method::POST, &form), &none).is_none());
        let json = [("content-type", "application/json")];
        assert!(asked(&outgoing(Method::POST, &json), &none).is_some());
        assert!(asked(&outgoing(Method::PUT, &[]), &none).is_some());
    }

    #[test]
    fn permission_names_origin_method_and_every_header() {
        let put = outgoing(Method::PUT, &[("x-one", "1"), ("x-two", "2")]);
        let both = (HEADERS, "X-Two , x-one");
        let methods = (METHODS, "GET, PUT");
        assert_eq!(granted(&put, &[HERE, methods, both]), Some(MAX_AGE_DEFAULT));
        let wildcards = [ANYONE, (METHODS, "*"), (HEADERS, "*")];
        assert!(granted(&put, &wildcards).is_some());
        for lacking in [
            &[methods, both][..],
            &[HERE, both],
            &[HERE, methods],
            &[HERE, methods, (HEADERS, "x-one")],
            &[HERE, (METHODS, "put"), both],
            &[
                ("access-control-allow-origin", "http://elsewhere.example"),
                methods,
                both,
            ],
        ] {
            assert_eq!(granted(&put, lacking), None, "{lacking:?}");
        }
    }

    #[test]
    fn a_token_is_let_through_by_name_and_cookies_by_no_wildcard() {
        let token = outgoing(Method::GET, &[("authorization", "Bearer x")]);
        assert_eq!(granted(&token, &[ANYONE, (HEADERS, "*")]), None);
        assert!(granted(&token, &[ANYONE, (HEADERS, "Authorization")]).is_some());
        let cookies = outgoing(Method::GET, &[("cookie", "a=1"), ("x-one", "1")]);
        let credentials = ("access-control-allow-credentials", "true");
        let named = (HEADERS, "x-one");
        assert!(granted(&cookies, &[HERE, credentials, named]).is_some());
        assert_eq!(granted(&cookies, &[HERE, named]), None);
        assert_eq!(granted(&cookies, &[ANYONE, credentials, named]), None);
        assert_eq!(
            granted(&cookies, &[HERE, credentials, (HEADERS, "*")]),
            None
        );
    }

    #[test]
    fn only_an_ok_status_grants() {
        let put = outgoing(Method::PUT, &[]);
        let preflight = asked(&put, &Permissions::default()).unwrap();
        let answer = HeaderMap::from_iter([
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("*")),
        ]);
        for (status, ok) in [(200, true), (204, true), (302, false), (403, false)] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(preflight.granted(status, &answer).is_some(), ok, "{status}");
        }
    }

    #[test]
    fn a_permission_holds_for_as_long_as_it_says_and_two_hours_at_most() {
        let put = outgoing(Method::PUT, &[]);
        let age = |text| {
            granted(
                &put,
                &[ANYONE, (METHODS, "*"), ("access-control-max-age", text)],
            )
        };
        assert_eq!(age("60"), Some(Duration::from_secs(60)));
        assert_eq!(age("86400"), Some(MAX_AGE_MAX));
        assert_eq!(age("soon"), Some(MAX_AGE_DEFAULT));
        let (mut permissions, now) = (Permissions::default(), Instant::now());
        let request = asked(&put, &permissions).unwrap().request;
        permissions.keep(request, now, Duration::from_secs(60));
        assert!(asked(&put, &permissions).is_none());
        assert!(!permissions.holds(request, now + Duration::from_secs(60)));
        permissions.keep(request, now, Duration::ZERO);
        assert!(asked(&put, &permissions).is_some());
    }

    #[test]
    fn the_oldest_permissions_go_first() {
        let (mut permissions, now) = (Permissions::default(), Instant::now());
        for request in 0..=PERMISSIONS_MAX as u64 {
            permissions.keep(request, now, MAX_AGE_MAX);
        }
        assert_eq!(permissions.0.len(), PERMISSIONS_MAX);
        assert!(!permissions.holds(0, now) && permissions.holds(1, now));
    }
}
