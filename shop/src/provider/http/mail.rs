//! Mail over an API in the shape of SendGrid's.
//!
//! That API knows no idempotency: a mail whose answer was lost is sent again and may arrive twice. The key goes along all the
//! same, in a header and with the mail, for providers that look at it.

use async_trait::async_trait;
use serde_json::json;

use super::{Caller, MailAddress, NoAnswer, passes, reason};
use crate::fault::{Faults, Point};
use crate::provider::{Delivered, Mail, MailError, MailProvider};

/// A mail provider over HTTP.
pub struct HttpMail {
    caller: Caller,
    from: String,
}

impl HttpMail {
    /// Connections to the provider; nothing is sent yet.
    pub fn new(address: &MailAddress) -> anyhow::Result<Self> {
        let from = address
            .from
            .clone()
            .filter(|from| crate::validate::is_email(from));
        let from = from.ok_or_else(|| {
            anyhow::anyhow!(
                "MAIL_FROM is no mail address, but MAIL_PROVIDER_URL is set; write it like shop@example.com"
            )
        })?;
        Ok(Self {
            caller: Caller::new(
                "MAIL_PROVIDER",
                &address.url,
                address.key.as_ref(),
                Point::MailSend,
            )?,
            from,
        })
    }

    /// Lets faults act on what the provider is asked.
    #[must_use]
    pub fn with_faults(mut self, faults: &Faults) -> Self {
        self.caller.faults = faults.clone();
        self
    }
}

#[async_trait]
impl MailProvider for HttpMail {
    async fn send(&self, mail: Mail) -> Result<Delivered, MailError> {
        let body = json!({
            "personalizations": [{
                "to": [{ "email": mail.to }],
                "custom_args": { "idempotency_key": mail.idempotency_key },
            }],
            "from": { "email": self.from },
            "subject": mail.subject,
            "content": [{ "type": "text/plain", "value": mail.text }],
        });
        let request = self
            .caller
            .post("/v3/mail/send", &mail.idempotency_key)
            .json(&body);
        let answer = self
            .caller
            .call(request)
            .await
            .map_err(|NoAnswer(cause)| MailError::Unavailable(cause))?;
        if passes(answer.status) {
            return Err(MailError::Unavailable(reason(answer.status)));
        }
        if !answer.status.is_success() {
            return Err(MailError::Rejected(format!(
                "it answered {}",
                answer.status
            )));
        }
        let id = answer.headers.get("x-message-id");
        Ok(Delivered {
            message_id: id
                .and_then(|id| id.to_str().ok())
                .unwrap_or_default()
                .to_owned(),
        })
    }
}
