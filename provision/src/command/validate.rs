//! `validate`: what the API thinks of the monitors, without changing anything.

use alerting::object::{Ids, Kind, Link, Object, resolve};
use futures_util::StreamExt as _;

use super::{api, load, print};
use crate::api::Api;
use crate::api::IN_FLIGHT_MAX;
use crate::cli::Validate;
use crate::exit::Exit;

/// `monitors validate`
pub(super) async fn run(args: &Validate) -> anyhow::Result<Exit> {
    let Some(set) = load(&args.files)? else {
        return Ok(Exit::Usage);
    };
    let (api, _) = api(&args.org, set.api_url.as_ref())?;
    let ids = existing(&api, &set.namespace).await?;
    let fits = |object: &&Object| {
        let name = &object.key.name;
        let chosen = args
            .only
            .iter()
            .any(|pattern| alerting::plan::matches(pattern, name));
        object.kind == Kind::Monitor && (args.only.is_empty() || chosen)
    };
    let asked = set
        .objects
        .iter()
        .filter(fits)
        .map(|object| ask(&api, object, &ids));
    let answers: Vec<Answer> = futures_util::stream::iter(asked)
        .buffered(IN_FLIGHT_MAX)
        .collect()
        .await;
    let refused = answers.iter().filter(|answer| answer.refused).count();
    let mut text: String = answers
        .iter()
        .filter_map(|answer| answer.line.clone())
        .collect();
    text.push_str(&format!(
        "{} monitors: {} accepted, {refused} refused, {} not asked about.\n",
        answers.len(),
        answers
            .iter()
            .filter(|answer| answer.line.is_none())
            .count(),
        answers
            .iter()
            .filter(|answer| answer.line.is_some() && !answer.refused)
            .count(),
    ));
    print(&text)?;
    Ok(if refused == 0 { Exit::Ok } else { Exit::Failed })
}

/// What there is to say about one monitor; nothing when it is accepted.
struct Answer {
    refused: bool,
    line: Option<String>,
}

async fn ask(api: &Api, object: &Object, ids: &Ids) -> Answer {
    let name = &object.key.name;
    let (payload, missing) = resolve(&object.payload, ids);
    if let Some(link) = missing.first() {
        let line = format!(
            "not asked: {name} needs {} {}, which does not exist yet\n",
            link.kind, link.name
        );
        return Answer {
            refused: false,
            line: Some(line),
        };
    }
    let answer = api.validate(&payload).await;
    let origin = &object.origin;
    let line = answer.err().map(|error| {
        format!(
            "refused: {name} ({}:{}): {error}\n",
            origin.file, origin.line
        )
    });
    Answer {
        refused: line.is_some(),
        line,
    }
}

async fn existing(api: &Api, namespace: &str) -> anyhow::Result<Ids> {
    let found = api.managed(namespace).await?;
    let named = found.into_iter().filter_map(|remote| {
        let name = remote.key()?.name;
        let kind = remote.kind;
        Some((Link { kind, name }, remote.id))
    });
    Ok(named.collect())
}
