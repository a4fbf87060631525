//! Secrets: planted everywhere in a run that fails, and looked for in everything that it leaves and says. And what people open
//! neither steers their terminal nor computes in their spreadsheet.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tempfile::TempDir;

use crate::support::{Ended, Program};

/// A target that answers every request with an error that repeats it, and with secrets of its own.
struct Leaky {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Leaky {
    /// The server adds these headers and this body to each answer.
    fn start(headers: String, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (seen, over) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (recorder, end) = (seen.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if end.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(stream) = stream {
                    serve(stream, &recorder, &headers, &body);
                }
            }
        });
        Self {
            address,
            seen,
            over,
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was sent and answered.
    fn seen(&self) -> Vec<u8> {
        self.seen.lock().expect("no recorder panicked").clone()
    }
}

impl Drop for Leaky {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<u8>>, headers: &str, body: &str) {
    let request = read_request(&mut stream);
    if request.is_empty() {
        return;
    }
    let repeated = serde_json::Value::from(String::from_utf8_lossy(&request));
    let status = match request.starts_with(b"GET /moved") {
        true => "302 Found",
        false => "500 Oops",
    };
    let body = format!("{{\"you_sent\":{repeated},{body}");
    let answer = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    {
        let mut seen = seen.lock().expect("no recorder panicked");
        seen.extend_from_slice(&request);
        seen.extend_from_slice(answer.as_bytes());
    }
    // The client may have gone.
    let _ = stream.write_all(answer.as_bytes());
}

/// Head and body; empty when there is none.
fn read_request(stream: &mut TcpStream) -> Vec<u8> {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
            if request.len() >= head + 4 + length.unwrap_or(0_usize) {
                return request;
            }
        }
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => request.extend_from_slice(&chunk[..read]),
            _ => return Vec::new(),
        }
    }
}

