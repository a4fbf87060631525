//! The catalogue as a Markdown page, `docs/metrics.md`; a test fails when the page is out of date.

use std::fmt::Write as _;

use super::{COMMON_TAGS, Definition, Metric, span_name};

const OPENING: &str = "\
# Metrics and spans

Generated from the catalogue in `telemetry/src/catalogue/`; do not edit by hand. After a change there:

    cargo run -p telemetry --example metrics_page > docs/metrics.md

";

/// The catalogue as Markdown.
pub fn markdown() -> String {
    let mut page = String::from(OPENING);
    write_metrics(&mut page);
    write_spans(&mut page);
    page
}

fn write_metrics(page: &mut String) {
    let common: Vec<String> = COMMON_TAGS.iter().map(|tag| format!("`{tag}`")).collect();
    let _ = writeln!(
        page,
        "Every metric also carries {}. A distribution's percentiles are computed by the server from raw values;\n\
         Prometheus sees it as a histogram.\n\n\
         | Metric | Kind | Unit | Own tags | In Prometheus | Meaning |\n|---|---|---|---|---|---|",
        common.join(", ")
    );
    for metric in Metric::ALL {
        write_row(page, metric.definition());
    }
}

fn write_row(page: &mut String, definition: &Definition) {
    let tags: Vec<String> = definition
        .tags
        .iter()
        .map(|tag| format!("`{tag}`"))
        .collect();
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | {} | `{}` ({}) | {} |",
        definition.name,
        definition.kind,
        definition.unit,
        if tags.is_empty() {
            "–".to_owned()
        } else {
            tags.join(", ")
        },
        definition.prometheus_name(),
        definition.kind.prometheus_type(),
        definition.description
    );
}

fn write_spans(page: &mut String) {
    page.push_str("\n## Spans with fixed names\n\n| Span | Covers |\n|---|---|\n");
    for (name, covers) in span_name::ALL {
        let _ = writeln!(page, "| `{name}` | {covers} |");
    }
    page.push_str(
        "\nOther spans are named by the conventions: server spans by method and route template, client spans by method,\n\
         database spans by operation and table, queue spans by operation and queue.\n",
    );
}
