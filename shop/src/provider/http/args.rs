//! The variables that name real providers. A variable that is empty names nothing.

use super::{MailAddress, PaymentAddress};
use crate::secret::Secret;

/// The method that works in the test mode of a well-known provider.
const ON_FILE_DEFAULT: &str = "pm_card_visa";

/// Real providers instead of the simulated ones.
#[derive(Clone, Default, clap::Args)]
pub struct ProviderArgs {
    /// Payment provider with an API like Stripe's
    #[arg(
        long,
        hide = true,
        env = "PAYMENT_PROVIDER_URL",
        hide_env_values = true
    )]
    payment_provider_url: Option<String>,
    /// The shop's key there
    #[arg(
        long,
        hide = true,
        env = "PAYMENT_PROVIDER_KEY",
        hide_env_values = true
    )]
    payment_provider_key: Option<String>,
    /// Payment method for orders that are charged automatically
    #[arg(
        long,
        hide = true,
        env = "PAYMENT_PROVIDER_ON_FILE",
        hide_env_values = true
    )]
    payment_provider_on_file: Option<String>,
    /// Mail provider with an API like SendGrid's
    #[arg(long, hide = true, env = "MAIL_PROVIDER_URL", hide_env_values = true)]
    mail_provider_url: Option<String>,
    /// The shop's key there
    #[arg(long, hide = true, env = "MAIL_PROVIDER_KEY", hide_env_values = true)]
    mail_provider_key: Option<String>,
    /// Whom mail comes from
    #[arg(long, hide = true, env = "MAIL_FROM", hide_env_values = true)]
    mail_from: Option<String>,
}

impl ProviderArgs {
    pub(crate) fn payment(&self) -> Option<PaymentAddress> {
        let on_file = given(self.payment_provider_on_file.as_ref());
        Some(PaymentAddress {
            url: Secret::given(self.payment_provider_url.as_deref())?,
            key: Secret::given(self.payment_provider_key.as_deref()),
            on_file: on_file.unwrap_or_else(|| ON_FILE_DEFAULT.to_owned()),
        })
    }

    pub(crate) fn mail(&self) -> Option<MailAddress> {
        Some(MailAddress {
            url: Secret::given(self.mail_provider_url.as_deref())?,
            key: Secret::given(self.mail_provider_key.as_deref()),
            from: given(self.mail_from.as_ref()),
        })
    }
}

fn given(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}
