//! The shop through its front door: HTTP against a whole shop on free ports.

mod auth;
mod books;
mod carts;
mod documents;
mod errors;
mod gateway;
mod lifecycle;
mod logins;
mod notifications;
mod orders;
mod products;
mod support;
