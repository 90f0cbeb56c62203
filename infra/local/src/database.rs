//! DynamoDB, embedded: the tables of the template in one SQLite file, behind DynamoDB's own wire protocol.

use std::path::Path;

use anyhow::{Context, anyhow};
use dynoxide::Database;
use serde_json::json;
use tokio::net::TcpListener;

use crate::wiring::Table;

/// Opens the database in this file, or in memory, and makes the tables that are missing.
pub fn open(file: Option<&Path>, tables: &[Table]) -> anyhow::Result<Database> {
    let database = match file {
        Some(file) => Database::new(file.to_str().context("the data directory's path is not Unicode")?),
        None => Database::memory(),
    };
    let database = database.map_err(|error| anyhow!("the table's file: {error:?}"))?;
    for table in tables {
        let missing =
            database.get_table_metadata(&table.name).map_err(|error| anyhow!("{error:?}"))?.is_none();
        if missing {
            create(&database, table).with_context(|| format!("creating the table {}", table.name))?;
        }
    }
    Ok(database)
}

fn create(database: &Database, table: &Table) -> anyhow::Result<()> {
    let request = serde_json::from_value(table.create.clone())?;
    database.create_table(request).map_err(|error| anyhow!("{error:?}"))?;
    if let Some(attribute) = &table.expiry {
        let request = serde_json::from_value(json!({
            "TableName": table.name,
            "TimeToLiveSpecification": { "AttributeName": attribute, "Enabled": true },
        }))?;
        database.update_time_to_live(request).map_err(|error| anyhow!("{error:?}"))?;
    }
    Ok(())
}

/// Serves the database on a port of its own, and says where.
pub async fn serve(database: Database) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(dynoxide::server::serve_on(listener, database));
    Ok(format!("http://{address}"))
}
