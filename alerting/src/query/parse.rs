//! The grammar: tokens to tree, with winnow over the token slice. Knows which words exist in the language; must not
//! know which metrics, tags or objects do.

mod alert;
mod expr;
mod filter;
mod input;

pub(super) use alert::whole as alert;
pub(super) use expr::whole as expressions;

pub use alert::SOURCES;
pub use expr::FUNCTIONS;
