//! Seeded people and things: names, addresses, cards, browsers, products, search words.
//!
//! PURE. Everything is drawn from tables with seeded numbers, so that the same shopper is the same person in every
//! run of a seed. Must not know: templates' syntax, journeys.

mod card;
mod client;
mod country;
mod person;
mod popularity;
mod words;

pub use card::Card;
pub use client::Client;
pub use person::Person;
pub use popularity::Sampler;
pub use words::Words;
