//! The HTTP services, one file each: routes on top, handlers below.

pub mod auth;
pub mod cart;
pub mod gateway;
pub mod notifications;
pub mod orders;
mod own_order;
pub mod payment;
pub mod recommendations;
pub mod search;
