//! TLS: whom a run trusts, what it shows of itself, and why there is no connection, in every place where one looks. And how else
//! a staging system is reached: under another name or address, with credentials.
//!
//! `tests/tls/make.sh` makes the certificates anew.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::echo::Echo;
use crate::support::{Ended, Program, Run, errors};

/// A file beside the certificates, by its whole path.
pub(crate) fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tls")
        .join(name);
    path.to_str().expect("UTF-8").to_owned()
}

/// How a server behaves.
pub(crate) struct Manner {
    /// Its certificate.
    certificate: &'static str,
    /// Whether clients must show one of the same authority.
    wants_client: bool,
    versions: &'static [&'static SupportedProtocolVersion],
}

/// TLS 1.2 alone.
static OLD: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];

pub(crate) const USUAL: Manner = Manner {
    certificate: "server",
    wants_client: false,
    versions: rustls::ALL_VERSIONS,
};

/// A real TLS server that answers every request with 200; dropped, it stops.
struct Secure {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Secure {
    fn start(manner: &Manner) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let acceptor = TlsAcceptor::from(Arc::new(config(manner)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (stop, stopped) = oneshot::channel();
        let recorder = seen.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(listener, acceptor, recorder, stopped));
        });
        Self {
            address,
            seen,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads of all requests.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no recorder panicked").clone()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

pub(crate) fn config(manner: &Manner) -> ServerConfig {
    let pem = |kind: &str| fs::read(file(&format!("{}.{kind}", manner.certificate))).expect(kind);
    let text = pem("pem");
    let chain = CertificateDer::pem_slice_iter(&text).map(|one| one.expect("a certificate"));
    let chain: Vec<_> = chain.collect();
    let key = PrivateKeyDer::from_pem_slice(&pem("key")).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(file("ca.pem")).expect("a certificate");
    roots.add(ca).expect("an authority");
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(manner.versions)
        .expect("versions");
    let builder = match manner.wants_client {
        false => builder.with_no_client_auth(),
        true => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .expect("a verifier"),
        ),
    };
    builder
        .with_single_cert(chain, key)
        .expect("they belong together")
}

async fn serve(
    listener: std::net::TcpListener,
    acceptor: TlsAcceptor,
    seen: Arc<Mutex<Vec<String>>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = &mut stopped => break,
        };
        let (acceptor, seen) = (acceptor.clone(), seen.clone());
        connections.spawn(async move {
            // The client may refuse; that is what is tested.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut head = Vec::new();
            let mut piece = [0; 4096];
            while let Ok(read @ 1..) = stream.read(&mut piece).await {
                head.extend_from_slice(&piece[..read]);
                if head.ends_with(b"\r\n\r\n") {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut head)).into_owned();
                    seen.lock().expect("no recorder panicked").push(text);
                    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                    if stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            }
        });
    }
    connections.shutdown().await;
}

/// Two requests over one connection, with this under `http`.
fn scenario(http: &str) -> String {
    format!(
        "name: secure
load: {{ model: one-by-one, journeys: 1 }}
{http}
journeys: [{{ name: look, steps: [{{ get: /a }}, {{ get: /b }}] }}]
"
    )
}

