//! Compare-and-set over values whose meaning Redis does not know: what was read must still be there, then
//! everything is written, in one script, so that nobody sees half of it.

use redis::{Script, ScriptInvocation};
use std::sync::LazyLock;
use std::time::Duration;

use super::connection::Connection;
use super::told::Told;
use crate::store::StoreResult;

/// What traces call the script.
const NAME: &str = "compare_and_set";

/// The keys are those that must be as expected, then those that are written. The arguments are the
/// number of the former, what each is expected to be (nothing for absent), then three for each write.
static COMPARE_AND_SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local expected = tonumber(ARGV[1])
for i = 1, expected do
    if (redis.call('GET', KEYS[i]) or '') ~= ARGV[1 + i] then return 0 end
end
local at = 1 + expected
for i = expected + 1, #KEYS do
    local how, value, number = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    at = at + 3
    if how == 'renew' and redis.call('GET', KEYS[i]) == value then how = 'set' end
    if how == 'set' and number == '0' then redis.call('SET', KEYS[i], value)
    elseif how == 'set' then redis.call('SET', KEYS[i], value, 'PX', number)
    elseif how == 'list' then redis.call('ZADD', KEYS[i], number, value)
    elseif how == 'unlist' then redis.call('ZREM', KEYS[i], value) end
end
return 1",
    )
});

/// A change that happens as a whole, or not at all when something it builds on is no longer there.
#[derive(Default)]
pub(super) struct Change {
    expected: Vec<(String, String)>,
    writes: Vec<Write>,
}

struct Write {
    key: String,
    how: &'static str,
    value: String,
    number: i64,
}

impl Change {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The key must still hold what was read, or still nothing.
    pub(super) fn expect(mut self, key: &str, found: Option<&str>) -> Self {
        let found = found.unwrap_or_default().to_owned();
        self.expected.push((key.to_owned(), found));
        self
    }

    /// Sets a value, which is forgotten after `ttl`, or never.
    pub(super) fn set(self, key: &str, value: &str, ttl: Option<Duration>) -> Self {
        self.write(key, "set", value, ttl_ms(ttl))
    }

    /// Gives a value a new life if it is this one.
    pub(super) fn renew(self, key: &str, value: &str, ttl: Option<Duration>) -> Self {
        self.write(key, "renew", value, ttl_ms(ttl))
    }

    /// Puts a member on a list that is sorted by numbers.
    pub(super) fn list(self, key: &str, member: &str, number: i64) -> Self {
        self.write(key, "list", member, number)
    }

    /// Takes a member off such a list.
    pub(super) fn unlist(self, key: &str, member: &str) -> Self {
        self.write(key, "unlist", member, 0)
    }

    fn write(mut self, key: &str, how: &'static str, value: &str, number: i64) -> Self {
        self.writes.push(Write {
            key: key.to_owned(),
            how,
            value: value.to_owned(),
            number,
        });
        self
    }

    /// Does it; false when something else than expected was there.
    pub(super) async fn commit(&self, connection: &Connection) -> StoreResult<bool> {
        if self.expected.is_empty() && self.writes.is_empty() {
            return Ok(true);
        }
        let script = self.invocation();
        let told = Told::Script(NAME, self.expected.len() + self.writes.len());
        connection
            .run(told, move |mut link| async move {
                script.invoke_async(&mut link).await
            })
            .await
    }

    fn invocation(&self) -> ScriptInvocation<'static> {
        let mut script = COMPARE_AND_SET.prepare_invoke();
        script.arg(self.expected.len());
        for (key, value) in &self.expected {
            script.key(key).arg(value);
        }
        for write in &self.writes {
            script
                .key(&write.key)
                .arg(write.how)
                .arg(&write.value)
                .arg(write.number);
        }
        script
    }
}

/// Milliseconds for Redis; zero stands for never.
fn ttl_ms(ttl: Option<Duration>) -> i64 {
    ttl.map_or(0, |ttl| {
        i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX).max(1)
    })
}
