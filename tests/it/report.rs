//! `loadgen report` and `loadgen compare` through the binary: the same figures in every form, segments merged exactly, and
//! damaged folders explained.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use crate::virtual_run::{self, virtual_run};
use assert_cmd::Command;
use loadgen::measure::samples::Sample;
use loadgen::report::figures::Figures;
use loadgen::report::merge::merge;
use loadgen::report::read::{Run, read};
use loadgen::report::{Blob, QUANTILES, RunReport};
use loadgen::verdict::show_time;
use serde_json::Value;

fn write(folder: &Path, (report, samples): &(RunReport, Vec<Sample>)) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("run.json"), serde_json::to_vec(report).unwrap()).unwrap();
    let lines: Vec<String> = samples
        .iter()
        .map(|s| serde_json::to_string(s).unwrap())
        .collect();
    std::fs::write(folder.join("samples.jsonl"), lines.join("\n") + "\n").unwrap();
}

fn loadgen(place: &Path, args: &[&str]) -> std::process::Output {
    let mut command = Command::cargo_bin("loadgen").unwrap();
    command.env_remove("LOADGEN_TRACE_URL");
    command.current_dir(place).args(args).output().unwrap()
}

fn stdout(place: &Path, args: &[&str]) -> String {
    let output = loadgen(place, args);
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The percentiles in milliseconds that the histograms of the record hold, by step.
fn truth(report: &RunReport) -> BTreeMap<String, Vec<f64>> {
    let figures = Figures::of(report);
    let row = |cell: &loadgen::measure::StepStats| {
        let of = |q| cell.response.quantile(q).unwrap().as_micros() as f64 / 1e3;
        QUANTILES.iter().map(|(_, q)| of(*q)).collect()
    };
    let mut rows: BTreeMap<_, _> = figures
        .steps
        .iter()
        .map(|s| (s.step.clone(), row(&s.cell)))
        .collect();
    rows.insert("all steps".to_owned(), row(&figures.all));
    rows
}

fn as_shown(values: &[f64]) -> Vec<String> {
    values
        .iter()
        .map(|ms| show_time(Duration::from_micros((ms * 1e3).round() as u64)))
        .collect()
}

#[test]
fn percentiles_are_the_same_in_every_form() {
    let place = tempfile::tempdir().unwrap();
    let run = virtual_run(1, 1);
    write(&place.path().join("run"), &run);
    let truth = truth(&run.0);
    assert!(truth.len() > 5);

    let json: Value =
        serde_json::from_str(&stdout(place.path(), &["report", "run", "--json"])).unwrap();
    let rows = json["summary"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .chain([&json["summary"]["all"]]);
    let mut of_json = BTreeMap::new();
    for row in rows {
        let values = QUANTILES
            .iter()
            .map(|(name, _)| row["response_ms"][name].as_f64().unwrap());
        of_json.insert(
            row["step"].as_str().unwrap().to_owned(),
            values.collect::<Vec<_>>(),
        );
    }
    assert_eq!(of_json, truth, "JSON");
    assert_eq!(
        of_csv(&stdout(place.path(), &["report", "run", "--csv"])),
        truth,
        "CSV"
    );
    assert_eq!(
        of_junit(&stdout(place.path(), &["report", "run", "--junit"])),
        truth,
        "JUnit"
    );

    let shown: BTreeMap<String, Vec<String>> = truth
        .iter()
        .map(|(step, values)| (step.clone(), as_shown(values)))
        .collect();
    let html = stdout(place.path(), &["report", "run", "--out", "-"]);
    let (exact, text) = of_html(&html);
    assert_eq!(exact, truth, "exact values in HTML");
    assert_eq!(text, shown, "text in HTML");

    let terminal = stdout(place.path(), &["report", "run", "--text"]);
    for (step, shown) in &shown {
        // The terminal shows p50, p95, p99, p99.9 and max.
        let wanted: Vec<&str> = [0, 2, 3, 4, 5].map(|i| shown[i].as_str()).into();
        let line = terminal
            .lines()
            .find(|line| line.starts_with(step.as_str()))
            .unwrap();
        let found: Vec<String> = line
            .split("  ")
            .map(str::trim)
            .filter(|w| w.ends_with('s'))
            .map(str::to_owned)
            .collect();
        assert!(contains(&found, &wanted), "{step}: {wanted:?} in {line}");
    }
    let markdown = stdout(place.path(), &["report", "run", "--markdown"]);
    for (step, shown) in &shown {
        let line = markdown
            .lines()
            .find(|line| {
                line.starts_with(&format!("| `{step}` "))
                    || line.starts_with(&format!("| **{step}**"))
            })
            .unwrap();
        let wanted = [0, 1, 3, 4, 5].map(|i| shown[i].as_str()).join(" | ");
        assert!(line.contains(&wanted), "{step}: {wanted} in {line}");
    }
}

fn contains(found: &[String], wanted: &[&str]) -> bool {
    found.windows(wanted.len()).any(|window| window == wanted)
}

fn of_csv(text: &str) -> BTreeMap<String, Vec<f64>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let mut found = BTreeMap::new();
    for row in reader
        .records()
        .map(Result::unwrap)
        .filter(|row| &row[0] == "run")
    {
        let of =
            |(name, _): &(&str, f64)| row[column(&format!("response_{name}_ms"))].parse().unwrap();
        found.insert(
            row[column("step")].to_owned(),
            QUANTILES.iter().map(of).collect(),
        );
    }
    found
}

fn of_junit(text: &str) -> BTreeMap<String, Vec<f64>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| line.contains("name=\"response_"))
    {
        let mut parts = line.split('"');
        let (name, value) = (parts.nth(1).unwrap(), parts.nth(1).unwrap());
        let step = name.split_once(" of ").unwrap().1.to_owned();
        found.entry(step).or_default().push(value.parse().unwrap());
    }
    found
}

