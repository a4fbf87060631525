//! The one table of exit codes.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing is different from what it should be.
    Ok,
    /// Something failed on the way.
    Failed,
    /// The command line or a definition is wrong; nothing was changed.
    Usage,
    /// There are changes; only with `--detailed-exitcode`.
    Changes,
    /// Refused to protect what exists; nothing was changed.
    Refused,
    /// Interrupted by Ctrl-C; what was done is kept.
    Interrupted,
    /// Ended by SIGTERM; what was done is kept.
    Terminated,
}

impl Exit {
    /// The process's exit code. 2 must mean changes and nothing else where those were asked for, so that a wrong
    /// definition is 1 then.
    pub fn code(self, detailed: bool) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage if detailed => 1,
            Self::Usage | Self::Changes => 2,
            Self::Refused => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// For `main`.
pub fn exit_code(exit: Exit, detailed: bool) -> ExitCode {
    ExitCode::from(exit.code(detailed))
}
