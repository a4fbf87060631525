//! Catalogue search over the static catalogue, in memory.
//!
//! It keeps no data and asks no other service; the index is built on the first request, which is
//! what a cold start of a function is.

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
use crate::money::Amount;
use crate::service::Service;
use crate::validate::Problems;

mod index;

use index::{Index, Sort};

/// Longest query text.
const TEXT_CHARS_MAX: usize = 200;
/// Longest category name.
const CATEGORY_CHARS_MAX: usize = 60;
/// Products on one page, unless asked otherwise and at most.
const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;
/// How far into the results one can page.
const OFFSET_MAX: u32 = 100_000;

pub(super) const SERVICE: Entry = Entry::new(Service::Search, routes)
    .starting(|_| Box::pin(async { Ok(Started::with(SearchIndex::default())) }));

/// The service's routes.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search))
}

/// The index, once it is built.
#[derive(Default)]
struct SearchIndex(OnceCell<Index>);

impl SearchIndex {
    async fn built(&self, context: &Context) -> Result<&Index, ApiError> {
        self.0
            .get_or_try_init(|| async {
                start_cold(&context.faults, Service::Search).await?;
                let config = &context.config;
                let (seed, products) = (config.seed, config.products);
                tokio::task::spawn_blocking(move || {
                    Index::build(Catalogue::generate(seed, products))
                })
                .await
                .map_err(|error| ApiError::internal(&error))
            })
            .await
    }
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct SearchParams {
    /// Words that all must occur; beginnings of words are enough.
    #[param(max_length = 200, example = "brass lamp")]
    q: Option<String>,
    /// Only this category.
    #[param(max_length = 60, example = "lighting")]
    category: Option<String>,
    /// Lowest price in major units.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 10_000_000, multiple_of = 0.01)]
    min_price: Option<String>,
    /// Highest price in major units.
    #[param(value_type = Option<f64>, minimum = 0, maximum = 10_000_000, multiple_of = 0.01)]
    max_price: Option<String>,
    /// The order of the answer.
    #[param(value_type = Option<SortOrder>, inline)]
    sort: Option<String>,
    /// Products on the page.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// Products to skip.
    #[param(value_type = Option<u32>, minimum = 0, maximum = 100_000)]
    offset: Option<String>,
}

/// The orders of an answer.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SortOrder {
    /// Best match first.
    Relevance,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
    /// By the alphabet.
    Name,
}

/// One page of results.
#[derive(Debug, Serialize, ToSchema)]
struct SearchResults {
    /// The products.
    items: Vec<FoundProduct>,
    /// How many products match in all.
    total: usize,
    /// How many were skipped.
    offset: u32,
    /// How many the page may hold.
    limit: u32,
}

/// Searches the catalogue.
#[utoipa::path(
    get,
    path = "/api/search",
    params(SearchParams),
    responses(
        (status = 200, body = SearchResults),
        (status = 400, body = ErrorBody, description = "The query cannot be read"),
        (status = 422, body = ErrorBody, description = "A value is not acceptable"),
        (status = 503, body = ErrorBody, description = "The service is starting"),
    )
)]
async fn search(
    State(state): State<AppState>,
    Own(index): Own<SearchIndex>,
    Query(params): Query<SearchParams>,
) -> Result<axum::Json<SearchResults>, ApiError> {
    let wanted = Wanted::read(&params)?;
    let index = index.built(&state.context).await?;
    let query = index::Query {
        text: params.q.as_deref().unwrap_or_default(),
        category: params.category.as_deref(),
        min_price_minor: wanted.min_price.map(Amount::minor),
        max_price_minor: wanted.max_price.map(Amount::minor),
        sort: wanted.sort,
    };
    let page = index.search(&query, wanted.offset as usize, wanted.limit as usize);
    Ok(axum::Json(SearchResults {
        items: page.products.into_iter().map(FoundProduct::from).collect(),
        total: page.total,
        offset: wanted.offset,
        limit: wanted.limit,
    }))
}

/// The values of a query that are more than text.
struct Wanted {
    min_price: Option<Amount>,
    max_price: Option<Amount>,
    sort: Sort,
    limit: u32,
    offset: u32,
}

impl Wanted {
    fn read(params: &SearchParams) -> Result<Self, ApiError> {
        let mut problems = Problems::new();
        let wanted = Wanted {
            min_price: price(&mut problems, "minPrice", params.min_price.as_deref()),
            max_price: price(&mut problems, "maxPrice", params.max_price.as_deref()),
            sort: sort(&mut problems, params.sort.as_deref()),
            limit: problems
                .number("limit", params.limit.as_deref(), 1, LIMIT_MAX)
                .unwrap_or(LIMIT_DEFAULT),
            offset: problems
                .number("offset", params.offset.as_deref(), 0, OFFSET_MAX)
                .unwrap_or(0),
        };
        let chars = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
        problems
            .check(
                chars(&params.q) <= TEXT_CHARS_MAX,
                format!("`q` must have at most {TEXT_CHARS_MAX} characters"),
            )
            .check(
                chars(&params.category) <= CATEGORY_CHARS_MAX,
                format!("`category` must have at most {CATEGORY_CHARS_MAX} characters"),
            )
            .finish()?;
        Ok(wanted)
    }
}

fn price(problems: &mut Problems, field: &str, text: Option<&str>) -> Option<Amount> {
    let parsed = text?.parse::<Amount>();
    if let Err(error) = &parsed {
        problems.check(false, format!("`{field}`: {error}"));
    }
    parsed.ok()
}

fn sort(problems: &mut Problems, text: Option<&str>) -> Sort {
    match text {
        None | Some("relevance") => Sort::Relevance,
        Some("price_asc") => Sort::PriceAsc,
        Some("price_desc") => Sort::PriceDesc,
        Some("name") => Sort::Name,
        Some(_) => {
            problems.check(
                false,
                "`sort` must be relevance, price_asc, price_desc or name",
            );
            Sort::Relevance
        }
    }
}