/// Errors of a run against the server, and the run.
fn failed(server: &Secure, url: &str, http: &str, more: &[&str]) -> (Vec<String>, Run, Ended) {
    let run = Run::of(&scenario(http)).with(&["--target", url]).with(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    // What the machine trusts by its environment is no part of the test.
    command
        .args(run.arguments())
        .env_remove("SSL_CERT_FILE")
        .env_remove("SSL_CERT_DIR");
    let ended = Program::spawn(command).wait();
    ended.code();
    let kinds: Vec<String> = errors(&run.report()).into_keys().collect();
    assert_eq!(
        server.seen().len(),
        if kinds.is_empty() { 2 } else { 0 },
        "{}",
        ended.out
    );
    (kinds, run, ended)
}

const NONE: &[String] = &[];

#[test]
fn an_authority_of_ones_own_is_named_in_the_file_by_flag_or_in_the_environment() {
    let server = Secure::start(&USUAL);
    let in_file = format!("http: {{ tls: {{ ca: '{}' }} }}", file("ca.pem"));
    assert_eq!(failed(&server, &server.url(), &in_file, &[]).0, NONE);
    let server = Secure::start(&USUAL);
    let ca = file("ca.pem");
    let url = server.url().replace("127.0.0.1", "localhost");
    assert_eq!(failed(&server, &url, "", &["--ca", &ca]).0, NONE);
    for (variable, trusted) in [("ca.pem", true), ("other-ca.pem", false)] {
        let server = Secure::start(&USUAL);
        let run = Run::of(&scenario("")).with(&["--target", &server.url()]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command
            .args(run.arguments())
            .env("SSL_CERT_FILE", file(variable))
            .env_remove("SSL_CERT_DIR");
        Program::spawn(command).wait().code();
        let kinds: Vec<String> = errors(&run.report()).into_keys().collect();
        assert_eq!(kinds.is_empty(), trusted, "{kinds:?}");
    }
}

#[test]
fn the_reason_why_there_is_no_connection_stands_everywhere() {
    let expired = Manner {
        certificate: "expired",
        ..USUAL
    };
    let old = Manner {
        versions: OLD,
        ..USUAL
    };
    let ca = file("ca.pem");
    let other = file("other-ca.pem");
    let cases: [(&Manner, &str, &[&str], &str, &str); 6] = [
        (
            &USUAL,
            "127.0.0.1",
            &[],
            "tls_unknown_issuer",
            "http.tls.ca",
        ),
        (
            &USUAL,
            "127.0.0.1",
            &["--ca", &other],
            "tls_unknown_issuer",
            "signed by nobody",
        ),
        (
            &expired,
            "127.0.0.1",
            &["--ca", &ca],
            "tls_expired",
            "has expired",
        ),
        (
            &USUAL,
            "127.0.0.2",
            &["--ca", &ca, "--connect-to", "127.0.0.2::127.0.0.1:"],
            "tls_wrong_name",
            "other names",
        ),
        (
            &old,
            "127.0.0.1",
            &["--ca", &ca, "--tls-min-version", "1.3"],
            "tls_version",
            "min-version",
        ),
        (
            &Manner {
                wants_client: true,
                ..USUAL
            },
            "127.0.0.1",
            &["--ca", &ca],
            "tls_client_certificate",
            "--client-cert",
        ),
    ];
    for (manner, host, more, name, why) in cases {
        let server = Secure::start(manner);
        let url = server.url().replace("127.0.0.1", host);
        let (kinds, run, ended) = failed(&server, &url, "", more);
        assert_eq!(kinds, [name], "{}", ended.out);
        assert!(
            ended.out.contains(name) && ended.out.contains(why),
            "{name}: {}",
            ended.out
        );
        for made in ["samples.jsonl", "run.json", "report.html"] {
            let text = fs::read_to_string(run.run_folder().join(made)).expect(made);
            assert!(text.contains(name) && text.contains(why), "{name}: {made}");
        }
        assert_eq!(ended.code(), crate::support::code_of(&run.report()));
    }
}

#[test]
fn a_client_shows_its_certificate() {
    let wants = Manner {
        wants_client: true,
        ..USUAL
    };
    for versions in [rustls::ALL_VERSIONS, OLD] {
        let server = Secure::start(&Manner { versions, ..wants });
        let http = format!(
            "http: {{ tls: {{ ca: '{}', client-cert: '{}', client-key: '{}' }} }}",
            file("ca.pem"),
            file("client.pem"),
            file("client.key")
        );
        assert_eq!(failed(&server, &server.url(), &http, &[]).0, NONE);
    }
    let server = Secure::start(&wants);
    let folder = tempfile::tempdir().expect("a folder");
    let both = folder.path().join("both.pem");
    let text = |name: &str| fs::read_to_string(file(name)).expect(name);
    fs::write(&both, text("client.pem") + &text("client.key")).expect("a file");
    let flags = [
        "--ca",
        &file("ca.pem"),
        "--client-cert",
        both.to_str().expect("UTF-8"),
    ];
    assert_eq!(failed(&server, &server.url(), "", &flags).0, NONE);
}

#[test]
fn staging_shows_itself_or_anyone_will_do_and_the_record_says_so() {
    let itself = Manner {
        certificate: "itself",
        ..USUAL
    };
    let server = Secure::start(&itself);
    let flags = ["--ca", &file("itself.pem")];
    assert_eq!(failed(&server, &server.url(), "", &flags).0, NONE);
    // Trusted by itself, it is still not trusted under another name.
    let server = Secure::start(&itself);
    let url = format!("https://shop.example:{}", server.port());
    let to = format!("::127.0.0.1:{}", server.port());
    let flags = ["--ca", &file("itself.pem"), "--connect-to", &to];
    assert_eq!(failed(&server, &url, "", &flags).0, ["tls_wrong_name"]);
    let expired = Manner {
        certificate: "expired",
        ..USUAL
    };
    for (http, flags) in [
        ("http: { tls: { insecure: true } }", &[][..]),
        ("", &["-k"]),
    ] {
        let server = Secure::start(&expired);
        let (kinds, run, ended) = failed(&server, &server.url(), http, flags);
        assert_eq!(kinds, NONE);
        assert!(
            ended.out.contains("certificates were not verified"),
            "{}",
            ended.out
        );
        assert_eq!(run.report().notes.len(), 1);
    }
}

#[test]
fn wrong_files_are_named_before_anything_is_sent_and_all_at_once() {
    let http = "http: { tls: { ca: nowhere.pem, client-cert: scenario.yaml, min-version: 1.1 } }";
    let run = Run::of(&scenario(http)).with(&["--target", "https://127.0.0.1:1"]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 2, "{}", ended.err);
    for part in [
        "nowhere.pem",
        "no such file",
        "no certificate in PEM",
        "`1.1` is no version",
    ] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    let flags = |more: &[&str]| {
        let run = Run::of(&scenario(""))
            .with(&["--target", "https://127.0.0.1:1"])
            .with(more);
        let ended = run.start().wait();
        assert_eq!(ended.code(), 2, "{}", ended.err);
        ended.err
    };
    let cert = file("client.pem");
    let foreign = flags(&["--client-cert", &cert, "--client-key", &file("server.key")]);
    assert!(foreign.contains("belong together"), "{foreign}");
    let no_key = flags(&["--client-cert", &cert]);
    assert!(no_key.contains("no private key"), "{no_key}");
    let run = Run::of(&scenario("")).with(&["--target", "https://127.0.0.1:1"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("SSL_CERT_FILE", "/nowhere/at/all.pem")
        .env_remove("SSL_CERT_DIR");
    let ended = Program::spawn(command).wait();
    assert_eq!(ended.code(), 2, "{}", ended.err);
    assert!(ended.err.contains("SSL_CERT_FILE"), "{}", ended.err);
}

#[test]
fn a_target_is_reached_under_its_name_wherever_it_is() {
    let url = |port: u16| format!("https://shop.example:{port}");
    type Flags = fn(u16) -> Vec<String>;
    let ways: [(&str, Flags); 3] = [
        ("", |port| {
            vec![
                "--resolve".to_owned(),
                format!("shop.example:{port}:127.0.0.1"),
            ]
        }),
        ("", |port| {
            vec![
                "--connect-to".to_owned(),
                format!("shop.example:{port}:localhost:"),
            ]
        }),
        ("connect-to: { shop.example: 127.0.0.1 }, ", |_| Vec::new()),
    ];
    for (http, flags) in ways {
        let server = Secure::start(&USUAL);
        let flags = flags(server.port());
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let http = format!("http: {{ {http}tls: {{ ca: '{}' }} }}", file("ca.pem"));
        let (kinds, run, _) = failed(&server, &url(server.port()), &http, &flags);
        assert_eq!(kinds, NONE);
        let host = format!("host: shop.example:{}\r\n", server.port());
        assert!(
            server.seen().iter().all(|head| head.contains(&host)),
            "{:?}",
            server.seen()
        );
        assert!(run.report().notes[0].contains("shop.example"));
    }
    for flag in ["--resolve", "--connect-to"] {
        let run = Run::of(&scenario("")).with(&["--target", "http://a:1", flag, "a:1"]);
        let ended = run.start().wait();
        assert_eq!(ended.code(), 2);
        assert!(
            ended.err.contains("shop.example:443:127.0.0.1"),
            "{}",
            ended.err
        );
    }
}

#[test]
fn a_host_header_of_ones_own_goes_to_the_target_alone() {
    let (target, other) = (Echo::start(), Echo::start());
    let scenario = format!(
        "name: host
load: {{ model: one-by-one, journeys: 1 }}
http: {{ headers: {{ host: shop.example }} }}
journeys:
  - name: look
    steps:
      - get: /a
      - {{ get: /b, headers: {{ host: other.example }} }}
      - {{ get: '{0}/c', name: GET elsewhere }}
      - {{ get: '{0}/d', name: GET elsewhere too, headers: {{ Host: named.example }} }}
",
        other.url()
    );
    Run::of(&scenario)
        .with(&["--target", &target.url()])
        .finish();
    let hosts = |echo: &Echo| -> Vec<String> {
        let seen = echo.seen();
        let host = |request: &crate::echo::Recorded| request.header("host").map(str::to_owned);
        seen.iter().filter_map(host).collect()
    };
    assert_eq!(hosts(&target), ["shop.example", "other.example"]);
    let own = other.url().replace("http://", "");
    assert_eq!(hosts(&other), [own.as_str(), "named.example"]);
}

/// What the target and another place saw of `authorization`.
fn authorizations(
    http: &str,
    step: &str,
    target: impl Fn(&str) -> String,
    more: &[&str],
) -> (Vec<Option<String>>, Option<String>, Run) {
    let (echo, other) = (Echo::start(), Echo::start());
    let scenario = format!(
        "name: who
load: {{ model: one-by-one, journeys: 1 }}
variables: {{ who: me }}
{http}
journeys:
  - name: look
    steps:
      - {{ get: /a, extract: {{ token: /token }} }}
      - {step}
      - {{ get: '{}/c', name: GET elsewhere }}
",
        other.url()
    );
    let run = Run::of(&scenario)
        .with(&["--target", &target(&echo.url())])
        .with(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command
        .args(run.arguments())
        .env("LOADGEN_TEST_PASSWORD", "pl4nted-in-the-environment")
        .env_remove("LOADGEN_TEST_ABSENT");
    let ended = Program::spawn(command).wait();
    assert!(matches!(ended.code(), 0 | 4), "{}{}", ended.out, ended.err);
    for made in fs::read_dir(run.run_folder()).expect("a folder").flatten() {
        let bytes = fs::read(made.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned() + &ended.out + &ended.err;
        assert!(!text.contains("pl4nted"), "{:?}", made.path());
    }
    let value =
        |request: &crate::echo::Recorded| request.header("authorization").map(str::to_owned);
    let seen = echo.seen().iter().map(value).collect();
    (seen, other.seen().first().and_then(value), run)
}

fn basic(pair: &str) -> Option<String> {
    use base64::Engine as _;
    let coded = base64::engine::general_purpose::STANDARD.encode(pair);
    Some(format!("Basic {coded}"))
}

#[test]
fn shoppers_say_who_they_are_to_the_target_alone_and_nobody_sees_it() {
    let plain = |url: &str| url.to_owned();
    let secret = "pl4nted-in-the-environment";
    let get = "{ get: /b }";
    let both = |value: Option<String>| vec![value.clone(), value];
    let basic_of_env = r#"http: { auth: { basic: { user: "${who}", password: "${env.LOADGEN_TEST_PASSWORD}" } } }"#;
    let (seen, elsewhere, _) = authorizations(basic_of_env, get, plain, &[]);
    assert_eq!(
        (seen, elsewhere),
        (both(basic(&format!("me:{secret}"))), None)
    );
    let constant = "http: { auth: { basic: { user: me, password: pl4nted } } }";
    let (seen, elsewhere, _) = authorizations(constant, get, plain, &[]);
    assert_eq!((seen, elsewhere), (both(basic("me:pl4nted")), None));
    let bearer = r#"http: { auth: { bearer: "${env.LOADGEN_TEST_PASSWORD}" } }"#;
    let (seen, elsewhere, _) = authorizations(bearer, get, plain, &[]);
    assert_eq!(
        (seen, elsewhere),
        (both(Some(format!("Bearer {secret}"))), None)
    );

    let step = r#"{ get: /b, auth: { bearer: "${token}" } }"#;
    let (seen, ..) = authorizations(constant, step, plain, &[]);
    assert!(
        seen[1]
            .as_ref()
            .is_some_and(|value| value.starts_with("Bearer t-")),
        "{seen:?}"
    );

    let in_url = |url: &str| url.replace("http://", "http://us%40er:pl4nted%3A1@");
    let (seen, elsewhere, run) = authorizations("", get, in_url, &[]);
    assert_eq!((seen, elsewhere), (both(basic("us@er:pl4nted:1")), None));
    assert!(
        !run.report().target.contains('@'),
        "{}",
        run.report().target
    );
    let (seen, ..) = authorizations("", get, plain, &["--user", "me:pl4nted:2"]);
    assert_eq!(seen, both(basic("me:pl4nted:2")));
}

#[test]
fn a_url_with_credentials_is_one_request_too_and_in_a_step() {
    let echo = Echo::start();
    let out = tempfile::tempdir().expect("a folder");
    let url = echo.url().replace("http://", "http://me:pl4nted@") + "/page?q=a@b";
    let run = [
        "run",
        "--url",
        &url,
        "--rate",
        "5/s",
        "--duration",
        "1s",
        "--out",
    ];
    let run = run.into_iter().chain([out.path().to_str().expect("UTF-8")]);
    let ended = Program::start(run).wait();
    assert!(
        !(ended.out.clone() + &ended.err).contains("pl4nted"),
        "{}{}",
        ended.out,
        ended.err
    );
    let seen = echo.seen();
    assert_eq!(seen[0].path, "/page?q=a@b");
    assert_eq!(
        seen[0].header("authorization"),
        basic("me:pl4nted").as_deref()
    );
    let folder = fs::read_dir(out.path())
        .expect("a folder")
        .flatten()
        .next()
        .expect("a run");
    for made in fs::read_dir(folder.path()).expect("a folder").flatten() {
        let bytes = fs::read(made.path()).unwrap_or_default();
        assert!(
            !String::from_utf8_lossy(&bytes).contains("pl4nted"),
            "{:?}",
            made.path()
        );
    }

    let other = Echo::start();
    let step = format!(
        "{{ get: '{}/b', name: GET b }}",
        other.url().replace("http://", "http://you:pl4nted@")
    );
    let (seen, ..) = authorizations("", &step, str::to_owned, &[]);
    assert_eq!(seen, [None]);
    assert_eq!(
        other.seen()[0].header("authorization"),
        basic("you:pl4nted").as_deref()
    );
}

#[test]
fn a_variable_of_the_environment_that_is_not_set_is_named() {
    let http = r#"http: { headers: { x-a: "${env.LOADGEN_TEST_ABSENT}" } }"#;
    let run = Run::of(&scenario(http)).with(&["--target", "http://127.0.0.1:1"]);
    let ended = run.start().wait();
    assert_eq!(ended.code(), 2);
    assert!(
        ended
            .err
            .contains("the environment has no `LOADGEN_TEST_ABSENT`"),
        "{}",
        ended.err
    );
}
