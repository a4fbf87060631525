//! Kinds of shoppers and what is popular among them. Must not know how they are drawn.

use crate::template::{Expr, Slot};

/// A kind of shopper.
#[derive(Debug, Clone)]
pub struct Persona {
    /// For conditions and reports.
    pub name: String,
    /// Share among arrivals, relative to the other personas.
    pub weight: f64,
    /// Weights of the journeys (same order as [`crate::scenario::Scenario::journeys`]) for this persona.
    pub journeys: Vec<f64>,
    /// Share of shoppers who have been here before, 0…1.
    pub returning: f64,
    /// Devices: name (`desktop`, `mobile`, `tablet`) and weight.
    pub devices: Vec<(String, f64)>,
    /// Browsers: name (`chrome`, `safari`, `firefox`, `edge`) and weight.
    pub browsers: Vec<(String, f64)>,
    /// ISO 3166 country codes and weights.
    pub countries: Vec<(String, f64)>,
    /// Fewest and most pieces in the basket.
    pub basket: (u32, u32),
    /// Share of shoppers whose card will be declined, 0…1.
    pub declined_cards: f64,
    /// Multiplies every think time.
    pub pace: f64,
    /// Variables of the whole file, set when the shopper arrives.
    pub defaults: Vec<(Slot, Expr)>,
    /// Variables of this persona, set after them.
    pub set: Vec<(Slot, Expr)>,
}

/// A Zipf distribution over ranks `1..=items`: P(k) ∝ k^−exponent; rank k is mapped to an id by a seeded permutation.
#[derive(Debug, Clone, PartialEq)]
pub struct Popularity {
    /// Its name, for example `products`.
    pub name: String,
    /// Number of items.
    pub items: u64,
    /// Exponent, 0 is uniform.
    pub exponent: f64,
    /// If set, this item takes this share of all draws (a hot product).
    pub hot: Option<(u64, f64)>,
}
