//! Access tokens and the rule of who may do what.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::config::Secret;
use crate::context::{AppState, now_ms};
use crate::error::ApiError;
use crate::store::Role;

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

/// The caller, if the request carries a token. A bad token is refused rather than ignored.
pub struct MaybeCaller(pub Option<Caller>);

/// The caller; a request without a token is refused.
pub struct RequiredCaller(pub Caller);

/// The administrator, where the configuration asks for one.
pub struct CatalogueAdmin;

/// Whoever may read the shop's books: the bearer of the audit token, or an administrator.
pub struct Auditor;

impl FromRequestParts<AppState> for MaybeCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        caller(&parts.headers, state).await.map(MaybeCaller)
    }
}

impl FromRequestParts<AppState> for RequiredCaller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        caller(&parts.headers, state)
            .await?
            .map(RequiredCaller)
            .ok_or_else(|| ApiError::unauthorized("this needs `Authorization: Bearer <token>`"))
    }
}

impl FromRequestParts<AppState> for CatalogueAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        if state.context.config.admin_token.is_none() {
            return Ok(CatalogueAdmin);
        }
        match caller(&parts.headers, state).await? {
            Some(caller) if caller.is_admin() => Ok(CatalogueAdmin),
            Some(_) => Err(ApiError::forbidden("this needs an administrator")),
            None => Err(ApiError::unauthorized(
                "this needs an administrator's `Authorization: Bearer <token>`",
            )),
        }
    }
}

impl FromRequestParts<AppState> for Auditor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let given = parts.headers.get(header::AUTHORIZATION);
        let token = given.and_then(|value| value.to_str().ok()).and_then(bearer);
        if token.is_some_and(|token| is_token(token, state.context.config.audit_token.as_ref())) {
            return Ok(Auditor);
        }
        match caller(&parts.headers, state).await? {
            Some(caller) if caller.is_admin() => Ok(Auditor),
            Some(_) => Err(ApiError::forbidden(
                "this needs an auditor or an administrator",
            )),
            None => Err(ApiError::unauthorized(
                "this needs an auditor's or administrator's `Authorization: Bearer <token>`",
            )),
        }
    }
}

async fn caller(headers: &HeaderMap, state: &AppState) -> Result<Option<Caller>, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| ApiError::unauthorized("the authorization must be `Bearer <token>`"))?;
    if is_token(token, state.context.config.admin_token.as_ref()) {
        return Ok(Some(Caller {
            subject: "admin".to_owned(),
            role: Role::Admin,
        }));
    }
    let caller = state.context.tokens.check(token);
    let caller =
        caller.ok_or_else(|| ApiError::unauthorized("the token is not valid or has expired"))?;
    let role = role_now(&caller, state).await?;
    Ok(Some(Caller { role, ..caller }))
}

/// An administrator's token was issued a while ago: what its account may do now is what counts.
async fn role_now(caller: &Caller, state: &AppState) -> Result<Role, ApiError> {
    if !caller.is_admin() {
        return Ok(Role::Customer);
    }
    let account = match caller.subject.parse() {
        Ok(id) => state.context.stores.users.get(id).await?,
        Err(_) => None,
    };
    Ok(account.map_or(Role::Customer, |account| account.role))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_token(token: &str, expected: Option<&Secret>) -> bool {
    expected.is_some_and(|expected| same(expected.expose().as_bytes(), token.as_bytes()))
}

/// Compares without telling by its duration where the difference is.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}
