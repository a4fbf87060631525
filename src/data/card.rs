//! Payment cards: public test numbers only, never anyone's.

use crate::rng::ShopperRng;
use crate::template::{CardField, Scalar};

/// Stripe's public test numbers that are accepted.
const ACCEPTED: [&str; 6] = [
    "4242424242424242",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "4000056655665556",
    "5200828282828210",
];

/// Public test numbers that are declined: generic, insufficient funds, expired.
const DECLINED: [&str; 3] = ["4000000000000002", "4000000000009995", "4000000000000069"];

/// First year of expiry; fixed, because a run must not depend on today's date.
const EXPIRY_YEAR_FIRST: i64 = 2030;

/// A shopper's card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    number: &'static str,
    month: i64,
    year: i64,
    cvc: u16,
}

impl Card {
    /// The card of shopper `index`, one that will be declined or not.
    pub fn new(seed: u64, index: u64, declined: bool) -> Self {
        let mut rng = ShopperRng::new(seed, "card", index);
        let numbers: &[&'static str] = if declined { &DECLINED } else { &ACCEPTED };
        Self {
            number: numbers[rng.below(numbers.len() as u64) as usize],
            month: rng.between(1, 12),
            year: rng.between(EXPIRY_YEAR_FIRST, EXPIRY_YEAR_FIRST + 5),
            cvc: rng.below(1_000) as u16,
        }
    }

    /// One field; number and security code are texts, as their zeros count.
    pub fn field(&self, field: CardField) -> Scalar<'static> {
        match field {
            CardField::Number => Scalar::text(self.number),
            CardField::ExpMonth => Scalar::Int(self.month),
            CardField::ExpYear => Scalar::Int(self.year),
            CardField::Cvc => Scalar::Text(format!("{:03}", self.cvc).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check digit of ISO/IEC 7812.
    fn passes_luhn(number: &str) -> bool {
        let digits = number
            .chars()
            .rev()
            .map(|digit| digit.to_digit(10).expect("a digit"));
        let weighted = digits
            .enumerate()
            .map(|(place, digit)| match (place % 2, digit) {
                (0, digit) => digit,
                (_, digit) if digit > 4 => digit * 2 - 9,
                (_, digit) => digit * 2,
            });
        weighted.sum::<u32>() % 10 == 0
    }

    #[test]
    fn numbers_are_well_formed() {
        assert!(
            ACCEPTED
                .iter()
                .chain(&DECLINED)
                .all(|number| passes_luhn(number))
        );
    }

    #[test]
    fn declined_cards_come_from_their_table() {
        for index in 0..50 {
            let number = |declined| Card::new(1, index, declined).number;
            assert!(DECLINED.contains(&number(true)) && ACCEPTED.contains(&number(false)));
        }
        let Scalar::Text(cvc) = Card::new(1, 0, false).field(CardField::Cvc) else {
            panic!("a text")
        };
        assert_eq!(cvc.len(), 3);
    }
}
