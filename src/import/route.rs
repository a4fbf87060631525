//! Names of requests: method and route, with `{id}` in the place of what differs from one request to the next.

/// Longest name that a scenario takes without being given one, with room to spare.
const NAME_CHARS_MAX: usize = 190;
/// Digits and letters from which on a segment counts as an id, if it has both.
const ID_CHARS_MIN: usize = 12;

/// A name for a request whose own would not do; `path` is one of the language, `host` is given for places other than the target.
pub(super) fn name(method: &str, path: &str, host: Option<&str>) -> Option<String> {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let mut replaced = false;
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| match is_id(segment) {
            true => {
                replaced = true;
                "{id}"
            }
            false => segment,
        })
        .collect();
    let route = segments.join("/");
    let is_long = method.len() + 1 + route.chars().count() > NAME_CHARS_MAX;
    if !replaced && host.is_none() && !is_long {
        return None;
    }
    let place = host.unwrap_or_default();
    let name = format!("{} {place}{route}", method.to_ascii_uppercase()).replace("${", "{");
    Some(match name.chars().count() > NAME_CHARS_MAX {
        // The end tells apart what begins alike.
        true => {
            let from = name.chars().count() - NAME_CHARS_MAX / 2;
            let begin: String = name.chars().take(NAME_CHARS_MAX / 2 - 1).collect();
            let end: String = name.chars().skip(from).collect();
            format!("{begin}…{end}")
        }
        false => name,
    })
}

/// Method and route of a path, whether or not there are ids in it.
pub(super) fn of(method: &str, path: &str) -> String {
    let plain = || format!("{} {path}", method.to_ascii_uppercase());
    name(method, path, None).unwrap_or_else(plain)
}

/// Whether a segment of a path says which one, rather than what.
fn is_id(segment: &str) -> bool {
    if segment.contains("${") {
        return true;
    }
    let letters = segment.bytes().filter(u8::is_ascii_alphabetic).count();
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let other = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-_".contains(byte);
    if digits == 0 || segment.bytes().any(|byte| other(&byte)) {
        return false;
    }
    let hex = segment
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    letters == 0 || hex && segment.len() >= 8 || digits >= 3 && letters + digits >= ID_CHARS_MIN
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn ids_are_replaced_and_words_are_not() {
        let named = |path: &str| name("get", path, None).unwrap_or_default();
        assert_eq!(named("/api/products/17?x=1"), "GET /api/products/{id}");
        assert_eq!(
            named("/a/3fa2b1c0-0000-4000-8000-000000000000/b"),
            "GET /a/{id}/b"
        );
        assert_eq!(named("/orders/${order_id}"), "GET /orders/{id}");
        assert_eq!(named("/u/usr_9aK3kd02Ls81"), "GET /u/{id}");
        for path in ["/api/v2/products", "/app.3fa2b1c0.js", "/", "/oauth2/token"] {
            assert_eq!(name("get", path, None), None, "{path}");
        }
        assert_eq!(
            name("get", "/a.js", Some("cdn.example")).unwrap(),
            "GET cdn.example/a.js"
        );
        let long = format!("/{}", "a".repeat(400));
        assert!(named(&long).chars().count() <= 190);
    }
}
