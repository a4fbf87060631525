//! The reference shop: eight HTTP services, an asynchronous order pipeline and durable stores.
//!
//! Reading order: what the shop is made of ([`service`], [`config`]), its words ([`money`], [`order`],
//! [`event`]), how it keeps them ([`store`], [`db`]), what it answers ([`services`], [`error`]), what
//! happens afterwards ([`pipeline`], [`queue`], [`provider`]) and how it lives and dies ([`server`]).
//!
//! It knows nothing about load generators: whoever drives it does so over HTTP.

pub mod service;

pub mod backends;

pub mod config;

mod blocking;

mod operation;

pub mod private;

mod warning;

pub mod listener;

pub mod money;

pub mod order;

pub mod event;

pub mod catalogue;

pub mod store;

pub mod db;

pub mod error;

pub mod context;

pub mod observe;

pub mod json;

pub mod extract;

pub mod validate;

pub mod openapi;

pub mod token;

pub mod peer;

pub mod readiness;

pub mod services;

pub mod queue;

pub mod provider;

pub mod pipeline;

pub mod server;

pub mod cli;

pub use config::Config;
pub use server::{RunningShop, Shop};
pub use service::Service;
