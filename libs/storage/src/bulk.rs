//! Many rows in one statement, on either engine.
//!
//! PostgreSQL takes each column as one array (`INSERT … SELECT … FROM unnest(…)`), SQLite a list of rows (`VALUES (…), (…)`), in
//! statements of few different lengths so that each is prepared once. Lists of values to look for travel as an array or as JSON.
//!
//! Not for: single rows, which sea-orm writes well; and values that may be null, which arrays of these types cannot hold.

use std::fmt::Write;

use sea_orm::sea_query::ArrayType;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, QueryResult, Statement, TryGetable, Value};
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Rows of one SQLite statement: the longest makes its fixed cost vanish, the shorter ones make up the rest, so that a table has four
/// prepared statements and no more.
const SQLITE_ROWS: [usize; 4] = [512, 64, 8, 1];

/// Values that SQLite binds in one statement at most (sqlite.org/limits.html).
const SQLITE_VALUES: usize = 32_766;

/// The values of one column, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Texts.
    Text(Vec<String>),
    /// 64-bit integers.
    BigInt(Vec<i64>),
    /// 32-bit integers.
    Int(Vec<i32>),
    /// Truth values.
    Bool(Vec<bool>),
    /// Bytes.
    Bytes(Vec<Vec<u8>>),
}

impl Column {
    fn rows(&self) -> usize {
        match self {
            Self::Text(rows) => rows.len(),
            Self::BigInt(rows) => rows.len(),
            Self::Int(rows) => rows.len(),
            Self::Bool(rows) => rows.len(),
            Self::Bytes(rows) => rows.len(),
        }
    }

    /// The PostgreSQL type of an array of them.
    const fn array_type(&self) -> (&'static str, ArrayType) {
        match self {
            Self::Text(_) => ("text[]", ArrayType::String),
            Self::BigInt(_) => ("bigint[]", ArrayType::BigInt),
            Self::Int(_) => ("integer[]", ArrayType::Int),
            Self::Bool(_) => ("boolean[]", ArrayType::Bool),
            Self::Bytes(_) => ("bytea[]", ArrayType::Bytes),
        }
    }

    fn into_values(self) -> Vec<Value> {
        match self {
            Self::Text(rows) => rows.into_iter().map(Value::from).collect(),
            Self::BigInt(rows) => rows.into_iter().map(Value::from).collect(),
            Self::Int(rows) => rows.into_iter().map(Value::from).collect(),
            Self::Bool(rows) => rows.into_iter().map(Value::from).collect(),
            Self::Bytes(rows) => rows.into_iter().map(Value::from).collect(),
        }
    }
}

/// What becomes of a row whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known<'a> {
    Refuse,
    Keep,
    Replace(&'a [&'a str]),
}

