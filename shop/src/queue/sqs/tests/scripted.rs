//! Answers that no test server gives: a stand-in says what it is told to, and notes what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;

/// A status and a body for each call but those that look for queues.
type Script = VecDeque<(u16, Value)>;

#[derive(Default)]
struct Stage {
    script: Mutex<Script>,
    asked: Mutex<Vec<(String, Value)>>,
}

async fn answer(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let target = headers["x-amz-target"].to_str().expect("text");
    let operation = target.rsplit('.').next().expect("a name").to_owned();
    if operation == "GetQueueUrl" {
        let url = format!(
            "http://queues/{}",
            body["QueueName"].as_str().expect("a name")
        );
        return (StatusCode::OK, Json(json!({ "QueueUrl": url })));
    }
    if operation == "GetQueueAttributes" {
        let policy = json!({"maxReceiveCount": 3, "deadLetterTargetArn": "arn"}).to_string();
        let attributes = json!({"QueueArn": "arn", "RedrivePolicy": policy});
        return (StatusCode::OK, Json(json!({ "Attributes": attributes })));
    }
    stage.asked.lock().expect("fine").push((operation, body));
    let next = stage.script.lock().expect("fine").pop_front();
    let (status, body) = next.expect("no more calls than the script has");
    (StatusCode::from_u16(status).expect("a status"), Json(body))
}

struct Scripted {
    stage: Arc<Stage>,
    queue: SqsQueue,
    server: JoinHandle<()>,
}

impl Scripted {
    async fn start(script: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let stage = Arc::new(Stage {
            script: Mutex::new(script.into_iter().collect()),
            ..Stage::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let router = Router::new()
            .route("/", post(answer))
            .with_state(stage.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serves");
        });
        let queue = open(&format!("http://127.0.0.1:{port}/1/shop-")).await;
        Scripted {
            stage,
            queue,
            server,
        }
    }

    /// The calls so far: the operation, and the ids or bodies of its entries.
    fn entries(&self) -> Vec<Vec<String>> {
        let asked = self.stage.asked.lock().expect("fine");
        let entry = |entry: &Value| {
            let word = entry.get("MessageBody").unwrap_or(&entry["ReceiptHandle"]);
            word.as_str().expect("text").to_owned()
        };
        let entries = asked
            .iter()
            .map(|(_, body)| body["Entries"].as_array().expect("entries"));
        entries
            .map(|entries| entries.iter().map(entry).collect())
            .collect()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn refusal(id: &str, code: &str, sender_fault: bool) -> Value {
    json!({"Id": id, "Code": code, "SenderFault": sender_fault, "Message": "no"})
}

fn partly(failed: &[Value]) -> (u16, Value) {
    (200, json!({"Successful": [], "Failed": failed}))
}

fn error(status: u16, code: &str, message: &str) -> (u16, Value) {
    let body = json!({"__type": format!("com.amazonaws.sqs#{code}"), "message": message});
    (status, body)
}

const ID: fn() -> QueueId = || Topic::Payments.queue();

#[tokio::test]
async fn what_sqs_refuses_of_a_batch_for_now_is_sent_again_alone() {
    let failed = [
        refusal("1", "InternalError", false),
        refusal("2", "InternalError", false),
    ];
    let script = [partly(&failed), partly(&failed[1..]), partly(&[])];
    let scripted = Scripted::start(script).await;
    let batch = ["a", "b", "c"].map(message);
    scripted.queue.send(ID(), &batch).await.expect("sends");
    assert_eq!(
        scripted.entries(),
        [vec!["a", "b", "c"], vec!["b", "c"], vec!["c"]]
    );
}

#[tokio::test]
async fn a_batch_that_is_never_taken_whole_is_not_sent() {
    let never = partly(&[refusal("0", "InternalError", false)]);
    let scripted = Scripted::start([never.clone(), never.clone(), never.clone(), never]).await;
    let refused = scripted.queue.send(ID(), &[message("a")]).await;
    assert!(
        matches!(refused, Err(QueueError::Unavailable(_))),
        "{refused:?}"
    );
    let wrong = partly(&[refusal("0", "InvalidMessageContents", true)]);
    let scripted = Scripted::start([wrong]).await;
    let refused = scripted.queue.send(ID(), &[message("a")]).await;
    assert!(matches!(refused, Err(QueueError::Limit(_))), "{refused:?}");
}

#[tokio::test]
async fn deletes_pass_over_stale_receipts_and_repeat_the_rest() {
    let failed = [
        refusal("0", "ReceiptHandleIsInvalid", true),
        refusal("1", "InternalError", false),
    ];
    let scripted = Scripted::start([partly(&failed), partly(&[])]).await;
    let receipts = ["stale".to_owned(), "good".to_owned()];
    scripted
        .queue
        .delete(ID(), &receipts)
        .await
        .expect("deletes");
    assert_eq!(scripted.entries(), [vec!["stale", "good"], vec!["good"]]);
}

#[tokio::test]
async fn a_failing_server_is_asked_again_and_then_unavailable() {
    let fine = (200, json!({"Successful": [], "Failed": []}));
    let throttled = error(400, "RequestThrottled", "slow down");
    let broken = error(503, "ServiceUnavailable", "later");
    let scripted = Scripted::start([throttled.clone(), broken.clone(), fine]).await;
    scripted
        .queue
        .send(ID(), &[message("a")])
        .await
        .expect("sends");
    let scripted = Scripted::start([broken.clone(), broken.clone(), broken]).await;
    let refused = scripted.queue.send(ID(), &[message("a")]).await;
    assert!(
        matches!(refused, Err(QueueError::Unavailable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn receipts_that_are_over_are_stale_and_too_much_is_too_much() {
    let beyond = "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the \
                  message is beyond the limit [43200 seconds].";
    for (status, code, text, is_stale) in [
        (400, "ReceiptHandleIsInvalid", "no", true),
        (400, "MessageNotInflight", "no", true),
        (
            400,
            "InvalidParameterValue",
            "The receipt handle has expired",
            true,
        ),
        (400, "InvalidParameterValue", beyond, false),
    ] {
        let scripted = Scripted::start([error(status, code, text)]).await;
        let change = scripted
            .queue
            .change_visibility(ID(), "r", VISIBILITY_DEFAULT);
        let refused = change.await.expect_err("refused");
        let as_expected = match refused {
            QueueError::StaleReceipt => is_stale,
            QueueError::Limit(_) => !is_stale,
            QueueError::Gone(_) | QueueError::Unavailable(_) => false,
        };
        assert!(as_expected, "{code} {text}: {refused:?}");
    }
}

#[tokio::test]
async fn refused_credentials_end_the_start_at_once_and_are_not_shown() {
    let settings = |port: u16| {
        let mut settings = settings(&format!("http://127.0.0.1:{port}/1/shop-"));
        let key = settings.access_key.as_mut().expect("a key");
        key.secret = Secret::new("hush-hush");
        settings
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let refuse = || async {
        let (status, body) = error(
            403,
            "InvalidClientTokenId",
            "The security token is invalid.",
        );
        (StatusCode::from_u16(status).expect("a status"), Json(body))
    };
    let router = Router::new().route("/", post(refuse));
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let refused = SqsQueue::open(settings(port), true)
        .await
        .err()
        .expect("refused");
    let said = format!("{refused:#} {refused:?} {:?}", settings(port));
    assert!(
        said.contains("InvalidClientTokenId") && said.contains("QUEUE_URL"),
        "{said}"
    );
    assert!(!said.contains("hush"), "{said}");
    server.abort();
}