/// Exact values and texts of the step table, read with regular expressions: the table is our own.
fn of_html(html: &str) -> (BTreeMap<String, Vec<f64>>, BTreeMap<String, Vec<String>>) {
    let table = html
        .split("id=\"steps-h\"")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    let (mut exact, mut text) = (BTreeMap::new(), BTreeMap::new());
    for row in table
        .split("<tr>")
        .filter(|row| row.contains("class=\"step\""))
    {
        let step = row
            .split("class=\"step\">")
            .nth(1)
            .unwrap()
            .split('<')
            .next()
            .unwrap();
        let cells: Vec<(&str, &str)> = row
            .split("data-v=\"")
            .skip(5)
            .take(6)
            .map(|cell| cell.split('<').next().unwrap().split_once("\">").unwrap())
            .collect();
        exact.insert(
            step.to_owned(),
            cells.iter().map(|(v, _)| v.parse().unwrap()).collect(),
        );
        text.insert(
            step.to_owned(),
            cells.iter().map(|(_, t)| (*t).to_owned()).collect(),
        );
    }
    (exact, text)
}

fn as_run(index: u64, of: u64) -> Run {
    let (report, samples) = virtual_run(index, of);
    Run {
        path: format!("runs/segment-{index}").into(),
        report,
        samples,
        remarks: Vec::new(),
    }
}

fn buckets(blob: &Blob) -> Vec<(u64, u64)> {
    let times = blob.times().unwrap();
    let recorded = times.histogram().iter_recorded();
    recorded
        .map(|v| (v.value_iterated_to(), v.count_at_value()))
        .collect()
}

