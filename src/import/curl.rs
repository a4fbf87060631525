//! curl commands, as browsers copy them ("Copy as cURL", bash) and as people type them.
//!
//! Words are split by our own code (`curl/words.rs`): a crate such as shlex knows neither `$'…'`, in which browsers put every body
//! with a quote or a line break, nor where one command ends and the next begins, nor variables.

mod command;
mod options;
mod part;
mod words;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use url::Origin;

use super::Tally;
use super::draft::{Draft, DraftBody, DraftJourney, Item};
use super::making::Making;
use super::recorded::{Payload, Recorded};
use super::text::{Swap, form_encoded};
use super::vault::{Needed, Vault};
use command::{Command, FORM};
use part::Part;

/// Largest file that is read, bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// Most commands in one file.
const COMMANDS_MAX: usize = 1000;

/// What became of commands.
#[derive(Debug)]
pub struct Imported {
    /// The scenario.
    pub draft: Draft,
    /// Requests in it.
    pub requests: usize,
    /// What was left out.
    pub skipped: Tally,
}

/// Takes commands.
///
/// # Errors
/// Everything that is wrong with them, a sentence each.
pub fn import(text: &str, name: &str) -> Result<Imported, Vec<String>> {
    let script = words::split(text)?;
    let mut commands = Vec::new();
    let mut wrong = Vec::new();
    for words in script.commands.iter().take(COMMANDS_MAX) {
        match command::read(words, &mut wrong) {
            Some(command) => commands.push(command),
            None => continue,
        }
    }
    if script.commands.len() > COMMANDS_MAX {
        wrong.push(format!("more than {COMMANDS_MAX} commands"));
    }
    if commands.is_empty() && wrong.is_empty() {
        wrong.push("there is no curl command in it".to_owned());
    }
    if !wrong.is_empty() {
        wrong.dedup();
        return Err(wrong);
    }
    Ok(made(&commands, &script, name))
}

fn made(commands: &[Command], script: &words::Script, name: &str) -> Imported {
    let target = target(commands);
    let mut vault = Vault::default();
    let variables = swaps(script);
    for command in commands {
        if let Some(cookie) = &command.cookie {
            vault.keep("cookie", cookie, "");
        }
        let is_known = |value: &str| variables.iter().any(|swap| value.contains(&swap.value));
        vault.learn(&command.request, &is_known);
        if !command.parts.is_empty() {
            vault.learn(&fields_of(command), &is_known);
        }
    }
    let making = Making {
        target: &target,
        vault: &vault,
        known: &variables,
        numbers: &[],
        keeps_agent: true,
    };
    let mut items = Vec::new();
    let made = vault.made();
    if !made.is_empty() {
        let set = made.iter().map(|name| (name.clone(), json!("${uuid}")));
        let lines = vec!["Keys that must be new each time.".to_owned()];
        items.push(Item::Set(set.collect::<Map<String, Value>>(), lines));
    }
    items.extend(commands.iter().map(|command| {
        let mut request = making.request(&command.request);
        if let Some(cookie) = &command.cookie {
            request
                .headers
                .push(("cookie".to_owned(), making.value("cookie", cookie)));
        }
        if let Some((mime, file)) = &command.body_file {
            let body = DraftBody::Text(mime.clone(), format!("@{file}"));
            request.body = Some(body);
            request
                .remarks
                .push(format!("{file} is looked for beside this file."));
        }
        if !command.parts.is_empty() {
            let files = command.parts.iter().filter_map(Part::file);
            let beside = files.map(|file| format!("{file} is looked for beside this file."));
            request.remarks.extend(beside);
            request.body = Some(multipart(&command.parts, &making));
        }
        request.timeout = command.timeout;
        request.remarks.extend(command.remarks.iter().cloned());
        Item::One(Box::new(request))
    }));
    let mut needed = vault.needed().to_vec();
    needed.extend(script.variables.iter().map(|name| Needed {
        name: name.clone(),
        what: "a variable of the shell".to_owned(),
    }));
    let mut skipped = Tally::default();
    let ignored: BTreeSet<&String> = commands
        .iter()
        .flat_map(|command| &command.ignored)
        .collect();
    let mut remarks = vec!["Imported from curl by `loadgen import curl`.".to_owned()];
    if !ignored.is_empty() {
        let list: Vec<&str> = ignored.iter().map(|option| option.as_str()).collect();
        skipped.add_many(
            format!("options that mean nothing to a load: {}", list.join(", ")),
            list.len(),
        );
        remarks.push(format!(
            "Options that mean nothing to a load: {}.",
            list.join(", ")
        ));
    }
    let requests = commands.len();
    let mut draft = Draft {
        name: name.to_owned(),
        about: match requests {
            1 => "One request, as curl was told to send it.".to_owned(),
            count => format!("{count} requests, as curl was told to send them."),
        },
        remarks,
        needed,
        target: target.ascii_serialization(),
        client: None,
        http: http(commands),
        journeys: vec![DraftJourney {
            name: "commands".to_owned(),
            items,
        }],
    };
    draft.hoist_headers();
    Imported {
        draft,
        requests,
        skipped,
    }
}

/// Where most commands go; of equals the first.
fn target(commands: &[Command]) -> Origin {
    let mut counts: IndexMap<Origin, usize> = IndexMap::new();
    for command in commands {
        *counts.entry(command.request.url.origin()).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or(0);
    let mut counts = counts.into_iter();
    let found = counts.find(|(_, count)| *count == most);
    found.map_or_else(Origin::new_opaque, |(origin, _)| origin)
}

/// Variables of the shell are values from the environment.
fn swaps(script: &words::Script) -> Vec<Swap> {
    let swaps = script.variables.iter().map(|name| Swap {
        value: words::stand_in(name),
        hole: format!("env.{name}"),
    });
    swaps.collect()
}

/// How the targets are reached: for all commands together.
fn http(commands: &[Command]) -> Map<String, Value> {
    let mut http = Map::new();
    let mut tls = Map::new();
    let mut places = Map::new();
    for command in commands {
        for (key, value) in &command.tls {
            tls.insert(key.clone(), value.clone());
        }
        for (from, to) in &command.connect_to {
            places.insert(from.clone(), json!(to));
        }
    }
    if !tls.is_empty() {
        http.insert("tls".to_owned(), tls.into());
    }
    if !places.is_empty() {
        http.insert("connect-to".to_owned(), places.into());
    }
    http
}

/// The texts of a form with files as the fields of one without, of which secrets are known by their names.
fn fields_of(command: &Command) -> Recorded {
    let texts = command.parts.iter().filter_map(Part::field);
    Recorded {
        body: Some(Payload {
            mime: FORM.to_owned(),
            text: form_encoded(texts),
        }),
        ..command.request.clone()
    }
}

/// Parts as `multipart` has them: several of one name in a list.
fn multipart(parts: &[Part], making: &Making<'_>) -> DraftBody {
    let mut names: IndexMap<&str, Vec<Value>> = IndexMap::new();
    for part in parts {
        let written = part.written(|name, text| making.value(name, text));
        names.entry(&part.name).or_default().push(written);
    }
    let one_or_several = |(name, mut parts): (&str, Vec<Value>)| match parts.len() {
        1 => (name.to_owned(), parts.remove(0)),
        _ => (name.to_owned(), parts.into()),
    };
    DraftBody::Multipart(names.into_iter().map(one_or_several).collect())
}
