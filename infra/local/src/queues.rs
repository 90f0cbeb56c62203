//! Queues with SQS semantics, durable in one SQLite file.
//!
//! One thread owns the file and works through what is asked of it; all that waits when it begins shares one transaction, so
//! thousands of sends a second are each on disk before they are acknowledged. Beside the messages it keeps *marks*: how far a
//! stream was read, when a schedule ran last. Times are parameters, so tests can move them.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use tokio::sync::{Notify, oneshot};
use trust::time::Moment;
use uuid::Uuid;

use crate::wiring::Queue;

/// Most pieces of work that share a transaction. More would only delay the first of them.
const GROUP: usize = 256;

/// The queues can not be used: the disk is full, or the file is broken or in use.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the queues' file: {0}")]
pub struct QueueError(String);

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The queue's name.
    pub queue: String,
    /// What to send.
    pub body: String,
    /// How long nobody can receive it; absent, the queue's own delay counts.
    pub delay: Option<Duration>,
}

impl Message {
    /// A message with the queue's own delay.
    pub fn new(queue: impl Into<String>, body: impl Into<String>) -> Self {
        Self { queue: queue.into(), body: body.into(), delay: None }
    }
}

/// A received message. It stays in the queue, hidden, until it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its place in the file.
    pub key: i64,
    /// The id that SQS would give it.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// When it was sent.
    pub sent_at: Moment,
    /// How often it has been received, this time included.
    pub receives: u32,
}

/// How full a queue is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// The queue.
    pub queue: String,
    /// Messages that can be received.
    pub visible: u64,
    /// Messages that were received and not deleted.
    pub in_flight: u64,
    /// Messages whose delay is not over.
    pub delayed: u64,
    /// Messages in its dead-letter queue, where it has one.
    pub dead_letters: u64,
}

/// The queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    inbox: mpsc::Sender<Request>,
    queues: Arc<HashMap<String, Known>>,
}

#[derive(Debug)]
struct Known {
    queue: Queue,
    arrival: Notify,
}

