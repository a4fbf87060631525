//! Database monitoring: what the Datadog Agent needs, and no more.

use std::process::{Command, Output};

use test_servers::postgres::{PostgresServer, TestDatabase};

const PASSWORD: &str = "monitor'ing;\"1";

fn monitoring(url: &str, arguments: &[&str], password: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.args(["migrate", "monitoring"]).args(arguments);
    command
        .env("DATABASE_URL", url)
        .env_remove("DD_DBM_PASSWORD");
    if let Some(password) = password {
        command.env("DD_DBM_PASSWORD", password);
    }
    command.output().unwrap()
}

#[track_caller]
fn told(output: Output) -> String {
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The shop's own account, which owns its tables and nothing else.
fn shop_account(database: &TestDatabase) -> String {
    database.sql("CREATE ROLE rumshop LOGIN PASSWORD 'rumshop'");
    database.sql("GRANT ALL ON SCHEMA public TO rumshop");
    database.url_as("rumshop", "rumshop")
}

/// As the account that monitors.
fn agent(database: &TestDatabase, statement: &str) -> Result<String, String> {
    // The password as it stands in a URL.
    database.sql_as("datadog", "monitor%27ing%3B%221", statement)
}

#[test]
fn the_agent_can_explain_statements_and_change_nothing() {
    let server = PostgresServer::start();
    let database = server.database();
    let shop = shop_account(&database);
    let migrated = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(["migrate", "up"])
        .env("DATABASE_URL", &shop)
        .output()
        .unwrap();
    told(migrated);
    // Twice: it is repeatable.
    for _ in 0..2 {
        let output = told(monitoring(database.url(), &[], Some(PASSWORD)));
        assert!(output.contains("counts statements"), "{output}");
    }

    let explain = "SELECT datadog.explain_statement('SELECT * FROM orders WHERE owner = ''ann''')";
    let plan = agent(&database, explain).unwrap();
    assert!(
        plan.contains("\"Plan\"") && plan.contains("orders"),
        "{plan}"
    );
    let update = "SELECT datadog.explain_statement('UPDATE products SET stock = 0')";
    assert!(agent(&database, update).unwrap().contains("ModifyTable"));
    for allowed in [
        "SELECT count(*) FROM orders",
        "SELECT count(*) FROM pg_stat_statements",
        "SELECT count(*) FROM pg_stat_activity WHERE query <> ''",
    ] {
        agent(&database, allowed).unwrap();
    }
    for forbidden in [
        "DELETE FROM orders",
        "CREATE TABLE public.x (x INT)",
        "CREATE TABLE datadog.x (x INT)",
        "CREATE FUNCTION pg_temp.f() RETURNS INT IMMUTABLE LANGUAGE sql AS 'SELECT 1'",
        "SELECT datadog.explain_statement('SELECT 1; DROP TABLE orders')",
        "SELECT datadog.explain_statement('SELECT * FROM pg_authid')",
    ] {
        agent(&database, forbidden).unwrap_err();
    }
    database
        .sql_as("rumshop", "rumshop", "CREATE TABLE later (x INT)")
        .unwrap();
    agent(&database, "SELECT count(*) FROM later").unwrap();
    // The bare password never reached the server.
    let seen =
        database.sql("SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%monitor''ing%'");
    assert_eq!(seen.trim(), "0");

    told(monitoring(database.url(), &["--remove"], None));
    told(monitoring(database.url(), &["--remove"], None));
    agent(&database, "SELECT 1").unwrap_err();
    let left = database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'datadog'");
    assert_eq!(left.trim(), "0");
    told(monitoring(database.url(), &[], Some(PASSWORD)));
    agent(&database, explain).unwrap();
}

#[test]
fn what_is_missing_is_said_with_its_remedy() {
    let server = PostgresServer::start_without_statements();
    let database = server.database();
    let output = told(monitoring(database.url(), &[], Some(PASSWORD)));
    assert!(output.contains("shared_preload_libraries"), "{output}");
    let shop = shop_account(&database);
    for (url, password, words) in [
        (database.url(), None, "DD_DBM_PASSWORD"),
        (database.url(), Some("short"), "DD_DBM_PASSWORD"),
        ("", Some(PASSWORD), "DATABASE_URL"),
        (&shop, Some(PASSWORD), "postgres"),
    ] {
        let output = monitoring(url, &[], password);
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(words), "{error}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
}
