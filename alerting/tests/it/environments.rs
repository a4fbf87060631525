//! One set of files in several environments: variables, namespaces, optional folders, and what is said when these are
//! wrong.

use alerting::set::{Inputs, Set, Source, load};

const PROJECT: &str = "namespace: shop
optional_folders: [slos/aws]
variables: { who: everyone, limit: '99' }
environments:
  dev: {}
  prod:
    namespace: live
    folders: [slos/aws]
    variables: { who: 'the ${env} people', limit: '99.9' }
";

fn slo(name: &str, description: &str) -> String {
    format!(
        "slos:\n  {name}:\n    name: N\n    type: monitor\n    team: x\n    description: \"{description}\"\n    \
         monitor_ids: [1]\n    thresholds: [{{ timeframe: 7d, target: 99 }}]\n"
    )
}

fn inputs(environment: Option<&str>) -> Inputs {
    let file = |path: &str, text: String| Source {
        path: path.into(),
        text,
    };
    Inputs {
        project: Some(file("monitors.yaml", PROJECT.to_owned())),
        files: vec![
            file(
                "slos/a.yaml",
                slo("plain", "for ${who}: ${key} in ${namespace}, $${literal}"),
            ),
            file("slos/aws/b.yaml", slo("cloud", "")),
        ],
        environment: environment.map(str::to_owned),
        ..Inputs::default()
    }
}

fn loaded(inputs: &Inputs) -> Set {
    load(inputs).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn refused(inputs: &Inputs) -> String {
    load(inputs)
        .expect_err("a refusal")
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn environments_differ_in_namespace_variables_and_folders() {
    let described = |set: &Set| {
        set.objects[0].payload["description"]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let dev = loaded(&inputs(Some("dev")));
    assert_eq!((dev.namespace.as_str(), dev.objects.len()), ("shop-dev", 1));
    assert_eq!(
        described(&dev),
        "for everyone: plain in shop-dev, ${literal}"
    );
    let prod = loaded(&inputs(Some("prod")));
    assert_eq!((prod.namespace.as_str(), prod.objects.len()), ("live", 2));
    assert_eq!(
        described(&prod),
        "for the prod people: plain in live, ${literal}"
    );
}

#[test]
fn the_command_line_wins() {
    let mut inputs = inputs(Some("prod"));
    inputs.variables = vec![("who".into(), "me".into())];
    inputs.namespace = Some("mine".into());
    let set = loaded(&inputs);
    assert_eq!(
        set.objects[0].payload["description"],
        "for me: plain in mine, ${literal}"
    );
    assert_eq!(set.objects[0].key.to_string(), "mine.plain");
}

#[test]
fn a_wrong_choice_of_environment_is_told() {
    assert!(refused(&inputs(Some("prd"))).contains("did you mean `prod`?"));
    assert!(refused(&inputs(None)).contains("choose one with --env"));
    let mut one = inputs(None);
    one.project = Some(Source {
        path: "p.yaml".into(),
        text: "namespace: s\nenvironments: { only: {} }\n".into(),
    });
    assert!(refused(&one).contains("there is no variable `who`"));
}

#[test]
fn a_wrong_project_file_is_told() {
    let mut inputs = inputs(Some("dev"));
    let text = PROJECT
        .replace("namespace: shop\n", "namespace: My Shop\n")
        .replace(
            "folders: [slos/aws]\n    var",
            "folders: [slos/gcp]\n    var",
        );
    inputs.project = Some(Source {
        path: "monitors.yaml".into(),
        text,
    });
    insta::assert_snapshot!(refused(&inputs));
}

/// A value that holds itself is put in a bounded number of times and then left.
#[test]
fn a_variable_that_holds_itself_ends() {
    let mut inputs = inputs(Some("dev"));
    inputs.variables = vec![("who".into(), "x${who}".into())];
    let set = loaded(&inputs);
    assert!(
        set.objects[0].payload["description"]
            .as_str()
            .expect("a text")
            .starts_with("for xxxx")
    );
}
