//! The published page and the catalogue say the same.

#[test]
fn the_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(path).expect("docs/metrics.md can be read");
    assert!(
        page == telemetry::catalogue::markdown(),
        "docs/metrics.md is out of date: cargo run -p telemetry --example metrics_page > docs/metrics.md"
    );
}
