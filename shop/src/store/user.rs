//! Accounts.

use async_trait::async_trait;
use uuid::Uuid;

use super::StoreResult;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Own things only.
    Customer,
    /// Everything.
    Admin,
}

impl Role {
    /// The word used in tokens and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Customer => "customer",
            Role::Admin => "admin",
        }
    }
}

/// One account.
#[derive(Clone, Debug)]
pub struct User {
    /// Its id, the subject of its tokens.
    pub id: Uuid,
    /// Its mail address, lower case.
    pub email: String,
    /// The person's name.
    pub name: String,
    /// The Argon2id hash, in PHC form.
    pub password_hash: String,
    /// What it may do.
    pub role: Role,
    /// Creation, in milliseconds since 1970.
    pub created_at_ms: i64,
}

/// Accounts.
#[async_trait]
pub trait UserStore: Send + Sync {
    /// Adds an account; false when the mail address has one.
    async fn add(&self, user: User) -> StoreResult<bool>;
    /// The account of a mail address (lower case).
    async fn by_email(&self, email: String) -> StoreResult<Option<User>>;
    /// Changes what an account may do; false when there is no such account.
    async fn set_role(&self, id: Uuid, role: Role) -> StoreResult<bool>;
    /// One account.
    async fn get(&self, id: Uuid) -> StoreResult<Option<User>>;
}
