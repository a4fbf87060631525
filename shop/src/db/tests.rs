//! Tests of the group-commit database, next to it because they look at its files.

use super::*;

const TABLE: [Migration; 2] = [
    Migration {
        version: 1,
        name: "make the table",
        up: "CREATE TABLE t (id INTEGER PRIMARY KEY, v INTEGER NOT NULL UNIQUE) STRICT",
        down: "DROP TABLE t",
    },
    Migration {
        version: 2,
        name: "add a column",
        up: "ALTER TABLE t ADD COLUMN w INTEGER",
        down: "ALTER TABLE t DROP COLUMN w",
    },
];

fn options(folder: &tempfile::TempDir) -> DbOptions {
    DbOptions {
        path: folder.path().join("t.db"),
        durability: Durability::Process,
        readers: 2,
    }
}

fn insert(connection: &Connection, value: i64) -> Result<(), DbError> {
    connection
        .prepare_cached("INSERT INTO t (v) VALUES (?1)")?
        .execute([value])?;
    Ok(())
}

fn count(connection: &Connection) -> Result<i64, DbError> {
    Ok(connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
}

#[tokio::test]
async fn a_failing_or_panicking_job_leaves_its_neighbours_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&options(&folder), &TABLE).unwrap();
    let jobs = (0..100).map(|value| {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |connection| {
                insert(connection, value)?;
                match value % 10 {
                    0 => Err(DbError::Corrupt("on purpose".into())),
                    1 => panic!("on purpose"),
                    _ => Ok(()),
                }
            })
            .await
        })
    });
    let mut kept = 0;
    for job in jobs.collect::<Vec<_>>() {
        kept += i64::from(job.await.unwrap().is_ok());
    }
    assert_eq!(kept, 80);
    assert_eq!(db.read(count).await.unwrap(), 80);
}

#[tokio::test]
async fn when_a_job_ends_the_transaction_nobody_is_told_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&options(&folder), &TABLE).unwrap();
    let jobs = (0..50).map(|value| {
        db.write(move |connection| {
            insert(connection, value)?;
            if value == 25 {
                // What SQLite does by itself when the disk is full.
                connection.execute_batch("ROLLBACK")?;
            }
            Ok(value)
        })
    });
    let outcomes = futures_util::future::join_all(jobs).await;
    let told: Vec<i64> = outcomes.into_iter().filter_map(Result::ok).collect();
    let kept = db
        .read(|connection| {
            let mut values = connection.prepare("SELECT v FROM t ORDER BY v")?;
            let values = values.query_map([], |row| row.get(0))?;
            Ok(values.collect::<Result<Vec<i64>, _>>()?)
        })
        .await
        .unwrap();
    assert_eq!(told, kept);
    assert!(!told.contains(&25));
}

#[tokio::test]
async fn while_another_process_holds_the_file_nothing_is_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&options(&folder), &TABLE).unwrap();
    let other = connect(&options(&folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = db.write(|connection| insert(connection, 1)).await;
    assert!(matches!(refused, Err(DbError::Commit(_))));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(db.read(count).await.unwrap(), 0);
    db.write(|connection| insert(connection, 1)).await.unwrap();
}

#[tokio::test]
async fn acknowledged_writes_are_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&options(&folder), &TABLE).unwrap();
    db.write(|connection| insert(connection, 7)).await.unwrap();
    db.close();
    assert!(matches!(db.read(count).await, Err(DbError::Closed)));
    let again = Db::open(&options(&folder), &TABLE).unwrap();
    assert_eq!(again.read(count).await.unwrap(), 1);
}

#[test]
fn several_processes_may_open_and_migrate_together() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| Db::open(&options(&folder), &TABLE).unwrap());
        }
    });
}

#[test]
fn migrations_go_up_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    let mut connection = connect(&options).unwrap();
    migrate(&mut connection, &options.path, &TABLE, None).unwrap();
    connection
        .execute("INSERT INTO t (v, w) VALUES (1, 2)", [])
        .unwrap();
    migrate(&mut connection, &options.path, &TABLE, Some(1)).unwrap();
    assert!(
        connection
            .execute("INSERT INTO t (v, w) VALUES (2, 2)", [])
            .is_err()
    );
    assert_eq!(count(&connection).unwrap(), 1);
    migrate(&mut connection, &options.path, &TABLE, Some(0)).unwrap();
    assert!(count(&connection).is_err());
    migrate(&mut connection, &options.path, &TABLE, None).unwrap();
    assert_eq!(count(&connection).unwrap(), 0);
}

#[test]
fn a_newer_file_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&folder);
    drop(Db::open(&options, &TABLE).unwrap());
    let error = Db::open(&options, &TABLE[..1]).err().unwrap().to_string();
    assert!(
        error.contains("t.db") && error.contains("version 2"),
        "{error}"
    );
}