/// The planted secrets: a shape, and what must be found nowhere.
struct Planted(Vec<(&'static str, String)>);

impl Planted {
    /// A new secret of this shape.
    fn word(&mut self, shape: &'static str) -> String {
        self.add(
            shape,
            format!("Pl4nted-{}-{}", shape.replace(' ', ""), self.0.len()),
        )
    }

    fn add(&mut self, shape: &'static str, secret: impl Into<String>) -> String {
        let secret = secret.into();
        self.0.push((shape, secret.clone()));
        secret
    }

    fn jwt(&mut self) -> String {
        let part = |text: String| URL_SAFE_NO_PAD.encode(text);
        let signature = part(format!("signature number {}", self.0.len()));
        let token = format!(
            "{}.{}.{signature}",
            part("{\"alg\":\"HS256\"}".to_owned()),
            part("{\"sub\":\"1\"}".to_owned())
        );
        self.add("JWT", signature);
        token
    }

    /// Every way in which a secret may be written.
    fn spellings(secret: &str) -> Vec<String> {
        let percent = |lower: bool| -> String {
            let escape = |byte: u8| match (byte.is_ascii_alphanumeric(), lower) {
                (true, _) => char::from(byte).to_string(),
                (false, true) => format!("%{byte:02x}"),
                (false, false) => format!("%{byte:02X}"),
            };
            secret.bytes().map(escape).collect()
        };
        let bare: String = secret.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let mut all = vec![
            secret.to_owned(),
            percent(true),
            percent(false),
            bare,
            secret.replace(' ', "+"),
            STANDARD.encode(secret),
        ];
        all.extend(["user:", "admin:"].map(|user| STANDARD.encode(format!("{user}{secret}"))));
        all
    }

    /// Those that stand in a text, in any spelling.
    fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let has = |spelling: &String| {
            bytes
                .windows(spelling.len())
                .any(|window| window == spelling.as_bytes())
        };
        let found = self
            .0
            .iter()
            .filter(|(_, secret)| Self::spellings(secret).iter().any(has));
        found.map(|(_, secret)| secret.as_str()).collect()
    }

    fn shapes(&self) -> usize {
        let mut shapes: Vec<&str> = self.0.iter().map(|(shape, _)| *shape).collect();
        shapes.sort_unstable();
        shapes.dedup();
        shapes.len()
    }
}

/// A scenario with secrets everywhere, a feeder, and the flags that bring more.
fn scenario(planted: &mut Planted, folder: &Path) -> Vec<String> {
    let p = planted;
    let users = format!(
        "email,password,card\na@example.com,{},{}\n",
        p.word("feeder"),
        p.add("card", "4000056655665556")
    );
    fs::write(folder.join("users.csv"), users).expect("a feeder");
    let basic = STANDARD.encode(format!("user:{}", p.word("basic")));
    let multipart = format!(
        "--b\\r\\nContent-Disposition: form-data; name=\\\"pin\\\"\\r\\n\\r\\n{}\\r\\n--b--",
        p.word("multipart")
    );
    let text = format!(
        r#"
name: leaky
about: Someone wrote {} here
load: {{ model: one-by-one, journeys: 2 }}
http:
  redirects-max: 0
  headers: {{ x-amz-security-token: "{}", accept: application/json }}
secrets: [x-house-number, dob]
feeders: {{ users: {{ file: users.csv }} }}
variables: {{ api_token: "{}", greeting: unset, pin: 1 }}
personas: [ {{ name: one, set: {{ my_secret: "{}" }} }} ]
journeys:
  - name: j
    steps:
      - post: /a?access_token={}&api_key={}&X-Amz-Signature={}&code={}&next=%2Fb%3Ftoken%3D{}
        on-error: go-on
        headers:
          authorization: "Bearer {}"
          cookie: "sid={}; theme={}"
          x-api-key: "{}"
          dd-application-key: "{}"
          idempotency-key: "{}"
          x-house-number: "{}"
          x-note: "see {}"
        json:
          password: "{}"
          deep: [ {{ credentials: {{ who: "{}", what: ["{}"] }} }} ]
          cvc: "{}"
          ssn: "{}"
          iban: "{}"
          dob: "{}"
          remark: "card {} or {}"
          transfer: "to {}"
          jwt_inside: "{}"
          vendor: "{} {} {}"
          aws: "{} {}"
          link: "https://admin:{}@example.com/x"
          nested: '{{"clientSecret":"{}"}}'
          pairs: [ {{ name: x-auth-token, value: "{}" }} ]
          greeting: "${{greeting}}"
          from_pin: "${{pin}}"
      - post: /form
        on-error: go-on
        headers: {{ authorization: "Basic {basic}" }}
        form: {{ user: u, password: "{}", "card[number]": "{}", plain: "{}" }}
      - post: /xml
        on-error: go-on
        content-type: application/xml
        body: "<a><password>{}</password><b token='{}'/><note>{}</note></a>"
      - post: /multipart
        on-error: go-on
        content-type: "multipart/form-data; boundary=b"
        body: "{multipart}"
      - get: /reset/${{api_token}}/${{users.password}}?card=${{users.card}}&m=${{my_secret}}
        on-error: go-on
      - get: /hooks/{}?x=1
        on-error: go-on
      - get: /moved
        on-error: go-on
        check: {{ status: 200, contains: "{}" }}
      - get: /pass/${{person.password}}/${{card.number}}
thresholds: ["error share < 1%", "p99 of GET /hooks/{} < 1 us"]
"#,
        p.add("vendor", "sk_live_inAboutText01"),
        p.word("header"),
        p.word("variable"),
        p.word("variable"),
        p.word("query"),
        p.word("query"),
        p.word("query"),
        p.word("query"),
        p.word("query"),
        p.word("bearer"),
        p.word("cookie"),
        p.word("cookie"),
        p.word("header"),
        p.word("header"),
        p.word("idempotency key"),
        p.word("named"),
        p.jwt(),
        p.word("json"),
        p.word("json"),
        p.word("json"),
        p.word("json"),
        p.word("json"),
        p.word("json"),
        p.word("named"),
        p.add("card", "4242 4242 4242 4242"),
        p.add("card", "5555-5555-5555-4444"),
        p.add("IBAN", "DE89 3704 0044 0532 0130 00"),
        p.jwt(),
        p.add("vendor", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
        p.add("vendor", "xoxb-123456789012-abcdefghij"),
        p.add("vendor", "glpat-abcdefghij0123456789"),
        p.add("AWS", "AKIAIOSFODNN7EXAMPLE"),
        p.add("AWS", "ASIAIOSFODNN7EXAMPLF"),
        p.word("user info"),
        p.word("json in json"),
        p.word("pair"),
        p.word("form"),
        p.add("card", "378282246310005"),
        p.jwt(),
        p.word("XML"),
        p.word("XML"),
        p.add("IBAN", "GB82WEST12345698765432"),
        p.add("vendor", "sk_test_inAPath0123456789"),
        p.add("vendor", "whsec_inACheck0123456789"),
        "sk_test_inAPath0123456789",
    );
    fs::write(folder.join("leaky.yaml"), text).expect("a scenario");
    [
        "--set".to_owned(),
        format!("greeting={}", p.word("set")),
        format!("--set=variables.pin={}", p.word("set")),
        "--secret".to_owned(),
        "x-flagged".to_owned(),
        "--trace-url".to_owned(),
        "https://traces.example/{trace_id}".to_owned(),
    ]
    .into()
}

/// What the target adds: headers, and the rest of a JSON object that is cut off in the middle of its last secret.
fn answers(p: &mut Planted) -> (String, String) {
    let headers = format!(
        "Location: http://user:{}@127.0.0.1/next?code={}&session={}#id_token={}\r\nSet-Cookie: sid={}; Path=/; HttpOnly\r\n\
         X-Flagged: {}\r\nX-Csrf-Token: {}\r\nAuthentication-Info: nextnonce={}\r\n",
        p.word("user info"),
        p.word("query"),
        p.word("query"),
        p.jwt(),
        p.word("cookie"),
        p.word("named"),
        p.word("header"),
        p.word("header"),
    );
    let pem_line = p.add("PEM", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj");
    let body = format!(
        "\"accessToken\":\"{}\",\"client_secret\":\"pi_1_secret_{}\",\"pem\":\"-----BEGIN PRIVATE KEY-----\\n{pem_line}\\n-----END PRIVATE KEY-----\",\
         \"payload\":\"{}\",\"html\":\"<input name=\\\"csrf\\\" value=\\\"{}\\\">\",\"steer\":\"\x1b]0;owned\x07\u{202e}\",\"torn\":{{\"session\":\"{}",
        p.word("json"),
        p.word("json"),
        STANDARD.encode(format!("{{\"password\":\"{}\"}}", p.word("base64"))),
        p.word("HTML"),
        p.word("cut off"),
    );
    (headers, body)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => all.extend(files(&path)),
            false => all.push(path),
        }
    }
    all
}

fn only_entry(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).expect("a folder");
    let entry = entries.next().expect("a run").expect("an entry");
    assert!(entries.next().is_none());
    entry.path()
}

