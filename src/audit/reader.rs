//! Reads a shop's books over HTTP, page by page, patient with a shop that comes back.

use std::time::{Duration, Instant};

use reqwest::{Client, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use super::books::{BookCharge, BookOrder, Books, Pipeline, StockLevel};

/// Time limit of one page.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Pause before a page is asked for again.
const PAUSE: Duration = Duration::from_millis(200);
/// Orders that one audit can hold.
const ORDERS_MAX: usize = 2_000_000;
/// Products that one audit can hold.
const PRODUCTS_MAX: usize = 1_000_000;
/// Pages of one list: more than all its items need, so that a shop that sends empty ones for ever is found out.
const PAGES_MAX: usize = 20_000;
/// How long one list may take to be read, however willing the shop.
const LIST_TIME_MAX: Duration = Duration::from_secs(600);
/// Largest page, bytes.
const PAGE_BYTES_MAX: usize = 32 << 20;
/// Orders and charges on a page.
const PAGE: u32 = 500;
/// Products on a page.
const PRODUCTS_PAGE: u32 = 10_000;

/// Why the books cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The token is not good enough.
    #[error(
        "{url} answered {status}: the books need the shop's audit token in SHOP_AUDIT_TOKEN, or an administrator's in SHOP_ADMIN_TOKEN"
    )]
    Refused {
        /// The shop.
        url: String,
        /// What it answered.
        status: StatusCode,
    },
    /// The target has no books.
    #[error(
        "{url} has no books ({path} is not there): audits need a shop of this version, reached through its gateway"
    )]
    NoBooks {
        /// The shop.
        url: String,
        /// What was asked for.
        path: String,
    },
    /// It gives no answer.
    #[error("{url} does not answer: {cause}")]
    Unreachable {
        /// The shop.
        url: String,
        /// The last thing that went wrong.
        cause: String,
    },
    /// It gives answers that make no sense.
    #[error("{url} answered {path} with something else than books: {cause}")]
    Unreadable {
        /// The shop.
        url: String,
        /// What was asked for.
        path: String,
        /// What was wrong.
        cause: String,
    },
    /// It gives pages without an end.
    #[error("{url} answered {path} with pages that do not end: {cause}")]
    Endless {
        /// The shop.
        url: String,
        /// What was asked for.
        path: String,
        /// How that was seen.
        cause: String,
    },
    /// More than an audit can hold.
    #[error("the shop has more than {max} {what}; that is more than one audit compares")]
    TooMany {
        /// What.
        what: &'static str,
        /// The bound.
        max: usize,
    },
}

impl ReadError {
    /// Whether something that was typed or set is wrong, rather than the shop.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::NoBooks { .. })
    }
}

/// The way to one shop's books.
pub struct Reader {
    client: Client,
    url: String,
    token: String,
    bounds: Bounds,
}

/// What one list may cost, whatever the shop sends.
#[derive(Clone, Copy)]
struct Bounds {
    /// Pages that are asked for.
    pages_max: usize,
    /// From the first page to the last.
    time_max: Duration,
}

impl Bounds {
    const USUAL: Self = Self {
        pages_max: PAGES_MAX,
        time_max: LIST_TIME_MAX,
    };
}

