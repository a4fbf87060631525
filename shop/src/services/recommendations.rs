//! Recommendations from the static catalogue, in memory: what goes with a product.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::entry::{Entry, Started};
use crate::catalogue::Catalogue;
use crate::cold_start::start_cold;
use crate::context::{AppState, Context, Own};
use crate::error::{ApiError, ErrorBody};
use crate::extract::Query;
use crate::found_product::FoundProduct;
use crate::service::Service;
use crate::validate::Problems;

mod affinity;

use affinity::Affinity;

/// Recommendations unless asked otherwise, and at most.
const LIMIT_DEFAULT: u32 = 4;
const LIMIT_MAX: u32 = 20;

pub(super) const SERVICE: Entry = Entry::new(Service::Recommendations, routes)
    .starting(|_| Box::pin(async { Ok(Started::with(Neighbourhoods::default())) }));

/// The service's routes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(recommend))
}

/// The neighbourhoods of products, once they are computed.
#[derive(Default)]
struct Neighbourhoods(OnceCell<Affinity>);

impl Neighbourhoods {
    async fn computed(&self, context: &Context) -> Result<&Affinity, ApiError> {
        self.0
            .get_or_try_init(|| async {
                start_cold(&context.faults, Service::Recommendations).await?;
                let config = &context.config;
                let (seed, products) = (config.seed, config.products);
                tokio::task::spawn_blocking(move || {
                    Affinity::build(Catalogue::generate(seed, products))
                })
                .await
                .map_err(|error| ApiError::internal(&error))
            })
            .await
    }
}

/// For which product, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct RecommendParams {
    /// The product that is looked at.
    #[param(value_type = i64, required = true, minimum = 1, example = 1)]
    product_id: Option<String>,
    /// How many recommendations.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 20)]
    limit: Option<String>,
}

/// What goes with a product.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Recommendations {
    /// The product that was asked about.
    product_id: i64,
    /// What goes with it, best first.
    items: Vec<FoundProduct>,
}

/// Recommends products.
#[utoipa::path(
    get,
    path = "/api/recommendations",
    params(RecommendParams),
    responses(
        (status = 200, body = Recommendations),
        (status = 400, body = ErrorBody, description = "The query cannot be read"),
        (status = 404, body = ErrorBody, description = "There is no such product"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable"),
        (status = 503, body = ErrorBody, description = "The service is starting"),
    )
)]
async fn recommend(
    State(state): State<AppState>,
    Own(neighbourhoods): Own<Neighbourhoods>,
    Query(params): Query<RecommendParams>,
) -> Result<axum::Json<Recommendations>, ApiError> {
    let mut problems = Problems::new();
    let limit = problems
        .number("limit", params.limit.as_deref(), 1, LIMIT_MAX)
        .unwrap_or(LIMIT_DEFAULT);
    let product_id = product_id(params.product_id.as_deref());
    problems
        .check(
            product_id.is_some(),
            "`productId` must be the number of a product, from 1",
        )
        .finish()?;
    let product_id = product_id.unwrap_or_default();
    let found = neighbourhoods
        .computed(&state.context)
        .await?
        .recommend(product_id, limit as usize)
        .ok_or_else(|| ApiError::not_found("there is no such product"))?;
    Ok(axum::Json(Recommendations {
        product_id,
        items: found.into_iter().map(FoundProduct::from).collect(),
    }))
}

fn product_id(text: Option<&str>) -> Option<i64> {
    text?.parse().ok().filter(|id| *id >= 1)
}
