//! Queues with SQS semantics, durable in one SQLite file.
//!
//! One thread owns the file and works through requests; all that wait when it begins share one transaction, so thousands of
//! sends a second are each on disk before they are acknowledged. Beside the messages it keeps *marks*: how far a stream was read, when a
//! schedule ran last. Times are parameters, so tests can move them.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use tokio::sync::{Notify, oneshot};
use trust::time::Moment;
use uuid::Uuid;

use crate::wiring::Queue;

/// Most requests that share a transaction. More would only delay the first of them.
const GROUP: usize = 256;

/// The queues can not be used: the disk is full, or the file is broken.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the queues' file: {0}")]
pub struct QueueError(String);

impl From<rusqlite::Error> for QueueError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
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
}

/// The queues. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queues {
    requests: mpsc::Sender<Request>,
    arrivals: Arc<HashMap<String, Notify>>,
}

type Reply<T> = oneshot::Sender<Result<T, QueueError>>;

enum Request {
    Send { messages: Vec<(String, String)>, now: Moment, reply: Reply<()> },
    Receive { queue: String, most: usize, now: Moment, reply: Reply<Vec<Received>> },
    Delete { keys: Vec<i64>, reply: Reply<()> },
    Depths { now: Moment, reply: Reply<Vec<Depth>> },
    Mark { name: String, reply: Reply<Option<String>> },
    SetMark { name: String, value: String, reply: Reply<()> },
}

