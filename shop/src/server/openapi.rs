//! OpenAPI: the document of each service, generated from its routes.
//!
//! Routes declare what is special about them; the answers that every route can give (a body that is
//! too large, a store that is busy) follow from its shape and are added here.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi as _;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder, ResponsesBuilder,
};

use super::common::common_routes;
use crate::context::AppState;
use crate::error::{ErrorBody, ErrorDetail};
use crate::service::Service;
use crate::services;

/// Name of the security scheme; routes that take a token refer to it.
const BEARER: &str = "bearer";

#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorBody, ErrorDetail)))]
struct CommonSchemas;

/// `/openapi.json`, rendered once.
pub(super) fn document_route(service: Service) -> Router<AppState> {
    let document = Bytes::from(serde_json::to_vec(&document(service)).unwrap_or_default());
    let answer = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], document) }
    };
    Router::new().route("/openapi.json", get(answer))
}

/// The document of one service; the gateway's is that of everything behind it.
fn document(service: Service) -> OpenApi {
    let mut document = OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title(service.telemetry_name())
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("The reference shop that loadgen drives and breaks."))
                .build(),
        )
        .build();
    document.merge(CommonSchemas::openapi());
    if service == Service::Gateway {
        for other in Service::all() {
            document.merge(routes_of(other));
        }
    } else {
        document.merge(routes_of(service));
    }
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    if let Some(components) = &mut document.components {
        components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    }
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            complete(operation);
        }
    }
    document
}

/// Handlers are named within their module; across the shop only method and path are unique.
fn operation_id(method: &str, path: &str) -> String {
    path.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty() && *word != "api")
        .fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

fn routes_of(service: Service) -> OpenApi {
    common_routes()
        .merge((services::entry(service).routes)())
        .split_for_parts()
        .1
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Adds the errors that follow from an operation's shape, unless it describes them itself.
fn complete(operation: &mut Operation) {
    let mut errors = vec![
        ("429", "Too many requests from this address"),
        ("503", "Something that the answer needs is down or busy"),
        ("504", "A service did not answer in time"),
    ];
    if operation.parameters.is_some() || operation.request_body.is_some() {
        errors.push(("400", "The request cannot be read"));
        errors.push(("422", "A value is not acceptable"));
    }
    if operation.request_body.is_some() {
        errors.push(("413", "The body is too large"));
        errors.push(("415", "The body is not JSON"));
    }
    if operation.security.is_some() {
        errors.push(("401", "No token, or one that is not valid"));
        errors.push(("403", "The token does not allow this"));
    }
    let described = std::mem::take(&mut operation.responses.responses);
    let mut responses = ResponsesBuilder::new();
    for (status, description) in errors {
        let answer = ResponseBuilder::new()
            .description(description)
            .content(
                "application/json",
                ContentBuilder::new()
                    .schema(Some(Ref::from_schema_name("ErrorBody")))
                    .build(),
            )
            .build();
        responses = responses.response(status, answer);
    }
    operation.responses = responses.build();
    operation.responses.responses.extend(described);
}
