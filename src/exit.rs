//! The one table of exit codes.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All is well: valid, all thresholds met.
    Ok,
    /// loadgen itself failed.
    Failed,
    /// The command line, a scenario or a definition is wrong.
    Usage,
    /// Thresholds, gate or drill failed.
    ThresholdsFailed,
    /// An audit found differences.
    AuditDiffers,
    /// The run is invalid.
    Invalid,
    /// Steps were sent, and not one succeeded.
    NothingSucceeded,
    /// Interrupted by Ctrl-C.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::ThresholdsFailed | Self::AuditDiffers => 3,
            Self::Invalid => 4,
            Self::NothingSucceeded => 5,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
