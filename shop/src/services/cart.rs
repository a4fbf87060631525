//! Session carts. Products come from the orders service, over HTTP.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::entry::{Entry, Started};
use telemetry::catalogue::metric;
use telemetry::metrics::{Counter, Registry};

use crate::clock::{now_ms, rfc3339};
use crate::context::{AppState, Context, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, Path};
use crate::money::{Amount, Currency};
use crate::order::ProductId;
use crate::peer::{PeerError, Peers};
use crate::service::Service;
use crate::store::{CART_ITEMS_MAX, CART_QUANTITY_MAX, Cart, CartChange, CartItem};
use crate::validate::Problems;

/// Products that the service remembers.
const CACHED_PRODUCTS_MAX: usize = 10_000;
/// How long it believes what it remembers.
const CACHED_FOR: Duration = Duration::from_secs(5);
/// How often lapsed carts are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// Lapsed carts removed in one go.
const SWEEP_CARTS_MAX: u32 = 1_000;

pub(super) const SERVICE: Entry =
    Entry::new(Service::Cart, routes).starting(|context| Box::pin(start(context)));

async fn start(context: Arc<Context>) -> anyhow::Result<Started> {
    let mut started = Started::with(ProductCache::new(&context.observer(Service::Cart).registry));
    started.upkeep = Some(Box::new(|stopped| Box::pin(sweep_until(context, stopped))));
    Ok(started)
}

/// The routes of the cart service.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(add))
        .routes(routes!(update))
        .routes(routes!(show, clear))
        .routes(routes!(remove))
}

/// An item to put into a cart.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AddItem {
    /// The session whose cart it is; any name that the client chose.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$")]
    session_id: String,
    /// Which product.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000)]
    product_id: ProductId,
    /// How many, added to what is there.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 999, default = 1)]
    quantity: u32,
}

fn one() -> u32 {
    1
}

/// A new quantity for an item.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UpdateItem {
    /// The session whose cart it is.
    #[schema(min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$")]
    session_id: String,
    /// Which product.
    #[schema(value_type = i64, minimum = 1, maximum = 1_000_000_000)]
    product_id: ProductId,
    /// How many from now on; 0 takes the item out.
    #[schema(minimum = 0, maximum = 999)]
    quantity: u32,
}

/// A cart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CartView {
    /// The session whose cart it is.
    session_id: String,
    /// What is in it.
    items: Vec<CartItemView>,
    /// Pieces in it.
    item_count: u32,
    /// What it costs; zero for an empty cart.
    #[schema(value_type = f64, minimum = 0, multiple_of = 0.01)]
    total: Amount,
    /// In which currency.
    currency: Currency,
    /// When it lapses unless touched; absent for an empty cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

/// One item of a cart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CartItemView {
    /// Which product.
    #[schema(value_type = i64)]
    product_id: ProductId,
    /// Its name.
    name: String,
    /// Price of one piece.
    price: Amount,
    /// How many.
    quantity: u32,
    /// Price of all of them.
    subtotal: Amount,
}

impl CartView {
    fn new(session_id: String, cart: &Cart) -> Self {
        let items: Vec<CartItemView> = cart.items.iter().map(CartItemView::from).collect();
        let total_minor = items.iter().map(|item| item.subtotal.minor()).sum();
        CartView {
            session_id,
            item_count: items.iter().map(|item| item.quantity).sum(),
            total: Amount::from_minor(total_minor),
            currency: cart
                .items
                .first()
                .map_or_else(Currency::default, |item| item.currency),
            expires_at: (!items.is_empty()).then(|| rfc3339(cart.expires_at_ms)),
            items,
        }
    }
}

impl From<&CartItem> for CartItemView {
    fn from(item: &CartItem) -> Self {
        CartItemView {
            product_id: item.product_id,
            name: item.name.clone(),
            price: item.unit_price(),
            quantity: item.quantity,
            // Price and quantity are bounded far below what would overflow.
            subtotal: Amount::from_minor(item.unit_price_minor * i64::from(item.quantity)),
        }
    }
}

