//! Proxies: which requests go through one, what it is told, and what the record says of it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::echo::Echo;
use crate::http2_server::{ANSWERS, Server};
use crate::support::{Ended, Program, Run, errors};
use crate::tls::file;

/// Variables that programs take proxies from.
const VARIABLES: [&str; 8] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

/// A proxy that opens tunnels, and passes the rest on as it is. Its threads end with the connections that they carry.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    stop: Arc<Mutex<bool>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Proxy {
    /// It says this to `CONNECT`.
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(Mutex::new(false));
        let (recorder, stopped) = (heads.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut threads = Vec::new();
            while let Ok((client, _)) = listener.accept() {
                if *stopped.lock().expect("no panic") {
                    break;
                }
                let recorder = recorder.clone();
                // Who hangs up ends it.
                threads.push(std::thread::spawn(move || {
                    let _ = carry(client, answer, &recorder);
                }));
            }
            for thread in threads {
                let _ = thread.join();
            }
        });
        Self {
            address,
            heads,
            stop,
            thread: Some(thread),
        }
    }

    fn url(&self) -> String {
        format!("http://me:pl4nted@{}", self.address)
    }

    /// The first head of each connection.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("no panic").clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        *self.stop.lock().expect("no panic") = true;
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn carry(mut client: TcpStream, answer: &str, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    heads.lock().expect("no panic").push(text.clone());
    let to = text.split(' ').nth(1).expect("a target");
    let place = to.trim_start_matches("http://");
    let place = place.split('/').next().expect("a place");
    let is_tunnel = text.starts_with("CONNECT ");
    if is_tunnel && !answer.starts_with("HTTP/1.1 200") {
        return client.write_all(answer.as_bytes());
    }
    let mut server = TcpStream::connect(place.replace("localhost", "127.0.0.1"))?;
    match is_tunnel {
        true => client.write_all(answer.as_bytes())?,
        false => server.write_all(&head)?,
    }
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let up = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
    let _ = std::io::copy(&mut server, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
    let _ = up.join();
    Ok(())
}

const OPEN: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A run of two requests to this target, with variables of the environment.
fn run(target: &str, http: &str, more: &[&str], variables: &[(&str, &str)]) -> (Run, Ended) {
    let scenario = format!(
        "name: through
load: {{ model: one-by-one, journeys: 1 }}
http: {{ tls: {{ ca: '{}' }}{http} }}
journeys: [{{ name: look, steps: [{{ get: /a }}, {{ get: /b }}] }}]
",
        file("ca.pem")
    );
    let run = Run::of(&scenario).with(&["--target", target]).with(more);
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.args(run.arguments());
    for name in VARIABLES {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    let ended = Program::spawn(command).wait();
    ended.code();
    for made in fs::read_dir(run.run_folder()).expect("a folder").flatten() {
        let bytes = fs::read(made.path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned() + &ended.out + &ended.err;
        assert!(!text.contains("pl4nted"), "{:?}", made.path());
    }
    (run, ended)
}

fn notes(run: &Run) -> Vec<String> {
    run.report().notes.iter().map(ToString::to_string).collect()
}

const BASIC: &str = "Basic bWU6cGw0bnRlZA==";

#[test]
fn requests_without_tls_name_their_whole_url() {
    for in_file in [true, false] {
        let (proxy, echo) = (Proxy::start(OPEN), Echo::start());
        let http = format!(", proxy: '{}'", proxy.url());
        let url = proxy.url();
        let (http, more) = match in_file {
            true => (http.as_str(), vec![]),
            false => ("", vec!["--proxy", url.as_str()]),
        };
        let (run, _) = run(&echo.url(), http, &more, &[]);
        assert_eq!(errors(&run.report()), Default::default());
        let seen = echo.seen();
        assert_eq!(seen.len(), 2);
        for request in &seen {
            assert_eq!(request.header("proxy-authorization"), Some(BASIC));
        }
        let first = format!("GET {}/a HTTP/1.1\r\n", echo.url());
        assert!(proxy.heads()[0].starts_with(&first), "{:?}", proxy.heads());
        let note = format!("requests went through the proxy http://{}", proxy.address);
        assert_eq!(notes(&run), [note]);
    }
}

#[test]
fn requests_with_tls_go_through_a_tunnel() {
    let (proxy, server) = (Proxy::start(OPEN), Server::start(ANSWERS));
    let (run, _) = run(&server.url(), "", &["-x", &proxy.url()], &[]);
    assert_eq!(errors(&run.report()), Default::default());
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|seen| seen.header("proxy-authorization").is_none())
    );
    let heads = proxy.heads();
    let first = format!("CONNECT {} HTTP/1.1\r\n", server.authority());
    assert!(
        heads.len() == 1 && heads[0].starts_with(&first),
        "{heads:?}"
    );
    assert!(heads[0].contains(BASIC), "{heads:?}");
}

#[test]
fn the_environment_counts_when_asked_and_is_mentioned_when_not() {
    let (proxy, echo) = (Proxy::start(OPEN), Echo::start());
    let url = proxy.url();
    let variables = [("HTTP_PROXY", url.as_str())];
    let asked = ["--proxy", "environment"];
    let (asked_run, _) = run(&echo.url(), "", &asked, &variables);
    assert_eq!((proxy.heads().len(), echo.seen().len()), (1, 2));
    assert_eq!(notes(&asked_run).len(), 1);
    let but = [variables[0], ("no_proxy", "127.0.0.1")];
    run(&echo.url(), ", proxy: environment", &[], &but);
    assert_eq!((proxy.heads().len(), echo.seen().len()), (1, 4));
    let (unused, ended) = run(&echo.url(), "", &[], &variables);
    assert_eq!((proxy.heads().len(), echo.seen().len()), (1, 6));
    let line = "HTTP_PROXY is set in the environment and not used";
    assert!(ended.err.contains(line), "{}", ended.err);
    assert!(notes(&unused)[0].starts_with(line), "{:?}", notes(&unused));
}

#[test]
fn what_a_proxy_says_has_a_name() {
    let server = Server::start(ANSWERS);
    for (answer, name) in [
        (
            "HTTP/1.1 407 Who?\r\ncontent-length: 0\r\n\r\n",
            "proxy_authorization",
        ),
        (
            "HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n",
            "proxy_refused",
        ),
        ("SSH-2.0-OpenSSH\r\n\r\n", "proxy_unreachable"),
    ] {
        let proxy = Proxy::start(answer);
        let (run, ended) = run(&server.url(), "", &["--proxy", &proxy.url()], &[]);
        assert_eq!(errors(&run.report()), [(name.to_owned(), 1)].into());
        assert!(ended.out.contains("proxy"), "{}", ended.out);
    }
    let gone = Proxy::start(OPEN).url();
    let (run, _) = run(&server.url(), "", &["--proxy", &gone], &[]);
    assert_eq!(
        errors(&run.report()),
        [("proxy_unreachable".to_owned(), 1)].into()
    );
    assert!(server.seen().is_empty());
}

#[test]
fn a_proxy_that_is_none_is_refused() {
    let run = Run::of(
        "name: a\nload: { model: one-by-one, journeys: 1 }\nhttp: { proxy: 'socks5://me:pl4nted@a:1' }\njourneys: [{ name: look, steps: [{ get: /a }] }]\n",
    );
    let ended = run.with(&["--target", "http://127.0.0.1:1"]).start().wait();
    assert_eq!(ended.code(), 2);
    assert!(
        ended.err.contains("no proxy that loadgen can use"),
        "{}",
        ended.err
    );
}

#[test]
fn a_proxy_that_the_target_is_kept_from_is_not_said_to_be_used() {
    let (proxy, echo) = (Proxy::start(OPEN), Echo::start());
    let url = proxy.url();
    let variables = [("HTTP_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1")];
    let (run, _) = run(&echo.url(), "", &["--proxy", "environment"], &variables);
    assert_eq!(errors(&run.report()), Default::default());
    assert!(proxy.heads().is_empty());
    let notes = notes(&run);
    assert!(
        notes[0].starts_with("requests to the target went through no proxy"),
        "{notes:?}"
    );
}
