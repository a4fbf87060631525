//! The catalogue in PostgreSQL.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{Executor as _, Row};

use super::link::Link;
use super::{Access, Postgres, SEED_LOCK, Sql, rows};
use crate::order::ProductId;
use crate::page::Page;
use crate::store::words::{folded, search_words, words_of};
use crate::store::{NewProduct, Product, ProductStore, StoreResult};

/// Products written by one statement of the seeding.
const SEED_ROWS_MAX: usize = 5_000;
/// How long the seeding may take: a million products, or the wait for another process that seeds.
const SEED_TIMEOUT: Duration = Duration::from_secs(300);

/// The client's own limit is the one that counts then.
const PATIENTLY: &str = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0";

macro_rules! columns {
    () => {
        "products.id, products.name, description, category, price_minor, currency, stock, popularity_rank"
    };
}

/// What is searched: words of the name count for more than those of the description.
macro_rules! words {
    ($name:literal, $description:literal) => {
        concat!(
            "setweight(to_tsvector('simple', ",
            $name,
            "), 'A') || setweight(to_tsvector('simple', ",
            $description,
            "), 'B')"
        )
    };
}

#[async_trait]
impl ProductStore for Postgres {
    async fn seed(&self, products: Vec<Product>) -> StoreResult<usize> {
        self.operate(SEED_TIMEOUT, Access::Write, products, |tx, products| {
            Box::pin(seed(tx, products))
        })
        .await
    }

    async fn get(&self, id: ProductId) -> StoreResult<Option<Product>> {
        let sql = concat!("SELECT ", columns!(), " FROM products WHERE id = $1");
        self.read(id, move |connection, id| {
            Box::pin(async move {
                let row = sqlx::query(sql).bind(id).fetch_optional(connection).await?;
                row.as_ref().map(read_product).transpose()
            })
        })
        .await
    }

    async fn list(
        &self,
        category: Option<String>,
        after: ProductId,
        limit: u32,
    ) -> StoreResult<Page<Product, ProductId>> {
        let all = concat!(
            "SELECT ",
            columns!(),
            " FROM products WHERE id > $1 ORDER BY id LIMIT $2"
        );
        let of_category = concat!(
            "SELECT ",
            columns!(),
            " FROM products WHERE category = $3 AND id > $1 ORDER BY id LIMIT $2"
        );
        // No text of PostgreSQL holds a NUL, so no category has one.
        let category = category.map(|category| category.replace('\0', "\u{fffd}"));
        let arguments = (category, after, i64::from(limit) + 1);
        self.read(arguments, move |connection, (category, after, count)| {
            Box::pin(async move {
                let query = sqlx::query(if category.is_some() { of_category } else { all })
                    .bind(after)
                    .bind(count);
                let query = match category {
                    Some(category) => query.bind(category),
                    None => query,
                };
                let products = read_products(&query.fetch_all(connection).await?)?;
                Ok(Page::cut(products, limit, |product| product.id))
            })
        })
        .await
    }

    async fn search(&self, text: String, offset: u32, limit: u32) -> StoreResult<Vec<Product>> {
        let sql = concat!(
            "SELECT ", columns!(), " FROM products, to_tsquery('simple', $1) AS wanted
             WHERE words @@ wanted ORDER BY ts_rank(words, wanted) DESC, products.id LIMIT $2 OFFSET $3"
        );
        let prefixes: Vec<String> = search_words(&text)
            .map(|word| format!("{}:*", folded(word)))
            .collect();
        if prefixes.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = (prefixes.join(" & "), i64::from(limit), i64::from(offset));
        self.read(arguments, move |connection, (wanted, limit, offset)| {
            Box::pin(async move {
                let rows = sqlx::query(sql)
                    .bind(wanted)
                    .bind(limit)
                    .bind(offset)
                    .fetch_all(connection)
                    .await?;
                read_products(&rows)
            })
        })
        .await
    }

