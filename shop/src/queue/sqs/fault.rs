//! What went wrong in a call to SQS, and what that means to the queue's users.

use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};

use crate::queue::QueueError;

/// A call that failed.
#[derive(Debug)]
pub(super) struct Fault {
    /// The code of SQS, without its namespace; nothing when there was no answer.
    code: Option<String>,
    /// What to tell people.
    what: String,
}

impl<E, R> From<SdkError<E, R>> for Fault
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    fn from(error: SdkError<E, R>) -> Self {
        let answer = error.as_service_error();
        let Some((answer, code)) = answer.and_then(|answer| Some((answer, answer.code()?))) else {
            let what = telemetry::text::chain(&error);
            return Fault { code: None, what };
        };
        let code = code.rsplit('.').next().unwrap_or(code).to_owned();
        let what = format!(
            "SQS answers {code}: {}",
            answer.message().unwrap_or("no reason")
        );
        Fault {
            code: Some(code),
            what,
        }
    }
}

impl Fault {
    /// Something that SQS said without calling it an error.
    pub(super) fn new(code: Option<&str>, what: impl Into<String>) -> Self {
        Fault {
            code: code.map(str::to_owned),
            what: what.into(),
        }
    }

    /// Whether SQS gave this code.
    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether there is no such queue; SQS has two words for it.
    pub(super) fn is_missing_queue(&self) -> bool {
        self.is("QueueDoesNotExist") || self.is("NonExistentQueue")
    }

    /// Whether these credentials may not do it, or are none.
    pub(super) fn is_forbidden(&self) -> bool {
        const REFUSALS: [&str; 8] = [
            "AccessDenied",
            "AccessDeniedException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "SignatureDoesNotMatch",
            "InvalidSecurity",
            "ExpiredToken",
            "MissingAuthenticationToken",
        ];
        REFUSALS.iter().any(|code| self.is(code))
    }

    /// What it means for most calls.
    pub(super) fn into_error(self) -> QueueError {
        const WRONG_CALLS: [&str; 7] = [
            "BatchRequestTooLong",
            "TooManyEntriesInBatchRequest",
            "InvalidMessageContents",
            "InvalidParameterValue",
            "InvalidParameterValueException",
            "InvalidAttributeValue",
            "UnsupportedOperation",
        ];
        if WRONG_CALLS.iter().any(|code| self.is(code)) {
            return QueueError::Limit(self.what);
        }
        if self.is_missing_queue() {
            return QueueError::Gone(self.what);
        }
        QueueError::Unavailable(self.what)
    }

    /// What it means for a call about one receipt.
    pub(super) fn into_error_of_a_receipt(self) -> QueueError {
        let is_too_long = self.what.contains("beyond the limit");
        let is_stale = self.is("ReceiptHandleIsInvalid")
            || self.is("MessageNotInflight")
            || (self.is("InvalidParameterValue") && !is_too_long);
        if is_stale {
            return QueueError::StaleReceipt;
        }
        self.into_error()
    }

    /// What to tell people.
    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> Self {
        fault.into_error()
    }
}