/// Does its work in the transaction, and returns how to answer once that is on disk.
type Work = Box<dyn FnOnce(&mut Transaction<'_>) -> Answer + Send>;

/// An answer, held back until its transaction is on disk.
type Answer = Box<dyn FnOnce(Result<(), QueueError>) + Send>;

enum Request {
    Work(Work),
    Close(oneshot::Sender<()>),
}

impl Queues {
    /// Opens the queues in this file, or in memory. Messages that were in flight are visible again: nobody works on them.
    /// Being cut short by the end of the process is not their failure, so it does not bring them nearer to the dead letters.
    /// Delays go on.
    ///
    /// The file is this process's alone: two stacks on one directory would take each other's messages for their own.
    pub fn open(file: Option<&Path>, queues: &[Queue]) -> Result<Self, QueueError> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS message (
                 key INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
                 sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, receives INTEGER NOT NULL);
             CREATE INDEX IF NOT EXISTS by_queue ON message (queue, visible_at, key);
             CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL);
             UPDATE message SET visible_at = 0, receives = receives - (receives > 0 AND visible_at > 0)
                 WHERE receives > 0 OR visible_at <= sent_at;",
        )?;
        let (inbox, requests) = mpsc::channel();
        thread::Builder::new()
            .name("queues".to_owned())
            .spawn(move || keep(connection, &requests))
            .map_err(|error| QueueError(error.to_string()))?;
        let known =
            |queue: &Queue| (queue.name.clone(), Known { queue: queue.clone(), arrival: Notify::new() });
        Ok(Self { inbox, queues: Arc::new(queues.iter().map(known).collect()) })
    }

    /// Sends messages, all or none, and returns their ids in the same order. On disk when this returns.
    pub async fn send(&self, messages: Vec<Message>, now: Moment) -> Result<Vec<String>, QueueError> {
        let mut arrivals = Vec::new();
        let mut delayed = Vec::new();
        for message in messages {
            let known = self.known(&message.queue)?;
            let delay = message.delay.unwrap_or(known.queue.delay);
            arrivals.push(known);
            delayed.push((message, now.plus(delay.as_secs() as i64)));
        }
        let ids = self.ask(move |connection| send(connection, &delayed, now)).await?;
        for known in arrivals {
            known.arrival.notify_one();
        }
        Ok(ids)
    }

    /// Whether there is a queue of this name.
    pub fn has(&self, queue: &str) -> bool {
        self.queues.contains_key(queue)
    }

    /// Receives at most this many visible messages, and hides them for the queue's visibility timeout.
    ///
    /// A message received too often goes to the dead-letter queue instead; one older than the retention goes.
    pub async fn receive(&self, queue: &str, most: usize, now: Moment) -> Result<Vec<Received>, QueueError> {
        let queue = self.known(queue)?.queue.clone();
        self.ask(move |connection| receive(connection, &queue, most, now)).await
    }

    /// Deletes messages that were handled.
    pub async fn delete(&self, keys: Vec<i64>) -> Result<(), QueueError> {
        self.ask(move |connection| delete(connection, &keys)).await
    }

    /// How full each queue is.
    pub async fn depths(&self, now: Moment) -> Result<Vec<Depth>, QueueError> {
        let queues = Arc::clone(&self.queues);
        self.ask(move |connection| depths(connection, &queues, now)).await
    }

    /// What was kept under this name.
    pub async fn mark(&self, name: &str) -> Result<Option<String>, QueueError> {
        let name = name.to_owned();
        self.ask(move |connection| {
            let mut select = connection.prepare_cached("SELECT value FROM mark WHERE name = ?1")?;
            Ok(select.query_row([name], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Keeps a value under a name.
    pub async fn set_mark(&self, name: &str, value: &str) -> Result<(), QueueError> {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.ask(move |connection| {
            let mut keep =
                connection.prepare_cached("INSERT OR REPLACE INTO mark (name, value) VALUES (?1, ?2)")?;
            keep.execute([name, value])?;
            Ok(())
        })
        .await
    }

    /// Waits until something may have arrived in a queue.
    pub async fn arrival(&self, queue: &str) {
        match self.queues.get(queue) {
            Some(known) => known.arrival.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Closes the file. Whoever still asks for something gets an error.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.inbox.send(Request::Close(reply)).is_ok() {
            // The thread has ended: that is what was wanted.
            let _ = closed.await;
        }
    }

    fn known(&self, queue: &str) -> Result<&Known, QueueError> {
        self.queues.get(queue).ok_or_else(|| QueueError(format!("there is no queue {queue}")))
    }

    /// Has the thread do something in a transaction. What fails leaves nothing behind, and fails alone.
    async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, QueueError> + Send + 'static,
    ) -> Result<T, QueueError> {
        let (reply, answer) = oneshot::channel();
        let work: Work = Box::new(move |transaction| {
            let result = apart(transaction, work);
            Box::new(move |committed| {
                // Nobody waits for an answer any more: the caller was cancelled.
                let _ = reply.send(committed.and(result));
            })
        });
        let closed = || QueueError("it is closed".to_owned());
        self.inbox.send(Request::Work(work)).map_err(|_| closed())?;
        answer.await.map_err(|_| closed())?
    }
}

fn apart<T>(
    transaction: &mut Transaction<'_>,
    work: impl FnOnce(&Connection) -> Result<T, QueueError>,
) -> Result<T, QueueError> {
    let savepoint = transaction.savepoint()?;
    let done = work(&savepoint)?;
    savepoint.commit()?;
    Ok(done)
}

/// The thread that owns the file.
fn keep(mut connection: Connection, requests: &mpsc::Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        let mut closing = None;
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Work(work) => group.push(work),
                Request::Close(reply) => closing = Some(reply),
            }
            next = if closing.is_some() || group.len() == GROUP { None } else { requests.try_recv().ok() };
        }
        let mut answers = Vec::with_capacity(group.len());
        let committed = transact(&mut connection, group, &mut answers);
        for answer in answers {
            answer(committed.clone());
        }
        if let Some(reply) = closing {
            drop(connection);
            // Whoever closed it may be gone.
            let _ = reply.send(());
            return;
        }
    }
}

fn transact(
    connection: &mut Connection,
    group: Vec<Work>,
    answers: &mut Vec<Answer>,
) -> Result<(), QueueError> {
    let mut transaction = connection.transaction()?;
    for work in group {
        answers.push(work(&mut transaction));
    }
    transaction.commit()?;
    Ok(())
}

fn send(
    connection: &Connection,
    messages: &[(Message, Moment)],
    now: Moment,
) -> Result<Vec<String>, QueueError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (queue, id, body, sent_at, visible_at, receives) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    )?;
    let mut ids = Vec::with_capacity(messages.len());
    for (message, visible_at) in messages {
        let id = Uuid::new_v4().to_string();
        insert.execute(params![message.queue, id, message.body, now.unix(), visible_at.unix()])?;
        ids.push(id);
    }
    Ok(ids)
}