/// A run of everything that is planted, its target, and where it is.
struct LeakyRun {
    planted: Planted,
    target: Leaky,
    folder: TempDir,
    ended: Ended,
}

impl LeakyRun {
    fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut planted = Planted(Vec::new());
        let flags = scenario(&mut planted, folder.path());
        let (headers, body) = answers(&mut planted);
        let target = Leaky::start(headers, body);
        let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
        let mut arguments = vec![
            "run".to_owned(),
            path("leaky.yaml"),
            "--out".to_owned(),
            path("runs"),
        ];
        arguments.extend(["--progress", "json", "--target"].map(str::to_owned));
        arguments.push(target.url());
        arguments.extend(flags);
        let ended = Program::start(arguments).wait();
        Self {
            planted,
            target,
            folder,
            ended,
        }
    }

    fn run_folder(&self) -> PathBuf {
        only_entry(&self.folder.path().join("runs"))
    }

    fn assert_clean(&self, what: &str, bytes: &[u8]) {
        let found = self.planted.found_in(bytes);
        assert!(
            found.is_empty(),
            "{found:?} in {what}:\n{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn no_planted_secret_is_found_anywhere() {
    let run = LeakyRun::make();
    // Nothing succeeds; and a busy machine may make any run invalid.
    assert!(
        [4, 5].contains(&run.ended.code()),
        "{}{}",
        run.ended.out,
        run.ended.err
    );
    assert!(run.planted.0.len() >= 60, "{} secrets", run.planted.0.len());
    assert!(
        run.planted.shapes() >= 15,
        "{} shapes",
        run.planted.shapes()
    );
    assert_all_were_sent(&run);
    run.assert_clean("standard output", run.ended.out.as_bytes());
    run.assert_clean("standard error", run.ended.err.as_bytes());
    let folder = run.run_folder();
    for file in files(&folder) {
        run.assert_clean(
            &file.display().to_string(),
            &fs::read(&file).expect("a file"),
        );
    }
    let samples = fs::read_to_string(folder.join("samples.jsonl")).expect("samples");
    let page = fs::read_to_string(folder.join("report.html")).expect("the page");
    for (name, text) in [("samples.jsonl", &samples), ("report.html", &page)] {
        assert!(
            text.matches("‹secret ").count() > 60,
            "{name} shows that there were secrets"
        );
        assert!(
            !text.contains(['\u{1b}', '\u{202e}', '\u{9b}']),
            "{name} steers"
        );
    }
    for form in ["--junit", "--csv", "--markdown", "--text", "--json"] {
        let report = Program::start(["report", folder.to_str().expect("UTF-8"), form]).wait();
        assert_eq!(report.code(), 0, "{}", report.err);
        run.assert_clean(form, report.out.as_bytes());
    }
    let both = folder.to_str().expect("UTF-8");
    let compared = Program::start(["compare", both, both]).wait();
    run.assert_clean(
        "compare",
        format!("{}{}", compared.out, compared.err).as_bytes(),
    );
}

/// What was never sent cannot be found, and would prove nothing.
fn assert_all_were_sent(run: &LeakyRun) {
    let (seen, scenario) = (
        run.target.seen(),
        fs::read(run.folder.path().join("leaky.yaml")).expect("the scenario"),
    );
    let sent = run.planted.found_in(&seen);
    let written = run.planted.found_in(&scenario);
    let lost: Vec<&String> = run
        .planted
        .0
        .iter()
        .map(|(_, secret)| secret)
        .filter(|secret| !sent.contains(&secret.as_str()) && !written.contains(&secret.as_str()))
        // It stands within base64.
        .filter(|secret| !secret.contains("base64"))
        .collect();
    assert!(lost.is_empty(), "{lost:?} were not sent");
}

#[test]
fn neither_a_preview_nor_a_problem_shows_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut planted = Planted(Vec::new());
    let flags = scenario(&mut planted, folder.path());
    let path = folder.path().join("leaky.yaml");
    let name = path.to_str().expect("UTF-8");
    let clean = |what: &str, ended: &Ended| {
        let text = format!("{}{}", ended.out, ended.err);
        let found = planted.found_in(text.as_bytes());
        assert!(found.is_empty(), "{found:?} in {what}:\n{text}");
    };
    let set = |format: &str| {
        [
            &["preview", name, "--format", format][..],
            &[&flags[0], &flags[1], &flags[2]],
        ]
        .concat()
        .join("\0")
    };
    for format in ["text", "json"] {
        let preview = Program::start(set(format).split('\0')).wait();
        assert_eq!(preview.code(), 0, "{}", preview.err);
        assert!(preview.out.contains("‹secret "), "{}", preview.out);
        clean("preview", &preview);
    }
    // A mistake on each line: all of them are quoted.
    let text = fs::read_to_string(&path).expect("the scenario");
    let broken: String = text
        .lines()
        .map(
            |line| match line.contains("Pl4nted") || line.contains("_in") {
                true => {
                    format!("{line} # ${{nobody}}\n").replacen("Pl4nted", "${nobody}Pl4nted", 9)
                }
                false => format!("{line}\n"),
            },
        )
        .collect();
    fs::write(&path, broken).expect("the scenario");
    for format in ["text", "json"] {
        let check = Program::start(["check", name, "--format", format]).wait();
        assert_eq!(check.code(), 2, "{}", check.out);
        clean("check", &check);
    }
}

