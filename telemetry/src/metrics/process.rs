//! Process metrics, read when somebody asks: the names that every Prometheus client library uses for them.
//!
//! Written here rather than taken from the library's feature `process`, whose readers of `/proc` cost a newcomer's first build
//! more than all of this, and which counts CPU time in whole seconds.

use std::fs;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::catalogue::Metric;

/// What the kernel says about this process. Cheap to clone.
#[derive(Clone)]
pub(super) struct ProcessCollector {
    cpu_s: Counter,
    open_fds: Gauge,
    max_fds: Gauge,
    virtual_bytes: Gauge,
    resident_bytes: Gauge,
    start_time_s: Gauge,
    threads: Gauge,
}

impl ProcessCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let collector = ProcessCollector {
            cpu_s: Counter::with_opts(opts(Metric::ProcessCpuSeconds))?,
            open_fds: gauge(Metric::ProcessOpenFds)?,
            max_fds: gauge(Metric::ProcessMaxFds)?,
            virtual_bytes: gauge(Metric::ProcessVirtualMemory)?,
            resident_bytes: gauge(Metric::ProcessResidentMemory)?,
            start_time_s: gauge(Metric::ProcessStartTime)?,
            threads: gauge(Metric::ProcessThreads)?,
        };
        let started = boot_time_s().zip(Stat::read());
        if let Some((boot_s, stat)) = started {
            let ticks_per_s = rustix::param::clock_ticks_per_second();
            collector
                .start_time_s
                .set(as_f64(boot_s) + as_f64(stat.start_ticks) / as_f64(ticks_per_s));
        }
        Ok(collector)
    }

    /// Reads everything anew: the CPU time so far, and what each gauge shows.
    pub(super) fn read(&self) -> (f64, [(Metric, f64); 6]) {
        self.refresh();
        let shown = [
            (Metric::ProcessOpenFds, &self.open_fds),
            (Metric::ProcessMaxFds, &self.max_fds),
            (Metric::ProcessVirtualMemory, &self.virtual_bytes),
            (Metric::ProcessResidentMemory, &self.resident_bytes),
            (Metric::ProcessStartTime, &self.start_time_s),
            (Metric::ProcessThreads, &self.threads),
        ];
        let shown = shown.map(|(metric, gauge)| (metric, gauge.get()));
        (self.cpu_s.get(), shown)
    }

    fn refresh(&self) {
        // Two that ask at the same time may each add what passed since the same moment; neither takes anything away.
        let spent = clock_gettime(ClockId::ProcessCPUTime);
        let spent_s =
            as_f64(spent.tv_sec.unsigned_abs()) + as_f64(spent.tv_nsec.unsigned_abs()) / 1e9;
        self.cpu_s.inc_by((spent_s - self.cpu_s.get()).max(0.0));
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // The one that reads the folder is gone when anybody sees the figure.
            self.open_fds
                .set(as_f64(entries.count().saturating_sub(1) as u64));
        }
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            self.max_fds.set(as_f64(limit));
        }
        if let Some(stat) = Stat::read() {
            self.virtual_bytes.set(as_f64(stat.virtual_bytes));
            let resident = stat.resident_pages * rustix::param::page_size() as u64;
            self.resident_bytes.set(as_f64(resident));
            self.threads.set(as_f64(stat.threads));
        }
    }

    fn gauges(&self) -> [&Gauge; 6] {
        [
            &self.open_fds,
            &self.max_fds,
            &self.virtual_bytes,
            &self.resident_bytes,
            &self.start_time_s,
            &self.threads,
        ]
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = self.gauges().into_iter().flat_map(Collector::desc);
        self.cpu_s.desc().into_iter().chain(gauges).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.refresh();
        let gauges = self.gauges().into_iter().flat_map(Collector::collect);
        self.cpu_s.collect().into_iter().chain(gauges).collect()
    }
}

fn opts(metric: Metric) -> Opts {
    let definition = metric.definition();
    Opts::new(definition.prometheus_name(), definition.description)
}

fn gauge(metric: Metric) -> Result<Gauge, prometheus::Error> {
    Gauge::with_opts(opts(metric))
}

/// As every client library shows it; exact up to 2^53.
#[allow(
    clippy::cast_precision_loss,
    reason = "a page of metrics holds no integers"
)]
fn as_f64(value: u64) -> f64 {
    value as f64
}

/// A part of `/proc/self/stat` (proc_pid_stat(5)).
struct Stat {
    threads: u64,
    /// Since boot, in clock ticks.
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn read() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    fn parse(line: &str) -> Option<Self> {
        // Field 2, the program's name, stands in parentheses and may hold anything, parentheses and blanks too.
        let (_, rest) = line.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The manual counts from 1; what is left begins with field 3.
        let field = |number: usize| fields.get(number - 3)?.parse().ok();
        Some(Stat {
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// When the machine was started, Unix seconds.
fn boot_time_s() -> Option<u64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_s_name_may_hold_what_separates_fields() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 5 6 0 0 20 0 3 0 1234 8192 2 0";
        let stat = Stat::parse(line).expect("fields");
        assert_eq!(
            (
                stat.threads,
                stat.start_ticks,
                stat.virtual_bytes,
                stat.resident_pages
            ),
            (3, 1234, 8192, 2)
        );
        assert!(Stat::parse("7 (cut").is_none());
    }

    #[test]
    fn figures_are_those_of_this_process() {
        let collector = ProcessCollector::new().expect("collector");
        let before = collector.open_fds_now();
        let files: Vec<_> = (0..7)
            .map(|_| fs::File::open("/proc/self/stat").expect("opens"))
            .collect();
        assert!(collector.open_fds_now() - before > 6.5);
        drop(files);
        let started_ago_s = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs_f64()
            - collector.start_time_s.get();
        assert!((-2.0..3_600.0).contains(&started_ago_s), "{started_ago_s}");
        assert!(collector.cpu_s.get() > 0.0);
        assert!(collector.resident_bytes.get() > 100_000.0);
        assert!(collector.virtual_bytes.get() >= collector.resident_bytes.get());
        assert!(collector.threads.get() >= 1.0);
        assert!(collector.max_fds.get() >= collector.open_fds.get());
    }

    impl ProcessCollector {
        fn open_fds_now(&self) -> f64 {
            self.collect();
            self.open_fds.get()
        }
    }
}
