//! The `monitors` binary against its stand-in of the API, each a process of its own: what a user would see.

mod api;
mod commands;
mod fixture;
mod foreign;
mod hand;
mod harness;
mod import;
mod interrupted;
mod life;
mod size;
mod trouble;
