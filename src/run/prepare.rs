//! Requests that set the stage, made once before the load starts.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::scenario::Scenario;
use crate::shopper::{Shopper, World};

/// Time limit of one such request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends the scenario's `prepare` requests in order.
///
/// # Errors
/// When one of them fails: the scene is not set, and a run would measure something else.
pub async fn prepare(scenario: &std::sync::Arc<Scenario>, target: &str) -> anyhow::Result<()> {
    if scenario.prepare.is_empty() {
        return Ok(());
    }
    let world = World::new(scenario.clone());
    let mut shopper = Shopper::arrive(&world, 0)?;
    let client = reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .build()?;
    let redactor = &scenario.secrets.redactor;
    for id in &scenario.prepare {
        let step = &scenario.steps[usize::from(id.0)];
        let path = step.url.render_text(&world, &mut shopper);
        let url = if path.starts_with('/') {
            format!("{}{path}", target.trim_end_matches('/'))
        } else {
            path
        };
        let mut request = client.request(step.method.clone(), &url);
        for (name, value) in scenario.http.headers.iter().chain(&step.headers) {
            request = request.header(name, value.render_text(&world, &mut shopper));
        }
        if let Some(body) = &step.body {
            request = request.header("content-type", &body.content_type);
            request = request.body(body.template.render_text(&world, &mut shopper));
        }
        let shown = redactor.show_line(&url);
        if shopper.take_too_large() {
            bail!(
                "preparing the run: a value of {} {shown:.100} is too large",
                step.method
            );
        }
        let what = || format!("preparing the run: {} {shown}", step.method);
        let answer = request
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .with_context(what)?;
        if !answer.status().is_success() {
            bail!(
                "{} was answered with {}; the load was not started",
                what(),
                answer.status()
            );
        }
    }
    Ok(())
}
