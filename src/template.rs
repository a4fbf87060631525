//! Texts with holes: compiled once, rendered for each request.
//!
//! PURE. Must not know: the engine, clocks, IO. All values come from the shopper's own variables and random numbers, and from the
//! time that the engine tells.

mod function;
mod now;
mod number;
mod render;
mod value;

pub use function::{Algorithm, Call, Function, Spelling};
pub use now::{Now, TimeFormat};
pub(crate) use number::{is_json_number, same_number};
pub use value::Scalar;
pub(crate) use value::write_quoted;

#[cfg(test)]
mod tests;

/// Longest text that a shopper keeps in one variable, bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Longest text made of a template: a body, a URL, a header; bytes.
pub const TEXT_BYTES_MAX: usize = 16 << 20;

/// Index of a shopper's variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u16);

/// A compiled text.
#[derive(Debug, Clone, Default)]
pub struct Template {
    /// Pieces in order.
    pub parts: Vec<Part>,
}

/// A piece of a template.
#[derive(Debug, Clone)]
pub enum Part {
    /// As it stands.
    Text(Box<str>),
    /// A value, written in the given way.
    Value(Expr, Encoding),
}

/// How a value is written into its surroundings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is (headers, plain bodies).
    Raw,
    /// Percent-encoded as a URI component.
    Uri,
    /// Between the quotes of a part's name: quotes and line breaks percent-encoded (HTML, multipart/form-data).
    Quoted,
    /// Inside a JSON string: escaped, without quotes.
    JsonText,
    /// A whole JSON value: numbers bare, texts quoted and escaped, unset as null.
    JsonValue,
}

/// Where a value comes from.
#[derive(Debug, Clone)]
pub enum Expr {
    /// A constant.
    Constant(Value),
    /// A variable.
    Variable(Slot),
    /// A column of a feeder: feeder index, column index.
    Feeder(u16, u16),
    /// Made anew each time.
    Generated(Generator),
    /// Text built from others.
    Text(Box<Template>),
    /// Made of others by a function.
    Call(Box<Call>),
}

/// Makers of values; every one but the time depends only on the shopper's seeded random numbers and identity.
#[derive(Debug, Clone)]
pub enum Generator {
    /// The shopper's name, e-mail, … (the same each time for one shopper).
    Person(PersonField),
    /// The shopper's card.
    Card(CardField),
    /// A new random UUID.
    Uuid,
    /// An integer between the two, both included.
    Int(i64, i64),
    /// One of the texts.
    Pick(Vec<Box<str>>),
    /// An item of a popularity distribution.
    Popular(u16),
    /// A search word, popular ones more often.
    Word,
    /// The pieces in the shopper's basket, drawn once per shopper from the persona's range.
    Basket,
    /// The shopper's number: its index in the schedule.
    Shopper,
    /// The shopper's session id (UUID).
    Session,
    /// The shopper's persona.
    Persona,
    /// The shopper's device.
    Device,
    /// The shopper's browser.
    Browser,
    /// The shopper's country code.
    Country,
    /// The run's seed.
    Seed,
    /// The run's id; empty in a preview.
    RunId,
    /// The time: the only value that no seed brings back.
    Now(Box<Now>),
}

/// What is known of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonField {
    /// First and last name.
    Name,
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// Unique: contains the seed, the shopper's number and which run it is.
    Email,
    /// Long enough for the shop.
    Password,
    /// Street and number.
    Street,
    /// City.
    City,
    /// Postal code.
    Postcode,
    /// Telephone number.
    Phone,
}

/// What is on a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardField {
    /// A public test number, one that is declined for the persona's share of shoppers.
    Number,
    /// Month, 1…12.
    ExpMonth,
    /// Year, four digits.
    ExpYear,
    /// Three digits.
    Cvc,
}

/// A value of a variable.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Not set.
    #[default]
    Unset,
    /// Text.
    Text(Box<str>),
    /// A whole number.
    Int(i64),
    /// Another number, as it was written: JSON's own spelling.
    Number(Box<str>),
    /// true or false.
    Bool(bool),
    /// A JSON array or object as text.
    Json(Box<str>),
}
