//! A project of one's own, as a new user begins one, outside of this repository.

use serde_json::json;

use crate::fixture::small;
use crate::harness::{Project, StandIn};

fn begun() -> Project {
    let project = Project::new(&[]);
    let args = ["init", "--service", "checkout", "--team", "shop"];
    project.run("", &args).exits(0);
    project
}

#[test]
fn a_new_project_checks_plans_and_applies_as_it_is() {
    let (org, project) = (StandIn::start(), begun());
    let run = project.run("", &["check"]).exits(0);
    assert!(
        run.out.contains("dev: 4 definitions, all sound"),
        "{}",
        run.out
    );
    let run = project.run(&org.url, &["validate"]).exits(0);
    assert!(
        run.out.contains("2 monitors: 2 accepted, 0 refused"),
        "{}",
        run.out
    );
    let run = project.apply(&org);
    assert!(run.out.contains("4 created"), "{}", run.out);
    project.assert_no_changes(&org);
    project.run("", &["fmt", "--check"]).exits(0);
    // The address of the dashboard is whole in the page at night.
    let text = serde_json::to_string(&org.everything()).expect("text");
    assert!(
        text.contains("[dashboard](https://app.datadoghq.com/dashboard/lists?q=checkout)"),
        "{text}"
    );
    assert!(!text.contains("${"), "{text}");
}

#[test]
fn a_begun_project_is_not_begun_again() {
    let project = begun();
    let args = ["init", "--service", "checkout", "--team", "shop"];
    let run = project.run("", &args).exits(1);
    assert!(run.err.contains("these files exist"), "{}", run.err);
    let run = project
        .run("", &["init", "--service", "My Shop", "--team", "x"])
        .exits(1);
    assert!(
        run.err
            .contains("--service: `My Shop` cannot be part of a tag"),
        "{}",
        run.err
    );
}

#[test]
fn the_site_of_links_is_that_of_the_requests() {
    let project = begun();
    let mut command = project.command("", &["show", "checkout-slow"]);
    let run = command
        .env("DD_SITE", "us3.datadoghq.com")
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        text.contains("(https://us3.datadoghq.com/dashboard/lists?q=checkout)"),
        "{text}"
    );
    // At an address of its own there may be any site, so that a guess would be a lie.
    let path = project.path().join("monitors.yaml");
    let own = std::fs::read_to_string(&path).expect("a text") + "api_url: http://127.0.0.1:1\n";
    std::fs::write(&path, own).expect("written");
    let run = project.run("", &["check"]).exits(2);
    assert!(
        run.err.contains("there is no variable `site`") && run.err.contains("set DD_SITE"),
        "{}",
        run.err
    );
    // Each problem once, and not once an environment.
    assert!(run.err.contains("\n2 problems in 1 file\n"), "{}", run.err);
}

#[test]
fn what_a_definition_does_not_set_is_told() {
    let project = begun();
    let path = project.path().join("monitors/checkout.yaml");
    let text = std::fs::read_to_string(&path)
        .expect("a text")
        .replace("  dashboard: checkout\n", "");
    std::fs::write(&path, text).expect("written");
    let run = project.run("", &["check"]).exits(2);
    assert!(
        run.err
            .contains("`${dashboard}` is not set for this definition"),
        "{}",
        run.err
    );
}