/// Puts an item into a cart.
#[utoipa::path(post, path = "/api/cart/add", request_body = AddItem, responses(
    (status = 200, body = CartView),
    (status = 404, description = "No such product", body = ErrorBody),
    (status = 409, description = "The cart is full, or in another currency", body = ErrorBody),
))]
async fn add(
    State(state): State<AppState>,
    Own(products): Own<ProductCache>,
    Json(item): Json<AddItem>,
) -> Result<JsonAnswer<CartView>, ApiError> {
    Problems::new()
        .session_id("sessionId", &item.session_id)
        .check(item.product_id > 0, "`productId` must be at least 1")
        .check(
            (1..=CART_QUANTITY_MAX).contains(&item.quantity),
            format!("`quantity` must be 1 to {CART_QUANTITY_MAX}"),
        )
        .finish()?;
    let context = &state.context;
    let product = products
        .look_up(&context.peers, item.product_id)
        .await?
        .ok_or_else(|| ApiError::not_found(format!("there is no product {}", item.product_id)))?;
    let cart_item = CartItem {
        product_id: item.product_id,
        name: product.name,
        unit_price_minor: product.price.minor(),
        currency: product.currency,
        quantity: item.quantity,
    };
    let ttl = context.config.cart_ttl;
    let change = context
        .stores
        .carts
        .add(item.session_id.clone(), cart_item, now_ms(), ttl)
        .await?;
    answer(item.session_id, change)
}

/// Sets the quantity of an item.
#[utoipa::path(put, path = "/api/cart/update", request_body = UpdateItem, responses(
    (status = 200, body = CartView),
    (status = 404, description = "No such cart or item", body = ErrorBody),
))]
async fn update(
    State(state): State<AppState>,
    Json(item): Json<UpdateItem>,
) -> Result<JsonAnswer<CartView>, ApiError> {
    Problems::new()
        .session_id("sessionId", &item.session_id)
        .check(item.product_id > 0, "`productId` must be at least 1")
        .check(
            item.quantity <= CART_QUANTITY_MAX,
            format!("`quantity` must be 0 to {CART_QUANTITY_MAX}"),
        )
        .finish()?;
    set_quantity(&state, item.session_id, item.product_id, item.quantity).await
}

/// The cart of a session; empty when nothing was put in yet.
#[utoipa::path(get, path = "/api/cart/{sessionId}", params(
    ("sessionId" = String, Path, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$"),
), responses((status = 200, body = CartView)))]
async fn show(
    State(state): State<AppState>,
    Path(session_id): Path<String>,
) -> Result<JsonAnswer<CartView>, ApiError> {
    Problems::new()
        .session_id("sessionId", &session_id)
        .finish()?;
    let cart = state
        .context
        .stores
        .carts
        .get(session_id.clone(), now_ms())
        .await?
        .unwrap_or_default();
    Ok(JsonAnswer(CartView::new(session_id, &cart)))
}

/// Takes an item out of a cart.
#[utoipa::path(delete, path = "/api/cart/{sessionId}/item/{productId}", params(
    ("sessionId" = String, Path, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$"),
    ("productId" = i64, Path, minimum = 1, maximum = 1_000_000_000),
), responses(
    (status = 200, body = CartView),
    (status = 404, description = "No such cart or item", body = ErrorBody),
))]
async fn remove(
    State(state): State<AppState>,
    Path((session_id, product_id)): Path<(String, ProductId)>,
) -> Result<JsonAnswer<CartView>, ApiError> {
    Problems::new()
        .session_id("sessionId", &session_id)
        .check(product_id > 0, "`productId` must be at least 1")
        .finish()?;
    set_quantity(&state, session_id, product_id, 0).await
}

