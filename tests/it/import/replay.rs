//! A server that answers as was recorded, and remembers what it was asked.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) method: String,
    /// Path and query without percent signs.
    pub(super) path: String,
    pub(super) body: String,
    pub(super) headers: Vec<(String, String)>,
}

/// An answer to each request, in order; the last one stays.
type Answers = HashMap<(String, String), Vec<Value>>;

/// A running server; it ends with the test.
pub(super) struct Replay {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

pub(super) fn plain(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The path of a recorded request.
pub(super) fn path_of(entry: &Value) -> String {
    let url = url::Url::parse(entry["request"]["url"].as_str().expect("a URL")).expect("a URL");
    plain(&url[url::Position::BeforePath..url::Position::AfterQuery])
}

impl Replay {
    /// Answers as these entries did.
    pub(super) fn of(entries: &[Value]) -> Self {
        let mut answers = Answers::new();
        for entry in entries {
            let method = entry["request"]["method"]
                .as_str()
                .expect("a method")
                .to_owned();
            let key = (method, path_of(entry));
            answers
                .entry(key)
                .or_default()
                .push(entry["response"].clone());
        }
        answers.values_mut().for_each(|answers| answers.reverse());
        let answers = Arc::new(Mutex::new(answers));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let log = asked.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answers) = (log.clone(), answers.clone());
                tokio::spawn(async move {
                    let service = service_fn(|request| answer(request, &log, &answers));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self {
            address,
            asked,
            runtime: Some(runtime),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let _ = self
            .runtime
            .take()
            .map(tokio::runtime::Runtime::shutdown_background);
    }
}

async fn answer(
    request: Request<Incoming>,
    log: &Mutex<Vec<Asked>>,
    answers: &Mutex<Answers>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let asked = Asked {
        method: head.method.to_string(),
        path: plain(path),
        body: String::from_utf8_lossy(&body).into_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
    };
    let key = (asked.method.clone(), asked.path.clone());
    log.lock().expect("nobody panicked").push(asked);
    let recorded = {
        let mut answers = answers.lock().expect("nobody panicked");
        match answers.get_mut(&key) {
            Some(all) if all.len() > 1 => all.pop(),
            Some(all) => all.last().cloned(),
            None => None,
        }
    };
    Ok(response(recorded.as_ref()))
}

fn response(recorded: Option<&Value>) -> Response<Full<Bytes>> {
    let Some(recorded) = recorded else {
        return Response::builder()
            .status(599)
            .body(Full::default())
            .expect("a response");
    };
    let status = recorded["status"].as_u64().expect("a status") as u16;
    let mut response = Response::builder().status(status);
    for header in recorded["headers"].as_array().into_iter().flatten() {
        let name = header["name"]
            .as_str()
            .unwrap_or_default()
            .to_ascii_lowercase();
        if ["content-type", "set-cookie", "location", "etag", "x-token"].contains(&name.as_str()) {
            response = response.header(name, header["value"].as_str().unwrap_or_default());
        }
    }
    let body = recorded["content"]["text"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    response
        .body(Full::new(Bytes::from(body)))
        .expect("a response")
}