impl Queues {
    /// Opens the queues in this file, or in memory. Messages that were in flight are visible again: nobody works on them.
    pub fn open(file: Option<&Path>, queues: &[Queue]) -> Result<Self, QueueError> {
        let connection = match file {
            Some(file) => Connection::open(file)?,
            None => Connection::open_in_memory()?,
        };
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS message (
                 key INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
                 sent_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, receives INTEGER NOT NULL);
             CREATE INDEX IF NOT EXISTS by_queue ON message (queue, visible_at, key);
             CREATE TABLE IF NOT EXISTS mark (name TEXT PRIMARY KEY, value TEXT NOT NULL);
             UPDATE message SET visible_at = 0;",
        )?;
        let (requests, inbox) = mpsc::channel();
        let arrivals = queues.iter().map(|queue| (queue.name.clone(), Notify::new())).collect();
        let rules = queues.iter().map(|queue| (queue.name.clone(), queue.clone())).collect();
        let keeper = Keeper { connection, rules };
        thread::Builder::new()
            .name("queues".to_owned())
            .spawn(move || keeper.work(&inbox))
            .map_err(|error| QueueError(error.to_string()))?;
        Ok(Self { requests, arrivals: Arc::new(arrivals) })
    }

    /// Sends messages, each to a queue, all or none. On disk when this returns.
    pub async fn send(&self, messages: Vec<(String, String)>, now: Moment) -> Result<(), QueueError> {
        let names: Vec<String> = messages.iter().map(|(queue, _)| queue.clone()).collect();
        self.ask(|reply| Request::Send { messages, now, reply }).await?;
        for name in names {
            if let Some(arrival) = self.arrivals.get(&name) {
                arrival.notify_one();
            }
        }
        Ok(())
    }

    /// Receives at most this many visible messages, and hides them for the queue's visibility timeout.
    ///
    /// A message received too often goes to the dead-letter queue instead.
    pub async fn receive(&self, queue: &str, most: usize, now: Moment) -> Result<Vec<Received>, QueueError> {
        self.ask(|reply| Request::Receive { queue: queue.to_owned(), most, now, reply }).await
    }

    /// Deletes messages that were handled.
    pub async fn delete(&self, keys: Vec<i64>) -> Result<(), QueueError> {
        self.ask(|reply| Request::Delete { keys, reply }).await
    }

    /// How full each queue is.
    pub async fn depths(&self, now: Moment) -> Result<Vec<Depth>, QueueError> {
        self.ask(|reply| Request::Depths { now, reply }).await
    }

    /// What was kept under this name.
    pub async fn mark(&self, name: &str) -> Result<Option<String>, QueueError> {
        self.ask(|reply| Request::Mark { name: name.to_owned(), reply }).await
    }

    /// Keeps a value under a name.
    pub async fn set_mark(&self, name: &str, value: &str) -> Result<(), QueueError> {
        self.ask(|reply| Request::SetMark { name: name.to_owned(), value: value.to_owned(), reply }).await
    }

    /// Waits until something may have arrived in a queue.
    pub async fn arrival(&self, queue: &str) {
        match self.arrivals.get(queue) {
            Some(arrival) => arrival.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, QueueError> {
        let gone = || QueueError("its thread has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        self.requests.send(request(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

struct Keeper {
    connection: Connection,
    rules: HashMap<String, Queue>,
}

/// An answer, held back until its transaction is on disk.
type Answer = Box<dyn FnOnce(Result<(), QueueError>) + Send>;

impl Keeper {
    fn work(mut self, inbox: &mpsc::Receiver<Request>) {
        while let Ok(first) = inbox.recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = inbox.try_recv()
            {
                group.push(next);
            }
            let mut answers: Vec<Answer> = Vec::new();
            let committed = self.transact(group, &mut answers);
            for answer in answers {
                answer(committed.clone());
            }
        }
    }

    fn transact(&mut self, group: Vec<Request>, answers: &mut Vec<Answer>) -> Result<(), QueueError> {
        let transaction = self.connection.transaction()?;
        for request in group {
            answers.push(serve(&transaction, &self.rules, request));
        }
        transaction.commit()?;
        Ok(())
    }
}

fn answer<T: Send + 'static>(reply: Reply<T>, result: Result<T, QueueError>) -> Answer {
    Box::new(move |committed| {
        // Nobody waits for an answer any more: the caller was cancelled.
        let _ = reply.send(committed.and(result));
    })
}

fn serve(connection: &Connection, rules: &HashMap<String, Queue>, request: Request) -> Answer {
    match request {
        Request::Send { messages, now, reply } => answer(reply, send(connection, &messages, now)),
        Request::Receive { queue, most, now, reply } => {
            let received = match rules.get(&queue) {
                Some(rules) => receive(connection, rules, most, now),
                None => Err(QueueError(format!("there is no queue {queue}"))),
            };
            answer(reply, received)
        }
        Request::Delete { keys, reply } => answer(reply, delete(connection, &keys)),
        Request::Depths { now, reply } => answer(reply, depths(connection, rules, now)),
        Request::Mark { name, reply } => {
            let value = connection
                .query_row("SELECT value FROM mark WHERE name = ?1", [name], |row| row.get(0))
                .optional();
            answer(reply, value.map_err(QueueError::from))
        }
        Request::SetMark { name, value, reply } => {
            let kept = connection
                .execute("INSERT OR REPLACE INTO mark (name, value) VALUES (?1, ?2)", [name, value]);
            answer(reply, kept.map(|_| ()).map_err(QueueError::from))
        }
    }
}

fn send(connection: &Connection, messages: &[(String, String)], now: Moment) -> Result<(), QueueError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (queue, id, body, sent_at, visible_at, receives) VALUES (?1, ?2, ?3, ?4, 0, 0)",
    )?;
    for (queue, body) in messages {
        insert.execute(params![queue, Uuid::new_v4().to_string(), body, now.unix()])?;
    }
    Ok(())
}

