//! Accounts in PostgreSQL.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::id::Id;
use super::{Postgres, Sql};
use crate::store::{Role, StoreResult, User, UserStore};

#[async_trait]
impl UserStore for Postgres {
    async fn add(&self, user: User) -> StoreResult<bool> {
        let sql = "INSERT INTO users (id, email, name, password_hash, role, created_at_ms)
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING";
        self.write(user, move |tx, user| {
            Box::pin(async move {
                let added = sqlx::query(sql)
                    .bind(Id(user.id))
                    .bind(&user.email)
                    .bind(&user.name)
                    .bind(&user.password_hash)
                    .bind(user.role.as_str())
                    .bind(user.created_at_ms)
                    .execute(tx)
                    .await?;
                Ok(added.rows_affected() == 1)
            })
        })
        .await
    }

    async fn by_email(&self, email: String) -> StoreResult<Option<User>> {
        if email.contains('\0') {
            // No text of PostgreSQL holds one, so nobody has such an address.
            return Ok(None);
        }
        self.read(email, move |connection, email| {
            Box::pin(async move {
                let sql = "SELECT * FROM users WHERE email = $1";
                let query = sqlx::query(sql).bind(email);
                let row = query.fetch_optional(connection).await?;
                row.as_ref().map(read_user).transpose()
            })
        })
        .await
    }

    async fn set_role(&self, id: Uuid, role: Role) -> StoreResult<bool> {
        self.write(Id(id), move |tx, id| {
            Box::pin(async move {
                let sql = "UPDATE users SET role = $2 WHERE id = $1";
                let query = sqlx::query(sql).bind(id).bind(role.as_str());
                Ok(query.execute(tx).await?.rows_affected() == 1)
            })
        })
        .await
    }

    async fn get(&self, id: Uuid) -> StoreResult<Option<User>> {
        self.read(Id(id), move |connection, id| {
            Box::pin(async move {
                let sql = "SELECT * FROM users WHERE id = $1";
                let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
                row.as_ref().map(read_user).transpose()
            })
        })
        .await
    }
}

fn read_user(row: &PgRow) -> Sql<User> {
    let role: &str = row.try_get("role")?;
    Ok(User {
        id: row.try_get::<Id, _>("id")?.0,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password_hash: row.try_get("password_hash")?,
        role: if role == Role::Admin.as_str() {
            Role::Admin
        } else {
            Role::Customer
        },
        created_at_ms: row.try_get("created_at_ms")?,
    })
}
