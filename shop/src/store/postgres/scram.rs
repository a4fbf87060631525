//! Passwords as PostgreSQL keeps them (RFC 5803), so that the bare one never travels: the statement that sets
//! it may be logged, and `pg_stat_statements` shows it to everyone who monitors.

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use sha2::{Digest as _, Sha256};

/// PostgreSQL's own number of rounds.
const ROUNDS: u32 = 4_096;
/// PostgreSQL's own length of a salt.
const SALT_BYTES: usize = 16;

/// The verifier of a password, with a fresh salt. The password must be printable ASCII, which needs no
/// preparation.
pub(super) fn verifier(password: &str) -> anyhow::Result<String> {
    let mut salt = [0; SALT_BYTES];
    OsRng
        .try_fill_bytes(&mut salt)
        .context("the system has no random numbers")?;
    Ok(verifier_with(password, &salt))
}

fn verifier_with(password: &str, salt: &[u8]) -> String {
    let salted = salted(password.as_bytes(), salt);
    let stored = Sha256::digest(mac(&salted, &[b"Client Key"]));
    let server = mac(&salted, &[b"Server Key"]);
    format!(
        "SCRAM-SHA-256${ROUNDS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(server)
    )
}

/// PBKDF2 with HMAC-SHA-256, one block.
fn salted(password: &[u8], salt: &[u8]) -> [u8; 32] {
    let mut block = mac(password, &[salt, &1_u32.to_be_bytes()]);
    let mut sum = block;
    for _ in 1..ROUNDS {
        block = mac(password, &[&block]);
        for (sum, byte) in sum.iter_mut().zip(block) {
            *sum ^= byte;
        }
    }
    sum
}

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is fine for HMAC; a longer one than the block is hashed first.
    let mut mac =
        Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3: its server signature follows from the server key.
    #[test]
    fn the_verifier_is_the_one_of_the_rfc() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = salted(b"pencil", &salt);
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = mac(&mac(&salted, &[b"Server Key"]), &[message.as_bytes()]);
        assert_eq!(
            STANDARD.encode(signature),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        );
        assert!(
            verifier_with("pencil", &salt)
                .starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$")
        );
    }
}
