//! The client of SQS: where, as whom, and how patient.

use std::time::Duration;

use anyhow::Context as _;
use aws_config::BehaviorVersion;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::{self, Region};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::address::Address;
use crate::queue::settings::Settings;

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long one attempt of a call may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(3);
/// How long a call may take with its repetitions.
const CALL_MAX: Duration = Duration::from_secs(8);
/// Attempts of one call.
const ATTEMPTS_MAX: u32 = 3;
/// Longest pause between them.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// The region that servers other than AWS are told when none is set.
const REGION_DEFAULT: &str = "us-east-1";

/// What the URLs of the queues say.
pub(super) fn address_of(settings: &Settings) -> anyhow::Result<Address> {
    Address::parse(settings.url.expose()).context(
        "QUEUE_URL cannot be used; write what the URLs of all queues begin with, such as \
         `http://localhost:4566/000000000000/shop-` or `https://sqs.eu-central-1.amazonaws.com/123456789012/shop-`",
    )
}

/// Makes the client; asks nobody anything yet.
pub(super) async fn connect(settings: &Settings, address: &Address) -> Client {
    let endpoint = settings
        .endpoint
        .clone()
        .unwrap_or_else(|| address.origin.clone());
    let region = address.region.clone().or_else(|| settings.region.clone());
    let region = region.unwrap_or_else(|| REGION_DEFAULT.to_owned());
    let http_client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client)
        .region(Region::new(region))
        .endpoint_url(endpoint)
        .timeout_config(timeouts(ATTEMPT_MAX, CALL_MAX))
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS_MAX)
                .with_max_backoff(PAUSE_MAX),
        );
    if let Some(key) = &settings.access_key {
        let secret = key.secret.expose();
        let credentials = Credentials::new(&key.id, secret, None, None, "settings");
        loader = loader.credentials_provider(SharedCredentialsProvider::new(credentials));
    }
    Client::new(&loader.load().await)
}

/// Patience for a receive that waits.
pub(super) fn patient_by(wait: Duration) -> config::Builder {
    config::Builder::new().timeout_config(timeouts(ATTEMPT_MAX + wait, CALL_MAX + wait))
}

fn timeouts(attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_MAX)
        .operation_attempt_timeout(attempt)
        .operation_timeout(call)
        .build()
}
