//! Whether Redis is set up to keep what it acknowledged; says so in the log when it is not.

use super::connection::Connection;

/// Warns when Redis would lose carts and intents at a restart or under memory pressure. A Redis that does
/// not tell is not complained about.
pub(super) async fn warn_of_losses(connection: &Connection) {
    let asked = connection.query::<String>(&redis::cmd("INFO")).await;
    let Ok(info) = asked else {
        return;
    };
    if field(&info, "aof_enabled") == Some("0") {
        tracing::warn!(
            "Redis runs without an append-only file: carts and payment intents since its last snapshot are lost \
             when it restarts; set `appendonly yes`"
        );
    }
    let limit = field(&info, "maxmemory").unwrap_or("0");
    let policy = field(&info, "maxmemory_policy").unwrap_or("noeviction");
    if limit != "0" && policy != "noeviction" {
        tracing::warn!(
            policy,
            "Redis may evict carts and payment intents when its memory is full; set `maxmemory-policy noeviction`"
        );
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_answer_is_found_by_its_whole_name() {
        let info = "# Memory\r\nmaxmemory_policy:allkeys-lru\r\nmaxmemory:1024\r\n";
        assert_eq!(field(info, "maxmemory"), Some("1024"));
        assert_eq!(field(info, "maxmemory_policy"), Some("allkeys-lru"));
        assert_eq!(field(info, "aof_enabled"), None);
    }
}
