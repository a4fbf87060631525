//! `loadgen schema`: the JSON Schema of scenario files, for editors.

use std::io;

use clap::Args;

use super::Output;
use crate::exit::Exit;
use crate::scenario::file::File;

/// Print the JSON Schema of scenario files
#[derive(Debug, Args)]
#[command(after_help = "Example:
  loadgen schema > scenario.schema.json

Editors with the YAML language server complete and check a file that begins with
  # yaml-language-server: $schema=./scenario.schema.json")]
pub struct SchemaArgs {}

/// Prints the schema.
///
/// # Errors
/// A stream that cannot be written.
pub fn run(_: &SchemaArgs, output: &mut Output<'_>) -> io::Result<Exit> {
    output.json(schemars::schema_for!(File).as_value())?;
    Ok(Exit::Ok)
}
