//! Schema statements are written once, in the words of SQLite.

use sea_orm::DbBackend;

/// A statement that makes a table or an index, in the words of an engine. Types are written `TEXT`, `BLOB`, `BIGINT`, `INTEGER` and
/// `BOOLEAN`, in capitals.
///
/// - PostgreSQL has another name for bytes, and orders texts by the language of its installation unless told otherwise: pages follow
///   the order of bytes, on every machine.
/// - SQLite keeps a table in its primary key's own tree only when told to, else every row is stored twice. Rows with bytes are not kept
///   there: a key's tree has room for a thousand bytes a row, and keeps the rest in pages of its own (sqlite.org/withoutrowid.html).
#[must_use]
pub fn dialect(engine: DbBackend, statement: &str) -> String {
    let makes_table = statement.starts_with("CREATE TABLE");
    match engine {
        DbBackend::Sqlite if makes_table && !statement.contains("BLOB") => {
            format!("{statement} WITHOUT ROWID")
        }
        DbBackend::Postgres => statement.replace("BLOB", "BYTEA").replace(" TEXT", " TEXT COLLATE \"C\""),
        _ => statement.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_is_in_the_words_of_its_engine() {
        let keys = "CREATE TABLE keys (tenant TEXT NOT NULL PRIMARY KEY)";
        let bodies = "CREATE TABLE bodies (tenant TEXT NOT NULL PRIMARY KEY, body BLOB)";
        for (engine, statement, expected) in [
            (DbBackend::Sqlite, keys, "CREATE TABLE keys (tenant TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID"),
            (DbBackend::Sqlite, bodies, bodies),
            (
                DbBackend::Postgres,
                bodies,
                r#"CREATE TABLE bodies (tenant TEXT COLLATE "C" NOT NULL PRIMARY KEY, body BYTEA)"#,
            ),
            (
                DbBackend::Postgres,
                "CREATE INDEX keys_by_value ON keys (tenant, value)",
                "CREATE INDEX keys_by_value ON keys (tenant, value)",
            ),
        ] {
            assert_eq!(dialect(engine, statement), expected);
        }
    }
}
