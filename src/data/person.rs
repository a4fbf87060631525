//! People: from a seed and a number to a name, an address and a login.

use std::borrow::Cow;
use std::fmt;

use rand::RngCore;

use super::country::Country;
use crate::rng::ShopperRng;
use crate::template::PersonField;

/// House numbers go up to this.
const HOUSE_NUMBER_MAX: i64 = 180;

/// A person; the same for the same seed, number and country, its e-mail address also for the same run.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    first_name: &'static str,
    last_name: &'static str,
    street: &'static str,
    house: i64,
    city: &'static str,
    postcode: Box<str>,
    phone: Box<str>,
    email: Box<str>,
    password: Box<str>,
}

impl Person {
    /// Person number `index` of the run with this seed and this key of its id, at home in the country of this ISO 3166 code.
    pub fn new(seed: u64, run: u64, index: u64, country: &str) -> Self {
        let country = Country::of(country);
        let mut rng = ShopperRng::new(seed, "person", index);
        let first_name = one_of(country.first_names, &mut rng);
        let last_name = one_of(country.last_names, &mut rng);
        Self {
            first_name,
            last_name,
            street: one_of(country.streets, &mut rng),
            house: rng.between(1, HOUSE_NUMBER_MAX),
            city: one_of(country.cities, &mut rng),
            postcode: filled(country.postcode, &mut rng),
            phone: filled(country.phone, &mut rng),
            email: email(first_name, last_name, &tag(seed, run, index)),
            password: format!("Pw-{:016x}", rng.next_u64()).into(),
        }
    }

    /// One field as text.
    pub fn field(&self, field: PersonField) -> Cow<'_, str> {
        let known = match field {
            PersonField::Name => return format!("{} {}", self.first_name, self.last_name).into(),
            PersonField::Street => return format!("{} {}", self.street, self.house).into(),
            PersonField::FirstName => self.first_name,
            PersonField::LastName => self.last_name,
            PersonField::Email => &self.email,
            PersonField::Password => &self.password,
            PersonField::City => self.city,
            PersonField::Postcode => &self.postcode,
            PersonField::Phone => &self.phone,
        };
        Cow::Borrowed(known)
    }
}

/// The e-mail address says enough; the password stays out of logs.
impl fmt::Debug for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Person")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

fn one_of(words: &'static [&'static str], rng: &mut ShopperRng) -> &'static str {
    words
        .get(rng.below(words.len() as u64) as usize)
        .copied()
        .unwrap_or_default()
}

/// Digits for `#`, letters for `?`.
fn filled(pattern: &str, rng: &mut ShopperRng) -> Box<str> {
    let fill = |place| match place {
        '#' => char::from(b'0' + rng.below(10) as u8),
        '?' => char::from(b'A' + rng.below(26) as u8),
        other => other,
    };
    pattern.chars().map(fill).collect::<String>().into()
}

/// What makes an address unique: seed and number, and which run it is, as an account can be made once.
fn tag(seed: u64, run: u64, index: u64) -> String {
    match run {
        0 => format!("s{seed}n{index}"),
        run => format!("s{seed}n{index}r{:08x}", run >> 32),
    }
}

/// `.example` is reserved, so no mail ever reaches anyone.
fn email(first_name: &str, last_name: &str, tag: &str) -> Box<str> {
    let plain = |name: &str| {
        let letters = name.chars().filter(char::is_ascii_alphabetic);
        letters
            .map(|letter| letter.to_ascii_lowercase())
            .collect::<String>()
    };
    format!(
        "{}.{}.{tag}@shopper.example",
        plain(first_name),
        plain(last_name)
    )
    .into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Every field is there, and the same each time.
        #[test]
        fn people_are_complete_and_repeatable(seed: u64, run: u64, index: u64, country in "[A-Z]{2}|DE|FR|NL") {
            let person = Person::new(seed, run, index, &country);
            prop_assert_eq!(&person, &Person::new(seed, run, index, &country));
            for field in [
                PersonField::Name, PersonField::FirstName, PersonField::LastName, PersonField::Email,
                PersonField::Password, PersonField::Street, PersonField::City, PersonField::Postcode, PersonField::Phone,
            ] {
                prop_assert!(!person.field(field).is_empty());
            }
            let email = person.field(PersonField::Email);
            prop_assert!(email.is_ascii() && email.matches('@').count() == 1 && email.len() <= 128);
            let tail = format!(".{}@shopper.example", tag(seed, run, index));
            prop_assert!(email.ends_with(&tail) && email.len() > tail.len() + 1, "{}", email);
            prop_assert!(person.field(PersonField::Password).len() >= 12);
        }
    }

    #[test]
    fn emails_are_unique() {
        let emails: BTreeSet<_> = (0..5_000)
            .map(|index| {
                Person::new(1, 0, index, "DE")
                    .field(PersonField::Email)
                    .into_owned()
            })
            .collect();
        assert_eq!(emails.len(), 5_000);
        for (seed, run) in [(2, 0), (1, 1 << 32)] {
            let other = Person::new(seed, run, 7, "DE");
            assert!(!emails.contains(&*other.field(PersonField::Email)));
        }
    }
}
