//! On what machine a run took place.

use serde::{Deserialize, Serialize};

/// The machine, as far as it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Operating system and architecture.
    pub system: String,
    /// Kernel release.
    pub kernel: String,
    /// CPU model.
    pub cpu: String,
    /// Cores that the process may use.
    pub cores: u32,
    /// Memory of the machine in bytes.
    pub memory_bytes: u64,
    /// Limit of open files.
    pub descriptors_max: u64,
}

impl Environment {
    /// Looks around. What the system does not tell stays empty.
    pub fn read(descriptors_max: u64) -> Self {
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text
                .lines()
                .find(|line| line.starts_with(name))
                .unwrap_or_default();
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
                .unwrap_or_default()
        };
        let memory = field(&file("/proc/meminfo"), "MemTotal");
        let kib: u64 = memory.trim_end_matches("kB").trim().parse().unwrap_or(0);
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: field(&file("/proc/cpuinfo"), "model name"),
            cores: crate::own::cores(),
            memory_bytes: kib * 1024,
            descriptors_max,
        }
    }
}
