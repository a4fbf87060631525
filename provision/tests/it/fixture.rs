//! Definitions that pass every rule, as many as a test needs.

use std::fmt::Write as _;

/// The project file, with one environment.
pub(crate) fn project(namespace: &str) -> (&'static str, String) {
    let text = format!(
        "namespace: {namespace}\nvariables:\n  site: https://app.datadoghq.com\n  runbooks: https://example.com/runbooks\n\
         environments:\n  test:\n    namespace: {namespace}\n"
    );
    ("monitors.yaml", text)
}

const DEFAULTS: &str = "defaults:\n  team: orders\n  service: rum-shop-pipeline\n  dashboard: board-0\n  \
                        runbook: pipeline\n  tags: [\"env:${env}\"]\n";

/// `count` monitors named `<prefix>-<n>` with a threshold of their own.
pub(crate) fn monitors(prefix: &str, count: usize, threshold: usize) -> String {
    let mut text = format!("{DEFAULTS}monitors:\n");
    for n in 0..count {
        let _ = write!(
            text,
            "  {prefix}-{n}:\n    name: Queue {prefix} {n} grows\n    type: query alert\n    query: \
             \"min(last_15m):max:ecommerce.queue.depth{{env:${{env}},queue:{prefix}-{n}}} > ${{critical}}\"\n    \
             priority: 2\n    severity: high\n    thresholds: {{ critical: {threshold}, warning: {warning} }}\n    \
             options: {{ require_full_window: false }}\n    message: |\n      {{{{#is_alert}}}}\n      {{{{value}}}} \
             messages wait. [dashboard](${{dashboard}}) [runbook](${{runbook}})\n      {{{{/is_alert}}}}\n      \
             {{{{#is_warning}}}}Some wait. {{{{/is_warning}}}}\n      {{{{#is_recovery}}}}\n      The queue is short \
             again.\n      {{{{/is_recovery}}}}\n",
            warning = threshold / 2,
        );
    }
    text
}

/// `count` SLOs; each second one is on a monitor of `prefix`.
pub(crate) fn slos(prefix: &str, count: usize, target: &str) -> String {
    let mut text = format!("{DEFAULTS}slos:\n");
    for n in 0..count {
        let _ = writeln!(
            text,
            "  slo-{n}:\n    name: Objective {n}\n    description: Of number {n}."
        );
        if n % 2 == 0 {
            text.push_str(
                "    type: metric\n    query:\n      numerator: \"sum:ecommerce.payments.processed{env:${env}}.as_count()\"\n      \
                 denominator: \"sum:ecommerce.payments.processed{env:${env}}.as_count() + \
                 sum:ecommerce.payments.failed{env:${env}}.as_count()\"\n",
            );
        } else {
            let _ = writeln!(
                text,
                "    type: monitor\n    monitor_ids: [{prefix}-{}]",
                n % 3
            );
        }
        let _ = writeln!(
            text,
            "    thresholds:\n      - {{ timeframe: 30d, target: {target} }}"
        );
    }
    text
}

/// A composite of the first two monitors and a burn-rate alert on the first SLO.
pub(crate) fn linked(prefix: &str) -> String {
    format!(
        "{DEFAULTS}monitors:\n  both:\n    name: Both queues grow\n    type: composite\n    query: \
         \"${{monitor:{prefix}-0}} && ${{monitor:{prefix}-1}}\"\n    priority: 1\n    severity: critical\n    message: |\n      \
         {{{{#is_alert}}}}Both. [dashboard](${{dashboard}}) [runbook](${{runbook}}){{{{/is_alert}}}}\n      \
         {{{{#is_recovery}}}}Not both any more.{{{{/is_recovery}}}}\n  burn:\n    name: The budget burns\n    type: slo \
         alert\n    query: 'burn_rate(\"${{slo:slo-0}}\").over(\"30d\").long_window(\"1h\").short_window(\"5m\") > \
         ${{critical}}'\n    priority: 1\n    severity: critical\n    thresholds: {{ critical: 14.4 }}\n    message: |\n      \
         {{{{#is_alert}}}}Fast. [dashboard](${{dashboard}}) [runbook](${{runbook}}){{{{/is_alert}}}}\n      \
         {{{{#is_recovery}}}}Slow again.{{{{/is_recovery}}}}\n"
    )
}

/// `count` dashboards with widgets on a monitor and an SLO.
pub(crate) fn dashboards(prefix: &str, count: usize, title: &str) -> String {
    let mut text = format!("{DEFAULTS}dashboards:\n");
    for n in 0..count {
        let _ = write!(
            text,
            "  board-{n}:\n    title: Board {n}\n    description: For number {n}.\n    layout_type: ordered\n    \
             widgets:\n      - definition:\n          type: group\n          layout_type: ordered\n          title: \
             {title}\n          widgets:\n            - definition: {{ type: alert_graph, alert_id: \
             \"${{monitor:{prefix}-0}}\", viz_type: timeseries }}\n            - definition: {{ type: slo, slo_id: \
             \"${{slo:slo-0}}\", view_type: detail }}\n      - definition:\n          type: timeseries\n          \
             requests: [{{ q: \"avg:ecommerce.queue.depth{{env:${{env}}}} by {{queue}}\" }}]\n"
        );
    }
    text
}

/// A small project with every kind of object and link.
pub(crate) fn small(namespace: &str) -> Vec<(&'static str, String)> {
    vec![
        project(namespace),
        ("monitors/queues.yaml", monitors("queue", 4, 100)),
        ("monitors/linked.yaml", linked("queue")),
        ("slos/slos.yaml", slos("queue", 3, "99.5")),
        ("dashboards/boards.yaml", dashboards("queue", 2, "Now")),
    ]
}
