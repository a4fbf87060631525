//! Who was recorded: browser, device, and what it brought along.

use std::collections::BTreeSet;

use super::exchange::{Exchange, HOP_COOKIE};

/// Device and browser, by what most requests say of themselves.
pub(super) fn client(exchanges: &[Exchange]) -> Option<(&'static str, &'static str)> {
    let agent = exchanges
        .iter()
        .find_map(|exchange| exchange.request.header("user-agent"))?;
    if !agent.starts_with("Mozilla/") {
        return None;
    }
    // Each names those before it, too.
    let known = [
        ("Edg/", "edge"),
        ("Firefox/", "firefox"),
        ("Chrome/", "chrome"),
        ("CriOS/", "chrome"),
        ("Safari/", "safari"),
    ];
    let (_, browser) = known.iter().find(|(mark, _)| agent.contains(mark))?;
    let is_tablet = agent.contains("iPad") || agent.contains("Tablet");
    let is_mobile = agent.contains("Mobile") || agent.contains("Android");
    let device = match (is_tablet, is_mobile) {
        (true, _) => "tablet",
        (_, true) => "mobile",
        _ => "desktop",
    };
    Some((device, browser))
}

/// Names of cookies that were sent before any answer had set them.
pub(super) fn cookies_from_before(exchanges: &[Exchange]) -> Vec<String> {
    let mut set = BTreeSet::new();
    let mut before = Vec::new();
    for exchange in exchanges {
        let sent = exchange.request.header("cookie").unwrap_or_default();
        for name in sent
            .split(';')
            .filter_map(|pair| Some(pair.split_once('=')?.0.trim()))
        {
            if set.insert(name.to_owned()) {
                before.push(name.to_owned());
            }
        }
        let answers = exchange
            .answer
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie" || name == HOP_COOKIE);
        for name in answers
            .flat_map(|(_, value)| value.lines())
            .filter_map(|line| line.split_once('='))
        {
            set.insert(name.0.trim().to_owned());
        }
    }
    before
}
