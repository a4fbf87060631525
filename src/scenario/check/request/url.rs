//! URLs: what they may contain, and the names that follow from them.

use checked_yaml::Place;
use http::{Method, Uri};

use crate::scenario::check::report::Report;
use crate::scenario::check::slip::Slip;
use crate::scenario::check::template::{Meaning, Parts, closing_brace};
use crate::template::{Encoding, Template};

/// Method and path without query, values shown as `{…}`.
pub(super) fn default_name(method: &Method, url: &str) -> String {
    let path = path_of(url);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    format!("{method} {}", path.replace("${", "{"))
}

/// Whether a name is a route (`GET /products/{id}`) that all these requests, by their own names, belong to: of one method, with
/// the same segments but for those in braces. A path that is a value as a whole may belong to any.
pub(super) fn is_route_of(name: &str, requests: &[&str]) -> bool {
    let fits = |request: &&str| {
        let (Some((method, route)), Some((own, path))) =
            (name.split_once(' '), request.split_once(' '))
        else {
            return false;
        };
        let is_value = |segment: &str| segment.starts_with('{') && segment.ends_with('}');
        let (route, path): (Vec<_>, Vec<_>) =
            (route.split('/').collect(), path.split('/').collect());
        let pairs = || route.iter().zip(&path);
        let same =
            route.len() == path.len() && pairs().all(|(one, other)| is_value(one) || one == other);
        method == own && (same || path.len() == 1 && is_value(path[0]))
    };
    name.contains('{') && requests.iter().all(fits)
}

/// The path of an absolute URL, or the text as it is.
fn path_of(url: &str) -> &str {
    let Some((_, rest)) = url.split_once("://") else {
        return url;
    };
    rest.find('/').map_or("/", |slash| &rest[slash..])
}

/// The shop's services by the second segment of their paths; elsewhere that segment itself.
pub(super) fn service_of(url: &str) -> String {
    let path = path_of(url);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut segments = path.trim_start_matches('/').split('/');
    match (segments.next(), segments.next()) {
        (Some("api"), Some("products" | "orders")) => "orders".to_owned(),
        (Some("api"), Some(service)) if !service.contains("${") => service.to_owned(),
        _ => String::new(),
    }
}

pub(super) fn url(
    report: &Report<'_>,
    meaning: Meaning<'_>,
    text: &str,
    place: &Place,
) -> Option<Template> {
    let mut parts = Parts::default();
    // A URL that begins with a value is one that the shop has sent (a `location`); it is used as it is.
    let encoding = |first: bool| if first { Encoding::Raw } else { Encoding::Uri };
    report.take(
        place,
        meaning.append(text, &mut parts, encoding, str::to_owned),
    )?;
    if let Err(slip) = check_url(text) {
        report.slip(place, slip);
    }
    Some(parts.finish())
}

/// Checks the constant part of a URL: values become a harmless letter.
fn check_url(text: &str) -> Result<(), Slip> {
    let mut outside = String::new();
    let mut rest = text;
    let mut offset = 0;
    while !rest.is_empty() {
        let (constant, after) = match rest
            .find("${")
            .map(|at| (at, closing_brace(&rest[at + 2..]).map(|length| length + 2)))
        {
            Some((at, Some(length))) => (&rest[..at], &rest[at + length + 1..]),
            _ => (rest, ""),
        };
        if let Some((at, c)) = constant.char_indices().find(|(_, c)| !is_url_char(*c)) {
            let help = if c == '#' {
                "what follows `#` is never sent; leave it out".to_owned()
            } else {
                format!("write it percent-encoded: {}", percent(c))
            };
            return Err(Slip::new(
                offset + at..offset + at + c.len_utf8(),
                format!("`{c}` cannot stand in a URL"),
            )
            .label("not allowed")
            .help(help));
        }
        outside.push_str(constant);
        if constant.len() < rest.len() {
            outside.push('x');
        }
        offset += rest.len() - after.len();
        rest = after;
    }
    if outside.contains("://") {
        let whole = 0..text.len();
        return base_url(&outside).map_err(|reason| {
            Slip::new(whole, format!("this URL is wrong: {reason}")).label("not a URL")
        });
    }
    Ok(())
}

fn is_url_char(c: char) -> bool {
    c.is_ascii_graphic() && !"\"<>\\^`{|}#".contains(c)
}

fn percent(c: char) -> String {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes)
        .bytes()
        .map(|byte| format!("%{byte:02X}"))
        .collect()
}

/// Checks a URL with scheme and host.
pub(in crate::scenario::check) fn base_url(text: &str) -> Result<(), String> {
    let uri: Uri = text
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let scheme = uri.scheme_str().unwrap_or_default();
    if !["http", "https"].contains(&scheme) {
        return Err("it begins neither with http:// nor with https://".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err("it names no host".to_owned());
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    // What follows the last colon of an IPv6 address is none; a value's place is none that can be judged.
    let is_wrong = |port: &str| match port.bytes().all(|byte| byte.is_ascii_digit()) {
        true => port.parse::<u16>().ok().is_none_or(|port| port == 0),
        false => false,
    };
    if port.is_some_and(is_wrong) {
        return Err("its port is not a number from 1 to 65535".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_route_of;

    #[test]
    fn a_route_names_the_paths_that_belong_to_it() {
        let route = |requests: &[&str]| is_route_of("GET /a/{id}/b", requests);
        assert!(route(&[
            "GET /a/17/b",
            "GET /a/{order}/b",
            "GET {location}"
        ]));
        for other in [
            "GET /a/17",
            "POST /a/17/b",
            "GET /x/17/b",
            "GET /a/17/b/c",
            "GET",
        ] {
            assert!(!route(&["GET /a/17/b", other]), "{other}");
        }
        assert!(!is_route_of("a name", &["GET /a", "GET /b"]));
    }
}
