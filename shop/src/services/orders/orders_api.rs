//! Routes of orders.

use axum::Json as JsonAnswer;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use telemetry::catalogue::{attribute, metric, span_name};
use telemetry::span;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::idempotency::{Repetition, repetition};
use super::view::OrderView;
use crate::caller::{MaybeCaller, RequiredCaller};
use crate::clock::now_ms;
use crate::context::AppState;
use crate::error::{ApiError, ErrorBody};
use crate::extract::{Json, JsonBytes, Path, Query};
use crate::new_order::{CreateOrder, Draft};
use crate::observe;
use crate::order::{Order, OrderStatus, guest_owner};
use crate::service::Service;
use crate::store::{Created, NewOrder, OrderDetails, Role, StatusChange, TransitionResult};
use crate::token::Caller;
use crate::validate::Problems;
use crate::warning::RepeatedWarning;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const LIMIT_MAX: u32 = 100;
const REASON_CHARS_MAX: usize = 200;
const ADDRESS_CHARS_MAX: usize = 500;

/// The routes of orders.
pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, change_details, cancel))
        .routes(routes!(change_status))
}

/// A page of orders.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OrderPage {
    /// The orders.
    orders: Vec<OrderView>,
    /// Send it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Which orders.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// Orders on a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Where the page begins, from the page before.
    #[param(
        min_length = 1,
        max_length = 60,
        pattern = "^(0|[1-9][0-9]{0,14})_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
    )]
    cursor: Option<String>,
}

/// New addresses for a pending order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(min_properties = 1)]
struct UpdateOrder {
    /// Where the confirmation goes.
    #[schema(format = Email, max_length = 254)]
    email: Option<String>,
    /// Where the parcel goes.
    #[schema(min_length = 1, max_length = 500, pattern = "^[^\\x00]*$")]
    shipping_address: Option<String>,
}

/// Where an order shall go.
#[derive(Deserialize, ToSchema)]
struct UpdateStatus {
    /// The new status.
    status: OrderStatus,
    /// Why; kept for cancelled and failed orders.
    #[schema(min_length = 1, max_length = 200, pattern = "^[^\\x00]*$")]
    reason: Option<String>,
}

/// Makes an order. It is answered when the order is durable; payment and stock follow.
///
/// Without a token the order is a guest's, and the answer carries an access token for it. A repetition under the same
/// `Idempotency-Key` finds the same order; a guest's is given the access token again only if both requests carried the same
/// `Idempotency-Secret`.
#[utoipa::path(post, path = "/api/orders", request_body = CreateOrder, security((), ("bearer" = [])),
    params(
        ("idempotency-key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "The same key never makes two orders of one shopper"),
        ("idempotency-secret" = Option<String>, Header, min_length = 16, max_length = 255, pattern = "^[!-~]+$",
            description = "Random characters that a guest chooses: the key is then the guest's own, and a repetition with the same secret is given the access token again"),
    ),
    responses(
        (status = 201, body = OrderView),
        (status = 404, description = "No such product", body = ErrorBody),
        (status = 409, description = "Not enough stock, another currency, or the key was used for another order", body = ErrorBody),
    ))]
async fn create(
    State(state): State<AppState>,
    MaybeCaller(caller): MaybeCaller,
    headers: HeaderMap,
    JsonBytes(request, bytes): JsonBytes<CreateOrder>,
) -> Result<Response, ApiError> {
    let owner = caller.map(|caller| caller.subject);
    let Repetition {
        idempotency,
        proven,
    } = repetition(&headers, owner.as_deref(), &bytes)?;
    let span = span::internal(span_name::ORDER_CREATE);
    let guest = owner.is_none();
    let made = span.run(async {
        let order = request.into_new(Draft { owner, idempotency })?;
        make(&state, order).await
    });
    let (order, replayed) = made.await?;
    span.set(attribute::ORDER_ID, order.id.to_string().as_str());
    if !replayed {
        empty_cart(&state, &order).await;
    }
    let tells_token = guest && (proven || !replayed);
    created_answer(&state, order, tells_token, replayed)
}

