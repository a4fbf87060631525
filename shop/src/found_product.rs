//! A product of the static catalogue as search and recommendations show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::SeedProduct;
use crate::money::{Amount, Currency};

/// One product of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FoundProduct {
    /// Its number.
    id: i64,
    /// Its name.
    name: String,
    /// Its category.
    category: &'static str,
    /// Who makes it.
    brand: &'static str,
    /// Its price in major units.
    price: Amount,
    /// The price's currency.
    currency: Currency,
}

impl From<&SeedProduct> for FoundProduct {
    fn from(product: &SeedProduct) -> Self {
        FoundProduct {
            id: product.id,
            name: product.name.clone(),
            category: product.category,
            brand: product.brand,
            price: Amount::from_minor(product.price_minor),
            currency: Currency::default(),
        }
    }
}
