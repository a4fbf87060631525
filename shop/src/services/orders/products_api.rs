//! Routes of the catalogue.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::CatalogueAdmin;
use crate::context::AppState;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path, Query};
use crate::money::{Amount, Currency, Money};
use crate::order::ProductId;
use crate::store::{NewProduct, Product};
use crate::validate::Problems;

const LIMIT_MAX: u32 = 100;
const OFFSET_MAX: u32 = 10_000;
const STOCK_MAX: u32 = 1_000_000_000;
const STOCK_DEFAULT: u32 = 1_000;
const NAME_CHARS_MAX: usize = 200;
const DESCRIPTION_CHARS_MAX: usize = 4_000;
const CATEGORY_CHARS_MAX: usize = 60;
const CATEGORY_DEFAULT: &str = "general";
const SEARCH_CHARS_MAX: usize = 100;

/// The routes of the catalogue.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(search))
        .routes(routes!(show))
        .routes(routes!(set_stock))
}

/// A product.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProductView {
    /// Its number.
    #[schema(value_type = i64)]
    id: ProductId,
    /// Its name.
    name: String,
    /// A sentence or two about it.
    description: String,
    /// Its category.
    category: String,
    /// Its price.
    price: Amount,
    /// In which currency.
    currency: Currency,
    /// Pieces on the shelf.
    stock: u32,
    /// Its place in the order of popularity, from 1; absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    popularity_rank: Option<u32>,
}

impl From<Product> for ProductView {
    fn from(product: Product) -> Self {
        ProductView {
            id: product.id,
            name: product.name,
            description: product.description,
            category: product.category,
            price: product.price.amount,
            currency: product.price.currency,
            stock: product.stock,
            popularity_rank: (product.popularity_rank > 0).then_some(product.popularity_rank),
        }
    }
}

/// A page of products.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProductPage {
    /// The products.
    products: Vec<ProductView>,
    /// Send it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which products.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Products of this category only.
    #[param(min_length = 1, max_length = 60, pattern = "^[^\\x00]*$")]
    category: Option<String>,
    /// Products on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Where the page begins, from the page before.
    #[param(min_length = 1, max_length = 10, pattern = "^(0|[1-9][0-9]{0,9})$")]
    cursor: Option<String>,
}

/// What to look for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// Words; a product must have every one, or a longer word that begins with it.
    #[param(min_length = 1, max_length = 100, pattern = "^[^\\x00]*$")]
    q: String,
    /// Products on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Products to skip.
    #[param(minimum = 0, maximum = 10_000, default = 0)]
    offset: Option<u32>,
}

/// A product to be made.
#[derive(Deserialize, ToSchema)]
struct CreateProduct {
    /// Its name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = "^[^\\x00]*$",
        example = "Test Product"
    )]
    name: String,
    /// Its price.
    price: Amount,
    /// In which currency.
    #[serde(default)]
    currency: Currency,
    /// A sentence or two about it.
    #[serde(default)]
    #[schema(max_length = 4000, pattern = "^[^\\x00]*$")]
    description: String,
    /// Its category.
    #[schema(
        min_length = 1,
        max_length = 60,
        pattern = "^[^\\x00]*$",
        default = "general"
    )]
    category: Option<String>,
    /// Pieces on the shelf.
    #[schema(minimum = 0, maximum = 1_000_000_000, default = 1000)]
    stock: Option<u32>,
}

/// A new stock.
#[derive(Deserialize, ToSchema)]
struct SetStock {
    /// Pieces on the shelf from now on.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    stock: u32,
}

/// Only as the shop writes it: `007` is no cursor.
fn parse_cursor(cursor: &str) -> Option<u32> {
    cursor
        .parse()
        .ok()
        .filter(|after: &u32| after.to_string() == cursor)
}

/// Products in the order of their numbers.
#[utoipa::path(get, path = "/api/products", params(ListQuery), responses((status = 200, body = ProductPage)))]
async fn list(
    State(state): State<AppState>,
    Query(query): Query<ListQuery>,
) -> Result<JsonAnswer<ProductPage>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    let after = query.cursor.as_deref().map_or(Some(0), parse_cursor);
    Problems::new()
        .optional_text("category", query.category.as_deref(), CATEGORY_CHARS_MAX)
        .check((1..=LIMIT_MAX).contains(&limit), limit_problem())
        .check(
            after.is_some(),
            "`cursor` must be a `nextCursor` of this list",
        )
        .finish()?;
    let after = ProductId::from(after.unwrap_or(0));
    let page = state
        .context
        .stores
        .products
        .list(query.category, after, limit)
        .await?;
    Ok(JsonAnswer(ProductPage {
        products: page.items.into_iter().map(ProductView::from).collect(),
        next_cursor: page.next.map(|id| id.to_string()),
    }))
}

