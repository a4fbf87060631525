//! What stands in the log, and what happens when nobody reads it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;
use crate::metrics::Registry;
use crate::trace::{IdSource, SpanId, TraceContext, TraceId};
use crate::{Context, catalogue::metric};

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shop() -> Identity {
    Identity::new("shop", "test", "1.2.3")
}

fn cart_context() -> Context {
    let ids = Arc::new(IdSource::seeded(1));
    let trace = TraceContext {
        trace_id: TraceId(0xabcd_0000_0000_0000_ffff_ffff_ffff_fffe),
        span_id: SpanId(255),
        ..TraceContext::root(&ids)
    };
    Context::new(Identity::new("rum-shop-cart", "test", "1.2.3"), ids)
        .with_trace(trace)
        .with_correlation_id("corr-1")
}

/// Runs `work` under a log and gives the text of its lines.
fn logged(work: impl FnOnce()) -> String {
    let output = Output::default();
    let (layer, guard) = start(shop(), output.clone()).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), work);
    assert_eq!(
        guard.finish(),
        LogSummary {
            dropped_lines: 0,
            complete: true
        }
    );
    let bytes = output.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_line_in_a_context_has_exactly_these_fields_in_this_order() {
    let text = logged(|| {
        let _entered = cart_context().enter();
        tracing::info!(
            http.route = "/api/cart/{id}",
            http.response.status_code = 200,
            duration_ms = 1.25,
            "request"
        );
    });
    let (head, rest) = text.split_once(',').unwrap();
    let timestamp = head
        .strip_prefix("{\"timestamp\":\"")
        .and_then(|t| t.strip_suffix('"'))
        .unwrap();
    let format = &time::format_description::well_known::Rfc3339;
    assert!(
        time::OffsetDateTime::parse(timestamp, format).is_ok() && timestamp.len() == 24,
        "{timestamp}"
    );
    assert_eq!(
        rest,
        "\"level\":\"INFO\",\"status\":\"info\",\"service\":\"rum-shop-cart\",\"dd.service\":\"rum-shop-cart\",\
         \"dd.env\":\"test\",\"dd.version\":\"1.2.3\",\"message\":\"request\",\"dd.trace_id\":\"18446744073709551614\",\
         \"dd.span_id\":\"255\",\"correlation_id\":\"corr-1\",\"http.route\":\"/api/cart/{id}\",\
         \"http.response.status_code\":200,\"duration_ms\":1.25}\n"
    );
}

#[test]
fn a_line_outside_any_context_is_the_default_services() {
    let lines = parsed(&logged(|| {
        tracing::warn!(count = 3_u64, "careful: \"quoted\"\n{}", 'é')
    }));
    assert_eq!(lines[0]["service"], "shop");
    assert_eq!(lines[0]["status"], "warn");
    assert_eq!(lines[0]["message"], "careful: \"quoted\"\né");
    assert_eq!(lines[0]["count"], 3);
    assert!(lines[0].get("dd.trace_id").is_none());
}

#[test]
fn an_event_cannot_overwrite_the_lines_own_fields() {
    let lines = parsed(&logged(|| {
        let _entered = cart_context().enter();
        tracing::info!(
            service = "liar",
            dd.trace_id = 1,
            correlation_id = "mine",
            r#type = "t"
        );
    }));
    let line = lines[0].as_object().unwrap();
    assert_eq!(line["service"], "rum-shop-cart");
    assert_eq!(line["event.service"], "liar");
    assert_eq!(line["event.dd.trace_id"], 1);
    assert_eq!(line["correlation_id"], "mine");
    assert_eq!(line["type"], "t");
    assert!(line["message"].as_str().unwrap().starts_with("event "));
}

