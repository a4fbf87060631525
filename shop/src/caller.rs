//! Authorization: who sends a request, as handlers ask for it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::context::AppState;
use crate::error::ApiError;
use crate::secret::{Secret, same};
use crate::store::Role;
use crate::token::{Caller, bearer};

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

fn is_token(token: &str, expected: Option<&Secret>) -> bool {
    expected.is_some_and(|expected| same(expected.expose().as_bytes(), token.as_bytes()))
}
