//! What a shop measures of itself beside its orders: requests and calls, caches, its runtime.

use reqwest::{Client, StatusCode};
use serde_json::json;

use super::{Running, shop, wait_for_file};

#[tokio::test(flavor = "multi_thread")]
async fn requests_calls_caches_and_the_runtime_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let ready = folder.path().join("ready.json");
    let flags = ["--free-ports", "--lifeline", "--products", "50"];
    let mut command = shop(folder.path(), &flags);
    command.arg("--ready-file").arg(&ready);
    command.stdout(std::process::Stdio::null());
    let running = Running::start(&mut command);
    let told = wait_for_file(&ready);
    let url = |service: &str| told["services"][service].as_str().unwrap().to_owned();
    let client = Client::new();
    let item = json!({"sessionId": "s", "productId": 7, "quantity": 1});
    for _ in 0..2 {
        let added = client.post(format!("{}/api/cart/add", url("gateway")));
        let added = added.json(&item).send().await.unwrap();
        assert_eq!(added.status(), StatusCode::OK);
    }
    let mut pages = String::new();
    for service in told["services"].as_object().unwrap().keys() {
        let page = client.get(format!("{}/metrics", url(service))).send().await;
        pages.push_str(&page.unwrap().text().await.unwrap());
    }
    let value = |name: &str, labels: &[&str]| {
        let mut lines = pages.lines();
        let line = lines.find(|line| {
            let starts = line.strip_prefix(name);
            starts.is_some_and(|rest| rest.starts_with('{'))
                && labels.iter().all(|label| line.contains(label))
        });
        let line = line.unwrap_or_else(|| panic!("no {name} with {labels:?}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let served = [
        "service=\"rum-shop-cart\"",
        "route=\"/api/cart/add\"",
        "method=\"POST\"",
        "status=\"200\"",
    ];
    assert_eq!(value("http_server_request_duration_count", &served), 2.0);
    let called = [
        "service=\"rum-shop-gateway\"",
        "peer=\"rum-shop-cart\"",
        "method=\"POST\"",
        "status=\"200\"",
    ];
    assert_eq!(value("http_client_request_duration_count", &called), 2.0);
    let looked = |result: &str| {
        let result = format!("result=\"{result}\"");
        value("cache_requests_total", &["cache=\"products\"", &result])
    };
    assert_eq!((looked("miss"), looked("hit")), (1.0, 1.0));
    assert!(value("runtime_workers", &[]) >= 1.0);
    assert!(value("runtime_tasks", &[]) >= 1.0);
    assert!(value("runtime_queue_depth", &[]) >= 0.0);
    assert!(running.finish().status.success());
}
