//! The command-line shape of the shop.

/// Arguments of the shop.
#[derive(Debug, clap::Args)]
pub struct ShopArgs {}