fn receive(
    connection: &Connection,
    queue: &Queue,
    most: usize,
    now: Moment,
) -> Result<Vec<Received>, QueueError> {
    connection
        .prepare_cached("DELETE FROM message WHERE queue = ?1 AND sent_at < ?2")?
        .execute(params![queue.name, now.unix() - queue.retention.as_secs() as i64])?;
    if let Some(redrive) = &queue.redrive {
        connection
            .prepare_cached(
                "UPDATE message SET queue = ?1, receives = 0, visible_at = 0
                 WHERE queue = ?2 AND visible_at <= ?3 AND receives >= ?4",
            )?
            .execute(params![redrive.dead_letter, queue.name, now.unix(), redrive.max_receives])?;
    }
    let mut select = connection.prepare_cached(
        "SELECT key, id, body, sent_at, receives FROM message
         WHERE queue = ?1 AND visible_at <= ?2 ORDER BY key LIMIT ?3",
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
    let received = found.collect::<Result<Vec<_>, _>>()?;
    let hidden_until = now.unix() + queue.visibility.as_secs() as i64;
    let mut hide = connection
        .prepare_cached("UPDATE message SET visible_at = ?1, receives = receives + 1 WHERE key = ?2")?;
    for message in &received {
        hide.execute(params![hidden_until, message.key])?;
    }
    Ok(received)
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
    rules: &HashMap<String, Queue>,
    now: Moment,
) -> Result<Vec<Depth>, QueueError> {
    let mut count = connection.prepare_cached(
        "SELECT COUNT(*) FILTER (WHERE visible_at <= ?2), COUNT(*) FILTER (WHERE visible_at > ?2)
         FROM message WHERE queue = ?1",
    )?;
    let mut names: Vec<&String> = rules.keys().collect();
    names.sort();
    let depths = names.into_iter().map(|name| {
        count.query_row(params![name, now.unix()], |row| {
            Ok(Depth { queue: name.clone(), visible: row.get(0)?, in_flight: row.get(1)? })
        })
    });
    Ok(depths.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wiring::Redrive;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(1_700_000_000 + seconds).unwrap()
    }

    fn rules() -> Vec<Queue> {
        let queue = |name: &str, redrive| Queue {
            name: name.to_owned(),
            visibility: Duration::from_secs(30),
            retention: Duration::from_secs(1000),
            redrive,
        };
        let redrive = Redrive { dead_letter: "dead".to_owned(), max_receives: 2 };
        vec![queue("work", Some(redrive)), queue("dead", None)]
    }

    async fn bodies(queues: &Queues, queue: &str, now: Moment) -> Vec<String> {
        queues.receive(queue, 10, now).await.unwrap().into_iter().map(|message| message.body).collect()
    }

    async fn send(queues: &Queues, bodies: &[&str]) {
        let messages = bodies.iter().map(|body| ("work".to_owned(), (*body).to_owned())).collect();
        queues.send(messages, at(0)).await.unwrap();
    }

    #[tokio::test]
    async fn a_received_message_is_hidden_until_its_time_is_up_or_it_is_deleted() {
        let queues = Queues::open(None, &rules()).unwrap();
        send(&queues, &["a", "b"]).await;
        let first = queues.receive("work", 1, at(0)).await.unwrap();
        assert_eq!((first[0].body.as_str(), first[0].receives), ("a", 1));
        assert_eq!(bodies(&queues, "work", at(1)).await, ["b"]);
        assert_eq!(bodies(&queues, "work", at(29)).await, Vec::<String>::new());
        queues.delete(vec![first[0].key]).await.unwrap();
        assert_eq!(bodies(&queues, "work", at(40)).await, ["b"]);
    }

    #[tokio::test]
    async fn a_message_received_too_often_moves_to_the_dead_letters_and_stays_there() {
        let queues = Queues::open(None, &rules()).unwrap();
        send(&queues, &["poison"]).await;
        assert_eq!(bodies(&queues, "work", at(0)).await, ["poison"]);
        assert_eq!(bodies(&queues, "work", at(30)).await, ["poison"]);
        assert_eq!(bodies(&queues, "work", at(60)).await, Vec::<String>::new());
        let depths = queues.depths(at(60)).await.unwrap();
        assert_eq!((depths[0].queue.as_str(), depths[0].visible), ("dead", 1));
        assert_eq!((depths[1].visible, depths[1].in_flight), (0, 0));
    }

    #[tokio::test]
    async fn a_message_older_than_the_retention_is_gone() {
        let queues = Queues::open(None, &rules()).unwrap();
        send(&queues, &["old"]).await;
        assert_eq!(bodies(&queues, "work", at(1001)).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn after_a_crash_nothing_is_lost_and_what_was_in_flight_comes_back_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        {
            let queues = Queues::open(Some(&file), &rules()).unwrap();
            send(&queues, &["a", "b"]).await;
            assert_eq!(queues.receive("work", 1, at(0)).await.unwrap()[0].body, "a");
            queues.set_mark("stream", "17").await.unwrap();
        }
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        let again = queues.receive("work", 10, at(1)).await.unwrap();
        let seen: Vec<_> = again.iter().map(|message| (message.body.as_str(), message.receives)).collect();
        assert_eq!(seen, [("a", 2), ("b", 1)]);
        assert_eq!(queues.mark("stream").await.unwrap().as_deref(), Some("17"));
        assert_eq!(queues.mark("other").await.unwrap(), None);
    }
}
