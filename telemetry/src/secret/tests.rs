use super::*;

/// The text with every secret replaced by `¤`.
fn hidden(text: &str) -> String {
    with(text, &[], false)
}

fn with(text: &str, known: &[String], source: bool) -> String {
    let names = Names::default();
    let search = Search {
        names: &names,
        known,
        source,
    };
    let mut out = text.to_owned();
    for found in search.find(text).iter().rev() {
        out.replace_range(found.range.clone(), "¤");
    }
    out
}

fn all(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(hidden(text), *expected, "{text}");
    }
}

#[test]
fn names_are_told_by_their_words() {
    let names = Names::default();
    for secret in [
        "password",
        "Password",
        "user_password",
        "pwd",
        "authorization",
        "Proxy-Authorization",
        "cookie",
        "Set-Cookie",
        "x-api-key",
        "X-Auth-Token",
        "x-amz-security-token",
        "X-Amz-Signature",
        "idempotency-key",
        "apiKey",
        "APIKey",
        "clientSecret",
        "pin",
        "cvc",
        "cvv2",
        "ssn",
        "iban",
        "cardNumber",
        "number",
        "card[number]",
        "session",
        "sid",
        "sessionId",
        "dd-api-key",
        "privateKey",
        "JWT",
        "credentials",
        "otp",
        "x-hub-signature-256",
        "user[password]",
    ] {
        assert!(names.is_secret(secret), "{secret}");
    }
    for plain in [
        "content-type",
        "accept",
        "author",
        "keyboard",
        "monkey",
        "primary_key",
        "sort-key",
        "spin",
        "passenger",
        "etag",
        "session.id",
        "traceparent",
        "x-datadog-trace-id",
        "access-control-allow-credentials",
        "company",
        "status",
        "code",
        "orderNumber",
        "design",
        "assigned",
        "pinned",
    ] {
        assert!(!names.is_secret(plain), "{plain}");
    }
    let more = Names::with(["Date-Of-Birth", "dob"]);
    for name in [
        "dateOfBirth",
        "DATE_OF_BIRTH",
        "dob",
        "person[dob]",
        "person.dob",
    ] {
        assert!(more.is_secret(name), "{name}");
    }
}

