//! DynamoDB, embedded: the tables of the template in one SQLite file, behind DynamoDB's own wire protocol.
//!
//! The embedded database keeps a table's stream for ever and searches it from end to end at every write. Here it gets an index, and
//! what is over a day old goes, as on AWS, so that nothing slows down with history.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow};
use rusqlite::Connection;
use serde_json::json;
use tokio::{
    net::TcpListener,
    runtime::{self, Runtime},
};
use trust::time::Moment;

use crate::wiring::Table;

/// How long DynamoDB keeps a stream record.
const STREAM_KEPT: i64 = 86_400;

/// How long to wait for the embedded database to finish a write of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the database in this file, or in memory, and makes the tables that are missing.
pub fn open(file: Option<&Path>, tables: &[Table]) -> anyhow::Result<dynoxide::Database> {
    let database = match file {
        Some(file) => {
            dynoxide::Database::new(file.to_str().context("the data directory's path is not Unicode")?)
        }
        None => dynoxide::Database::memory(),
    };
    let database = database.map_err(|error| anyhow!("the table's file: {error:?}"))?;
    // `synchronous = NORMAL` under a write-ahead log: a killed process loses nothing, a power cut at most the last writes, and no write
    // waits for the disk. This call is the crate's way to set it.
    database.disable_bulk_loading().map_err(|error| anyhow!("the table's file: {error:?}"))?;
    for table in tables {
        let missing =
            database.get_table_metadata(&table.name).map_err(|error| anyhow!("{error:?}"))?.is_none();
        if missing {
            create(&database, table).with_context(|| format!("creating the table {}", table.name))?;
        }
    }
    if let Some(file) = file {
        connect(file)?
            .execute_batch(
                "CREATE INDEX IF NOT EXISTS local_stack_stream
                 ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
            )
            .context("indexing the stream")?;
    }
    Ok(database)
}

fn create(database: &dynoxide::Database, table: &Table) -> anyhow::Result<()> {
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

/// Serves the database on a port of its own for as long as the runtime lives, and says where.
pub fn serve(database: dynoxide::Database) -> anyhow::Result<String> {
    let (endpoint, serving) = listen(database)?;
    tokio::spawn(serving);
    Ok(endpoint)
}

/// Opens a port of its own for the database, and says where. It is served until the future is dropped.
pub fn listen(
    database: dynoxide::Database,
) -> anyhow::Result<(String, impl Future<Output = ()> + Send + 'static)> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    // Its calls block, one at a time: on a thread of its own they hold up nobody who has other work.
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("database")
        .enable_all()
        .build()?;
    let listener = {
        let _entered = runtime.enter();
        TcpListener::from_std(listener)?
    };
    let serving = runtime.spawn(dynoxide::server::serve_on(listener, database));
    let thread = Thread(Some(runtime));
    Ok((endpoint, async move {
        let _thread = thread;
        if let Err(error) = serving.await {
            tracing::error!(%error, "the database has ended");
        }
    }))
}

/// Ends its runtime when dropped, without waiting, as a runtime itself would.
struct Thread(Option<Runtime>);

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Does what DynamoDB does by itself in the background.
pub struct Housekeeping {
    database: dynoxide::Database,
    file: Option<PathBuf>,
}

impl Housekeeping {
    /// Of the database in this file, or in memory.
    pub fn new(database: dynoxide::Database, file: Option<PathBuf>) -> Self {
        Self { database, file }
    }

    /// Deletes the items whose time to live is over.
    pub fn expire(&self) -> anyhow::Result<()> {
        self.database.sweep_ttl().map_err(|error| anyhow!("{error:?}"))?;
        Ok(())
    }

    /// Deletes the stream records that are over a day old. Only to be called when all of those have been read.
    pub fn trim_streams(&self, now: Moment) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // The last one stays: the numbers of those to come count on from it, even if the clock is set back.
        connect(file)?.execute(
            "DELETE FROM _stream_records WHERE created_at < ?1 AND id NOT IN
                 (SELECT MAX(id) FROM _stream_records GROUP BY table_name)",
            [now.unix() - STREAM_KEPT],
        )?;
        Ok(())
    }
}

fn connect(file: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_items(file: &Path, items: u32) -> dynoxide::Database {
        let table = Table {
            name: "shelf".to_owned(),
            create: json!({
                "TableName": "shelf", "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
                "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
                "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" },
            }),
            expiry: None,
        };
        let database = open(Some(file), &[table]).unwrap();
        for item in 0..items {
            let put = json!({ "TableName": "shelf", "Item": { "pk": { "S": item.to_string() } } });
            database.put_item(serde_json::from_value(put).unwrap()).unwrap();
        }
        database
    }

    fn records(file: &Path) -> u32 {
        let count = "SELECT COUNT(*) FROM _stream_records";
        connect(file).unwrap().query_row(count, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_write_finds_the_streams_end_by_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("table.sqlite");
        drop(with_items(&file, 3));
        // Opening again finds the index there.
        drop(with_items(&file, 0));
        let plan: String = connect(&file)
            .unwrap()
            .query_row(
                "EXPLAIN QUERY PLAN SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
                 FROM _stream_records WHERE table_name = 'shelf'",
                [],
                |row| row.get(3),
            )
            .unwrap();
        assert!(plan.contains("local_stack_stream"), "{plan}");
    }

    #[test]
    fn stream_records_go_after_a_day_but_for_the_last() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("table.sqlite");
        let database = with_items(&file, 5);
        let housekeeping = Housekeeping::new(database, Some(file.clone()));
        housekeeping.trim_streams(lambda::clock::now()).unwrap();
        assert_eq!(records(&file), 5);
        housekeeping.trim_streams(lambda::clock::now().plus(STREAM_KEPT + 60)).unwrap();
        assert_eq!(records(&file), 1);
    }
}