/// Products that match words, best first.
#[utoipa::path(get, path = "/api/products/search", params(SearchQuery), responses((status = 200, body = ProductPage)))]
async fn search(
    State(state): State<AppState>,
    Query(query): Query<SearchQuery>,
) -> Result<JsonAnswer<ProductPage>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    let offset = query.offset.unwrap_or(0);
    Problems::new()
        .text("q", &query.q, 1, SEARCH_CHARS_MAX)
        .check((1..=LIMIT_MAX).contains(&limit), limit_problem())
        .check(
            offset <= OFFSET_MAX,
            format!("`offset` must be at most {OFFSET_MAX}"),
        )
        .finish()?;
    let found = state
        .context
        .stores
        .products
        .search(query.q, offset, limit)
        .await?;
    Ok(JsonAnswer(ProductPage {
        products: found.into_iter().map(ProductView::from).collect(),
        next_cursor: None,
    }))
}

/// One product.
#[utoipa::path(get, path = "/api/products/{id}", params(
    ("id" = i64, Path, minimum = 1, maximum = 1_000_000_000),
), responses(
    (status = 200, body = ProductView),
    (status = 404, description = "No such product", body = ErrorBody),
))]
async fn show(
    State(state): State<AppState>,
    Path(id): Path<ProductId>,
) -> Result<JsonAnswer<ProductView>, ApiError> {
    state
        .context
        .stores
        .products
        .get(id)
        .await?
        .map(|product| JsonAnswer(product.into()))
        .ok_or_else(|| no_such_product(id))
}

/// Makes a product.
#[utoipa::path(post, path = "/api/products", request_body = CreateProduct, security((), ("bearer" = [])), responses(
    (status = 201, body = ProductView),
))]
async fn add(
    State(state): State<AppState>,
    _: CatalogueAdmin,
    Json(new): Json<CreateProduct>,
) -> Result<
    (
        StatusCode,
        [(HeaderName, String); 1],
        JsonAnswer<ProductView>,
    ),
    ApiError,
> {
    let stock = new.stock.unwrap_or(STOCK_DEFAULT);
    Problems::new()
        .text("name", &new.name, 1, NAME_CHARS_MAX)
        .text("description", &new.description, 0, DESCRIPTION_CHARS_MAX)
        .optional_text("category", new.category.as_deref(), CATEGORY_CHARS_MAX)
        .check(stock <= STOCK_MAX, stock_problem())
        .finish()?;
    let product = state
        .context
        .stores
        .products
        .add(NewProduct {
            name: new.name,
            description: new.description,
            category: new.category.unwrap_or_else(|| CATEGORY_DEFAULT.to_owned()),
            price: Money {
                amount: new.price,
                currency: new.currency,
            },
            stock,
        })
        .await?;
    let location = format!("/api/products/{}", product.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        JsonAnswer(product.into()),
    ))
}

/// Sets a product's stock.
#[utoipa::path(put, path = "/api/products/{id}/stock", params(
    ("id" = i64, Path, minimum = 1, maximum = 1_000_000_000),
), request_body = SetStock, security((), ("bearer" = [])), responses(
    (status = 200, body = ProductView),
    (status = 404, description = "No such product", body = ErrorBody),
))]
async fn set_stock(
    State(state): State<AppState>,
    _: CatalogueAdmin,
    Path(id): Path<ProductId>,
    Json(new): Json<SetStock>,
) -> Result<JsonAnswer<ProductView>, ApiError> {
    Problems::new()
        .check(new.stock <= STOCK_MAX, stock_problem())
        .finish()?;
    let stores = &state.context.stores;
    if !stores.stock.set(id, new.stock).await? {
        return Err(no_such_product(id));
    }
    let product = stores.products.get(id).await?;
    product
        .map(|product| JsonAnswer(product.into()))
        .ok_or_else(|| no_such_product(id))
}

fn no_such_product(id: ProductId) -> ApiError {
    ApiError::not_found(format!("there is no product {id}"))
}

fn limit_problem() -> String {
    format!("`limit` must be 1 to {LIMIT_MAX}")
}

fn stock_problem() -> String {
    format!("`stock` must be at most {STOCK_MAX}")
}