/// Makes the order, or finds the one that the same key made before (true).
async fn make(state: &AppState, order: NewOrder) -> Result<(Order, bool), ApiError> {
    match state.context.stores.orders.create(order).await? {
        Created::New(order) => {
            count(state, &order);
            Ok((order, false))
        }
        Created::Replayed(order) => Ok((order, true)),
        Created::KeyReused => Err(ApiError::conflict(
            "idempotency_key_reused",
            "this idempotency key was used for another order; choose a new one",
        )),
        Created::UnknownProducts(ids) => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown_product",
            format!("there is no product {}", listed(&ids)),
        )),
        Created::OutOfStock(ids) => Err(out_of_stock(&ids)),
        Created::CurrencyMismatch(currency) => Err(ApiError::conflict(
            "currency_mismatch",
            format!("these products are priced in {currency}; order each currency by itself"),
        )),
        Created::TotalTooLarge => Err(ApiError::conflict(
            "total_too_large",
            "the order costs more than the shop can take; split it",
        )),
    }
}

fn count(state: &AppState, order: &Order) {
    let registry = &state.observer().registry;
    registry
        .counter(metric::ORDERS_CREATED, &[("status", order.status.as_str())])
        .inc();
    registry
        .distribution(
            metric::ORDERS_VALUE,
            &[("currency", order.total.currency.code())],
        )
        .observe(order.total.amount.major());
}

/// What was in the cart is ordered now. The order stands whether or not the cart can be reached.
async fn empty_cart(state: &AppState, order: &Order) {
    let Some(session_id) = &order.cart_session_id else {
        return;
    };
    let path = format!("/api/cart/{session_id}");
    let peers = &state.context.peers;
    if let Err(error) = peers.tell(Service::Cart, Method::DELETE, &path).await {
        static TROUBLE: RepeatedWarning = RepeatedWarning::new();
        TROUBLE.failed(|suppressed| {
            tracing::warn!(%error, suppressed, "the cart of an order was not emptied");
        });
    }
}

fn created_answer(
    state: &AppState,
    order: Order,
    tells_token: bool,
    replayed: bool,
) -> Result<Response, ApiError> {
    let location = format!("/api/orders/{}", order.id);
    let access_token = if tells_token {
        let subject = guest_owner(order.id);
        Some(state.context.tokens.issue(&subject, Role::Customer)?)
    } else {
        None
    };
    let mut view = OrderView::as_created(order);
    view.access_token = access_token;
    let mut response = (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        JsonAnswer(view),
    )
        .into_response();
    if replayed {
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The caller's own orders, newest first.
#[utoipa::path(get, path = "/api/orders", params(ListQuery), security(("bearer" = [])), responses(
    (status = 200, body = OrderPage),
))]
async fn list(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
    Query(query): Query<ListQuery>,
) -> Result<JsonAnswer<OrderPage>, ApiError> {
    let limit = query.limit.unwrap_or(20);
    let before = query.cursor.as_deref().map(parse_cursor);
    Problems::new()
        .check(
            (1..=LIMIT_MAX).contains(&limit),
            format!("`limit` must be 1 to {LIMIT_MAX}"),
        )
        .check(
            !matches!(before, Some(None)),
            "`cursor` must be a `nextCursor` of this list",
        )
        .finish()?;
    let page = state
        .context
        .stores
        .orders
        .list(caller.subject, before.flatten(), limit)
        .await?;
    Ok(JsonAnswer(OrderPage {
        orders: page.items.into_iter().map(OrderView::from).collect(),
        next_cursor: page.next.map(write_cursor),
    }))
}

/// Only as the shop writes it: `007_…` is no cursor.
fn parse_cursor(cursor: &str) -> Option<(i64, Uuid)> {
    let (ms, id) = cursor.split_once('_')?;
    let read = (ms.parse().ok()?, id.parse().ok()?);
    (write_cursor(read) == cursor).then_some(read)
}

fn write_cursor((ms, id): (i64, Uuid)) -> String {
    format!("{ms}_{id}")
}

/// One order of the caller.
#[utoipa::path(get, path = "/api/orders/{id}", params(("id" = String, Path, format = Uuid)),
    security(("bearer" = [])), responses(
    (status = 200, body = OrderView),
    (status = 404, description = "No such order, or another shopper's", body = ErrorBody),
))]
async fn show(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
    Path(id): Path<Uuid>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    let order = own_order(&state, &caller, id).await?;
    Ok(JsonAnswer(order.into()))
}

