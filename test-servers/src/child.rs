//! Server processes that end with whoever started them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a server may take to be ready or to end before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often another port is tried when somebody else was quicker.
pub(crate) const STARTS_MAX: u32 = 5;
/// Where a server's words go.
const LOG: &str = "log";
/// How long one look at a server may take.
const LOOK_MAX: Duration = Duration::from_secs(1);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A TCP port that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

/// What a server said so far.
pub(crate) fn log_in(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(LOG)).unwrap_or_default()
}

/// The beginning of what a server on this port answers; nothing when it does not.
pub(crate) fn ask(port: u16, question: &[u8]) -> Vec<u8> {
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(LOOK_MAX))?;
        stream.write_all(question)?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer)?;
        answer.truncate(length);
        Ok(answer)
    };
    ask().unwrap_or_default()
}

/// A word that no other test has, on this machine or another.
pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("{}-{}-{count}", since_1970.as_nanos(), std::process::id())
}

/// Waits until `look` finds something.
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The program in one of these folders, or else in PATH.
pub(crate) fn find_program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// A command that runs as `user`, when the test runs as root and the program refuses to, and that is told to end when
/// the thread that started it does.
pub(crate) fn command_as(user: Option<User>, program: &Path) -> Command {
    let Some(setpriv) = find_program("setpriv", &[]) else {
        assert!(
            user.is_none(),
            "`setpriv` (package util-linux) is needed to run servers as another user than root"
        );
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    // SIGQUIT: the quickest orderly end that PostgreSQL has; others end by it as well.
    command.args(["--pdeathsig", "QUIT"]);
    if let Some(user) = user {
        command.args([
            format!("--reuid={}", user.uid),
            format!("--regid={}", user.gid),
        ]);
        command.arg("--clear-groups");
    }
    command.arg("--").arg(program);
    command
}

/// An account of this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// The account to run a server as: none when this process is no root, else the first that exists.
    pub(crate) fn instead_of_root(names: &[&str]) -> Option<User> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let accounts = std::fs::read_to_string("/etc/passwd").expect("/etc/passwd can be read");
        let found = names.iter().find_map(|name| account(&accounts, name));
        Some(
            found
                .unwrap_or_else(|| panic!("none of the accounts {names:?} exists on this machine")),
        )
    }
}

fn account(accounts: &str, name: &str) -> Option<User> {
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2);
    Some(User {
        uid: numbers.next()?.parse().ok()?,
        gid: numbers.next()?.parse().ok()?,
    })
}

/// A running server process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts a server with what it says in the folder's log, and waits until it answers; `None` when it ends instead.
    pub(crate) fn start(
        command: &mut Command,
        folder: &Path,
        answers: impl Fn() -> bool,
    ) -> Option<Self> {
        let program = command.get_program().to_owned();
        let log = std::fs::File::create(folder.join(LOG)).expect("a log file");
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {program:?}: {error}"));
        let mut server = Server { child };
        let ready = wait_for(&format!("{program:?} is ready"), || {
            if server.has_ended() {
                Some(false)
            } else {
                answers().then_some(true)
            }
        });
        ready.then_some(server)
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("a child can be waited for")
            .is_some()
    }

    /// Sends a signal to this process alone.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, signal);
        }
    }

    /// Sends a signal to this process, then to the processes that it has started.
    pub(crate) fn signal_all(&self, signal: Signal) {
        self.signal(signal);
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))
            .expect("Linux tells a process's children");
        let children = children.split_whitespace().map(|pid| pid.parse().ok());
        for pid in children.flatten().filter_map(Pid::from_raw) {
            // It may have ended by itself.
            let _ = kill_process(pid, signal);
        }
    }

    /// Ends it and waits until it is gone.
    pub(crate) fn end(mut self, signal: Signal) {
        self.signal(signal);
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.has_ended() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Runs a command to its end; its output, or a panic with what it said.
pub(crate) fn run(command: &mut Command) -> String {
    let shown: Vec<_> = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_owned)
        .collect();
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {shown:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown:?} failed: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