    async fn add(&self, new: NewProduct) -> StoreResult<Product> {
        let sql = concat!(
            "INSERT INTO products (name, description, category, price_minor, currency, stock,
                 popularity_rank, words)
             VALUES ($1, $2, $3, $4, $5, $6, 0, ",
            words!("$7", "$8"),
            ") RETURNING id"
        );
        self.write(new, move |tx, new| {
            Box::pin(async move {
                let id = sqlx::query_scalar(sql)
                    .bind(&new.name)
                    .bind(&new.description)
                    .bind(&new.category)
                    .bind(new.price.amount.minor())
                    .bind(new.price.currency.code())
                    .bind(i64::from(new.stock))
                    .bind(index_text(&new.name))
                    .bind(index_text(&new.description))
                    .fetch_one(tx)
                    .await?;
                Ok(product_with(id, new.clone()))
            })
        })
        .await
    }
}

async fn seed(tx: &mut Link, products: &[Product]) -> Sql<usize> {
    // Whoever starts at the same time waits here, and then finds products.
    tx.execute(sqlx::raw_sql(PATIENTLY)).await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(SEED_LOCK)
        .execute(&mut *tx)
        .await?;
    let any: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM products)")
        .fetch_one(&mut *tx)
        .await?;
    if any {
        return Ok(0);
    }
    for chunk in products.chunks(SEED_ROWS_MAX) {
        insert(tx, chunk).await?;
    }
    sqlx::query("SELECT setval(pg_get_serial_sequence('products', 'id'), max(id)) FROM products")
        .execute(&mut *tx)
        .await?;
    // New statistics, lest the first queries are planned for an empty table.
    tx.execute("ANALYZE products").await?;
    Ok(products.len())
}

async fn insert(tx: &mut Link, products: &[Product]) -> Sql<()> {
    let sql = concat!(
        "INSERT INTO products (id, name, description, category, price_minor, currency, stock,
             popularity_rank, words)
         SELECT id, name, description, category, price_minor, currency, stock, popularity_rank, ",
        words!("name_words", "description_words"),
        " FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
             $7::bigint[], $8::bigint[], $9::text[], $10::text[])
             AS product (id, name, description, category, price_minor, currency, stock,
                 popularity_rank, name_words, description_words)"
    );
    sqlx::query(sql)
        .bind(column(products, |product| product.id))
        .bind(column(products, |product| product.name.clone()))
        .bind(column(products, |product| product.description.clone()))
        .bind(column(products, |product| product.category.clone()))
        .bind(column(products, |product| product.price.amount.minor()))
        .bind(column(products, |product| product.price.currency.code()))
        .bind(column(products, |product| i64::from(product.stock)))
        .bind(column(products, |product| {
            i64::from(product.popularity_rank)
        }))
        .bind(column(products, |product| index_text(&product.name)))
        .bind(column(products, |product| index_text(&product.description)))
        .execute(tx)
        .await?;
    Ok(())
}

fn column<T>(products: &[Product], value: impl Fn(&Product) -> T) -> Vec<T> {
    products.iter().map(value).collect()
}

/// The words of a text, ready for the index: PostgreSQL's own idea of a word knows hyphens and addresses.
fn index_text(text: &str) -> String {
    words_of(text).map(folded).collect::<Vec<_>>().join(" ")
}

/// The products with these ids.
pub(super) async fn by_ids(
    connection: &mut Link,
    ids: Vec<ProductId>,
) -> Sql<HashMap<ProductId, Product>> {
    let sql = concat!("SELECT ", columns!(), " FROM products WHERE id = ANY($1)");
    let rows = sqlx::query(sql).bind(ids).fetch_all(connection).await?;
    let products = read_products(&rows)?.into_iter();
    Ok(products.map(|product| (product.id, product)).collect())
}

fn product_with(id: ProductId, new: NewProduct) -> Product {
    Product {
        id,
        name: new.name,
        description: new.description,
        category: new.category,
        price: new.price,
        stock: new.stock,
        popularity_rank: 0,
    }
}

fn read_products(rows: &[PgRow]) -> Sql<Vec<Product>> {
    rows.iter().map(read_product).collect()
}

fn read_product(row: &PgRow) -> Sql<Product> {
    Ok(Product {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        category: row.try_get("category")?,
        price: rows::read_money(row, "price_minor", "currency")?,
        stock: rows::read_u32(row, "stock")?,
        popularity_rank: rows::read_u32(row, "popularity_rank")?,
    })
}
