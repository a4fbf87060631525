//! Accounts in `shop.db`.

use async_trait::async_trait;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{ShopFile, execute, find, parsed};
use crate::store::{Role, StoreResult, User, UserStore};

#[async_trait]
impl UserStore for ShopFile {
    async fn add(&self, user: User) -> StoreResult<bool> {
        let add = move |tx: &Connection| {
            let added = execute(
                tx,
                "INSERT INTO users (id, email, name, password_hash, role, created_at_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (email) DO NOTHING",
                (
                    user.id.to_string(),
                    &user.email,
                    &user.name,
                    &user.password_hash,
                    user.role.as_str(),
                    user.created_at_ms,
                ),
            )?;
            Ok(added == 1)
        };
        Ok(self.db.write(add).await?)
    }

    async fn by_email(&self, email: String) -> StoreResult<Option<User>> {
        let sql = "SELECT * FROM users WHERE email = ?1";
        let look = move |tx: &Connection| find(tx, sql, [email], read_user);
        Ok(self.db.read(look).await?)
    }

    async fn set_role(&self, id: Uuid, role: Role) -> StoreResult<bool> {
        let sql = "UPDATE users SET role = ?2 WHERE id = ?1";
        let set = move |tx: &Connection| execute(tx, sql, (id.to_string(), role.as_str()));
        Ok(self.db.write(set).await? == 1)
    }

    async fn get(&self, id: Uuid) -> StoreResult<Option<User>> {
        let sql = "SELECT * FROM users WHERE id = ?1";
        let look = move |tx: &Connection| find(tx, sql, [id.to_string()], read_user);
        Ok(self.db.read(look).await?)
    }
}

fn read_user(row: &Row<'_>) -> rusqlite::Result<User> {
    let role: String = row.get("role")?;
    Ok(User {
        id: parsed(row, "id")?,
        email: row.get("email")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        role: if role == Role::Admin.as_str() {
            Role::Admin
        } else {
            Role::Customer
        },
        created_at_ms: row.get("created_at_ms")?,
    })
}
