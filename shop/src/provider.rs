//! Ports to the world outside the shop: who takes the money and who carries the mail.
//!
//! Both are called with idempotency keys, so that a caller which does not know whether its call
//! arrived simply calls again. Nothing here knows orders, queues or stores of the shop.

use async_trait::async_trait;

use crate::page::Page;

pub mod card;
pub mod http;
pub mod server;
pub(crate) mod signature;
pub mod simulated;

pub use card::Card;

/// Who takes the money.
#[async_trait]
pub trait PaymentProvider: Send + Sync + 'static {
    /// Takes the money once per `idempotency_key`; the same key gives the same answer again.
    async fn charge(&self, charge: Charge) -> Result<Charged, ChargeError>;

    /// What became of a charge, by its key; `None` when the provider never heard of it.
    async fn lookup(&self, idempotency_key: &str) -> Result<Option<ChargeOutcome>, ChargeError>;

    /// Gives all the money of a charge back, once per charge.
    async fn refund(&self, charge_id: &str) -> Result<Refunded, RefundError>;

    /// The provider's own books: charges that went through at `since_ms` (milliseconds since 1970) or
    /// later, at most `limit`, from behind `after` on. Every charge is on one page, once, also while
    /// others are being made.
    async fn books(
        &self,
        since_ms: i64,
        after: Option<String>,
        limit: u32,
    ) -> Result<Page<BookedCharge, String>, ChargeError>;
}

/// Who carries the mail.
#[async_trait]
pub trait MailProvider: Send + Sync + 'static {
    /// Sends once per `idempotency_key`; the same key gives the same answer again.
    async fn send(&self, mail: Mail) -> Result<Delivered, MailError>;
}

/// Money to be taken.
#[derive(Clone, Debug)]
pub struct Charge {
    /// Chosen by the shop, one for each payment that shall happen once.
    pub idempotency_key: String,
    /// Minor units; above zero.
    pub amount_minor: i64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// What to take it from.
    pub method: PaymentMethod,
    /// When the payment was first wanted, in milliseconds since 1970. Providers forget keys after a day.
    pub wanted_since_ms: i64,
}

/// What money is taken from.
#[derive(Clone, Debug)]
pub enum PaymentMethod {
    /// The method a customer left with the provider; orders with automatic payment use it.
    OnFile,
    /// A token that stands for a card at the provider: `pm_card_visa`.
    Token(String),
    /// A card itself.
    Card(Card),
}

/// Money that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charged {
    /// The provider's name for the charge.
    pub charge_id: String,
    /// Last four digits of the card, where there was one.
    pub last4: Option<String>,
}

/// A charge that the provider has decided.
pub type ChargeOutcome = Result<Charged, DeclineReason>;

/// Money that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refunded {
    /// The provider's name for the refund.
    pub refund_id: String,
}

/// One charge in the provider's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedCharge {
    /// The key the shop chose; empty when somebody else made the charge.
    pub idempotency_key: String,
    /// The provider's name for the charge.
    pub charge_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217, upper case.
    pub currency: String,
    /// Whether the money was given back.
    pub refunded: bool,
}

/// Why no money was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChargeError {
    /// The bank said no; the same call would be answered the same.
    #[error("the charge was declined: {0}")]
    Declined(DeclineReason),
    /// The provider does not know the method or the amount is not possible.
    #[error("the provider refuses the charge: {0}")]
    Invalid(String),
    /// No answer; the money may have been taken. Repeat with the same key.
    #[error("the payment provider is unavailable: {0}")]
    Unavailable(String),
}

/// Why a bank says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclineReason {
    /// No reason given.
    Generic,
    /// The account does not hold the amount.
    InsufficientFunds,
    /// The card is past its date.
    ExpiredCard,
    /// The security code is wrong.
    IncorrectCvc,
    /// The bank's system failed in a way that will not pass.
    ProcessingError,
}

impl DeclineReason {
    /// The machine word, the same in answers, events and metric tags.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Generic => "generic_decline",
            Self::InsufficientFunds => "insufficient_funds",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::ProcessingError => "processing_error",
        }
    }

    /// The reason behind a machine word; an unknown word is a decline without a reason.
    pub fn from_word(word: &str) -> Self {
        [
            Self::InsufficientFunds,
            Self::ExpiredCard,
            Self::IncorrectCvc,
            Self::ProcessingError,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == word)
        .unwrap_or(Self::Generic)
    }
}

impl std::fmt::Display for DeclineReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no money was given back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The provider never made that charge.
    #[error("the provider knows no charge {0}")]
    UnknownCharge(String),
    /// No answer; repeat.
    #[error("the payment provider is unavailable: {0}")]
    Unavailable(String),
}

/// A mail to one person.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Chosen by the shop, one for each mail that shall arrive once.
    pub idempotency_key: String,
    /// Address of the reader.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// A mail that was accepted for delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The provider's name for the mail.
    pub message_id: String,
}

/// Why a mail was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The provider will never deliver this mail.
    #[error("the mail provider refuses the mail: {0}")]
    Rejected(String),
    /// No answer; repeat with the same key.
    #[error("the mail provider is unavailable: {0}")]
    Unavailable(String),
}
