//! The shop through its front door: HTTP against a whole shop on free ports.

mod abandoned;
mod alarms;
mod auth;
mod books;
mod carts;
mod clients;
mod documents;
mod errors;
mod faults;
mod gateway;
mod lifecycle;
mod logins;
mod notifications;
mod orders;
mod products;
mod readiness;
mod support;
mod wire;