#[test]
fn what_is_refused_is_not_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = folder.path().join("runs");
    for (arguments, remedy) in [
        (
            vec![
                "run",
                "smoke",
                "--trace-url",
                "https://admin:Pl4nted-1@t.example/{trace_id}",
            ],
            "there is a secret in it",
        ),
        (
            vec!["run", "smoke", "--target", "http://admin:Pl4nted/1@host"],
            "--target",
        ),
        (vec!["run", "smoke", "--rate", "password=Pl4nted"], "--rate"),
        (
            vec![
                "run",
                "--url",
                "http://h/",
                "--rate",
                "1/s",
                "--header",
                "Pl4nted",
            ],
            "name: value",
        ),
    ] {
        let out = runs.to_str().expect("UTF-8");
        let ended = Program::start([&arguments[..], &["--out", out]].concat()).wait();
        assert_eq!(ended.code(), 2, "{arguments:?}: {}{}", ended.out, ended.err);
        assert!(ended.err.contains(remedy), "{arguments:?}: {}", ended.err);
        assert!(
            !format!("{}{}", ended.out, ended.err).contains("Pl4nted"),
            "{}",
            ended.err
        );
        assert!(!runs.exists(), "{arguments:?}");
    }
}

#[test]
fn run_folders_are_private_and_the_shops_log_holds_no_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shop.yaml");
    let scenario = r#"