impl Reader {
    /// Books of the shop at `url`, opened by `token`. Nothing is sent yet.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(url: &str, token: &str) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            // A redirect would carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            // And so would a proxy; the load goes past them too.
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            url: url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            bounds: Bounds::USUAL,
        })
    }

    /// Where the shop is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What is under way.
    ///
    /// # Errors
    /// When it cannot be read before `end`.
    pub async fn pipeline(&self, end: Instant) -> Result<Pipeline, ReadError> {
        let path = "/api/admin/pipeline";
        let answer = self.get(path, end).await?;
        serde_json::from_value(answer).map_err(|error| self.unreadable(path, &error))
    }

    /// Every product's pieces.
    ///
    /// # Errors
    /// When they cannot be read before `end`.
    pub async fn stock(&self, end: Instant) -> Result<Vec<StockLevel>, ReadError> {
        let path = format!("/api/admin/stock?limit={PRODUCTS_PAGE}");
        let list = List {
            name: "stock",
            what: "products",
            max: PRODUCTS_MAX,
        };
        self.all(path, None, list, end).await
    }

    /// Everything: orders with ids above `floor`, charges since `since_ms`, stock, and what is under way.
    ///
    /// # Errors
    /// When something cannot be read before `end`.
    pub async fn books(
        &self,
        floor: Uuid,
        since_ms: i64,
        end: Instant,
    ) -> Result<Books, ReadError> {
        let path = format!("/api/admin/orders?limit={PAGE}");
        let list = List {
            name: "orders",
            what: "orders",
            max: ORDERS_MAX,
        };
        let orders: Vec<BookOrder> = self.all(path, Some(floor.to_string()), list, end).await?;
        let path = format!("/api/admin/charges?limit={PAGE}&sinceMs={since_ms}");
        let list = List {
            name: "charges",
            what: "charges",
            max: ORDERS_MAX,
        };
        let charges: Vec<BookCharge> = self.all(path, None, list, end).await?;
        Ok(Books {
            floor,
            orders,
            charges,
            stock: self.stock(end).await?,
            pipeline: self.pipeline(end).await?,
        })
    }

    async fn all<T: DeserializeOwned>(
        &self,
        path: String,
        mut after: Option<String>,
        list: List,
        end: Instant,
    ) -> Result<Vec<T>, ReadError> {
        let mut items: Vec<T> = Vec::new();
        let begin = Instant::now();
        let Bounds {
            pages_max,
            time_max,
        } = self.bounds;
        for _ in 0..pages_max {
            if begin.elapsed() > time_max {
                let cause = format!(
                    "{} {} were read when the time was up",
                    items.len(),
                    list.what
                );
                return Err(self.endless(&path, cause));
            }
            let page = match &after {
                Some(after) => format!("{path}&after={after}"),
                None => path.clone(),
            };
            let mut answer = self.get(&page, end).await?;
            let found: Vec<T> = serde_json::from_value(answer[list.name].take())
                .map_err(|error| self.unreadable(&page, &error))?;
            items.extend(found);
            if items.len() > list.max {
                let List { what, max, .. } = list;
                return Err(ReadError::TooMany { what, max });
            }
            let next = match &answer["nextAfter"] {
                Value::String(next) => next.clone(),
                Value::Number(next) => next.to_string(),
                _ => return Ok(items),
            };
            if after.as_ref() == Some(&next) {
                return Err(self.endless(&path, format!("the page after {next} is itself")));
            }
            after = Some(next);
        }
        Err(self.endless(&path, format!("{pages_max} were read")))
    }

    /// Asks until there is an answer that asking again would not change.
    async fn get(&self, path: &str, end: Instant) -> Result<Value, ReadError> {
        let url = &self.url;
        loop {
            let cause = match self.ask(path).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) if passes(status) => status.to_string(),
                Ok(Err(status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))) => {
                    let url = url.clone();
                    return Err(ReadError::Refused { url, status });
                }
                Ok(Err(StatusCode::NOT_FOUND)) => {
                    return Err(ReadError::NoBooks {
                        url: url.clone(),
                        path: path.split('?').next().unwrap_or(path).to_owned(),
                    });
                }
                Ok(Err(status)) => return Err(self.unreadable(path, &status)),
                Err(Unanswered::Senseless(cause)) => return Err(self.unreadable(path, &cause)),
                Err(Unanswered::Lost(error)) => telemetry::text::chain(&error),
            };
            if Instant::now() >= end {
                let url = url.clone();
                return Err(ReadError::Unreachable { url, cause });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn ask(&self, path: &str) -> Result<Result<Value, StatusCode>, Unanswered> {
        let request = self.client.get(format!("{}{path}", self.url));
        let mut response = request.bearer_auth(&self.token).send().await?;
        if response.status() != StatusCode::OK {
            return Ok(Err(response.status()));
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
            if body.len() > PAGE_BYTES_MAX {
                let most = PAGE_BYTES_MAX >> 20;
                return Err(Unanswered::Senseless(format!(
                    "a page larger than {most} MiB"
                )));
            }
        }
        let answer = serde_json::from_slice(&body);
        answer
            .map(Ok)
            .map_err(|error| Unanswered::Senseless(error.to_string()))
    }

    fn endless(&self, path: &str, cause: String) -> ReadError {
        ReadError::Endless {
            url: self.url.clone(),
            path: path.split('?').next().unwrap_or(path).to_owned(),
            cause,
        }
    }

    fn unreadable(&self, path: &str, cause: &dyn std::fmt::Display) -> ReadError {
        ReadError::Unreadable {
            url: self.url.clone(),
            path: path.to_owned(),
            cause: cause.to_string(),
        }
    }
}

/// Why there is no page.
enum Unanswered {
    /// It may come if it is asked for again.
    Lost(reqwest::Error),
    /// It came, and is none.
    Senseless(String),
}

impl From<reqwest::Error> for Unanswered {
    fn from(error: reqwest::Error) -> Self {
        Self::Lost(error)
    }
}

/// A list that comes in pages.
struct List {
    name: &'static str,
    what: &'static str,
    max: usize,
}

/// Whether the same question may be answered otherwise in a moment.
fn passes(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// More pages than any test allows.
    const PAGES: usize = 3_000;

    /// What an audit says to a shop whose pages go on, each with another one after it.
    async fn told(bounds: Bounds) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shop = async {
            for page in 0..PAGES {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = [0; 4096];
                assert!(stream.read(&mut request).await.expect("a request") > 0);
                let body = format!(r#"{{"stock":[],"nextAfter":{page}}}"#);
                let length = body.len();
                let head = format!("content-length: {length}\r\nconnection: close");
                let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}");
                let sent = stream.write_all(answer.as_bytes());
                sent.await.expect("an answer");
            }
        };
        let mut reader = Reader::new(&url, "token").expect("a client");
        reader.bounds = bounds;
        let end = Instant::now() + LIST_TIME_MAX;
        tokio::select! {
            () = shop => panic!("{PAGES} pages were asked for"),
            read = reader.stock(end) => read.expect_err("no end").to_string(),
        }
    }

    #[tokio::test]
    async fn pages_that_do_not_end_are_bounded_in_number() {
        let few = Bounds {
            pages_max: 7,
            ..Bounds::USUAL
        };
        let said = told(few).await;
        assert!(
            said.contains("pages that do not end: 7 were read"),
            "{said}"
        );
    }

    #[tokio::test]
    async fn pages_that_do_not_end_are_bounded_in_time() {
        let short = Bounds {
            time_max: Duration::from_millis(50),
            ..Bounds::USUAL
        };
        let said = told(short).await;
        assert!(said.contains("when the time was up"), "{said}");
    }
}
