//! PostgreSQL: a private server, and fresh databases on it or on one that is there already.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::child::{STARTS_MAX, Server, User, command_as, find_program, free_port, log_in, run};

/// Names a server to make databases on, as a superuser; without it every [`TestDatabase`] has a server of its own.
pub const SHARED_SERVER_VARIABLE: &str = "TEST_DATABASE_URL";
/// Says which stores the suites of the whole shop run on: `embedded` (the default), `postgres` or `postgres+redis`.
pub const STORES_VARIABLE: &str = "TEST_STORES";
/// The superuser of private servers.
const SUPERUSER: &str = "postgres";
/// Their password: they listen on loopback only, and live as long as a test.
const PASSWORD: &str = "test-only";
/// Connections at once: several shops with their pools.
const CONNECTIONS_MAX: &str = "200";

/// A private PostgreSQL server. Ended and removed when dropped.
#[derive(Debug)]
pub struct PostgresServer {
    server: Option<Server>,
    port: u16,
    programs: PathBuf,
    user: Option<User>,
    counts_statements: bool,
    // Dropped last.
    folder: TempDir,
}

impl PostgresServer {
    /// Makes and starts a server, with `pg_stat_statements` where the library is installed.
    pub fn start() -> Self {
        PostgresServer::start_with(has_stat_statements(&programs()))
    }

    /// Makes and starts a server that does not load `pg_stat_statements`.
    pub fn start_without_statements() -> Self {
        PostgresServer::start_with(false)
    }

    fn start_with(counts_statements: bool) -> Self {
        let programs = programs();
        let user = User::instead_of_root(&["postgres", "nobody"]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        if let Some(user) = user {
            std::os::unix::fs::chown(folder.path(), Some(user.uid), Some(user.gid))
                .expect("root may give a folder away");
        }
        make_cluster(&programs, user, folder.path());
        let mut server = PostgresServer {
            server: None,
            port: free_port(),
            programs,
            user,
            counts_statements,
            folder,
        };
        server.start_again();
        server
    }

    /// Starts a stopped server on its port; a new one may take another port when somebody was quicker.
    pub fn start_again(&mut self) {
        let is_new = !self.folder.path().join("data/postmaster.opts").exists();
        for _ in 0..STARTS_MAX {
            if self.try_start() {
                return;
            }
            assert!(is_new, "the server does not start again: {}", self.log());
            self.port = free_port();
        }
        panic!("PostgreSQL does not start: {}", self.log());
    }

    fn try_start(&mut self) -> bool {
        let folder = self.folder.path();
        let mut command = command_as(self.user, &self.programs.join("postgres"));
        command.arg("-D").arg(folder.join("data"));
        for setting in self.settings() {
            command.args(["-c", &setting]);
        }
        self.server = Server::start(&mut command, folder, || self.answers());
        self.server.is_some()
    }

    fn settings(&self) -> Vec<String> {
        let mut settings = vec![
            format!("port={}", self.port),
            format!("max_connections={CONNECTIONS_MAX}"),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.folder.path().display()),
        ];
        if self.counts_statements {
            settings.push("shared_preload_libraries=pg_stat_statements".to_owned());
        }
        settings
    }

    fn answers(&self) -> bool {
        let answer = Command::new(self.programs.join("psql"))
            .args(["-X", "-q", "-c", "SELECT 1", &self.url()])
            .stdin(Stdio::null())
            .output();
        answer.is_ok_and(|answer| answer.status.success())
    }

    fn log(&self) -> String {
        log_in(self.folder.path())
    }

    /// Ends the server as an administrator in a hurry does: sessions are cut off, the files are consistent.
    pub fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.end(Signal::INT);
        }
    }

    /// Makes the server and all its sessions stand still.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets a server that stands still go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let server = self.server.as_ref().expect("the server runs");
        server.signal_all(signal);
    }

    /// The superuser's URL of the server's first database, password included.
    pub fn url(&self) -> String {
        format!(
            "postgres://{SUPERUSER}:{PASSWORD}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    /// An empty database on this server.
    pub fn database(&self) -> TestDatabase {
        TestDatabase::make(&self.url(), None)
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // One that stands still ends as well.
            server.signal_all(Signal::CONT);
            // Immediate shutdown: the files are not needed any more.
            server.end(Signal::QUIT);
        }
    }
}

