//! The values that loadgen makes, by name.

use crate::template::{CardField, Generator, PersonField};

/// Values that stand for themselves.
pub(super) const PLAIN: [&str; 11] = [
    "uuid", "word", "basket", "shopper", "session", "persona", "device", "browser", "country",
    "seed", "run_id",
];

/// Values made from arguments.
pub(super) const CALLS: [&str; 3] = ["int", "pick", "popular"];

/// Values made of other values.
pub(super) const FUNCTIONS: [&str; 8] = [
    "base64",
    "base64url",
    "hmac",
    "html",
    "sha256",
    "sha384",
    "sha512",
    "url",
];

/// Values that give way to a variable of their name.
pub(super) const TIMES: [&str; 2] = ["now", "timestamp"];

pub(super) const PERSON: [&str; 9] = [
    "name",
    "first_name",
    "last_name",
    "email",
    "password",
    "street",
    "city",
    "postcode",
    "phone",
];

pub(super) const CARD: [&str; 4] = ["number", "exp_month", "exp_year", "cvc"];

pub(super) fn plain(name: &str) -> Option<Generator> {
    Some(match name {
        "uuid" => Generator::Uuid,
        "word" => Generator::Word,
        "basket" => Generator::Basket,
        "shopper" => Generator::Shopper,
        "session" => Generator::Session,
        "persona" => Generator::Persona,
        "device" => Generator::Device,
        "browser" => Generator::Browser,
        "country" => Generator::Country,
        "seed" => Generator::Seed,
        "run_id" => Generator::RunId,
        _ => return None,
    })
}

pub(super) fn person(field: &str) -> Option<PersonField> {
    Some(match field {
        "name" => PersonField::Name,
        "first_name" => PersonField::FirstName,
        "last_name" => PersonField::LastName,
        "email" => PersonField::Email,
        "password" => PersonField::Password,
        "street" => PersonField::Street,
        "city" => PersonField::City,
        "postcode" => PersonField::Postcode,
        "phone" => PersonField::Phone,
        _ => return None,
    })
}

pub(super) fn card(field: &str) -> Option<CardField> {
    Some(match field {
        "number" => CardField::Number,
        "exp_month" => CardField::ExpMonth,
        "exp_year" => CardField::ExpYear,
        "cvc" => CardField::Cvc,
        _ => return None,
    })
}