/// Rows to be inserted into one table.
#[derive(Debug, Clone)]
pub struct Insert<'a> {
    table: &'a str,
    key: &'a [&'a str],
    known: Known<'a>,
    shared: Vec<(&'a str, Value)>,
    columns: Vec<(&'a str, Column)>,
}

impl<'a> Insert<'a> {
    /// Rows for that table. A key that is there already fails the statement, unless said otherwise.
    #[must_use]
    pub const fn into(table: &'a str) -> Self {
        Self { table, key: &[], known: Known::Refuse, shared: Vec::new(), columns: Vec::new() }
    }

    /// A column that has the same value in every row.
    #[must_use]
    pub fn shared(mut self, name: &'a str, value: impl Into<Value>) -> Self {
        self.shared.push((name, value.into()));
        self
    }

    /// A column with a value for each row.
    #[must_use]
    pub fn column(mut self, name: &'a str, values: Column) -> Self {
        self.columns.push((name, values));
        self
    }

    /// Rows whose `key` is there already get new values in `columns`. No two rows may have the same key.
    #[must_use]
    pub const fn or_replace(mut self, key: &'a [&'a str], columns: &'a [&'a str]) -> Self {
        self.key = key;
        self.known = Known::Replace(columns);
        self
    }

    /// Rows whose key is there already change nothing.
    #[must_use]
    pub const fn or_keep(mut self) -> Self {
        self.known = Known::Keep;
        self
    }

    /// Inserts the rows.
    ///
    /// # Errors
    /// What a statement fails with; [`StoreError::Corrupt`] when columns differ in length.
    pub async fn execute(self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        let rows = self.columns.first().map_or(0, |(_, column)| column.rows());
        if self.columns.iter().any(|(_, column)| column.rows() != rows) {
            return Err(StoreError::corrupt(format!("columns of different lengths for {}", self.table)));
        }
        match tx.get_database_backend() {
            _ if rows == 0 => Ok(()),
            DbBackend::Postgres => self.postgres(tx).await,
            _ => self.sqlite(tx, rows).await,
        }
    }

    async fn postgres(self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        let mut sql = self.head();
        sql.push_str(" SELECT ");
        for place in 1..=self.shared.len() {
            let _ = write!(sql, "${place}, ");
        }
        sql.push_str("rows.* FROM unnest(");
        for (at, (_, column)) in self.columns.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}${}::{}", self.shared.len() + at + 1, column.array_type().0);
        }
        sql.push_str(") AS rows");
        sql.push_str(&self.tail());
        let shared = self.shared.into_iter().map(|(_, value)| value);
        let columns = self.columns.into_iter().map(|(_, column)| {
            let (_, kind) = column.array_type();
            Value::Array(kind, Some(Box::new(column.into_values())))
        });
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            sql,
            shared.chain(columns).collect::<Vec<_>>(),
        );
        tx.execute_raw(statement).await?;
        Ok(())
    }

    async fn sqlite(self, tx: &DatabaseTransaction, rows: usize) -> Result<(), StoreError> {
        let (head, tail) = (self.head(), self.tail());
        let shared: Vec<Value> = self.shared.into_iter().map(|(_, value)| value).collect();
        let mut columns: Vec<_> =
            self.columns.into_iter().map(|(_, column)| column.into_values().into_iter()).collect();
        let width = shared.len() + columns.len();
        let mut left = rows;
        for at_once in SQLITE_ROWS.into_iter().filter(|at_once| at_once * width <= SQLITE_VALUES) {
            if left < at_once {
                continue;
            }
            let sql = format!("{head}{}{tail}", value_rows(width, at_once));
            while left >= at_once {
                let mut values = Vec::with_capacity(width * at_once);
                for _ in 0..at_once {
                    values.extend_from_slice(&shared);
                    values.extend(columns.iter_mut().filter_map(Iterator::next));
                }
                tx.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql.as_str(), values))
                    .await?;
                left -= at_once;
            }
        }
        Ok(())
    }

    fn head(&self) -> String {
        let names =
            self.shared.iter().map(|(name, _)| *name).chain(self.columns.iter().map(|(name, _)| *name));
        format!("INSERT INTO {} ({})", self.table, names.collect::<Vec<_>>().join(", "))
    }

    fn tail(&self) -> String {
        match self.known {
            Known::Refuse => String::new(),
            Known::Keep => " ON CONFLICT DO NOTHING".to_owned(),
            Known::Replace(columns) => {
                let set: Vec<String> =
                    columns.iter().map(|column| format!("{column} = excluded.{column}")).collect();
                format!(" ON CONFLICT ({}) DO UPDATE SET {}", self.key.join(", "), set.join(", "))
            }
        }
    }
}

/// ` VALUES (?, ?), (?, ?)`. Parameters stay unnamed: SQLite looks a named one up among all the others.
fn value_rows(width: usize, rows: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(", "));
    format!(" VALUES {}", vec![row.as_str(); rows].join(", "))
}

/// Values to look for, as one parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum List {
    /// Texts.
    Text(Vec<String>),
    /// 64-bit integers.
    BigInt(Vec<i64>),
}