/// Changes the addresses of a pending order.
#[utoipa::path(put, path = "/api/orders/{id}", params(("id" = String, Path, format = Uuid)),
    request_body = UpdateOrder, security(("bearer" = [])), responses(
    (status = 200, body = OrderView),
    (status = 404, description = "No such order, or another shopper's", body = ErrorBody),
    (status = 409, description = "The order is no longer pending", body = ErrorBody),
))]
async fn change_details(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
    Path(id): Path<Uuid>,
    Json(new): Json<UpdateOrder>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    let mut problems = Problems::new();
    problems
        .check(
            new.email.is_some() || new.shipping_address.is_some(),
            "give `email`, `shippingAddress` or both",
        )
        .optional_text(
            "shippingAddress",
            new.shipping_address.as_deref(),
            ADDRESS_CHARS_MAX,
        );
    if let Some(email) = &new.email {
        problems.email("email", email);
    }
    problems.finish()?;
    own_order(&state, &caller, id).await?;
    let details = OrderDetails {
        email: new.email,
        shipping_address: new.shipping_address,
    };
    let orders = &state.context.stores.orders;
    match orders.change_details(id, details, now_ms()).await? {
        TransitionResult::Illegal(status) => Err(ApiError::conflict(
            "order_not_pending",
            format!("the order is {status}; its addresses can no longer be changed"),
        )),
        other => moved(other, None),
    }
}

/// Moves an order. Its owner may cancel it; every other move needs an administrator.
#[utoipa::path(put, path = "/api/orders/{id}/status", params(("id" = String, Path, format = Uuid)),
    request_body = UpdateStatus, security(("bearer" = [])), responses(
    (status = 200, body = OrderView),
    (status = 404, description = "No such order, or another shopper's", body = ErrorBody),
    (status = 409, description = "The order cannot move there from where it is", body = ErrorBody),
))]
async fn change_status(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
    Path(id): Path<Uuid>,
    Json(new): Json<UpdateStatus>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    Problems::new()
        .optional_text("reason", new.reason.as_deref(), REASON_CHARS_MAX)
        .finish()?;
    own_order(&state, &caller, id).await?;
    if new.status != OrderStatus::Cancelled && !caller.is_admin() {
        return Err(ApiError::forbidden(
            "you may cancel your order; other moves need an administrator",
        ));
    }
    move_order(&state, &caller, id, new.status, new.reason).await
}

/// Cancels an order. Stock and money go back.
#[utoipa::path(delete, path = "/api/orders/{id}", params(("id" = String, Path, format = Uuid)),
    security(("bearer" = [])), responses(
    (status = 200, body = OrderView),
    (status = 404, description = "No such order, or another shopper's", body = ErrorBody),
    (status = 409, description = "The order can no longer be cancelled", body = ErrorBody),
))]
async fn cancel(
    State(state): State<AppState>,
    RequiredCaller(caller): RequiredCaller,
    Path(id): Path<Uuid>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    own_order(&state, &caller, id).await?;
    move_order(&state, &caller, id, OrderStatus::Cancelled, None).await
}

async fn own_order(state: &AppState, caller: &Caller, id: Uuid) -> Result<Order, ApiError> {
    state
        .context
        .stores
        .orders
        .get(id)
        .await?
        .filter(|order| caller.may_access(&order.owner))
        .ok_or_else(no_such_order)
}

async fn move_order(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    to: OrderStatus,
    reason: Option<String>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    let called_off = matches!(to, OrderStatus::Cancelled | OrderStatus::Failed);
    let by_whom = if caller.is_admin() {
        "called off by an administrator"
    } else {
        "cancelled by the shopper"
    };
    let change = StatusChange {
        order_id: id,
        to,
        reason: called_off.then(|| reason.unwrap_or_else(|| by_whom.to_owned())),
        trace: observe::current_event_trace(),
        now_ms: now_ms(),
    };
    moved(
        state.context.stores.orders.change_status(change).await?,
        Some(to),
    )
}

fn moved(
    outcome: TransitionResult,
    to: Option<OrderStatus>,
) -> Result<JsonAnswer<OrderView>, ApiError> {
    match outcome {
        TransitionResult::Done(order) => Ok(JsonAnswer(order.into())),
        TransitionResult::NotFound => Err(no_such_order()),
        TransitionResult::OutOfStock(ids) => Err(out_of_stock(&ids)),
        TransitionResult::Illegal(from) => Err(ApiError::conflict(
            "illegal_transition",
            match to {
                Some(to) => format!("an order that is {from} cannot become {to}"),
                None => format!("an order that is {from} cannot be changed"),
            },
        )),
    }
}

fn no_such_order() -> ApiError {
    ApiError::not_found("there is no such order")
}

fn out_of_stock(ids: &[i64]) -> ApiError {
    ApiError::conflict(
        "out_of_stock",
        format!("not enough stock of product {}", listed(ids)),
    )
}

fn listed(ids: &[i64]) -> String {
    ids.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
