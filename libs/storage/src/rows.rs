//! Whose rows a statement sees: a second wall between tenants.
//!
//! Every query names its tenant. On PostgreSQL the database holds it to that too: each table with a column `tenant` has row-level security,
//! whose one policy shows and takes the rows of the tenant that the transaction was begun for, and no others. A query that forgot its
//! condition finds nothing of anybody else's. SQLite has no such thing; its file belongs to one machine.
//!
//! Not for what the database's user may do besides: a superuser, or a user with `BYPASSRLS`, sees everything, which is warned of.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult,
    Statement, TransactionTrait,
};

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows<'a> {
    /// Those of the tenant with that id.
    Of(&'a str),
    /// Those of every tenant: for what the service does of its own accord, never for a caller's names.
    OfEveryTenant,
}

/// The setting of a transaction that says whose rows it sees. Unset, or empty: nobody's.
const SETTING: &str = "tandem.tenant";

/// What the setting holds for every tenant: no tenant's id, which has no such character.
const EVERY_TENANT: &str = "*";

impl Rows<'_> {
    const fn setting(&self) -> &str {
        match self {
            Self::Of(tenant) => tenant,
            Self::OfEveryTenant => EVERY_TENANT,
        }
    }

    /// Limits a transaction to these rows.
    pub(crate) async fn limit(self, tx: &DatabaseTransaction) -> Result<(), DbErr> {
        if tx.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let set = "SELECT set_config($1, $2, true)";
        let values = [SETTING.into(), self.setting().into()];
        tx.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, set, values)).await.map(drop)
    }
}

/// The pool for queries, limited to some rows. Each statement sees everything that was committed before it began, and changes nothing.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: DatabaseConnection,
    rows: String,
    /// The engine does not limit rows.
    is_open: bool,
}

impl Reader {
    pub(crate) fn new(pool: &DatabaseConnection, rows: Rows<'_>) -> Self {
        let is_open = pool.get_database_backend() != DbBackend::Postgres;
        Self { pool: pool.clone(), rows: rows.setting().to_owned(), is_open }
    }

    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let tx = self.pool.begin().await?;
        // The setting of every tenant is not a tenant's id, so that both are set the same way.
        Rows::Of(&self.rows).limit(&tx).await?;
        Ok(tx)
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl ConnectionTrait for Reader {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        // Refused by the connections themselves.
        self.pool.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.pool.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        if self.is_open {
            return self.pool.query_one_raw(statement).await;
        }
        let tx = self.begin().await?;
        let row = tx.query_one_raw(statement).await?;
        tx.commit().await?;
        Ok(row)
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        if self.is_open {
            return self.pool.query_all_raw(statement).await;
        }
        let tx = self.begin().await?;
        let rows = tx.query_all_raw(statement).await?;
        tx.commit().await?;
        Ok(rows)
    }
}

/// Puts every table of the schema that has a column `tenant` behind the wall, unless it is already: a table that a migration adds is no
/// exception by being forgotten. Also its owner, who is the user of the service, is held to it.
pub(crate) async fn wall(tx: &DatabaseTransaction) -> Result<(), DbErr> {
    let query = |sql: &str| tx.query_all_raw(Statement::from_string(DbBackend::Postgres, sql));
    let open = "SELECT quote_ident(c.relname) FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relforcerowsecurity";
    for row in query(open).await? {
        let table: String = row.try_get_by_index(0)?;
        // In subqueries, so that it is looked at once for a statement and not for each row.
        let setting = format!("(SELECT current_setting('{SETTING}', true))");
        tx.execute_unprepared(&format!(
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             CREATE POLICY tenant ON {table} USING (tenant = {setting} OR {setting} = '{EVERY_TENANT}')"
        ))
        .await?;
    }
    let exempt =
        "SELECT rolname::text FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)";
    if let Some(row) = query(exempt).await?.first() {
        let user: String = row.try_get_by_index(0)?;
        tracing::warn!(
            user,
            "row-level security does not hold for this user of the database: expected one that is no superuser and has \
             no BYPASSRLS"
        );
    }
    Ok(())
}
