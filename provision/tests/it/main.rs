//! The `monitors` binary against its stand-in of the API, each a process of its own: what a user would see.

mod address;
mod adoption;
mod api;
mod bounds;
mod commands;
mod every_field;
mod fixture;
mod foreign;
mod hand;
mod harness;
mod import;
mod interrupted;
mod life;
mod own_project;
mod size;
mod trouble;