#[test]
fn errors_show_their_causes_and_odd_values_stay_json() {
    #[derive(Debug, thiserror::Error)]
    #[error("order not stored")]
    struct Outer(#[source] io::Error);

    let lines = parsed(&logged(|| {
        let error = Outer(io::Error::other("disk full"));
        let error: &(dyn std::error::Error + 'static) = &error;
        tracing::error!(error, ratio = f64::NAN, option = ?Some(1), "failed");
        tracing::info!(text = "é".repeat(FIELD_BYTES_MAX), "long");
    }));
    assert_eq!(lines[0]["error"], "order not stored: disk full");
    assert_eq!(lines[0]["ratio"], "NaN");
    assert_eq!(lines[0]["option"], "Some(1)");
    assert_eq!(lines[1]["text"].as_str().unwrap().len(), FIELD_BYTES_MAX);
}

#[test]
fn a_value_that_logs_while_it_is_formatted_does_no_harm() {
    struct Chatty;
    impl std::fmt::Debug for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("inner");
            f.write_str("chatty")
        }
    }
    // The subscriber is not told of events inside its own callback; the outer line must be whole all the same.
    let lines = parsed(&logged(|| tracing::info!(value = ?Chatty, "outer")));
    let outer = lines.last().unwrap();
    assert_eq!(
        (&outer["message"], &outer["value"]),
        (&"outer".into(), &"chatty".into())
    );
}

/// Blocks each write until told to go on.
struct Stuck {
    go_on: Receiver<()>,
    began: Sender<()>,
    output: Output,
}

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.began.send(()).map_err(io::Error::other)?;
        // A closed channel lets every further write pass.
        let _ = self.go_on.recv();
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_reader_that_does_not_read_costs_lines_not_time_or_memory() {
    let (go, go_on) = channel();
    let (began, writing) = channel();
    let output = Output::default();
    let stuck = Stuck {
        go_on,
        began,
        output: output.clone(),
    };
    let (layer, guard) = start(shop(), stuck).unwrap();
    let registry = Registry::new(shop()).unwrap();
    let drops = registry.counter(metric::LOG_LINES_DROPPED, &[]);
    guard.count_drops(drops.clone());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!("first");
        writing.recv().unwrap();
        let text = "x".repeat(10_000);
        for _ in 0..QUEUE_BYTES_MAX / 10_000 + 20 {
            tracing::info!(text, "more");
        }
    });
    assert!(drops.get() >= 20, "{}", drops.get());
    drop(go);
    let summary = guard.finish();
    assert_eq!(
        summary,
        LogSummary {
            dropped_lines: drops.get(),
            complete: true
        }
    );
    let bytes = output.0.lock().unwrap().clone();
    assert!(bytes.len() <= QUEUE_BYTES_MAX + 20_000);
    let lines = parsed(std::str::from_utf8(&bytes).unwrap());
    let told = lines
        .iter()
        .find_map(|line| line.get("dropped_lines"))
        .unwrap();
    assert_eq!(told.as_u64(), Some(drops.get()));
}

#[test]
fn an_output_that_fails_is_told_of_at_the_end() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (layer, guard) = start(shop(), Closed).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!("lost");
    });
    assert_eq!(
        guard.finish(),
        LogSummary {
            dropped_lines: 1,
            complete: false
        }
    );
}

#[test]
fn a_flush_brings_out_every_line_so_far() {
    let output = Output::default();
    let (layer, guard) = start(shop(), output.clone()).unwrap();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for number in 1..=100 {
            tracing::info!("line {number}");
            assert!(guard.flush());
            let bytes = output.0.lock().unwrap().clone();
            assert_eq!(parsed(std::str::from_utf8(&bytes).unwrap()).len(), number);
        }
    });
}

#[test]
fn secrets_are_hidden_by_the_names_of_fields_and_in_errors_by_their_shape() {
    let text = logged(|| {
        tracing::info!(password = "hunter2", pin = 4711, api_key = %"abc", user = "ada", "in");
        let cause = io::Error::other("redis://:hunter2@127.0.0.1 refused {\"token\":\"abc\"}");
        tracing::error!(%cause, "cannot connect with Bearer abcdefgh12");
    });
    for secret in ["hunter2", "4711", "abc"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let lines = parsed(&text);
    assert_eq!(lines[0]["password"], "‹secret›");
    assert_eq!(lines[0]["user"], "ada");
    assert_eq!(
        lines[1]["cause"],
        "redis://‹secret›@127.0.0.1 refused {\"token\":\"‹secret›\"}"
    );
}