name: private
load: { model: one-by-one, journeys: 1 }
journeys:
  - name: j
    steps:
      - post: /api/auth/register
        on-error: go-on
        json: { email: "a@example.com", password: "Pl4nted-password-1", name: "A" }
      - post: /api/auth/login
        on-error: go-on
        headers: { authorization: "Bearer Pl4nted-token-2" }
        json: { email: "a@example.com", password: "Pl4nted-password-3" }
      - post: /api/orders?token=Pl4nted-query-4
        on-error: go-on
        headers: { idempotency-key: "Pl4nted-key-5", cookie: "sid=Pl4nted-cookie-6" }
        json: { card: { number: "4242424242424242", cvc: "Pl4nted-7" }, items: "Pl4nted-8" }
"#;
    fs::write(&file, scenario).expect("a scenario");
    let out = folder.path().join("runs");
    let arguments = [
        "run",
        file.to_str().expect("UTF-8"),
        "--out",
        out.to_str().expect("UTF-8"),
        "--keep-shop",
        "--progress",
        "none",
    ];
    Program::start(arguments).wait().code();
    let run = only_entry(&out);
    let mode = |path: &Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    assert_eq!(mode(&run), 0o700);
    assert_eq!(mode(&run.join("shop")), 0o700);
    let files = files(&run);
    assert!(
        files.iter().any(|file| file.ends_with("shop/jwt.secret")),
        "{files:?}"
    );
    assert!(
        files
            .iter()
            .any(|file| file.extension().is_some_and(|end| end == "db")),
        "{files:?}"
    );
    for file in &files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    for file in files
        .iter()
        .filter(|file| !file.starts_with(run.join("shop")))
    {
        let text = String::from_utf8_lossy(&fs::read(file).expect("a file")).into_owned();
        for secret in [
            "Pl4nted-password",
            "Pl4nted-token",
            "Pl4nted-query",
            "Pl4nted-key",
            "Pl4nted-cookie",
            "Pl4nted-7",
            "4242424242424242",
        ] {
            assert!(!text.contains(secret), "{secret} in {}", file.display());
        }
    }
}

/// Fails where a source in this folder, but for those with these ends, writes in one of these ways.
fn expect_none_writes(folder: &str, ways: &[&str], exempt: &[&str], remedy: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for source in files(&root.join(folder)) {
        if source.extension().is_none_or(|end| end != "rs")
            || exempt.iter().any(|end| source.ends_with(end))
        {
            continue;
        }
        let text = fs::read_to_string(&source).expect("a source");
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for way in ways {
            let source = source.display();
            assert!(!code.contains(way), "`{way}` in {source}: use {remedy}");
        }
    }
}

