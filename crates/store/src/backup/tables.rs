//! What the catalogue says of the application's tables: their names, columns, order, and sequences.

use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Row};

use super::{STEP_BOUND, execute};
use crate::{StoreError, changes::EVERYTHING, tx::bounded};

/// The tables that say which migrations ran; a backup is restored only where they agree, so their rows stay.
const RECORDS: [&str; 2] = ["schema_migrations", "schema_migrations_extra"];
/// The memory of accepted commands: with that of another day in its place a command could have a second effect.
const MEMORY: &str = "inbox";

/// A table as it stands in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    /// Its name.
    pub(super) name: String,
    /// Its columns, but for those that are computed.
    columns: Vec<String>,
    /// Those of them that count by themselves.
    counting: Vec<String>,
    /// Tables that must be there before it.
    after: Vec<String>,
    /// Whether its rows live in partitions.
    partitioned: bool,
}

impl Table {
    pub(super) fn copy_out(&self) -> String {
        let (name, columns) = (quoted(&self.name), self.column_list());
        if self.partitioned {
            return format!("COPY (SELECT {columns} FROM {name}) TO STDOUT");
        }
        format!("COPY {name} ({columns}) TO STDOUT")
    }

    pub(super) fn copy_in(&self) -> String {
        format!("COPY {} ({}) FROM STDIN", quoted(&self.name), self.column_list())
    }

    fn column_list(&self) -> String {
        self.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
    }
}

/// A migration that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Migration {
    record: String,
    version: i32,
    name: String,
    checksum: String,
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) async fn server_version(connection: &mut PgConnection) -> Result<String, StoreError> {
    let question = sqlx::query_scalar("SELECT current_setting('server_version')");
    bounded("backup", STEP_BOUND, question.fetch_one(connection)).await
}

/// All tables, each after those that it refers to.
pub(super) async fn all(connection: &mut PgConnection) -> Result<Vec<Table>, StoreError> {
    let statement = "SELECT c.relname::text,
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum),
             ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND NOT a.attisdropped AND pg_get_serial_sequence(quote_ident(c.relname), a.attname) IS NOT NULL),
             ARRAY(SELECT DISTINCT f.relname::text FROM pg_constraint k JOIN pg_class f ON f.oid = k.confrelid
                 WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid <> c.oid),
             c.relkind = 'p'
         FROM pg_class c
         WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
             AND c.relpersistence <> 't' AND c.relname <> ALL ($1)
         ORDER BY c.relname";
    let left_out: Vec<&str> = RECORDS.into_iter().chain([MEMORY]).collect();
    let rows = bounded("backup", STEP_BOUND, sqlx::query(statement).bind(left_out).fetch_all(connection)).await?;
    let table = |row: &sqlx::postgres::PgRow| {
        Ok(Table {
            name: row.try_get(0)?,
            columns: row.try_get(1)?,
            counting: row.try_get(2)?,
            after: row.try_get(3)?,
            partitioned: row.try_get(4)?,
        })
    };
    let tables = rows.iter().map(table).collect::<Result<Vec<_>, sqlx::Error>>();
    Ok(ordered(tables.map_err(|e| StoreError::of("backup", &e))?))
}

/// Puts each table after those that it refers to. What refers in a circle keeps its order at the end.
fn ordered(mut left: Vec<Table>) -> Vec<Table> {
    let mut ordered: Vec<Table> = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Table| table.after.iter().any(|name| left.iter().any(|other| other.name == *name));
        let (free, waiting): (Vec<_>, Vec<_>) = left.iter().cloned().partition(|table| !waits(table));
        if free.is_empty() {
            ordered.extend(waiting);
            break;
        }
        ordered.extend(free);
        left = waiting;
    }
    ordered
}

/// Every migration that ran, ours and the operator's.
pub(super) async fn migrations(connection: &mut PgConnection) -> Result<Vec<Migration>, StoreError> {
    let mut all = Vec::new();
    for record in RECORDS {
        let exists = sqlx::query_scalar::<_, bool>("SELECT to_regclass($1) IS NOT NULL").bind(record);
        if !bounded("backup", STEP_BOUND, exists.fetch_one(&mut *connection)).await? {
            continue;
        }
        let statement = sqlx::AssertSqlSafe(format!("SELECT version, name, checksum FROM {record} ORDER BY version"));
        let rows = bounded("backup", STEP_BOUND, sqlx::query(statement).fetch_all(&mut *connection)).await?;
        for row in rows {
            let migration = (|| {
                let (version, name, checksum) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                Ok(Migration { record: record.to_owned(), version, name, checksum })
            })();
            all.push(migration.map_err(|e| StoreError::of("backup", &e))?);
        }
    }
    Ok(all)
}

/// The first difference between the migrations of a backup and those of this database.
pub(super) fn difference(backup: &[Migration], here: &[Migration]) -> Option<String> {
    if let Some(missing) = backup.iter().find(|migration| !here.contains(migration)) {
        return Some(format!("migration {} of it did not run here as it did there", missing.name));
    }
    let more = here.iter().find(|migration| !backup.contains(migration))?;
    Some(format!("migration {} had not run when it was made", more.name))
}

/// Keeps the tables' own triggers from recording what is restored as if it were done now, or from refusing it, and removes all rows.
pub(super) async fn empty(connection: &mut PgConnection, tables: &[Table]) -> Result<(), StoreError> {
    let names: Vec<String> = tables.iter().map(|table| quoted(&table.name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    for name in &names {
        execute(connection, format!("ALTER TABLE {name} DISABLE TRIGGER USER")).await?;
    }
    execute(connection, format!("TRUNCATE {}", names.join(", "))).await
}

/// Lets triggers work again and sequences count on from what was restored, and tells all who listen, since the triggers did not.
pub(super) async fn resume(connection: &mut PgConnection, tables: &[Table]) -> Result<(), StoreError> {
    for table in tables {
        let name = quoted(&table.name);
        execute(connection, format!("ALTER TABLE {name} ENABLE TRIGGER USER")).await?;
        for column in &table.counting {
            let (of_table, of_column) = (name.replace('\'', "''"), column.replace('\'', "''"));
            let column = quoted(column);
            let statement = format!(
                "SELECT setval(pg_get_serial_sequence('{of_table}', '{of_column}'), coalesce(max({column}), 0) + 1, false) FROM {name}"
            );
            execute(connection, statement).await?;
        }
    }
    for channel in EVERYTHING {
        execute(connection, format!("NOTIFY {channel}")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_come_after_what_they_refer_to() {
        let table = |name: &str, after: &[&str]| Table {
            name: name.to_owned(),
            columns: vec!["a".to_owned(), "b\"c".to_owned()],
            counting: vec![],
            after: after.iter().map(ToString::to_string).collect(),
            partitioned: name == "p",
        };
        let names = |tables: Vec<Table>| ordered(tables).into_iter().map(|t| t.name).collect::<String>();
        assert_eq!(names(vec![table("a", &["b", "c"]), table("b", &["c"]), table("c", &[])]), "cba");
        assert_eq!(names(vec![table("a", &["b"]), table("b", &["a"]), table("c", &[])]), "cab");
        assert_eq!(table("p", &[]).copy_out(), r#"COPY (SELECT "a", "b""c" FROM "p") TO STDOUT"#);
    }
}
