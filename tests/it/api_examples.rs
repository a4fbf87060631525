//! `docs/api-examples.sh` has a line for every route, and every line works.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::storm::OwnShop;
use crate::support::Program;

const SCRIPT: &str = "docs/api-examples.sh";

/// Signs the webhook of the example.
const WEBHOOK_SECRET: &str = "whsec_example";
/// Opens what is not for shoppers.
const ADMIN_TOKEN: &str = "an administrator for the length of a test";

/// Method and path of each line with `curl`, without the query.
fn examples() -> BTreeSet<(String, String)> {
    let script = fs::read_to_string(SCRIPT).expect("the script");
    let lines = script
        .lines()
        .filter(|line| line.trim_start().starts_with("curl ") || line.contains("$(curl "));
    let example = |line: &str| {
        let method = line
            .split_once("-X ")
            .map_or("GET", |(_, rest)| rest.split(' ').next().unwrap_or(""));
        let (_, rest) = line
            .split_once("\"$shop")
            .or_else(|| line.split_once("\"$service"))?;
        // A value that is cut out of an answer may hold quotation marks.
        let rest = rest.replace("$(field id <<<\"$answer\")", "$id");
        let path = rest.split(['"', '?']).next()?;
        Some((method.to_owned(), path.to_owned()))
    };
    lines.filter_map(example).collect()
}

/// Whether a path is one of the template's.
fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(part, given)| part == given || part.starts_with('{') && !given.is_empty())
}

#[test]
fn every_line_works_and_every_route_has_one() {
    let shop = OwnShop::start(&[
        ("WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("SHOP_ADMIN_TOKEN", ADMIN_TOKEN),
    ]);
    let services: Vec<&str> = shop.services().values().map(String::as_str).collect();
    let mut command = Command::new("bash");
    command
        .arg(SCRIPT)
        .env("SHOP", shop.url("gateway"))
        .env("SERVICES", services.join(" "))
        .env("WEBHOOK_SECRET", WEBHOOK_SECRET)
        .env("SHOP_ADMIN_TOKEN", ADMIN_TOKEN);
    let ended = Program::spawn(command).wait();
    assert!(ended.status.success(), "{}\n{}", ended.out, ended.err);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let document: Value = runtime.expect("a runtime").block_on(async {
        let url = format!("{}/openapi.json", shop.url("gateway"));
        let answer = reqwest::get(url).await.expect("an answer");
        answer.json().await.expect("JSON")
    });
    let examples = examples();
    let mut missing = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for method in methods.as_object().expect("methods").keys() {
            let method = method.to_uppercase();
            let shown = examples
                .iter()
                .any(|(known, of)| *known == method && fits(path, of));
            if !shown && ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str()) {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "no example for {missing:?}");
    assert!(examples.len() >= 28, "{examples:?}");
}
