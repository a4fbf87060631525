//! What strangers could do with this shop: checked before anything listens, all problems at once.

use crate::config::Config;
use crate::secret::Secret;
use crate::service::Service;

/// Shortest secret that is not weak: as many characters as HS256 wants bytes (RFC 7518, 3.2).
const SECRET_CHARS_MIN: usize = 32;
/// Different characters of one that is not weak; 32 random hexadecimal digits have fewer than 8 once in a million times.
const DIFFERENT_CHARS_MIN: usize = 8;
/// What stands in secrets that were copied from somewhere.
const WELL_KNOWN: [&str; 8] = [
    "changeme",
    "change-me",
    "change_me",
    "change-in-production",
    "256-bit-secret",
    "your-secret",
    "supersecret",
    "password",
];
/// How to make one that is not weak.
const REMEDY: &str = "make one with `openssl rand -hex 32`";

/// Refuses a configuration that gives the shop away, and warns of what only its surroundings can make safe.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    let secrets = [
        ("JWT_SECRET", &config.jwt_secret),
        ("SHOP_ADMIN_TOKEN", &config.admin_token),
        ("SHOP_AUDIT_TOKEN", &config.audit_token),
        ("WEBHOOK_SECRET", &config.webhook_secret),
    ];
    let given = || {
        secrets
            .iter()
            .filter_map(|(name, s)| Some((*name, s.as_ref()?)))
    };
    let empty: Vec<String> = given()
        .filter(|(_, secret)| secret.expose().trim().is_empty())
        .map(|(name, _)| format!("{name} is empty; {REMEDY}, or leave the variable out"))
        .collect();
    refuse(&empty, "the shop cannot start")?;
    let weak: Vec<String> = given()
        .filter_map(|(name, secret)| Some(format!("{name} {}; {REMEDY}", weakness(secret)?)))
        .collect();
    if !config.is_beyond_loopback() || config.services.is_empty() {
        for problem in weak {
            tracing::warn!("{problem}");
        }
        return Ok(());
    }
    let mut problems = weak;
    if config.runs(Service::Orders) && config.admin_token.is_none() {
        let open = "anybody could change the catalogue; set SHOP_ADMIN_TOKEN";
        problems.push(format!("{open} ({REMEDY})"));
    }
    let where_to = format!(
        "with `--bind {}` strangers can reach the shop, so it does not start",
        config.bind
    );
    refuse(&problems, &where_to)?;
    warn_of_open_services(config);
    Ok(())
}

fn refuse(problems: &[String], why: &str) -> anyhow::Result<()> {
    anyhow::ensure!(
        problems.is_empty(),
        "{why}:\n  - {}",
        problems.join("\n  - ")
    );
    Ok(())
}

fn warn_of_open_services(config: &Config) {
    let open: Vec<&str> = config
        .services
        .iter()
        .filter(|service| **service != Service::Gateway)
        .map(|service| service.name())
        .collect();
    if !open.is_empty() {
        tracing::warn!(
            services = open.join(", "),
            bind = %config.bind,
            "services other than the gateway listen beyond this machine; keep strangers away from their ports, or run \
             them on 127.0.0.1 and the gateway alone with `--service gateway --bind …`"
        );
    }
}

/// Why a secret could be guessed, if it could.
fn weakness(secret: &Secret) -> Option<&'static str> {
    let text = secret.expose();
    let lower = text.to_ascii_lowercase();
    if WELL_KNOWN.iter().any(|known| lower.contains(known)) {
        return Some("is a well-known example");
    }
    if text.chars().count() < SECRET_CHARS_MIN {
        return Some("is shorter than 32 characters");
    }
    let bytes = text.as_bytes();
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    if different.len() < DIFFERENT_CHARS_MIN {
        return Some("consists of very few different characters");
    }
    is_regular(bytes).then_some("repeats itself or counts up")
}

/// Whether a text is one short piece again and again, or mostly steps of one size.
fn is_regular(bytes: &[u8]) -> bool {
    let repeats = (1..=bytes.len() / 2).any(|period| {
        let (head, tail) = (&bytes[..bytes.len() - period], &bytes[period..]);
        head == tail
    });
    let steps: Vec<i16> = bytes
        .windows(2)
        .map(|pair| i16::from(pair[1]) - i16::from(pair[0]))
        .collect();
    let same_steps = steps.windows(2).filter(|pair| pair[0] == pair[1]).count();
    repeats || same_steps * 2 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_weak(text: &str) -> bool {
        weakness(&Secret::new(text)).is_some()
    }

    #[test]
    fn secrets_that_can_be_guessed_are_weak() {
        for weak in [
            "x",
            "0123456789abcdef0123456789abcde",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz012345",
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb",
            "your-256-bit-secret-your-256-bit-secret!",
            "MyPassword-9f2c77ab31d04e5568c1a0be",
            "correct horse correct horse correct horse ",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
    }

    #[test]
    fn random_secrets_are_not_weak() {
        for good in [
            "7d0c5a51b8f3e29407c6d8ab1e3f4590",
            "whsec_kQ2f8Zr1LxV7mPb0TnYcG5sHjD3wAe9u",
            "staple-anchor-velvet-quartz-meadow-41",
        ] {
            assert!(!is_weak(good), "{good}");
        }
    }
}
