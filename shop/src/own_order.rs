//! How a service behind the gateway looks at an order for whoever asks: as the asker, so that the orders service alone
//! decides who may see it.

use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::error::ApiError;
use crate::peer::Peers;
use crate::service::Service;

/// The order, as far as `T` reads it, if the request carries its owner's or an administrator's token.
pub(crate) async fn own_order<T: DeserializeOwned>(
    peers: &Peers,
    order_id: Uuid,
    headers: &HeaderMap,
) -> Result<T, ApiError> {
    let path = format!("/api/orders/{order_id}");
    let authorization = headers.get(header::AUTHORIZATION).cloned();
    let order = peers.get_as(Service::Orders, &path, authorization).await;
    order.map_err(|error| match error.status() {
        Some(StatusCode::UNAUTHORIZED) => {
            ApiError::unauthorized("the order needs its owner's token")
        }
        Some(StatusCode::FORBIDDEN) => ApiError::forbidden("the order belongs to somebody else"),
        Some(StatusCode::NOT_FOUND) => ApiError::not_found("there is no such order"),
        _ => error.into(),
    })
}
