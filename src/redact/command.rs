//! The command line as it is kept: whoever reads it can repeat the run, and learns no secret.

use super::{Redactor, Shown, mark};
use crate::scenario::sections;

/// Longest number with a unit.
const FIGURE_CHARS_MAX: usize = 12;

/// Arguments as they may be shown. Of `--set` the key stays, of `--header` the name; a body is hidden.
pub fn command(arguments: impl IntoIterator<Item = String>, redactor: &Redactor) -> Vec<Shown> {
    let mut flag: Option<String> = None;
    let mut shown = Vec::new();
    for argument in arguments {
        shown.push(match (flag.take(), argument.split_once('=')) {
            (Some(flag), _) => value(&flag, &argument, redactor),
            (None, Some((name, given))) if is_hiding(name) => {
                Shown(format!("{name}={}", value(name, given, redactor)))
            }
            (None, _) => redactor.show_line(&argument),
        });
        flag = is_hiding(&argument).then_some(argument);
    }
    shown
}

fn is_hiding(flag: &str) -> bool {
    matches!(flag, "--set" | "--header" | "--body" | "--user" | "--tag")
}

fn value(flag: &str, given: &str, redactor: &Redactor) -> Shown {
    match (flag, given.split_once('='), given.split_once(':')) {
        ("--set", Some((key, value)), _) => Shown(format!(
            "{}={}",
            redactor.show_line(key),
            setting(key, value, redactor)
        )),
        ("--header", _, Some((name, value))) => Shown(format!(
            "{}: {}",
            redactor.show_line(name),
            redactor.show_header(name.trim(), value)
        )),
        ("--tag", Some((key, value)), _) if !redactor.is_secret(key) => {
            redactor.show_line(&format!("{key}={value}"))
        }
        _ => Shown(mark(given)),
    }
}

fn setting(key: &str, value: &str, redactor: &Redactor) -> String {
    match is_secret_setting(key, value, redactor) {
        true => mark(value),
        false => redactor.show_line(value).to_string(),
    }
}

/// Whether the value of a `--set` is hidden. Figures are shown, and what can only be a name; everything else may be a secret by
/// another name.
pub fn is_secret_setting(key: &str, value: &str, redactor: &Redactor) -> bool {
    let section = key.split('.').next().unwrap_or(key);
    let secret = key.split('.').any(|part| redactor.is_secret(part)) && section != "secrets";
    let is_variable = !key.contains('.') || section == "variables";
    let open = sections::is_open(section)
        || is_figure(value) && (!is_variable || !value.ends_with(|c: char| c.is_ascii_digit()))
        || matches!(value, "true" | "false");
    secret || !open
}

/// A number, perhaps with a unit.
fn is_figure(value: &str) -> bool {
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let is_unit = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '%' | ' ');
    value.len() <= FIGURE_CHARS_MAX
        && unit.len() < value.len()
        && unit.len() <= 4
        && unit.chars().all(is_unit)
}