#[test]
fn three_segments_merged_are_the_whole_run_bucket_for_bucket() {
    let (whole, _) = virtual_run(1, 1);
    // In any order.
    let merged = merge(vec![as_run(3, 3), as_run(1, 3), as_run(2, 3)]).unwrap();
    assert_eq!(merged.remarks, Vec::<String>::new());
    let merged = merged.report;
    assert_eq!(merged.accounting, whole.accounting);
    assert_eq!(merged.arrivals, whole.arrivals);
    assert_eq!(merged.counters, whole.counters);
    assert_eq!(merged.steps.len(), whole.steps.len());
    for step in &whole.steps {
        let other = merged
            .steps
            .iter()
            .find(|s| s.step == step.step && s.phase == step.phase)
            .unwrap();
        assert_eq!(
            (&other.ok, &other.errors, &other.outcomes, other.bytes),
            (&step.ok, &step.errors, &step.outcomes, step.bytes)
        );
        for (a, b) in [
            (&other.response, &step.response),
            (&other.service_time, &step.service_time),
            (&other.connection_wait, &step.connection_wait),
        ] {
            assert!(!buckets(&b.hdr).is_empty());
            assert_eq!(
                buckets(&a.hdr),
                buckets(&b.hdr),
                "{} in {}",
                step.step,
                step.phase
            );
            assert_eq!(a.quantiles_ms, b.quantiles_ms);
        }
    }
    for (a, b) in merged.phases.iter().zip(&whole.phases) {
        assert_eq!(buckets(&a.start_lag.hdr), buckets(&b.start_lag.hdr));
    }
    assert_eq!(merged.windows.len(), whole.windows.len());
    for (a, b) in merged.windows.iter().zip(&whole.windows) {
        assert_eq!((a.at_ms, a.planned_rate), (b.at_ms, b.planned_rate));
        for (index, step) in &b.figures {
            assert_eq!(buckets(&a.figures[index].response), buckets(&step.response));
            assert_eq!(a.figures[index].errors, step.errors);
        }
    }
    assert!(!whole.verdict.thresholds.is_empty());
    assert_eq!(
        merged.verdict.thresholds, whole.verdict.thresholds,
        "judged on the sums"
    );
}

#[test]
fn folders_that_do_not_belong_together_are_refused_with_every_reason() {
    let mut other_seed = as_run(2, 3);
    other_seed.report.scenario.seed = 1;
    other_seed.report.scenario.hash = "ff".repeat(32);
    let mut other_rate = as_run(3, 3);
    other_rate
        .report
        .command
        .extend(["--rate".into(), "9/s".into()]);
    let one = as_run(1, 3);
    // The text of the shipped scenario may change; that is not what is tested.
    let shipped = one.report.scenario.hash[..12].to_owned();
    let error = merge(vec![one, other_seed, other_rate]).unwrap_err();
    let error = error.to_string().replace(&shipped, "(hash)");
    insta::assert_snapshot!("merge_refused", error);
    let twice = merge(vec![as_run(1, 3), as_run(1, 3)]).unwrap_err();
    insta::assert_snapshot!("merge_twice", twice.to_string());
}

#[test]
fn a_missing_segment_makes_the_merged_run_invalid() {
    let merged = merge(vec![as_run(1, 3), as_run(3, 3)]).unwrap();
    assert!(!merged.report.verdict.valid);
    let said = merged
        .report
        .verdict
        .reasons
        .iter()
        .any(|reason| reason.what.contains("2/3"));
    assert!(said, "{:?}", merged.report.verdict.reasons);
}

#[test]
fn text_from_the_network_stays_text() {
    let place = tempfile::tempdir().unwrap();
    let mut run = virtual_run(1, 1);
    run.0.scenario.about = "</script><img src=x onerror=alert(1)>".to_owned();
    write(&place.path().join("run"), &run);
    let html = stdout(
        place.path(),
        &[
            "report",
            "run",
            "--out",
            "-",
            "--trace-url",
            "https://t.example/{trace_id}",
        ],
    );
    assert!(!html.contains("<img"), "markup of the scenario");
    assert!(!html.contains("<script>alert"), "name of an error");
    assert!(
        html.contains("&lt;script&gt;alert(1)"),
        "the error is still shown"
    );
    assert_eq!(
        html.matches("<script").count(),
        3,
        "the data and two scripts"
    );
    assert!(html.contains("href=\"https://t.example/"));
    assert!(html.len() < 3 << 20, "{} bytes", html.len());
}

