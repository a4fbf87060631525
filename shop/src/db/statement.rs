//! What a statement of SQL does, and to which table: enough to name its span. Reads the statements of this program, not
//! SQL at large.

/// The operation that names a statement, and the table it is about; empty when there is none.
///
/// Of a statement that reads and writes, what it writes first counts; of several in one text, the last that is a
/// command of its own (`BEGIN`, `COMMIT`, …).
pub(crate) fn described(sql: &str) -> (&str, &str) {
    let command = sql.rsplit(';').map(str::trim).find(|part| !part.is_empty());
    let first = words(command.unwrap_or_default()).next().unwrap_or("SQL");
    if !matches!(first, "WITH" | "SELECT" | "INSERT" | "UPDATE" | "DELETE") {
        return (first, "");
    }
    match write(sql) {
        Some(found) => found,
        None => ("SELECT", table_after(sql, "FROM")),
    }
}

/// The first change in a statement, at whatever depth.
fn write(sql: &str) -> Option<(&str, &str)> {
    let mut before = "";
    let mut words = words(sql);
    while let Some(word) = words.next() {
        match word {
            "INSERT" => return Some((word, table_after(sql, "INTO"))),
            "DELETE" => return Some((word, words.nth(1).unwrap_or_default())),
            // Not that of `FOR UPDATE`, `FOR NO KEY UPDATE` and `DO UPDATE`.
            "UPDATE" if !matches!(before, "FOR" | "KEY" | "DO") => {
                return Some((word, words.next().unwrap_or_default()));
            }
            _ => before = word,
        }
    }
    None
}

/// The first word after `keyword` that names a table.
fn table_after<'s>(sql: &'s str, keyword: &str) -> &'s str {
    let mut words = words(sql);
    while let Some(word) = words.next() {
        if word == keyword {
            let table = words.clone().next().unwrap_or_default();
            let is_name =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if !table.is_empty() && table.bytes().all(is_name) {
                return table;
            }
        }
    }
    ""
}

/// The words of a statement: keywords are written in capitals, names are not.
fn words(sql: &str) -> impl Iterator<Item = &str> + Clone {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    sql.split(move |c| !is_part(c))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::described;

    #[test]
    fn statements_are_named_by_what_they_do() {
        for (sql, named) in [
            ("SELECT * FROM orders WHERE id = ?1", ("SELECT", "orders")),
            (
                "SELECT NOT EXISTS (SELECT FROM outbox)",
                ("SELECT", "outbox"),
            ),
            (
                "INSERT INTO carts (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET a = 1",
                ("INSERT", "carts"),
            ),
            ("UPDATE orders SET a = 1", ("UPDATE", "orders")),
            ("DELETE FROM outbox WHERE seq = ?1", ("DELETE", "outbox")),
            (
                "SELECT id FROM products WHERE id = 1 FOR NO KEY UPDATE",
                ("SELECT", "products"),
            ),
            (
                "WITH next AS (SELECT seq FROM outbox FOR UPDATE SKIP LOCKED) UPDATE outbox SET a = 1 FROM next",
                ("UPDATE", "outbox"),
            ),
            (
                "WITH made AS (INSERT INTO orders (id) VALUES ($1) RETURNING id) SELECT count(*) FROM made",
                ("INSERT", "orders"),
            ),
            ("SELECT now() = statement_timestamp(); BEGIN", ("BEGIN", "")),
            ("SELECT 1; COMMIT", ("COMMIT", "")),
            ("ROLLBACK", ("ROLLBACK", "")),
            (
                "SELECT setval('a', max(id)) FROM products",
                ("SELECT", "products"),
            ),
            ("SET LOCAL a = 0; SET LOCAL b = 0", ("SET", "")),
            ("", ("SQL", "")),
        ] {
            assert_eq!(described(sql), named, "{sql}");
        }
    }
}
