//! The reference shop: eight HTTP services, an asynchronous order pipeline and durable stores.
//!
//! Reading order is from the bottom up, layer by layer; a module imports only from its own layer or from those above it
//! here, and a test of the workspace (`tests/it/imports.rs`) watches over that.
//!
//! It knows nothing about load generators: whoever drives it does so over HTTP.

// Words: they know nothing else of the shop.

pub mod clock;

mod build;

pub mod secret;

pub mod page;

pub mod duration;

pub mod money;

pub mod order;

pub mod event;

pub mod service;

pub mod role;

pub mod json;

pub mod catalogue;

// Machinery: it must not know stores, services or the pipeline.

pub mod private;

mod blocking;

mod warning;

pub mod fault;

pub mod db;

pub mod listener;

pub mod observe;

pub mod error;

pub mod validate;

pub mod extract;

pub mod peer;

// Ports and, in their folders, the adapters: a port must not know who implements it, and neither must know what uses it.

pub mod store;

pub mod queue;

pub mod provider;

// The domain: configuration, what everybody can reach, what services and pipeline share, the pipeline, the services.

pub mod backends;

pub mod config;

pub mod token;

pub mod context;

pub mod caller;

mod own_order;

mod found_product;

pub mod new_order;

mod cold_start;

pub mod pipeline;

pub mod services;

// The assembly: it opens adapters, builds routers, starts roles and shuts everything down.

pub mod server;

pub mod cli;

pub use config::Config;
pub use server::{RunningShop, Shop};
pub use service::Service;