#[test]
fn values_of_secret_names_are_found_in_every_notation() {
    all(&[
        (
            r#"{"password":"hunter2","a":1}"#,
            r#"{"password":"¤","a":1}"#,
        ),
        (r#"{ "pin" : 4711, "n": 2 }"#, r#"{ "pin" : ¤, "n": 2 }"#),
        (r#"{"password":"a\"b","a":1}"#, r#"{"password":"¤","a":1}"#),
        (
            r#"{"user":{"credentials":{"x":"y"}},"a":1}"#,
            r#"{"user":{"credentials":¤},"a":1}"#,
        ),
        (r#"{"tokens":["a","b"],"n":1}"#, r#"{"tokens":¤,"n":1}"#),
        (
            r#"{"token":null,"hasPassword":true}"#,
            r#"{"token":null,"hasPassword":true}"#,
        ),
        ("user=a&password=hunter2&x=1", "user=a&password=¤&x=1"),
        (
            "GET /x?api_key=abc&n=1 HTTP/1.1",
            "GET /x?api_key=¤&n=1 HTTP/1.1",
        ),
        (
            "/cb?code=abc&state=1#access_token=xyz",
            "/cb?code=¤&state=¤#access_token=¤",
        ),
        ("x-api-key: abc def\nb: c", "x-api-key: ¤\nb: c"),
        ("authorization: Bearer abc", "authorization: Bearer ¤"),
        ("  password: correct horse\n  b: c", "  password: ¤\n  b: c"),
        ("{ password: abc, n: 1 }", "{ password: ¤, n: 1 }"),
        ("key: |\n  one\n  two\nnext: 1", "key: ¤\nnext: 1"),
        (
            "<user><password>abc</password><n>1</n></user>",
            "<user><password>¤</password><n>1</n></user>",
        ),
        (
            r#"<input name="csrf" value="abc"><input name="q" value="d">"#,
            r#"<input name="csrf" value="¤"><input name="q" value="d">"#,
        ),
        (
            r#"<input value="abc" name="csrf">"#,
            r#"<input value="¤" name="csrf">"#,
        ),
        (
            r#"[{"name":"x-api-key","value":"abc"},{"name":"a","value":"b"}]"#,
            r#"[{"name":"x-api-key","value":"¤"},{"name":"a","value":"b"}]"#,
        ),
        (
            "Content-Disposition: form-data; name=\"pin\"\r\n\r\nabc\r\n--x",
            "Content-Disposition: form-data; name=\"pin\"\r\n\r\n¤\n--x",
        ),
        (
            "refused: bad token: abc123, again",
            "refused: bad token: ¤, again",
        ),
        (
            "Server=x;Password=abc;Timeout=5",
            "Server=x;Password=¤;Timeout=5",
        ),
    ]);
}

#[test]
fn what_was_cut_off_is_found() {
    all(&[
        (r#"{"password":"hunt"#, r#"{"password":"¤"#),
        (
            r#"{"a":1,"credentials":{"user":"x","value":"y"#,
            r#"{"a":1,"credentials":¤"#,
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE", "¤"),
        ("x=eyJhbGciOiJIUzI1NiIsInR5cCI6Ikp", "x=¤"),
        ("<password>abc", "<password>¤"),
    ]);
}

#[test]
fn shapes_are_found_under_any_name() {
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    all(&[
        (&format!("a {jwt} b"), "a ¤ b"),
        ("said Bearer abcdefgh12 here", "said Bearer ¤ here"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic ¤"),
        ("http://user:pass@host/a", "http://¤@host/a"),
        ("https://token@host", "https://¤@host"),
        ("http://u:hunter2 pw@host/a", "http://¤@host/a"),
        ("--url http://u:hun\"t<er@host/", "--url http://¤@host/"),
        ("redis://:pa/ss@host:1/2", "redis://¤@host:1/2"),
        ("location: //u:p@host/a", "location: //¤@host/a"),
        ("sk_live_abcdefgh1234", "¤"),
        ("(ghp_abcdefghijklmnopqrstuvwxyz0123456789)", "(¤)"),
        ("AKIAIOSFODNN7EXAMPLE", "¤"),
        ("card 4242 4242 4242 4242, ok", "card ¤, ok"),
        ("4242-4242-4242-4242", "¤"),
        ("\"n\":378282246310005", "\"n\":¤"),
        ("to DE89 3704 0044 0532 0130 00.", "to ¤."),
        ("GB82WEST12345698765432", "¤"),
        (
            "-----BEGIN PRIVATE KEY-----\nab\n-----END PRIVATE KEY-----\nrest",
            "¤\nrest",
        ),
    ]);
}

#[test]
fn escapes_do_not_hide_anything() {
    all(&[
        (
            "/login?next=%2Fcb%3Ftoken%3Dabc%26a%3D1",
            "/login?next=%2Fcb%3Ftoken%3D¤%26a%3D1",
        ),
        ("user%5Bpassword%5D=abc&x=1", "user%5Bpassword%5D=¤&x=1"),
        (
            r#"{"body":"{\"password\":\"abc\",\"n\":1}"}"#,
            r#"{"body":"{\"password\":\"¤\",\"n\":1}"}"#,
        ),
        (
            r#"{"b":"{\"c\":\"{\\\"pin\\\":\\\"abc\\\"}\"}"}"#,
            r#"{"b":"{\"c\":\"{\\\"pin\\\":\\\"¤\\\"}\"}"}"#,
        ),
        (r#"{"pass\u0077ord":"abc"}"#, r#"{"pass\u0077ord":"¤"}"#),
        (
            "value=&quot;Bearer abcdefgh1&quot;",
            "value=&quot;Bearer ¤&quot;",
        ),
        ("c=4242%204242%204242%204242", "c=¤"),
        ("c=4242+4242+4242+4242", "c=¤"),
        // {"password":"abc"}
        ("x eyJwYXNzd29yZCI6ImFiYyJ9 y", "x ¤ y"),
        // a=1&password=hunter2
        ("x YT0xJnBhc3N3b3JkPWh1bnRlcjI= y", "x ¤ y"),
    ]);
}

#[test]
fn innocent_text_is_left_alone() {
    for text in [
        "GET /api/products?limit=20&page=2 HTTP/1.1",
        "content-type: application/json; charset=utf-8",
        r#"{"id":"0190c1f2-7c1e-7b1a-9f3e-0123456789ab","total":19.98,"status":"pending","error":{"code":"out_of_stock"}}"#,
        "https://medium.com/@user and http://127.0.0.1:8080/a@b",
        "x-datadog-trace-id: 1234567890123456789",
        "at 1700000000000000 and 0.4242424242424242",
        "p99 of POST /api/orders < 800 ms",
        "the books need a token: set SHOP_AUDIT_TOKEN",
        "4242424242424241",
        "DE89370400440532013001",
        "authorization: Bearer ‹secret 3fa2b1c0›",
        "http://‹secret 3fa2b1c0›@host/a",
        r#"{"token":"‹secret 3fa2b1c0›"}"#,
        "",
    ] {
        assert_eq!(hidden(text), text);
    }
}

#[test]
fn a_file_of_templates_is_no_secret() {
    for text in [
        "headers: { authorization: \"Bearer ${token}\", idempotency-key: \"${key}\" }",
        "extract: { pass: /accessToken, order: /id }",
        "- json: { /token: exists }",
        "session-sample: 100%",
    ] {
        assert_eq!(with(text, &[], true), text);
    }
    assert_eq!(
        with("variables: { api_token: abc, n: 1 }", &[], true),
        "variables: { api_token: ¤, n: 1 }"
    );
}

#[test]
fn what_is_known_is_found_wherever_it_stands() {
    let known = ["p4ss w0rd&x".to_owned(), "4711".to_owned()];
    for (text, expected) in [
        ("/reset/p4ss%20w0rd%26x/now", "/reset/¤/now"),
        ("no such thing: p4ss w0rd&x", "no such thing: ¤"),
        // user:p4ss w0rd&x
        ("x dXNlcjpwNHNzIHcwcmQmeA== y", "x ¤ y"),
        ("pin 4711, not 147112", "pin ¤, not 147112"),
    ] {
        assert_eq!(with(text, &known, false), expected);
    }
}

#[test]
fn one_number_is_one_value_however_it_is_written() {
    let names = Names::default();
    let search = Search {
        names: &names,
        known: &[],
        source: false,
    };
    let found = search.find("4242424242424242 / 4242 4242 4242 4242 / 4242%204242%204242%204242");
    let values: Vec<&str> = found.iter().map(|found| found.value.as_str()).collect();
    assert_eq!(values, ["4242424242424242"; 3]);
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the text, ranges lie in it in order, at the boundaries of characters, and looking is not refused.
        #[test]
        fn is_looked_through(text in r#"([ -~\n]|[a-z]{0,4}(token|key)?["\\:={}\[\]<>%&;/@-]{0,3}|é|\\u00|%2|-----BEGIN |eyJ){0,60}"#) {
            let names = Names::default();
            let search = Search { names: &names, known: &[], source: false };
            let mut end = 0;
            for found in search.find(&text) {
                prop_assert!(found.range.start >= end);
                prop_assert!(text.get(found.range.clone()).is_some());
                end = found.range.end;
            }
        }
    }
}
