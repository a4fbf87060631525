//! A payment card on its way to the provider. It is never stored, and prints as its last four digits.

/// Shortest and longest card number in use (ISO/IEC 7812).
const DIGITS: std::ops::RangeInclusive<usize> = 12..=19;

/// A card whose number, date and code have the right form.
#[derive(Clone)]
pub struct Card {
    number: String,
    exp_month: u8,
    exp_year: u16,
    cvc: Option<String>,
}

/// What is wrong with a card, by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardProblem {
    /// The field: `number`, `expMonth`, `expYear`, `cvc`.
    pub field: &'static str,
    /// What is wrong, to be shown to the shopper.
    pub message: &'static str,
}

impl Card {
    /// Checks form and check digit; every problem at once. Blanks and hyphens in the number are ignored.
    /// Whether the card is out of date is the bank's to say.
    pub fn parse(
        number: &str,
        exp_month: i64,
        exp_year: i64,
        cvc: Option<&str>,
    ) -> Result<Self, Vec<CardProblem>> {
        let number: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        let problems: Vec<_> = [
            (!plausible_number(&number)).then_some(CardProblem {
                field: "number",
                message: "is not a card number",
            }),
            (!(1..=12).contains(&exp_month)).then_some(CardProblem {
                field: "expMonth",
                message: "must be 1 to 12",
            }),
            (!(2000..=2099).contains(&exp_year)).then_some(CardProblem {
                field: "expYear",
                message: "must be a year with four digits, 2000 to 2099",
            }),
            (!cvc.is_none_or(plausible_cvc)).then_some(CardProblem {
                field: "cvc",
                message: "must be three or four digits",
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self {
            number,
            exp_month: exp_month as u8,
            exp_year: exp_year as u16,
            cvc: cvc.map(str::to_owned),
        })
    }

    /// All digits, for the provider alone.
    pub(super) fn number(&self) -> &str {
        &self.number
    }

    /// 1 to 12, for the provider alone.
    pub(super) fn exp_month(&self) -> u8 {
        self.exp_month
    }

    /// Four digits, for the provider alone.
    pub(super) fn exp_year(&self) -> u16 {
        self.exp_year
    }

    /// The security code, for the provider alone.
    pub(super) fn cvc(&self) -> Option<&str> {
        self.cvc.as_deref()
    }

    /// The last four digits, which may be kept.
    pub fn last4(&self) -> &str {
        &self.number[self.number.len() - 4..]
    }

    /// Whether the card's month is over at the start of `(year, month)`.
    pub fn is_expired(&self, year: u16, month: u8) -> bool {
        (self.exp_year, self.exp_month) < (year, month)
    }
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Card(…{})", self.last4())
    }
}

fn plausible_number(number: &str) -> bool {
    DIGITS.contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()) && luhn(number)
}

fn plausible_cvc(cvc: &str) -> bool {
    (3..=4).contains(&cvc.len()) && cvc.bytes().all(|b| b.is_ascii_digit())
}

/// The check digit of ISO/IEC 7812-1.
fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .map(|byte| u32::from(byte - b'0'))
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => digit,
            _ if digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn test_cards_pass_and_a_changed_digit_does_not() {
        for number in [
            "4242424242424242",
            "4000 0000 0000 9995",
            "4000-0000-0000-0002",
        ] {
            assert!(
                Card::parse(number, 12, 2030, Some("123")).is_ok(),
                "{number}"
            );
        }
        let problems = Card::parse("4242424242424241", 13, 30, Some("12a")).expect_err("invalid");
        let fields: Vec<_> = problems.iter().map(|p| p.field).collect();
        assert_eq!(fields, ["number", "expMonth", "expYear", "cvc"]);
    }

    #[test]
    fn a_card_never_prints_its_number() {
        let card = Card::parse("4242424242424242", 1, 2030, None).expect("valid");
        assert_eq!(format!("{card:?}"), "Card(…4242)");
    }

    #[test]
    fn a_card_is_good_to_the_end_of_its_month() {
        let card = Card::parse("4242424242424242", 6, 2030, None).expect("valid");
        assert!(!card.is_expired(2030, 6));
        assert!(card.is_expired(2030, 7));
        assert!(card.is_expired(2031, 1));
    }

    proptest! {
        /// No input makes the parser panic, and what passes has four digits to show.
        #[test]
        fn any_text_is_answered(number in "\\PC*", month: i64, year: i64, cvc in "\\PC*") {
            if let Ok(card) = Card::parse(&number, month, year, Some(&cvc)) {
                prop_assert_eq!(card.last4().len(), 4);
            }
        }
    }
}