/// Ways to write a file in place.
const IN_PLACE: [&str; 3] = ["File::create", "OpenOptions::new", "fs::write("];

/// Whoever keeps a file asks for a private one: this is where that is not so.
#[test]
fn nothing_is_written_past_the_module_for_private_files() {
    let ways = [&IN_PLACE[..], &["fs::create_dir", "DirBuilder::new"]].concat();
    // What someone asked for by its path gets the modes that they set for their files; tests are no product.
    let exempt = ["src/commands/report.rs", "shop/src/private.rs", "tests.rs"];
    for folder in ["src", "shop/src"] {
        expect_none_writes(folder, &ways, &exempt, "shop::private");
    }
}

/// Definitions are for everybody who may read a project, but never half written.
#[test]
fn no_definition_is_written_in_place() {
    let exempt = ["whole_file.rs"];
    expect_none_writes("provision/src", &IN_PLACE, &exempt, "whole_file::replace");
}

#[test]
fn a_name_is_no_formula_and_no_command_to_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("s.yaml");
    let scenario = "name: s\nload: { model: one-by-one, journeys: 1 }\nhttp: { timeout: 5s }\njourneys:\n  - name: j\n    steps:\n      \
        - { get: /a, name: \"=HYPERLINK(1)</script>\", on-error: go-on }\n      - { get: /b, name: \"a\\u001b]0;owned\\u0007\\u202e\" }\n";
    fs::write(&file, scenario).expect("a scenario");
    let target = Leaky::start(String::new(), "\"a\":1}".to_owned());
    let out = folder.path().join("runs");
    let arguments = [
        "run",
        file.to_str().expect("UTF-8"),
        "--out",
        out.to_str().expect("UTF-8"),
        "--target",
        &target.url(),
    ]
    .map(str::to_owned);
    let ended = Program::start(arguments).wait();
    let run = only_entry(&out);
    let csv = Program::start(["report", run.to_str().expect("UTF-8"), "--csv"])
        .wait()
        .out;
    assert!(csv.contains("'=HYPERLINK(1)"), "{csv}");
    let page = fs::read_to_string(run.join("report.html")).expect("the page");
    assert!(page.contains("&#39;=HYPERLINK(1)&lt;/script&gt;"));
    assert!(!page.contains("=HYPERLINK(1)</script>"));
    for (what, text) in [
        ("standard output", &ended.out),
        ("standard error", &ended.err),
        ("CSV", &csv),
        ("page", &page),
    ] {
        assert!(
            !text.contains(['\u{1b}', '\u{7}', '\u{202e}']),
            "{what}: {text}"
        );
    }
    assert!(ended.out.contains("\\u{1b}]0;owned"), "{}", ended.out);
}

#[test]
fn a_password_in_a_url_is_kept_nowhere_whatever_it_holds() {
    let (folder, echo) = (
        tempfile::tempdir().expect("a folder"),
        crate::echo::Echo::start(),
    );
    let out = folder.path().join("runs");
    for password in ["Pl4nted pw", "Pl4nted\"pw", "Pl4nted<pw", "12 Pl4nted"] {
        let url = echo.url().replace("://", &format!("://me:{password}@"));
        let out = out.join(password.len().to_string());
        let ended = Program::start([
            "run",
            "--url",
            &url,
            "--rate",
            "5/s",
            "--duration",
            "1s",
            "--out",
            out.to_str().expect("UTF-8"),
        ])
        .wait();
        ended.code();
        assert!(
            !ended.out.contains("Pl4nted") && !ended.err.contains("Pl4nted"),
            "{}{}",
            ended.out,
            ended.err
        );
        for file in files(&out) {
            let text = String::from_utf8_lossy(&fs::read(&file).expect("a file")).into_owned();
            assert!(
                !text.contains("Pl4nted"),
                "{password} in {}",
                file.display()
            );
        }
    }
    assert!(
        echo.seen()
            .iter()
            .all(|seen| seen.header("authorization").is_some())
    );
}
