//! Tests on a response, and conditions that steer a journey. Must not know how they are decided.

use std::time::Duration;

use crate::json_path::JsonPath;
use crate::template::{Expr, Slot};

/// A named condition on the response; a failed one is an error called by its name.
#[derive(Debug, Clone)]
pub struct Check {
    /// For example `status`, `json /total`, or the author's name for it.
    pub name: String,
    /// The test.
    pub test: Test,
}

impl Check {
    /// Whether it is about the status and has no name of its own: its error is called by the status that came.
    pub(crate) fn is_nameless_status(&self) -> bool {
        matches!(self.test, Test::Status(_)) && self.name == Self::STATUS
    }

    /// The name of a check of the status whose author gave it none.
    pub(crate) const STATUS: &str = "status";
}

/// A test on one response.
#[derive(Debug, Clone)]
pub enum Test {
    /// Status lies in one of the inclusive ranges.
    Status(Vec<(u16, u16)>),
    /// The value at a JSON pointer compares so.
    Json {
        /// RFC 6901.
        pointer: String,
        /// How.
        comparison: Comparison,
    },
    /// What a JSONPath finds compares so.
    Path(PathTest),
    /// A header (lower case) compares so.
    Header {
        /// Lower case.
        name: String,
        /// How.
        comparison: Comparison,
    },
    /// The URL that answered compares so.
    Url(Comparison),
    /// The number of redirects that were followed compares so.
    Redirects(Comparison),
    /// The answer with this number, 1 for the first, to a request that was redirected passes the test.
    Hop(u8, Box<Test>),
    /// The body contains the text.
    Contains(Literal),
    /// The body is at most so many bytes.
    BytesMax(u64),
    /// Service time is at most this.
    Within(Duration),
}

/// A test on the values that a JSONPath finds.
#[derive(Debug, Clone)]
pub struct PathTest {
    /// RFC 9535.
    pub path: JsonPath,
    /// Which of them.
    pub of: Quantity,
    /// How.
    pub comparison: Comparison,
}

/// Which of several values a comparison is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// The first that is not null. Whether there is one, or a text in one, is asked of all.
    First,
    /// At least one must compare so.
    Any,
    /// There is one, and each must compare so.
    Every,
    /// How many there are.
    Count,
}

/// How two values are compared.
#[derive(Debug, Clone)]
pub enum Comparison {
    /// There is a value.
    Exists,
    /// There is none.
    Missing,
    /// Equal as text or as number.
    Is(Literal),
    /// Unequal, or missing.
    IsNot(Literal),
    /// A number below.
    Less(Literal),
    /// A number at or below.
    LessOrEqual(Literal),
    /// A number above.
    Greater(Literal),
    /// A number at or above.
    GreaterOrEqual(Literal),
    /// A text that contains this.
    Contains(Literal),
    /// One of these.
    OneOf(Vec<Literal>),
}

/// What a value is compared with.
#[derive(Debug, Clone)]
pub enum Literal {
    /// Text.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// true or false.
    Bool(bool),
    /// What the shopper knows at that time; never a value that is made anew each time.
    Value(Expr),
    /// A value that the shopper does not know: nothing is equal to it.
    Unset,
}

/// A condition that steers a journey.
#[derive(Debug, Clone)]
pub enum Condition {
    /// The last response passes the test. Without a response it does not.
    Response(Test),
    /// A variable compares so.
    Variable(Slot, Comparison),
    /// The shopper's persona has this index.
    Persona(usize),
    /// The shopper has been here before.
    Returning,
    /// With this probability, 0…1.
    Chance(f64),
    /// The last step ended in the outcome of this name.
    Outcome(String),
    /// Not so.
    Not(Box<Condition>),
    /// All of them.
    All(Vec<Condition>),
    /// Any of them.
    Any(Vec<Condition>),
}
