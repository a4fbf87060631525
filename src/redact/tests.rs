use super::command::command;
use super::exchange::Message;
use super::*;

/// The text with `¤` for each secret.
fn without_hashes(text: &str) -> String {
    super::without_hashes(text).replace("‹secret›", "¤")
}

#[test]
fn equal_secrets_are_shown_equal_and_others_are_not() {
    let shown = Shown::from("token=abc&pin=abc&key=abd");
    let marks: Vec<&str> = shown
        .split('=')
        .skip(1)
        .map(|part| part.split('&').next().unwrap())
        .collect();
    assert_eq!(marks[0], marks[1]);
    assert_ne!(marks[0], marks[2]);
    assert_eq!(
        Shown::from(shown.to_string()),
        shown,
        "hiding again changes nothing"
    );
}

#[test]
fn a_terminal_is_not_steered() {
    let shown = Shown::from("a\u{1b}[2J\u{9b}b\u{202e}c\r\nd\te\u{7f}");
    assert_eq!(&*shown, "a\\u{1b}[2J\\u{9b}b\\u{202e}c\nd\te\\u{7f}");
    assert_eq!(plain::line("a\nb\tc"), "a\\nb\\tc");
    for formula in ["=1+1", "+1", "-1", "@a", "\ta"] {
        assert!(plain::cell(formula).starts_with('\''), "{formula}");
    }
    assert_eq!(plain::cell("GET /a"), "GET /a");
}

#[test]
fn what_is_secret_in_a_request_is_hidden_in_its_answer() {
    let headers = |pairs: &[(&'static str, &'static str)]| -> http::HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        pairs.collect()
    };
    // Basic: user:pw-in-base64
    let sent = headers(&[
        ("authorization", "Basic dXNlcjpwdy1pbi1iYXNlNjQ="),
        ("cookie", "sid=cookie-1; theme=cookie-2"),
        ("x-api-key", "api-key-1"),
        ("accept", "text/html"),
        ("x-datadog-trace-id", "4929000000000000006"),
    ]);
    let got = headers(&[
        ("location", "/next?token=location-1"),
        ("set-cookie", "sid=cookie-3; Path=/"),
    ]);
    let request = Message {
        first_line: "POST /a?sig=query-1 HTTP/1.1",
        headers: &sent,
        body: br#"{"password":"body-1","name":"A"}"#,
    };
    let response = Message {
        first_line: "HTTP/1.1 401",
        headers: &got,
        body: b"bad: api-key-1, body-1, pw-in-base64, cookie-1, query-1 \x1b[31m",
    };
    let mut redactor = Redactor::default();
    redactor.learn_from([&request, &response]);
    let shown = [
        redactor.show_message(&request),
        redactor.show_message(&response),
    ];
    assert_eq!(
        without_hashes(&shown[0]),
        "POST /a?sig=¤ HTTP/1.1\nauthorization: Basic ¤\ncookie: sid=¤; theme=¤\nx-api-key: ¤\naccept: text/html\n\
         x-datadog-trace-id: 4929000000000000006\n\n{\"password\":\"¤\",\"name\":\"A\"}"
    );
    assert_eq!(
        without_hashes(&shown[1]),
        "HTTP/1.1 401\nlocation: /next?token=¤\nset-cookie: sid=¤; Path=/\n\nbad: ¤, ¤, ¤, ¤, ¤ \\u{1b}[31m"
    );
}

#[test]
fn a_secret_that_is_cut_in_two_is_not_shown() {
    let card = "4242424242424242";
    for before in 8_160..8_192 {
        let body = format!("{}{}{card}", "x".repeat(before - 1), " ");
        let shown = Redactor::default().show_body(format!("{body} and more").as_bytes());
        assert!(!shown.contains("4242"), "{before}");
    }
    assert_eq!(
        &*Redactor::default().show_body(&[0x1f, 0x8b, 0xff]),
        "[3 bytes that are no text]"
    );
}

#[test]
fn the_recorded_command_holds_no_secret() {
    let typed = "run x --set variables.api_token=abc --set rate=5/s --set tok=abcdef --set pin=4711 --set tok=4711 \
                 --set load.phases.0.rate=5/s --set journeys.a.steps.0.headers.authorization=abc --header A:b \
                 --header x-api-key:abc --body=c --body d --url http://u:p@h/?api_key=abc --set=tok=abc --seed 1";
    let kept = command(
        typed.split_whitespace().map(str::to_owned),
        &Redactor::default(),
    );
    let kept: Vec<String> = kept.iter().map(|word| without_hashes(word)).collect();
    assert_eq!(
        kept.join(" "),
        "run x --set variables.api_token=¤ --set rate=5/s --set tok=¤ --set pin=¤ --set tok=¤ \
         --set load.phases.0.rate=5/s --set journeys.a.steps.0.headers.authorization=¤ --header A: b \
         --header x-api-key: ¤ --body=¤ --body ¤ --url http://¤@h/?api_key=¤ --set=tok=¤ --seed 1"
    );
}

#[test]
fn names_are_the_same_in_every_run() {
    let name = |text| Redactor::default().name(text);
    assert_eq!(
        name("GET /hooks/sk_live_abcdefgh1234"),
        "GET /hooks/{secret}"
    );
    assert_eq!(name("GET /a\u{1b}]0;b"), "GET /a\\u{1b}]0;b");
    assert_eq!(name("json /token"), "json /token");
}
