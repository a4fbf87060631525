//! The shop as a program of its own.

use std::process::ExitCode;

use clap::Parser;
use shop::cli::ShopArgs;

/// The reference shop that loadgen drives and breaks.
#[derive(Parser)]
#[command(name = "shop", version, about)]
struct Cli {
    #[command(flatten)]
    shop: ShopArgs,
}

fn main() -> ExitCode {
    match Cli::parse().shop.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