#[test]
fn a_list_of_metrics_and_services_finds_slips() {
    let project = begun();
    let text = "defaults: { team: shop, service: chekout }\nmonitors:\n  orders:\n    name: No orders\n    type: query alert\n    \
                query: \"sum(last_5m):sum:checkout.order{*}.as_count() < ${critical}\"\n    message: none\n    \
                thresholds: { critical: 1 }\n    options: { require_full_window: false }\n";
    project.write(&[("monitors/orders.yaml", text.to_owned())]);
    let run = project.run("", &["check"]).exits(2);
    assert!(
        run.err.contains("there is no service `chekout`")
            && run.err.contains("did you mean `checkout`?"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("[known-metric]"), "{}", run.err);
    let metrics = "metrics: { checkout.orders: { type: count, unit: order, tags: [country] } }\n";
    project.write(&[("metrics.yaml", metrics.to_owned())]);
    let run = project.run("", &["check"]).exits(2);
    assert!(
        run.err.contains("there is no metric `checkout.order`")
            && run.err.contains("did you mean `checkout.orders`?"),
        "{}",
        run.err
    );
    let text = text
        .replace("chekout", "checkout")
        .replace("checkout.order{", "checkout.orders{");
    project.write(&[("monitors/orders.yaml", text)]);
    project.run("", &["check"]).exits(0);
    let run = project.run("", &["metrics"]).exits(0);
    assert!(
        run.out.contains("checkout.orders") && run.out.contains("country"),
        "{}",
        run.out
    );
}

/// Good practice is a rule where a project wants it to be one.
#[test]
fn house_rules_are_a_profile() {
    let project = begun();
    let path = project.path().join("monitors/checkout.yaml");
    let text = std::fs::read_to_string(&path)
        .expect("a text")
        .replace("  priority: 2\n", "");
    std::fs::write(&path, text).expect("written");
    project.run("", &["check"]).exits(0);
    let path = project.path().join("monitors.yaml");
    let own = std::fs::read_to_string(&path)
        .expect("a text")
        .replace("essential", "house");
    std::fs::write(&path, own).expect("written");
    let run = project.run("", &["check"]).exits(2);
    for rule in ["[priority]", "[runbook]"] {
        assert_eq!(run.err.matches(rule).count(), 2, "{rule}\n{}", run.err);
    }
}

#[test]
fn refusals_of_the_api_are_told_before_an_apply() {
    let (org, project) = (StandIn::start(), Project::new(&small("shop-test")));
    let run = project.run(&org.url, &["validate"]).exits(0);
    assert!(
        run.out
            .contains("6 monitors: 4 accepted, 0 refused, 2 not asked about."),
        "{}",
        run.out
    );
    assert_eq!(org.everything(), []);
    project.apply(&org);
    let run = project.run(&org.url, &["validate"]).exits(0);
    assert!(run.out.contains("6 accepted"), "{}", run.out);
}

#[test]
fn definitions_are_exported_for_other_systems() {
    let project = begun();
    let run = project.run("", &["export", "prometheus"]).exits(0);
    assert!(
        run.out
            .starts_with("# Generated by `monitors export prometheus`"),
        "{}",
        run.out
    );
    project
        .run("", &["export", "grafana", "--out", "grafana"])
        .exits(0);
    let run = project
        .run("", &["export", "cloudwatch", "--out", "out/alarms.json"])
        .exits(0);
    let text = std::fs::read_to_string(project.path().join("out/alarms.json")).expect("the alarms");
    let alarms: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_ne!(alarms, json!(null), "{}", run.err);
}

#[test]
fn shells_complete_the_command() {
    let project = begun();
    for shell in ["bash", "zsh", "fish"] {
        let run = project.run("", &["completions", shell]).exits(0);
        assert!(run.out.contains("stand-in"), "{shell}");
    }
}

/// Forms of queries, kinds of monitors and words of messages that other people's projects use.
const OTHER_PEOPLES: &str = r#"
defaults: { team: ops, service: shop, tags: ["env:prod", "severity:high"] }
monitors:
  replicas:
    name: Replicas are missing
    type: query alert
    query: avg(last_5m):sum:rollout_info_replicas_available{namespace:${ns},name:shop} by {env,region} < ${critical}
    message: |
      {{#is_unknown}}unknown{{/is_unknown}}
      {{#is_alert}}{{override_priority 'P1'}} {{value}} in {{region.name}}{{/is_alert}}
      {{#is_recovery}}ok{{/is_recovery}}
    thresholds: { critical: 3 }
  new-issue:
    name: A new error
    type: error-tracking alert
    query: error-tracking("service:shop").source("backend").new().rollup("count").by("@issue.id").last("1d") > ${critical}
    message: "{{#is_alert}}{{issue.attributes.error.message}}{{/is_alert}}"
    thresholds: { critical: 0 }
  cost:
    name: Costs rise
    type: cost alert
    query: formula("query1").last("7d").anomaly(direction="above", threshold=10) >= ${critical}
    message: up
    thresholds: { critical: 5 }
    options:
      variables:
        - { data_source: cloud_cost, name: query1, query: "sum:aws.cost.net.amortized{*}", aggregator: sum }
"#;

#[test]
fn what_other_people_write_is_understood() {
    let project = "namespace: t\nvariables: { ns: prod }\nenvironments: { main: {} }\n";
    let files = [
        ("monitors.yaml", project.to_owned()),
        ("monitors/a.yaml", OTHER_PEOPLES.to_owned()),
    ];
    let run = Project::new(&files).run("", &["check"]).exits(0);
    assert!(run.out.contains("3 definitions, all sound"), "{}", run.out);
}