/// An empty database, removed when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    name: String,
    server_url: String,
    // Dropped after the database.
    _server: Option<PostgresServer>,
}

impl TestDatabase {
    /// A fresh database on the server of [`SHARED_SERVER_VARIABLE`], or else on a server of its own.
    pub fn fresh() -> Self {
        match std::env::var(SHARED_SERVER_VARIABLE) {
            Ok(url) if !url.is_empty() => TestDatabase::make(&url, None),
            _ => {
                let server = PostgresServer::start();
                TestDatabase::make(&server.url(), Some(server))
            }
        }
    }

    /// A fresh database when [`STORES_VARIABLE`] asks for PostgreSQL: for suites that run on either store.
    pub fn if_asked_for() -> Option<Self> {
        let stores = std::env::var(STORES_VARIABLE).unwrap_or_default();
        match stores.as_str() {
            "" | "embedded" => None,
            "postgres" | "postgres+redis" => Some(TestDatabase::fresh()),
            other => panic!(
                "{STORES_VARIABLE} is `{other}`; it may be `embedded`, `postgres` or `postgres+redis`"
            ),
        }
    }

    fn make(server_url: &str, server: Option<PostgresServer>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        sql(server_url, &format!("CREATE DATABASE {name}"));
        TestDatabase {
            url: with_database(server_url, &name),
            name,
            server_url: server_url.to_owned(),
            _server: server,
        }
    }

    /// The superuser's URL of the database, password included.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL in the database, as the superuser; what it answers, a line for each row.
    pub fn sql(&self, statement: &str) -> String {
        sql(&self.url, statement)
    }

    /// Runs SQL in the database as another account; what it answers, or why not.
    pub fn sql_as(&self, user: &str, password: &str, statement: &str) -> Result<String, String> {
        let output = psql(&self.url_as(user, password), statement)
            .output()
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The URL with another account in it.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let address = self.url.rsplit_once('@').expect("an address").1;
        format!("postgres://{user}:{password}@{address}")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // The server may be stopped, with the database on it.
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        drop(psql(&self.server_url, &statement).output());
    }
}

fn sql(url: &str, statement: &str) -> String {
    run(&mut psql(url, statement))
}

fn psql(url: &str, statement: &str) -> Command {
    let mut command = Command::new(programs().join("psql"));
    command.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        statement,
        url,
    ]);
    command.stdin(Stdio::null());
    command
}

/// The URL with another path; parameters are kept.
fn with_database(url: &str, name: &str) -> String {
    let (base, parameters) = url
        .split_once('?')
        .map_or((url, None), |(base, rest)| (base, Some(rest)));
    let scheme = base.find("://").map_or(0, |at| at + 3);
    let address = base[scheme..]
        .find('/')
        .map_or(base, |slash| &base[..scheme + slash]);
    match parameters {
        Some(parameters) => format!("{address}/{name}?{parameters}"),
        None => format!("{address}/{name}"),
    }
}

/// The folder with the server's programs: newest version first.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version_of(folder)));
    let initdb = find_program("initdb", &folders)
        .expect("PostgreSQL's `initdb` is needed in PATH or /usr/lib/postgresql; install the package `postgresql`");
    let resolved = initdb.canonicalize().unwrap_or(initdb);
    resolved
        .parent()
        .map(Path::to_owned)
        .expect("a program lies in a folder")
}

fn version_of(bin: &Path) -> u32 {
    let version = bin
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}

fn has_stat_statements(programs: &Path) -> bool {
    let pg_config = programs.join("pg_config");
    let libraries = if pg_config.exists() {
        PathBuf::from(
            run(Command::new(pg_config)
                .arg("--pkglibdir")
                .stdin(Stdio::null()))
            .trim(),
        )
    } else {
        programs.join("../lib")
    };
    libraries.join("pg_stat_statements.so").exists()
}

fn make_cluster(programs: &Path, user: Option<User>, folder: &Path) {
    let password = folder.join("password");
    std::fs::write(&password, PASSWORD).expect("a file in a new folder");
    let mut initdb = command_as(user, &programs.join("initdb"));
    initdb
        .arg("-D")
        .arg(folder.join("data"))
        .arg("--pwfile")
        .arg(&password);
    initdb.args([
        "-U",
        SUPERUSER,
        "--auth=scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]);
    run(initdb.stdin(Stdio::null()));
}