/// Empties a cart.
#[utoipa::path(delete, path = "/api/cart/{sessionId}", params(
    ("sessionId" = String, Path, min_length = 1, max_length = 128, pattern = "^[A-Za-z0-9_.:-]+$"),
), responses((status = 204, description = "The cart is empty now")))]
async fn clear(
    State(state): State<AppState>,
    Path(session_id): Path<String>,
) -> Result<StatusCode, ApiError> {
    Problems::new()
        .session_id("sessionId", &session_id)
        .finish()?;
    state
        .context
        .stores
        .carts
        .clear(session_id, now_ms())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_quantity(
    state: &AppState,
    session_id: String,
    product_id: ProductId,
    quantity: u32,
) -> Result<JsonAnswer<CartView>, ApiError> {
    let ttl = state.context.config.cart_ttl;
    let change = state
        .context
        .stores
        .carts
        .set_quantity(session_id.clone(), product_id, quantity, now_ms(), ttl)
        .await?;
    answer(session_id, change)
}

fn answer(session_id: String, change: CartChange) -> Result<JsonAnswer<CartView>, ApiError> {
    match change {
        CartChange::Done(cart) => Ok(JsonAnswer(CartView::new(session_id, &cart))),
        CartChange::NoSuchCart => Err(ApiError::not_found("there is no such cart")),
        CartChange::NoSuchItem => Err(ApiError::not_found("the cart has no such item")),
        CartChange::TooMany => Err(ApiError::conflict(
            "quantity_limit",
            format!("a cart holds at most {CART_QUANTITY_MAX} pieces of an item"),
        )),
        CartChange::Full => Err(ApiError::conflict(
            "cart_full",
            format!("a cart holds at most {CART_ITEMS_MAX} different items"),
        )),
        CartChange::CurrencyMismatch(currency) => Err(ApiError::conflict(
            "currency_mismatch",
            format!("the cart holds items priced in {currency}"),
        )),
    }
}

/// What a cart needs to know of a product.
#[derive(Clone, Debug, Deserialize)]
struct KnownProduct {
    name: String,
    #[serde(deserialize_with = "price")]
    price: Amount,
    currency: Currency,
}

/// Prices of the shop's own may be zero, other than those that clients send.
fn price<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Amount, D::Error> {
    Amount::try_from(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

/// Products seen lately, so that a popular one is not asked for again and again.
struct ProductCache {
    seen: Mutex<HashMap<ProductId, (Instant, KnownProduct)>>,
    hits: Counter,
    misses: Counter,
}

impl ProductCache {
    fn new(registry: &Registry) -> Self {
        let looks = |result| {
            let tags = [("cache", "products"), ("result", result)];
            registry.counter(metric::CACHE_REQUESTS, &tags)
        };
        ProductCache {
            seen: Mutex::default(),
            hits: looks("hit"),
            misses: looks("miss"),
        }
    }

    async fn look_up(
        &self,
        peers: &Peers,
        id: ProductId,
    ) -> Result<Option<KnownProduct>, ApiError> {
        if let Some(product) = self.remembered(id) {
            self.hits.inc();
            return Ok(Some(product));
        }
        self.misses.inc();
        match peers
            .get::<KnownProduct>(Service::Orders, &format!("/api/products/{id}"))
            .await
        {
            Ok(product) => {
                self.remember(id, product.clone());
                Ok(Some(product))
            }
            Err(PeerError::Status { status, .. }) if status == StatusCode::NOT_FOUND => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn remembered(&self, id: ProductId) -> Option<KnownProduct> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&id)
            .filter(|(since, _)| since.elapsed() < CACHED_FOR)
            .map(|(_, product)| product.clone())
    }

    fn remember(&self, id: ProductId, product: KnownProduct) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= CACHED_PRODUCTS_MAX {
            seen.retain(|_, (since, _)| since.elapsed() < CACHED_FOR);
        }
        if seen.len() < CACHED_PRODUCTS_MAX {
            seen.insert(id, (Instant::now(), product));
        }
    }
}

/// Removes lapsed carts now and then, until told to stop.
async fn sweep_until(context: Arc<Context>, mut stopped: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        match context.stores.carts.sweep(now_ms(), SWEEP_CARTS_MAX).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed lapsed carts"),
            Err(error) => tracing::warn!(%error, "cannot remove lapsed carts"),
        }
    }
}
