//! Accounts: register, log in, profile.

use std::sync::Arc;

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::entry::{Entry, Started};
use crate::blocking::closer;
use crate::caller::RequiredCaller;
use crate::clock::{now_ms, rfc3339};
use crate::context::{AppState, Context, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Json;
use crate::service::Service;
use crate::store::{Role, User};
use crate::validate::Problems;

mod client;
mod failures;
mod passwords;
mod pool;
mod turns;

pub use client::ClientNetwork;
pub use failures::Attempt;
pub use passwords::Passwords;

const DEMO_EMAIL: &str = "demo@rumshop.com";
const DEMO_PASSWORD: &str = "password123";
const DEMO_NAME: &str = "Demo Shopper";

const PASSWORD_CHARS_MIN: usize = 8;
const PASSWORD_CHARS_MAX: usize = 128;
const NAME_CHARS_MAX: usize = 100;
const EMAIL_CHARS_MAX: usize = 254;

pub(super) const SERVICE: Entry =
    Entry::new(Service::Auth, routes).starting(|context| Box::pin(start(context)));

async fn start(context: Arc<Context>) -> anyhow::Result<Started> {
    let passwords = Arc::new(Passwords::start(context.config.password_cost)?);
    if context.config.demo_account {
        add_demo_account(&context, &passwords).await?;
    }
    let mut started = Started::sharing(Arc::clone(&passwords));
    started.close = closer(move || passwords.close());
    Ok(started)
}

/// The routes of the auth service.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(profile))
}

/// A new account.
#[derive(Deserialize, ToSchema)]
struct Registration {
    /// The mail address, at most one account each; letter case does not matter.
    #[schema(format = Email, max_length = 254, example = "ann@example.com")]
    email: String,
    /// The password.
    #[schema(min_length = 8, max_length = 128, pattern = "^[^\\x00]*$")]
    password: String,
    /// The person's name.
    #[schema(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    name: String,
}

/// Who logs in.
#[derive(Deserialize, ToSchema)]
struct Credentials {
    /// The mail address.
    #[schema(
        min_length = 1,
        max_length = 254,
        pattern = "^[^\\x00]*$",
        example = "demo@rumshop.com"
    )]
    email: String,
    /// The password.
    #[schema(
        min_length = 1,
        max_length = 128,
        pattern = "^[^\\x00]*$",
        example = "password123"
    )]
    password: String,
}

/// A fresh access token and the account it stands for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    /// Send it as `Authorization: Bearer <token>`.
    token: String,
    /// Seconds for which it is good.
    expires_in: u64,
    /// The account.
    user: Profile,
}

/// An account.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Profile {
    /// Its id.
    id: String,
    /// Its mail address.
    email: String,
    /// The person's name.
    name: String,
    /// `customer` or `admin`.
    role: &'static str,
    /// When it was made.
    created_at: String,
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Profile {
            id: user.id.to_string(),
            email: user.email,
            name: user.name,
            role: user.role.as_str(),
            created_at: rfc3339(user.created_at_ms),
        }
    }
}

/// Makes an account and logs it in.
#[utoipa::path(post, path = "/api/auth/register", request_body = Registration, responses(
    (status = 201, body = Session),
    (status = 409, description = "The mail address has an account", body = ErrorBody),
))]
async fn register(
    State(state): State<AppState>,
    Own(passwords): Own<Passwords>,
    client: ClientNetwork,
    Json(new): Json<Registration>,
) -> Result<(StatusCode, JsonAnswer<Session>), ApiError> {
    Problems::new()
        .email("email", &new.email)
        .text(
            "password",
            &new.password,
            PASSWORD_CHARS_MIN,
            PASSWORD_CHARS_MAX,
        )
        .text("name", &new.name, 1, NAME_CHARS_MAX)
        .finish()?;
    let email = new.email.to_lowercase();
    let users = &state.context.stores.users;
    // Asked first to spare the hash; the store decides when two register at once.
    if users.by_email(email.clone()).await?.is_some() {
        return Err(taken());
    }
    let attempt = Attempt {
        account: email.clone(),
        client,
    };
    let user = User {
        id: Uuid::now_v7(),
        email,
        name: new.name,
        password_hash: passwords.hash(attempt, new.password).await?,
        role: Role::Customer,
        created_at_ms: now_ms(),
    };
    if !users.add(user.clone()).await? {
        return Err(taken());
    }
    Ok((StatusCode::CREATED, session(&state, user)?))
}

