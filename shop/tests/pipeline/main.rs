//! The order pipeline from end to end: a whole shop in this process, driven over HTTP.

mod failures;
mod intents;
mod orders;
mod providers;
mod real_servers;
mod shop_under_test;
mod throughput;