/// Takes from the front only, so that a long backlog costs no more than a short one.
fn receive(
    connection: &Connection,
    queue: &Queue,
    most: usize,
    now: Moment,
) -> Result<Vec<Received>, QueueError> {
    let mut received = Vec::new();
    loop {
        let asked = most - received.len();
        let front = front(connection, queue, asked, now)?;
        let found = front.len();
        for message in front {
            if u64::from(now.since(message.sent_at)) > queue.retention.as_secs() {
                delete(connection, &[message.key])?;
            } else if let Some(redrive) = &queue.redrive
                && message.receives > redrive.max_receives
            {
                connection
                    .prepare_cached(
                        "UPDATE message SET queue = ?1, receives = 0, visible_at = 0 WHERE key = ?2",
                    )?
                    .execute(params![redrive.dead_letter, message.key])?;
            } else {
                // A message no queue hides at all would be found again at once.
                let hidden = queue.visibility.as_secs().max(1) as i64;
                connection
                    .prepare_cached("UPDATE message SET visible_at = ?1, receives = ?2 WHERE key = ?3")?
                    .execute(params![now.unix() + hidden, message.receives, message.key])?;
                received.push(message);
            }
        }
        if received.len() == most || found < asked {
            return Ok(received);
        }
    }
}

fn front(
    connection: &Connection,
    queue: &Queue,
    most: usize,
    now: Moment,
) -> Result<Vec<Received>, QueueError> {
    let mut select = connection.prepare_cached(
        "SELECT key, id, body, sent_at, receives FROM message
         WHERE queue = ?1 AND visible_at <= ?2 ORDER BY visible_at, key LIMIT ?3",
    )?;
    let found = select.query_map(params![queue.name, now.unix(), most as i64], |row| {
        Ok(Received {
            key: row.get(0)?,
            id: row.get(1)?,
            body: row.get(2)?,
            sent_at: Moment::EPOCH.plus(row.get(3)?),
            receives: row.get::<_, u32>(4)? + 1,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn delete(connection: &Connection, keys: &[i64]) -> Result<(), QueueError> {
    let mut delete = connection.prepare_cached("DELETE FROM message WHERE key = ?1")?;
    for key in keys {
        delete.execute([key])?;
    }
    Ok(())
}

fn depths(
    connection: &Connection,
    queues: &HashMap<String, Known>,
    now: Moment,
) -> Result<Vec<Depth>, QueueError> {
    // What nobody has received yet and is not visible is delayed.
    let mut count = connection.prepare_cached(
        "SELECT COUNT(*) FILTER (WHERE visible_at <= ?2), COUNT(*) FILTER (WHERE visible_at > ?2 AND receives > 0),
                COUNT(*) FILTER (WHERE visible_at > ?2 AND receives = 0)
         FROM message WHERE queue = ?1",
    )?;
    let mut counted = |name: &str| {
        count.query_row(params![name, now.unix()], |row| {
            Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?))
        })
    };
    let mut queues: Vec<&Queue> = queues.values().map(|known| &known.queue).collect();
    queues.sort_by(|a, b| a.name.cmp(&b.name));
    let mut depths = Vec::new();
    for queue in queues {
        let (visible, in_flight, delayed) = counted(&queue.name)?;
        let dead_letters = match &queue.redrive {
            Some(redrive) => counted(&redrive.dead_letter)?.0,
            None => 0,
        };
        depths.push(Depth { queue: queue.name.clone(), visible, in_flight, delayed, dead_letters });
    }
    Ok(depths)
}

#[cfg(test)]
mod tests;
