//! Products and orders, and the books that auditors read.

use utoipa_axum::router::OpenApiRouter;

use super::entry::Entry;
use crate::context::AppState;
use crate::service::Service;

mod books_api;
mod idempotency;
mod orders_api;
mod products_api;
mod view;

pub(super) const SERVICE: Entry = Entry::new(Service::Orders, routes);

/// The routes of the orders service.
fn routes() -> OpenApiRouter<AppState> {
    products_api::routes()
        .merge(orders_api::routes())
        .merge(books_api::routes())
}