fn taken() -> ApiError {
    ApiError::conflict("email_taken", "this mail address has an account already")
}

/// Logs in. An unknown address and a wrong password are told apart neither by answer nor by time.
///
/// After ten wrong passwords for one account from one address, or a hundred from all addresses that have never logged in to
/// it, the answer is 429 until some are forgiven.
#[utoipa::path(post, path = "/api/auth/login", request_body = Credentials, responses(
    (status = 200, body = Session),
    (status = 401, description = "The mail address or the password is wrong", body = ErrorBody),
    (status = 429, description = "Too many wrong passwords for this account, or too many requests from this address", body = ErrorBody),
))]
async fn login(
    State(state): State<AppState>,
    Own(passwords): Own<Passwords>,
    client: ClientNetwork,
    Json(credentials): Json<Credentials>,
) -> Result<JsonAnswer<Session>, ApiError> {
    Problems::new()
        .text("email", &credentials.email, 1, EMAIL_CHARS_MAX)
        .text("password", &credentials.password, 1, PASSWORD_CHARS_MAX)
        .finish()?;
    let attempt = Attempt {
        account: credentials.email.to_lowercase(),
        client,
    };
    passwords.check(&attempt)?;
    let users = &state.context.stores.users;
    let user = users.by_email(attempt.account.clone()).await?;
    let closed = !state.context.config.demo_account && is_demo(&credentials);
    let user = user.filter(|_| !closed);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let genuine = passwords
        .verify(attempt, credentials.password, hash)
        .await?;
    match user.filter(|_| genuine) {
        Some(user) => session(&state, user),
        None => Err(ApiError::unauthorized(
            "the mail address or the password is wrong",
        )),
    }
}

/// Whether these are the credentials that everybody knows.
fn is_demo(credentials: &Credentials) -> bool {
    credentials.email.eq_ignore_ascii_case(DEMO_EMAIL) && credentials.password == DEMO_PASSWORD
}

/// The account behind the token.
#[utoipa::path(get, path = "/api/auth/profile", security(("bearer" = [])), responses(
    (status = 200, body = Profile),
    (status = 404, description = "The token stands for no account", body = ErrorBody),
))]
async fn profile(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
) -> Result<JsonAnswer<Profile>, ApiError> {
    let user = match caller.subject.parse::<Uuid>() {
        Ok(id) => state.context.stores.users.get(id).await?,
        // Guests and the administrator's token have no account.
        Err(_) => None,
    };
    user.map(|user| JsonAnswer(user.into()))
        .ok_or_else(|| ApiError::not_found("this token stands for no account"))
}

fn session(state: &AppState, user: User) -> Result<JsonAnswer<Session>, ApiError> {
    let tokens = &state.context.tokens;
    Ok(JsonAnswer(Session {
        token: tokens.issue(&user.id.to_string(), user.role)?,
        expires_in: tokens.ttl().as_secs(),
        user: user.into(),
    }))
}

/// Everybody knows the demo account's password, so it is a customer like any other; a shop of before, which had it as an
/// administrator, is put right by whichever process starts first.
pub(crate) async fn demote_demo_account(context: &Context) -> anyhow::Result<()> {
    let users = &context.stores.users;
    match users.by_email(DEMO_EMAIL.to_owned()).await? {
        Some(user) if user.role == Role::Admin => {
            users.set_role(user.id, Role::Customer).await?;
            tracing::warn!("the demo account was an administrator and is a customer from now on");
        }
        _ => {}
    }
    Ok(())
}

/// Makes the demo account unless it exists.
async fn add_demo_account(context: &Context, passwords: &Passwords) -> anyhow::Result<()> {
    let users = &context.stores.users;
    if users.by_email(DEMO_EMAIL.to_owned()).await?.is_some() {
        return Ok(());
    }
    let hash = passwords.hash_own(DEMO_PASSWORD).await;
    let added = users
        .add(User {
            id: Uuid::now_v7(),
            email: DEMO_EMAIL.to_owned(),
            name: DEMO_NAME.to_owned(),
            password_hash: hash.map_err(|error| {
                anyhow::anyhow!("the demo account cannot be made ({})", error.code())
            })?,
            role: Role::Customer,
            created_at_ms: now_ms(),
        })
        .await?;
    tracing::info!(added, "demo account ready");
    Ok(())
}
