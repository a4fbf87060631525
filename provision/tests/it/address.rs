//! Where requests go: what a project names holds, whatever flag is forgotten.

use std::process::Output;

use crate::fixture::{monitors, small};
use crate::harness::{Project, StandIn};

const PROJECT: &str = "namespace: shop
variables: { runbooks: https://example.com/runbooks, site: https://app.datadoghq.com }
";

fn project(rest: &str) -> Project {
    let mut files = small("shop-test");
    files.retain(|(path, _)| *path != "monitors.yaml");
    files.push(("monitors.yaml", format!("{PROJECT}{rest}")));
    Project::new(&files)
}

/// Without a flag and with a site of the real API in the environment.
fn bare(project: &Project, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = project.command("", args);
    command
        .env_remove("DD_API_URL")
        .env("DD_SITE", "datadoghq.eu");
    command.envs(variables.iter().copied());
    command.output().expect("the command runs")
}

#[test]
fn the_address_that_a_project_names_wins_over_the_site() {
    let org = StandIn::start();
    let project = project(&format!(
        "api_url: {}\nenvironments: {{ test: {{}} }}\n",
        org.url
    ));
    let run = bare(&project, &["apply", "--yes"], &[]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    assert_eq!(org.everything().len(), 11);
    for args in [&["plan"][..], &["drift"], &["show"], &["destroy", "--yes"]] {
        assert_eq!(bare(&project, args, &[]).status.code(), Some(0), "{args:?}");
    }
    assert_eq!(org.everything(), []);
}

#[test]
fn an_environment_may_have_an_address_of_its_own() {
    let org = StandIn::start();
    let rest = format!(
        "api_url: http://127.0.0.1:1\nenvironments:\n  test: {{ api_url: \"{}\" }}\n  other: {{}}\n",
        org.url
    );
    let project = project(&rest);
    let run = bare(&project, &["plan", "--env", "test"], &[]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let run = bare(&project, &["plan", "--env", "other"], &[]);
    assert_eq!(run.status.code(), Some(1), "{run:?}");
}

#[test]
fn the_environment_variable_and_the_flag_win_in_this_order() {
    let org = StandIn::start();
    let project = project("api_url: http://127.0.0.1:1\nenvironments: { test: {} }\n");
    let run = bare(&project, &["plan"], &[("DD_API_URL", &org.url)]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let args = ["plan", "--api-url", &org.url];
    let run = bare(&project, &args, &[("DD_API_URL", "http://127.0.0.1:1")]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
}

/// An import has no `--dir`, but the folder that it is started in, or writes to, may be a project all the same.
#[test]
fn an_import_goes_where_the_project_says() {
    let org = StandIn::start();
    let project = project(&format!(
        "api_url: {}\nenvironments: {{ test: {{}} }}\n",
        org.url
    ));
    let run = bare(&project, &["apply", "--yes"], &[]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
    let managed = ["import", "--out", "found", "--managed", "shop-test"];
    let run = bare(&project, &managed, &[]);
    assert_eq!(run.status.code(), Some(0), "{run:?}");
}

/// Whatever answers in the API's place cannot send the keys on.
#[test]
fn a_redirect_is_not_followed() {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (elsewhere, project) = (StandIn::start(), project("environments: { test: {} }\n"));
    let target = elsewhere.url.clone();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head =
                format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {target}/api/v1/monitor\r\n");
            let _ = stream.write_all(
                format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
            );
        }
    });
    let run = project.run(&url, &["plan"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(elsewhere.count("requests"), 0);
}

#[test]
fn an_environment_is_chosen_by_variable_or_by_the_project() {
    let org = StandIn::start();
    let rest = "default_environment: test\nenvironments: { test: {}, prod: { namespace: live } }\n";
    let project = project(rest);
    let run = project.run(&org.url, &["show"]).exits(0);
    assert!(run.out.contains("namespace shop-test"), "{}", run.out);
    let mut command = project.command(&org.url, &["show"]);
    let run = command.env("DD_ENV", "prod").output().expect("it runs");
    assert!(
        String::from_utf8_lossy(&run.stdout).contains("namespace live"),
        "{run:?}"
    );
    project.write(&[(
        "monitors.yaml",
        format!("{PROJECT}{}", rest.replace("t: test", "t: tset")),
    )]);
    let run = project.run(&org.url, &["show"]).exits(2);
    assert!(run.err.contains("did you mean `test`?"), "{}", run.err);
    // A check looks at every environment, whatever DD_ENV says.
    project.write(&[
        ("monitors.yaml", format!("{PROJECT}{rest}")),
        ("monitors/queues.yaml", monitors("queue", 4, 100)),
    ]);
    let run = project.run("", &["check"]).exits(0);
    assert!(
        run.out.contains("prod: ") && run.out.contains("test: "),
        "{}",
        run.out
    );
}
