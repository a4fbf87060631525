//! `loadgen import curl`.

use super::{Source, loadgen};
use crate::echo::Echo;

/// As Chrome copies it, with a quote, a line break and an emoji in the body.
const COPIED: &str = r#"curl 'http://HOST/api/cart?x=a%20b&tag=\u0021' \
  -H 'accept: application/json, text/plain, */*' \
  -H 'accept-language: en-US,en;q=0.9' \
  -H 'authorization: Bearer abc-def-0123456789' \
  -H 'content-type: application/json' \
  -b 'sid=s3cr3t-cookie; theme=dark' \
  -H 'sec-fetch-mode: cors' \
  -H 'user-agent: Mozilla/5.0 (X11)' \
  --data-raw $'{"note":"it\'s ${x}\\n\u0021","n":1}' \
  --compressed --insecure ;
curl -sS -X PUT --max-time 2.5 -u me:pass-word-1 -L http://HOST/api/items/17 -d a=1 -d 'b=x y'
curl -G http://HOST/search --data-urlencode 'q=a b&c' -d n=1 -A tester/1 -e http://HOST/from | jq .
curl --json '{"k": "'"$TOKEN"'"}' http://HOST/api/json
curl -F name=ann -F 'text=a & b' -F 'password=f0rm-secret' -F 'tag=x;type=text/css' -F tag=y -F 'photo=@cat.png' http://HOST/upload
curl -X GET http://HOST/query -H 'content-type: application/json' -d '{"q":1}'
curl -I --url http://HOST/head
"#;

#[test]
fn commands_are_sent_as_curl_sends_them() {
    let echo = Echo::start();
    let host = echo.url().replace("http://", "");
    let source = Source::new("shop.sh", &COPIED.replace("HOST", &host));
    source.beside("cat.png", "meow");
    let environment = [
        ("PASSWORD_2", "f0rm-secret"),
        ("AUTHORIZATION", "abc-def-0123456789"),
        ("COOKIE", "sid=s3cr3t-cookie; theme=dark"),
        ("PASSWORD", "pass-word-1"),
        ("TOKEN", "from the shell"),
    ];
    let (text, err) = source.checked("curl", &[], &environment);
    for secret in ["abc-def", "s3cr3t", "pass-word", "f0rm-secret"] {
        assert!(
            !text.contains(secret) && !err.contains(secret),
            "{secret} in\n{text}\n{err}"
        );
    }
    assert!(
        text.contains("--compressed, --location, --show-error, --silent"),
        "{text}"
    );
    assert!(
        text.contains("insecure: true") && text.contains("timeout: 2.5 s"),
        "{text}"
    );
    let failed = source.run(&echo.url(), &environment);
    assert!(failed.is_empty(), "{failed:?}\n{text}");
    let seen = echo.seen();
    let requests: Vec<_> = seen
        .iter()
        .map(|one| format!("{} {} {}", one.method, one.path, one.body))
        .collect();
    assert_eq!(
        requests[..4],
        [
            "POST /api/cart?x=a%20b&tag=%5Cu0021 {\"note\":\"it's ${x}\\n!\",\"n\":1}",
            "PUT /api/items/17 a=1&b=x y",
            "GET /search?q=a%20b%26c&n=1 ",
            "POST /api/json {\"k\":\"from the shell\"}",
        ],
        "{text}"
    );
    for part in [
        "name=\"text\"\r\n\r\na & b\r\n",
        "name=\"password\"\r\n\r\nf0rm-secret\r\n",
        "name=\"photo\"; filename=\"cat.png\"\r\nContent-Type: image/png\r\n\r\nmeow\r\n",
    ] {
        let body = &seen[4].body;
        assert!(
            body.to_lowercase().contains(&part.to_lowercase()),
            "{part}: {body}"
        );
    }
    assert_eq!(seen[4].body.matches("name=\"tag\"").count(), 2);
    assert_eq!(
        (seen[5].method.as_str(), seen[5].body.as_str()),
        ("GET", "{\"q\":1}")
    );
    assert!(
        seen[4]
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("multipart/form-data; boundary="))
    );
    assert_eq!(seen[6].method, "HEAD");
    assert_eq!(
        seen[0].header("authorization"),
        Some("Bearer abc-def-0123456789")
    );
    assert_eq!(
        seen[0].header("cookie"),
        Some("sid=s3cr3t-cookie; theme=dark")
    );
    assert_eq!(
        seen[1].header("authorization"),
        Some("Basic bWU6cGFzcy13b3JkLTE=")
    );
    assert_eq!(
        seen[1].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(seen[2].header("user-agent"), Some("tester/1"));
}

#[test]
fn everything_wrong_is_said_at_once() {
    let source = Source::new(
        "x.sh",
        "curl --foo -Q x http://a/\ncurl 'http://a/' http://b/\nwget http://c/\ncurl -H\n",
    );
    let (code, out, err) = source.import("curl", &[]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    for reason in [
        "unknown option `--foo`",
        "unknown option `-Q`",
        "2 addresses",
        "`wget` is no curl command",
        "`--header` lacks its value",
    ] {
        assert!(err.contains(reason), "{reason} not in {err}");
    }
    let (code, _, err) = Source::new("x.sh", "curl http://a/ -d \"$(cat x)\"").import("curl", &[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("cannot be run here"), "{err}");
    let (code, _, err) = loadgen(&["import", "curl", "/dev/null"], &[]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no curl command"), "{err}");
}

#[test]
fn places_and_certificates_are_settings_of_all_requests() {
    let text = "curl --resolve shop.example:443:10.0.0.7 --connect-to api.example::127.0.0.1:8443 -H 'X-Empty;' https://shop.example/a";
    let source = Source::new("x.sh", text);
    let (text, _) = source.checked("curl", &[], &[]);
    assert!(
        text.contains("\"shop.example:443\": \"10.0.0.7\""),
        "{text}"
    );
    assert!(text.contains("api.example: \"127.0.0.1:8443\""), "{text}");
    assert!(text.contains("x-empty: \"\""), "{text}");
    assert!(
        text.contains("target: https://shop.example\n") && text.contains("- get: /a\n"),
        "{text}"
    );
}
