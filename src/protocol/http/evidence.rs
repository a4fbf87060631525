//! A request and its answer as text, secrets removed.

use crate::measure::samples::ExchangeText;
use crate::redact::exchange::Message;
use crate::redact::{Redactor, Shown};
use crate::response::Response;
use crate::transport::{Failure, Outgoing};

/// A failure by its name, and what it means where that does not say enough.
fn told(failure: Failure) -> String {
    match failure.why() {
        Some(why) => format!("{}: {why}", failure.name()),
        None => failure.name().to_owned(),
    }
}

/// Puts an exchange into words; `redactor` knows the secrets of scenario and shopper, and learns those of the exchange.
pub(super) fn text(
    outgoing: Option<&Outgoing>,
    result: Result<&Response, Failure>,
    redactor: &mut Redactor,
) -> ExchangeText {
    let request_line = outgoing.map(|out| format!("{} {} HTTP/1.1", out.method, out.path));
    let request = outgoing
        .zip(request_line.as_ref())
        .map(|(out, line)| Message {
            first_line: line,
            headers: &out.headers,
            body: &out.body,
        });
    let status_line = result.map(|response| format!("HTTP/1.1 {}", response.status));
    let response = result
        .ok()
        .zip(status_line.as_ref().ok())
        .map(|(response, line)| Message {
            first_line: line,
            headers: &response.headers,
            body: &response.body,
        });
    redactor.learn_from(request.iter().chain(&response));
    let request = request.map_or_else(
        || Shown::from("the request could not be made from the scenario's values"),
        |request| redactor.show_message(&request),
    );
    let response = match (response, result) {
        (Some(response), _) => redactor.show_message(&response),
        (None, result) => Shown::from(result.err().map_or_else(String::new, told)),
    };
    ExchangeText { request, response }
}