impl List {
    /// Nothing is looked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(values) => values.is_empty(),
            Self::BigInt(values) => values.is_empty(),
        }
    }

    /// The parameter: each value once, in ascending order, so that neighbours in an index are looked up one after the other.
    #[must_use]
    pub fn into_value(mut self, engine: DbBackend) -> Value {
        match &mut self {
            Self::Text(values) => {
                values.sort_unstable();
                values.dedup();
            }
            Self::BigInt(values) => {
                values.sort_unstable();
                values.dedup();
            }
        }
        if engine == DbBackend::Postgres {
            let (kind, values) = match self {
                Self::Text(values) => (ArrayType::String, values.into_iter().map(Value::from).collect()),
                Self::BigInt(values) => (ArrayType::BigInt, values.into_iter().map(Value::from).collect()),
            };
            return Value::Array(kind, Some(Box::new(values)));
        }
        let json = match self {
            Self::Text(values) => serde_json::Value::from(values),
            Self::BigInt(values) => serde_json::Value::from(values),
        };
        json.to_string().into()
    }
}

/// The condition ` = ANY ($n)` or ` IN (…)` that a column meets if its value is in the [`List`] bound as `$n`.
#[must_use]
pub fn one_of(engine: DbBackend, parameter: usize) -> String {
    match engine {
        DbBackend::Postgres => format!("= ANY (${parameter})"),
        _ => format!("IN (SELECT value FROM json_each(${parameter}))"),
    }
}

/// `FROM …`: the `columns` of the rows of a table, named `found`, that meet `conditions` and whose `column` has a value of the [`List`]
/// bound as `$n`. Each listed value is looked up by itself, and there is one of each since
/// [`List::into_value`] sees to it; so an index over the conditions' columns and `column` must be there.
///
/// On PostgreSQL a plain condition would be read as a filter by a planner that knows nothing yet of a table that is being filled: it takes the
/// conditions alone for selective, reads all their rows and compares each with every value. `OFFSET 0` keeps the look-up as it is written.
#[must_use]
pub fn from_listed(
    engine: DbBackend,
    (table, columns): (&str, &str),
    conditions: &str,
    column: &str,
    parameter: usize,
) -> String {
    let rows = format!("SELECT {columns} FROM {table} WHERE {conditions} AND {column}");
    match engine {
        DbBackend::Postgres => format!(
            "FROM unnest(${parameter}) AS asked (wanted) \
             CROSS JOIN LATERAL ({rows} = asked.wanted OFFSET 0) AS found"
        ),
        _ => format!("FROM ({rows} {}) AS found", one_of(engine, parameter)),
    }
}

/// The aggregate that gathers a column of a group into one value, which [`gathered_values`] reads. Several columns of one statement are
/// gathered in the same order. A truth value is a number on one engine and not on the other: gather it as a number.
#[must_use]
pub fn gathered(engine: DbBackend, column: &str) -> String {
    match engine {
        DbBackend::Postgres => format!("array_agg({column})"),
        _ => format!("json_group_array({column})"),
    }
}

/// The values that a column of a statement [`gathered`]; none where the statement found no rows. One row whatever the number of values:
/// rows cost more than what is in them.
///
/// # Errors
/// [`StoreError::Corrupt`] when they are of another type.
pub fn gathered_values<V>(
    engine: DbBackend,
    row: Option<&QueryResult>,
    column: usize,
) -> Result<Vec<V>, StoreError>
where
    V: DeserializeOwned,
    Vec<V>: TryGetable,
{
    let Some(row) = row else { return Ok(Vec::new()) };
    let values = match engine {
        DbBackend::Postgres => row.try_get_by_index::<Option<Vec<V>>>(column)?,
        _ => {
            let text: Option<String> = row.try_get_by_index(column)?;
            let read = text.map(|text| serde_json::from_str(&text)).transpose();
            read.map_err(|error| StoreError::corrupt(format!("gathered values: {error}")))?
        }
    };
    Ok(values.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_is_an_array_or_json_of_each_value_once() {
        let list = List::Text(vec!["b\"".into(), "a".into(), "a".into()]);
        let array = Value::Array(ArrayType::String, Some(Box::new(vec!["a".into(), "b\"".into()])));
        assert_eq!(list.clone().into_value(DbBackend::Postgres), array);
        assert_eq!(list.into_value(DbBackend::Sqlite), Value::from(r#"["a","b\""]"#));
        assert_eq!(List::BigInt(vec![1, -2, 1]).into_value(DbBackend::Sqlite), Value::from("[-2,1]"));
    }
}