/// The time is of an optimised build; without optimisation it is told, not judged.
#[test]
fn ten_minutes_of_twelve_steps_fit_in_three_megabytes_and_a_second() {
    let place = tempfile::tempdir().unwrap();
    let run = virtual_run::long_run();
    assert!(run.0.windows.len() >= 600 && run.0.figures.len() == 12);
    write(&place.path().join("run"), &run);
    let begin = std::time::Instant::now();
    let html = stdout(place.path(), &["report", "run", "--out", "-"]);
    let took = begin.elapsed();
    eprintln!("{} bytes in {took:?}", html.len());
    assert!(html.len() <= 3 << 20, "{} bytes", html.len());
    assert!(
        cfg!(debug_assertions) || took < Duration::from_secs(1),
        "{took:?}"
    );
    if let Some(keep) = std::env::var_os("KEEP_REPORT") {
        std::fs::write(keep, html).unwrap();
    }
}

/// Without Chromium the script says so and this proves nothing.
#[test]
fn the_page_opens_in_a_browser_without_a_message_or_a_request() {
    let place = tempfile::tempdir().unwrap();
    write(&place.path().join("run"), &virtual_run(1, 1));
    stdout(place.path(), &["report", "run"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/report-check");
    let page = place.path().join("run/report.html");
    let output = std::process::Command::new(script)
        .arg(page)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    eprintln!("{}{told}", String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{told}");
}

#[test]
fn the_distribution_ends_with_the_slowest_and_counts_all() {
    let place = tempfile::tempdir().unwrap();
    let run = virtual_run(1, 1);
    write(&place.path().join("run"), &run);
    let text = stdout(place.path(), &["report", "run", "--hdr"]);
    let rows: Vec<Vec<f64>> = text
        .lines()
        .skip(2)
        .take_while(|line| !line.starts_with('#'))
        .map(|line| {
            line.split_whitespace()
                .map(|word| word.parse().unwrap())
                .collect()
        })
        .collect();
    assert!(
        rows.windows(2)
            .all(|w| w[0][0] <= w[1][0] && w[0][1] <= w[1][1] && w[0][2] <= w[1][2])
    );
    let last = rows.last().unwrap();
    let all = Figures::of(&run.0).all;
    assert_eq!((last[1], last[2] as u64), (1.0, all.response.count()));
    assert_eq!(last[0], truth(&run.0)["all steps"][5]);
}

#[test]
fn a_run_compared_with_itself_differs_in_nothing() {
    let place = tempfile::tempdir().unwrap();
    write(&place.path().join("a"), &virtual_run(1, 1));
    let json: Value = serde_json::from_str(&stdout(
        place.path(),
        &["compare", "a", "a", "--format", "json"],
    ))
    .unwrap();
    assert_eq!(json["paired"], true);
    assert_eq!(json["unlike"].as_array().unwrap().len(), 0);
    let all = &json["rows"][0];
    assert_eq!(
        (all["step"].as_str(), all["change"].as_f64()),
        (Some("all steps"), Some(0.0))
    );
    assert_eq!(all["interval"]["estimate"], 0.0);
    assert!(all["interval"]["blocks"].as_u64().unwrap() >= 6);
    let text = stdout(place.path(), &["compare", "a", "a"]);
    assert!(text.contains("What this cannot prove") && text.contains("±5 %"));
}

/// Damages a good folder and says what is told about it.
fn told(damage: impl FnOnce(&Path)) -> String {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    static GOOD: OnceLock<(RunReport, Vec<Sample>)> = OnceLock::new();
    write(&folder, GOOD.get_or_init(|| virtual_run(1, 1)));
    damage(&folder);
    let output = loadgen(place.path(), &["report", "run", "--csv"]);
    let code = output.status.code().expect("no signal, no abort");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains("panicked"), "{text}");
    assert!(matches!(code, 0 | 2), "{code}: {text}");
    // Lengths and columns change with every field; what is told about them does not.
    let numbers = regex::Regex::new(r"(after|column) \d+").unwrap();
    format!("exit {code}\n{}", numbers.replace_all(&text, "$1 N"))
}

fn with_json(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join("run.json");
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, value.to_string()).unwrap();
}

fn cut(path: &Path, keep: impl Fn(usize) -> usize) {
    let text = std::fs::read(path).unwrap();
    std::fs::write(path, &text[..keep(text.len())]).unwrap();
}

/// Leaves what a crash leaves.
fn crash(folder: &Path) {
    let mut report: RunReport =
        serde_json::from_slice(&std::fs::read(folder.join("run.json")).unwrap()).unwrap();
    let windows = std::mem::take(&mut report.windows);
    let begun = RunReport {
        command: report.command.clone(),
        ..RunReport::begun(&virtual_run::scenario())
    };
    std::fs::remove_file(folder.join("run.json")).unwrap();
    std::fs::remove_file(folder.join("samples.jsonl")).unwrap();
    std::fs::write(
        folder.join("begun.json"),
        serde_json::to_vec(&begun).unwrap(),
    )
    .unwrap();
    let lines: Vec<String> = windows
        .iter()
        .map(|w| serde_json::to_string(w).unwrap())
        .collect();
    std::fs::write(folder.join("windows.jsonl"), lines.join("\n") + "\n").unwrap();
}

type Damage = (&'static str, fn(&Path));

const DAMAGES: &[Damage] = &[
    ("missing folder", |f| std::fs::remove_dir_all(f).unwrap()),
    ("empty folder", |f| {
        std::fs::remove_dir_all(f).unwrap();
        std::fs::create_dir(f).unwrap();
    }),
    ("a file instead of a folder", |f| {
        std::fs::remove_dir_all(f).unwrap();
        std::fs::write(f, "x").unwrap();
    }),
    ("the folder of folders", |f| {
        let inner = f.join("20260101-120000-checkout-storm");
        std::fs::create_dir(&inner).unwrap();
        std::fs::rename(f.join("run.json"), inner.join("run.json")).unwrap();
    }),
    ("run.json is a folder", |f| {
        std::fs::remove_file(f.join("run.json")).unwrap();
        std::fs::create_dir(f.join("run.json")).unwrap();
    }),
    ("run.json is empty", |f| cut(&f.join("run.json"), |_| 0)),
    ("run.json is cut off at the start", |f| {
        cut(&f.join("run.json"), |_| 20)
    }),
    ("run.json is cut off in the middle", |f| {
        cut(&f.join("run.json"), |n| n / 2)
    }),
    ("run.json lacks its last byte", |f| {
        cut(&f.join("run.json"), |n| n - 1)
    }),
    ("run.json is no JSON", |f| {
        std::fs::write(f.join("run.json"), "<html>").unwrap()
    }),
    ("run.json is no UTF-8", |f| {
        std::fs::write(f.join("run.json"), b"{\"schema_version\": \"\xff\xfe\"}").unwrap()
    }),
    ("run.json is another JSON", |f| {
        std::fs::write(f.join("run.json"), "{\"hello\": 1}").unwrap()
    }),
    ("run.json is full of zeros", |f| {
        std::fs::write(f.join("run.json"), [0; 4096]).unwrap()
    }),
    ("run.json is nested too deeply", |f| {
        std::fs::write(f.join("run.json"), "[".repeat(100_000)).unwrap()
    }),
    ("newer version", |f| {
        with_json(f, |v| {
            *v = serde_json::json!({"schema_version": 99, "loadgen_version": "9.9.9", "all": "different"});
        })
    }),
    ("version is negative", |f| {
        with_json(f, |v| v["schema_version"] = (-1).into())
    }),
    ("field of another type", |f| {
        with_json(f, |v| v["steps"] = "none".into())
    }),
    ("field missing", |f| {
        with_json(f, |v| drop(v.as_object_mut().unwrap().remove("accounting")))
    }),
    ("histogram is no base64", |f| {
        with_json(f, |v| v["steps"][0]["response"]["hdr"] = "%%%".into())
    }),
    ("histogram is no histogram", |f| {
        with_json(f, |v| v["steps"][0]["response"]["hdr"] = "AAAA".into())
    }),
    ("histogram of a window is damaged", |f| {
        with_json(f, |v| {
            let figures = v["windows"][3]["figures"].as_object_mut().unwrap();
            figures.values_mut().next().unwrap()["response"] = "AAAA".into();
        })
    }),
    ("count and histogram differ", |f| {
        with_json(f, |v| v["steps"][0]["service_time"]["count"] = 7.into())
    }),
    ("more steps than response times", |f| {
        with_json(f, |v| v["steps"][0]["ok"] = 7_000_000.into())
    }),
    ("counts beyond all bounds", |f| {
        with_json(f, |v| {
            v["steps"][0]["ok"] = u64::MAX.into();
            v["steps"][0]["in_flight"] = u64::MAX.into();
        })
    }),
    ("step of an unknown phase", |f| {
        with_json(f, |v| v["steps"][0]["phase"] = "nowhere".into())
    }),
    ("phase ends before it begins", |f| {
        with_json(f, |v| v["phases"][0]["end_s"] = (-5).into())
    }),
    ("impossible segment", |f| {
        with_json(f, |v| {
            v["segment"] = serde_json::json!({"index": 5, "of": 3})
        })
    }),
    ("windows out of order", |f| {
        with_json(f, |v| v["windows"][5]["at_ms"] = 1.into())
    }),
    ("window with an unknown step", |f| {
        with_json(f, |v| {
            let figure = v["windows"][0]["figures"]["0"].clone();
            v["windows"][0]["figures"]["900"] = figure;
        })
    }),
    ("no samples", |f| {
        std::fs::remove_file(f.join("samples.jsonl")).unwrap()
    }),
    ("samples cut off", |f| {
        cut(&f.join("samples.jsonl"), |n| n - 10)
    }),
    ("samples damaged in the middle", |f| {
        let path = f.join("samples.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("\"step\"", "step", 3)).unwrap();
    }),
    ("crashed run", crash),
    ("crashed run, last window torn", |f| {
        crash(f);
        cut(&f.join("windows.jsonl"), |n| n - 30);
    }),
    ("crashed run, damaged in the middle", |f| {
        crash(f);
        let path = f.join("windows.jsonl");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen("at_ms", "at", 1)).unwrap();
    }),
    ("crashed before the first second", |f| {
        crash(f);
        cut(&f.join("windows.jsonl"), |_| 0);
    }),
    ("crashed run without its begin", |f| {
        crash(f);
        std::fs::remove_file(f.join("begun.json")).unwrap();
    }),
];

#[test]
fn damaged_folders_are_explained() {
    let told: Vec<String> = DAMAGES
        .iter()
        .map(|(name, damage)| format!("## {name}\n{}", told(damage)))
        .collect();
    insta::assert_snapshot!("damaged_folders", told.join("\n"));
}

#[test]
fn a_crashed_run_shows_what_its_windows_hold() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let whole = virtual_run(1, 1);
    write(&folder, &whole);
    crash(&folder);
    let run = read(&folder).unwrap();
    assert!(!run.report.verdict.valid);
    let (found, wanted) = (Figures::of(&run.report).all, Figures::of(&whole.0).all);
    assert_eq!(found.response.count(), wanted.response.count());
    assert_eq!(
        found.response.quantile(0.99),
        wanted.response.quantile(0.99)
    );
    let html = stdout(place.path(), &["report", "run", "--out", "-"]);
    assert!(html.contains("INVALID") && html.contains("the run did not end"));
}
