//! The catalogue in `shop.db`.

use async_trait::async_trait;
use rusqlite::{Connection, Row};

use super::{ShopFile, all, execute, find, parsed};
use crate::db::DbError;
use crate::money::Money;
use crate::order::ProductId;
use crate::page::Page;
use crate::store::words::search_words;
use crate::store::{NewProduct, Product, ProductStore, StoreResult};

#[async_trait]
impl ProductStore for ShopFile {
    async fn seed(&self, products: Vec<Product>) -> StoreResult<usize> {
        Ok(self.db.write(move |tx| seed(tx, &products)).await?)
    }

    async fn get(&self, id: ProductId) -> StoreResult<Option<Product>> {
        Ok(self.db.read(move |tx| product(tx, id)).await?)
    }

    async fn list(
        &self,
        category: Option<String>,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<Product, ProductId>> {
        let list = move |tx: &Connection| list(tx, category.as_deref(), after, limit);
        Ok(self.db.read(list).await?)
    }

    async fn search(&self, text: String, offset: u32, limit: u32) -> StoreResult<Vec<Product>> {
        let Some(words) = match_expression(&text) else {
            return Ok(Vec::new());
        };
        let sql = "SELECT products.* FROM product_words JOIN products ON products.id = product_words.rowid
                   WHERE product_words MATCH ?1 ORDER BY rank, products.id LIMIT ?2 OFFSET ?3";
        let search = move |tx: &Connection| all(tx, sql, (words, limit, offset), read_product);
        Ok(self.db.read(search).await?)
    }

    async fn add(&self, new: NewProduct) -> StoreResult<Product> {
        Ok(self.db.write(move |tx| add(tx, new)).await?)
    }
}

/// One product.
pub(super) fn product(tx: &Connection, id: ProductId) -> Result<Option<Product>, DbError> {
    find(
        tx,
        "SELECT * FROM products WHERE id = ?1",
        [id],
        read_product,
    )
}

fn seed(tx: &Connection, products: &[Product]) -> Result<usize, DbError> {
    if find(tx, "SELECT 1 FROM products LIMIT 1", (), |_| Ok(()))?.is_some() {
        return Ok(0);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO products (id, name, description, category, price_minor, currency, stock, popularity_rank)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for product in products {
        insert.execute((
            product.id,
            &product.name,
            &product.description,
            &product.category,
            product.price.amount.minor(),
            product.price.currency.code(),
            product.stock,
            product.popularity_rank,
        ))?;
    }
    execute(
        tx,
        "INSERT INTO product_words (product_words) VALUES ('rebuild')",
        (),
    )?;
    Ok(products.len())
}

fn add(tx: &Connection, new: NewProduct) -> Result<Product, DbError> {
    execute(
        tx,
        "INSERT INTO products (name, description, category, price_minor, currency, stock, popularity_rank)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
        (
            &new.name,
            &new.description,
            &new.category,
            new.price.amount.minor(),
            new.price.currency.code(),
            new.stock,
        ),
    )?;
    let id = tx.last_insert_rowid();
    execute(
        tx,
        "INSERT INTO product_words (rowid, name, description) VALUES (?1, ?2, ?3)",
        (id, &new.name, &new.description),
    )?;
    Ok(Product {
        id,
        name: new.name,
        description: new.description,
        category: new.category,
        price: new.price,
        stock: new.stock,
        popularity_rank: 0,
    })
}

fn list(
    tx: &Connection,
    category: Option<&str>,
    after: ProductId,
    limit: u32,
) -> Result<Page<Product, ProductId>, DbError> {
    // One more than asked for tells whether there is a next page.
    let rows = i64::from(limit) + 1;
    let items = match category {
        Some(category) => all(
            tx,
            "SELECT * FROM products WHERE category = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            (category, after, rows),
            read_product,
        )?,
        None => all(
            tx,
            "SELECT * FROM products WHERE id > ?1 ORDER BY id LIMIT ?2",
            (after, rows),
            read_product,
        )?,
    };
    Ok(Page::cut(items, limit, |product| product.id))
}

fn read_product(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        category: row.get("category")?,
        price: Money::new(row.get("price_minor")?, parsed(row, "currency")?),
        stock: row.get("stock")?,
        popularity_rank: row.get("popularity_rank")?,
    })
}

/// Every word of the text as a quoted prefix, so that nothing in it is taken for query syntax.
fn match_expression(text: &str) -> Option<String> {
    let words: Vec<String> = search_words(text)
        .map(|word| format!("\"{word}\"*"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
