//! The signature of a webhook: `t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`. Pure.

use std::time::Duration;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far the time in a signature may be from ours; an older recording is worth nothing.
pub(crate) const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// A header holds one signature for each secret in rotation; more than a few are not looked at.
const SIGNATURES_MAX: usize = 4;

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    #[error("the header Webhook-Signature must read t=<unix seconds>,v1=<hex>")]
    Malformed,
    #[error("the webhook was signed more than five minutes ago or in the future")]
    OutsideTolerance,
    #[error("the signature does not match the body")]
    Mismatch,
}

/// Checks a header against the body; the comparison takes the same time whatever differs.
pub(crate) fn verify(
    secret: &[u8],
    header: &str,
    body: &[u8],
    now_s: i64,
) -> Result<(), SignatureError> {
    let (signed_at_s, signatures) = parse(header).ok_or(SignatureError::Malformed)?;
    if now_s.abs_diff(signed_at_s) > TOLERANCE.as_secs() {
        return Err(SignatureError::OutsideTolerance);
    }
    let mac = mac(secret, signed_at_s, body).ok_or(SignatureError::Mismatch)?;
    let matches = |signature: &Vec<u8>| mac.clone().verify_slice(signature).is_ok();
    if signatures.iter().any(matches) {
        Ok(())
    } else {
        Err(SignatureError::Mismatch)
    }
}

/// The header for a body signed at `now_s`: what the provider's side does.
pub(crate) fn sign(secret: &[u8], body: &[u8], now_s: i64) -> String {
    let digest = mac(secret, now_s, body)
        .map(|mac| mac.finalize().into_bytes())
        .unwrap_or_default();
    let hex = telemetry::text::hex(digest);
    format!("t={now_s},v1={hex}")
}

fn mac(secret: &[u8], signed_at_s: i64, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{signed_at_s}.").as_bytes());
    mac.update(body);
    Some(mac)
}

fn parse(header: &str) -> Option<(i64, Vec<Vec<u8>>)> {
    let fields = || {
        header
            .split(',')
            .filter_map(|field| field.trim().split_once('='))
    };
    let signed_at_s = fields().find(|(name, _)| *name == "t")?.1.parse().ok()?;
    let signatures: Vec<_> = fields()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, hex)| decode_hex(hex))
        .take(SIGNATURES_MAX)
        .collect();
    (!signatures.is_empty()).then_some((signed_at_s, signatures))
}

fn decode_hex(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECRET: &[u8] = b"whsec_test";
    const NOW: i64 = 1_700_000_000;

    #[test]
    fn a_known_answer() {
        // printf '1700000000.{}' | openssl dgst -sha256 -hmac whsec_test
        assert_eq!(
            sign(SECRET, b"{}", NOW),
            "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91"
        );
        assert_eq!(
            verify(SECRET, &sign(SECRET, b"{}", NOW), b"{}", NOW),
            Ok(())
        );
    }

    #[test]
    fn another_body_secret_or_time_fails() {
        let header = sign(SECRET, b"{}", NOW);
        assert_eq!(
            verify(SECRET, &header, b"{ }", NOW),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            verify(b"other", &header, b"{}", NOW),
            Err(SignatureError::Mismatch)
        );
        let moved = header.replace("t=1700000000", "t=1700000001");
        assert_eq!(
            verify(SECRET, &moved, b"{}", NOW),
            Err(SignatureError::Mismatch)
        );
    }

    #[test]
    fn the_tolerance_is_five_minutes_both_ways() {
        let header = sign(SECRET, b"{}", NOW);
        assert_eq!(verify(SECRET, &header, b"{}", NOW + 300), Ok(()));
        assert_eq!(verify(SECRET, &header, b"{}", NOW - 300), Ok(()));
        for late in [NOW + 301, NOW - 301, i64::MIN, i64::MAX] {
            let result = verify(SECRET, &header, b"{}", late);
            assert_eq!(result, Err(SignatureError::OutsideTolerance), "{late}");
        }
    }

    #[test]
    fn an_old_secret_in_rotation_still_counts() {
        let good = sign(SECRET, b"{}", NOW);
        let both = good.replace("v1=", "v1=00ff,v1=");
        assert_eq!(verify(SECRET, &both, b"{}", NOW), Ok(()));
    }

    proptest! {
        /// No header makes the check panic, and none that we did not sign passes.
        #[test]
        fn any_header_is_refused(header in "\\PC*") {
            let result = verify(SECRET, &header, b"{}", NOW);
            prop_assert!(result.is_err());
        }
    }
}
