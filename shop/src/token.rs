//! Access tokens, and the rule of who may see what.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::now_ms;
use crate::error::ApiError;
use crate::secret::Secret;
use crate::store::Role;

mod hs256;

const ISSUER: &str = "rum-shop";

/// Makes and checks access tokens (JWT, HS256).
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    ttl: Duration,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    role: String,
    iat: i64,
    exp: i64,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject: a user id, `guest:<order id>` or `pipeline:<order id>`; `admin` for the administrator's token.
    pub subject: String,
    /// What it may do.
    pub role: Role,
}

impl Caller {
    /// Whether the caller may do everything.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether the caller may see and cancel what `owner` owns. The one rule of ownership.
    pub fn may_access(&self, owner: &str) -> bool {
        self.is_admin() || self.subject == owner
    }
}

impl Tokens {
    /// Tokens signed with `secret`, good for `ttl`.
    pub fn new(secret: &Secret, ttl: Duration) -> Self {
        hs256::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "sub", "iss"]);
        validation.leeway = 0;
        Tokens {
            encoding: EncodingKey::from_secret(secret.expose().as_bytes()),
            decoding: DecodingKey::from_secret(secret.expose().as_bytes()),
            validation,
            ttl,
        }
    }

    /// A token with which the pipeline asks another service to do something about one order. No account and no guest has its
    /// subject, so only who knows the signing key can be the pipeline.
    pub fn issue_for_pipeline(&self, order_id: Uuid) -> Result<String, ApiError> {
        self.issue(&pipeline_subject(order_id), Role::Customer)
    }

    /// Whether a request comes from the pipeline, about this order.
    pub fn are_pipelines(&self, headers: &HeaderMap, order_id: Uuid) -> bool {
        let given = headers.get(header::AUTHORIZATION);
        let token = given.and_then(|value| value.to_str().ok()).and_then(bearer);
        let caller = token.and_then(|token| self.check(token));
        caller.is_some_and(|caller| caller.subject == pipeline_subject(order_id))
    }

    /// A fresh token.
    pub fn issue(&self, subject: &str, role: Role) -> Result<String, ApiError> {
        let now_s = now_ms() / 1_000;
        let ttl_s = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX / 2);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: subject.to_owned(),
            role: role.as_str().to_owned(),
            iat: now_s,
            exp: now_s.saturating_add(ttl_s),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map_err(|error| ApiError::internal(&error))
    }

    /// How long a fresh token is good for.
    pub fn ttl(&self) -> Duration {
        self.ttl
    }

    /// Who the token stands for, if it is genuine and has not expired.
    pub fn check(&self, token: &str) -> Option<Caller> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation).ok()?;
        let role = match data.claims.role.as_str() {
            "admin" => Role::Admin,
            _ => Role::Customer,
        };
        Some(Caller {
            subject: data.claims.sub,
            role,
        })
    }
}

fn pipeline_subject(order_id: Uuid) -> String {
    format!("pipeline:{order_id}")
}

/// The token of `Bearer <token>`.
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
