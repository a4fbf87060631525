//! The client secret of an intent: follows from its id, so it need not be stored.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// What webhooks are signed with, and client secrets are made of.
pub(super) struct WebhookSecret(pub(super) Secret);

/// The secret of one intent: `pi_…_secret_…`.
pub(super) fn of(WebhookSecret(key): &WebhookSecret, intent_id: &str) -> String {
    let digest = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
        .map(|mut mac| {
            // The prefix keeps these apart from the signatures that the same key makes.
            mac.update(b"client-secret:");
            mac.update(intent_id.as_bytes());
            mac.finalize().into_bytes()
        })
        .unwrap_or_default();
    let hex = telemetry::text::hex(&digest[..16]);
    format!("{intent_id}_secret_{hex}")
}
