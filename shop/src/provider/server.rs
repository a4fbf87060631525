//! The simulated outside world as a process of its own: the same bank and post office, behind the APIs that real ones have.
//!
//! As much of Stripe's and SendGrid's shapes as the shop uses, with their errors. It knows nothing of the shop but where its
//! webhook is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::simulated::SimulatedProviders;
use crate::listener::{self, ConnectionLimits};
use crate::secret::Secret;
use crate::secret::same;

mod form;
mod mails;
mod payments;
mod webhooks;

pub use webhooks::WebhookTarget;
use webhooks::Webhooks;

/// Largest request.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Calls that are under way have so long when the process ends.
const CALLS_DRAIN: Duration = Duration::from_secs(5);
/// Unused connections are kept longer than the shop's clients keep theirs (90 s).
const LIMITS: ConnectionLimits = ConnectionLimits {
    idle_timeout: Duration::from_secs(120),
    ..ConnectionLimits::PRIVATE
};
/// How long the end of the process waits for webhooks on their way.
const WEBHOOKS_DRAIN: Duration = Duration::from_secs(2);

/// What the outside world demands and tells.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Payment calls need this key, if there is one.
    pub payment_key: Option<Secret>,
    /// Mail calls need this key, if there is one.
    pub mail_key: Option<Secret>,
    /// Who is told what became of charges.
    pub webhook: Option<WebhookTarget>,
}

#[derive(Clone)]
struct ProviderState {
    simulated: Arc<SimulatedProviders>,
    setup: Arc<Setup>,
    webhooks: Option<Webhooks>,
}

/// The outside world, serving.
pub struct RunningProvider {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    webhooks: Option<webhooks::Deliveries>,
}

/// Serves the world on a listener that is bound already.
///
/// # Errors
/// When the listener has no address, or the webhook's is none.
pub fn serve(
    listener: TcpListener,
    simulated: Arc<SimulatedProviders>,
    setup: Setup,
) -> anyhow::Result<RunningProvider> {
    let address = listener.local_addr()?;
    let started = setup.webhook.clone().map(webhooks::start).transpose()?;
    let (webhooks, deliveries) = started.unzip();
    let provider = ProviderState {
        simulated,
        setup: Arc::new(setup),
        webhooks,
    };
    let (stop, stopped) = watch::channel(false);
    let app = routes().with_state(provider);
    let server = tokio::spawn(listener::serve(listener, app, LIMITS, || (), stopped));
    Ok(RunningProvider {
        address,
        stop,
        server,
        webhooks: deliveries,
    })
}

impl RunningProvider {
    /// Finishes what is under way, tells what is to be told for a short while, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let mut server = self.server;
        match tokio::time::timeout(CALLS_DRAIN, &mut server).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the provider's server panicked"),
            Err(_) => {
                server.abort();
                tracing::warn!("calls of the shop are cut off");
            }
        }
        if let Some(webhooks) = self.webhooks {
            webhooks.stop(WEBHOOKS_DRAIN).await;
        }
    }
}

fn routes() -> Router<ProviderState> {
    Router::new()
        .route("/health", get(health))
        .route("/v1/payment_intents", post(payments::create))
        .route("/v1/charges", get(payments::charges))
        .route("/v1/refunds", post(payments::refund).get(payments::refunds))
        .route("/v3/mail/send", post(mails::send))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
}

async fn health(State(_): State<ProviderState>) -> Json<Value> {
    Json(json!({ "ok": true, "service": "provider" }))
}

/// An error in the payment provider's shape.
struct PaymentFailure {
    status: StatusCode,
    error: Value,
}

impl PaymentFailure {
    fn new(status: StatusCode, kind: &str, code: &str, parameter: &str) -> Self {
        Self {
            status,
            error: json!({ "type": kind, "code": code, "param": parameter, "message": code }),
        }
    }

    fn invalid(code: &str, parameter: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            code,
            parameter,
        )
    }

    fn down() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "api_error", "unavailable", "")
    }
}

impl IntoResponse for PaymentFailure {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}

/// Whether the request carries the key that is demanded, if one is.
fn has_key(headers: &HeaderMap, demanded: Option<&Secret>) -> bool {
    let Some(demanded) = demanded else {
        return true;
    };
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|given| same(demanded.expose().as_bytes(), given.as_bytes()))
}

/// The key of a call, so that its repetition is recognised.
fn idempotency_key(headers: &HeaderMap) -> Option<&str> {
    const KEY_BYTES_MAX: usize = 255;
    headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()))
}
