//! Schema versions of PostgreSQL, from the command line and at the start of a shop.

use std::process::{Command, Output};

use shop::secret::Secret;
use shop::server::open_stores;
use test_servers::postgres::TestDatabase;

use crate::place::Place;

fn migrate(url: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .arg("migrate")
        .args(arguments)
        .env("DATABASE_URL", url)
        .output()
        .unwrap()
}

#[track_caller]
fn told(url: &str, arguments: &[&str]) -> String {
    let output = migrate(url, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(url: &str, arguments: &[&str]) -> String {
    let output = migrate(url, arguments);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_goes_forwards_and_back() {
    let database = TestDatabase::fresh();
    let url = database.url();
    let status = told(url, &["status"]);
    assert_eq!(status.matches("pending").count(), 2, "{status}");
    assert!(!status.contains("test-only"), "{status}");
    assert!(told(url, &["up", "--to", "1"]).contains("version 1"));
    assert_eq!(told(url, &["status"]).matches("pending").count(), 1);
    assert!(told(url, &["up"]).contains("version 2"));
    let status = told(url, &["status"]);
    assert!(
        status.contains("outbox") && !status.contains("pending"),
        "{status}"
    );
    assert!(told(url, &["down"]).contains("version 1"));
    assert!(told(url, &["down", "--to", "0"]).contains("version 0"));
    let left = database.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(left.trim(), "schema_migrations");
    assert!(refused(url, &["up", "--to", "99"]).contains("newest is 2"));
    assert!(told(url, &["up"]).contains("version 2"));
    assert!(refused(url, &["up", "--to", "1"]).contains("migrate down --to 1"));
    assert!(refused(url, &["down", "--to", "7"]).contains("migrate up --to 7"));

    let recorded = database.sql("SELECT length(checksum) FROM schema_migrations ORDER BY version");
    assert_eq!(recorded, "64\n64\n");
    database.sql("UPDATE schema_migrations SET checksum = 'other' WHERE version = 2");
    assert!(refused(url, &["up"]).contains("migration 2"));
    database.sql("INSERT INTO schema_migrations (version, name, checksum) VALUES (9, 'later', '')");
    database.sql("DELETE FROM schema_migrations WHERE version = 2");
    assert!(refused(url, &["up"]).contains("newer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_migration_leaves_nothing_of_itself() {
    let database = TestDatabase::fresh();
    // In the way of the second migration.
    database.sql("CREATE TABLE handled_events (x INT)");
    let error = refused(database.url(), &["up"]);
    assert!(
        error.contains("migration 2") && error.contains("handled_events"),
        "{error}"
    );
    let tables =
        database.sql("SELECT count(*) FROM pg_tables WHERE tablename IN ('outbox', 'orders')");
    assert_eq!(tables.trim(), "1");
    database.sql("DROP TABLE handled_events");
    assert!(told(database.url(), &["up"]).contains("version 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let place = Place::embedded();
    let database = TestDatabase::fresh();
    let wrong_password = database.url_as("postgres", "hunter2-wrong");
    let no_database = format!("{}_nowhere", database.url_as("postgres", "test-only"));
    for (url, words) in [
        (
            "postgres://ann:hunter2@127.0.0.1:1/shop",
            vec!["127.0.0.1:1", "`shop`", "start PostgreSQL"],
        ),
        (
            wrong_password.as_str(),
            vec!["password authentication failed"],
        ),
        (no_database.as_str(), vec!["does not exist"]),
        (
            "mysql://ann:hunter2@127.0.0.1/shop",
            vec!["postgres://USER:PASSWORD@HOST"],
        ),
        (
            "postgres://ann:hunter2@127.0.0.1:port/shop",
            vec!["postgres://USER:PASSWORD@HOST"],
        ),
        ("hunter2", vec!["postgres://USER:PASSWORD@HOST"]),
    ] {
        let mut config = place.config();
        config.backends.database_url = Some(Secret::new(url));
        let Err(error) = open_stores(&config).await else {
            panic!("{url} cannot be opened");
        };
        let text = format!("{error:#}");
        assert!(text.contains("DATABASE_URL"), "{text}");
        assert!(
            !text.contains("hunter2") && !text.contains("test-only"),
            "{text}"
        );
        for word in words {
            assert!(text.contains(word), "{text}");
        }
    }
}
