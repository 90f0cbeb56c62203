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
             UPDATE message SET receives = receives - 1 WHERE receives > 0 AND visible_at > 0;
             UPDATE message SET visible_at = 0;",
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

    /// Sends messages, each to a queue, all or none. On disk when this returns.
    pub async fn send(&self, messages: Vec<(String, String)>, now: Moment) -> Result<(), QueueError> {
        let mut arrivals = Vec::new();
        for (queue, _) in &messages {
            arrivals.push(self.known(queue)?);
        }
        self.ask(move |connection| send(connection, &messages, now)).await?;
        for known in arrivals {
            known.arrival.notify_one();
        }
        Ok(())
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

fn send(connection: &Connection, messages: &[(String, String)], now: Moment) -> Result<(), QueueError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO message (queue, id, body, sent_at, visible_at, receives) VALUES (?1, ?2, ?3, ?4, ?4, 0)",
    )?;
    for (queue, body) in messages {
        insert.execute(params![queue, Uuid::new_v4().to_string(), body, now.unix()])?;
    }
    Ok(())
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
    let mut count = connection.prepare_cached(
        "SELECT COUNT(*) FILTER (WHERE visible_at <= ?2), COUNT(*) FILTER (WHERE visible_at > ?2)
         FROM message WHERE queue = ?1",
    )?;
    let mut counted = |name: &str| {
        count.query_row(params![name, now.unix()], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?)))
    };
    let mut queues: Vec<&Queue> = queues.values().map(|known| &known.queue).collect();
    queues.sort_by(|a, b| a.name.cmp(&b.name));
    let mut depths = Vec::new();
    for queue in queues {
        let (visible, in_flight) = counted(&queue.name)?;
        let dead_letters = match &queue.redrive {
            Some(redrive) => counted(&redrive.dead_letter)?.0,
            None => 0,
        };
        depths.push(Depth { queue: queue.name.clone(), visible, in_flight, dead_letters });
    }
    Ok(depths)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

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
        assert_eq!((depths[1].visible, depths[1].in_flight, depths[1].dead_letters), (0, 0, 1));
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
            // Dropped without closing, as a crash would.
        }
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        let again = queues.receive("work", 10, at(1)).await.unwrap();
        let seen: Vec<_> = again.iter().map(|message| (message.body.as_str(), message.receives)).collect();
        assert_eq!(seen, [("a", 1), ("b", 1)]);
        assert_eq!(queues.mark("stream").await.unwrap().as_deref(), Some("17"));
        assert_eq!(queues.mark("other").await.unwrap(), None);
    }

    #[tokio::test]
    async fn crashes_do_not_make_a_message_a_dead_letter() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        for life in 0..6 {
            let queues = Queues::open(Some(&file), &rules()).unwrap();
            if life == 0 {
                send(&queues, &["a"]).await;
            }
            assert_eq!(bodies(&queues, "work", at(life)).await, ["a"]);
        }
    }

    #[tokio::test]
    async fn poison_in_front_does_not_shrink_a_batch() {
        let queues = Queues::open(None, &rules()).unwrap();
        send(&queues, &["p1", "p2", "p3"]).await;
        for tries in 0..2 {
            assert_eq!(bodies(&queues, "work", at(tries * 30)).await.len(), 3);
        }
        let fresh = vec![("work".to_owned(), "good".to_owned()); 2];
        queues.send(fresh, at(60)).await.unwrap();
        let found = queues.receive("work", 2, at(60)).await.unwrap();
        assert_eq!(found.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["good", "good"]);
    }

    #[tokio::test]
    async fn sending_to_a_queue_that_is_not_there_sends_nothing_at_all() {
        let queues = Queues::open(None, &rules()).unwrap();
        let messages = vec![("work".to_owned(), "a".to_owned()), ("nowhere".to_owned(), "b".to_owned())];
        queues.send(messages, at(0)).await.unwrap_err();
        assert_eq!(bodies(&queues, "work", at(1)).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_fails_in_a_shared_transaction_leaves_nothing_and_fails_alone() {
        let queues = Queues::open(None, &rules()).unwrap();
        let broken = queues.ask(|connection| {
            super::send(connection, &[("work".to_owned(), "half".to_owned())], at(0))?;
            Err::<(), _>(QueueError("then it broke".to_owned()))
        });
        let (broken, ()) = tokio::join!(broken, send(&queues, &["whole"]));
        assert!(broken.is_err());
        assert_eq!(bodies(&queues, "work", at(1)).await, ["whole"]);
    }

    #[tokio::test]
    async fn a_second_stack_can_not_open_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("queues.sqlite");
        let queues = Queues::open(Some(&file), &rules()).unwrap();
        let other = Connection::open(&file).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        assert!(other.execute("DELETE FROM message", []).is_err());
        queues.close().await;
        assert!(queues.mark("any").await.is_err());
        other.execute("DELETE FROM message", []).unwrap();
    }

    /// When all is visible that a crash brought back.
    const BEFORE_ALL: i64 = -1_700_000_000;

    /// What a queue should do, told as simply as possible.
    #[derive(Default)]
    struct Model {
        /// Body, when visible, receives.
        messages: Vec<(u32, i64, u32)>,
        dead: Vec<u32>,
    }

    #[derive(Debug, Clone)]
    enum Step {
        Send,
        Receive { most: usize, delete: bool },
        Pass(i64),
        Crash,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => Just(Step::Send),
            4 => (1..4_usize, any::<bool>()).prop_map(|(most, delete)| Step::Receive { most, delete }),
            2 => (1..40_i64).prop_map(Step::Pass),
            1 => Just(Step::Crash),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn whatever_happens_each_message_is_delivered_or_dead_and_none_is_lost(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let directory = tempfile::tempdir().unwrap();
                let file = directory.path().join("queues.sqlite");
                let mut queues = Queues::open(Some(&file), &rules()).unwrap();
                let (mut model, mut now, mut sent) = (Model::default(), 0, 0_u32);
                for step in steps {
                    match step {
                        Step::Send => {
                            queues.send(vec![("work".to_owned(), sent.to_string())], at(now)).await.unwrap();
                            model.messages.push((sent, now, 0));
                            sent += 1;
                        }
                        Step::Receive { most, delete } => {
                            let found = queues.receive("work", most, at(now)).await.unwrap();
                            // What was received twice and is seen again is dead, wherever it stood before the last one taken.
                            let depths = queues.depths(at(now)).await.unwrap();
                            let mut visible: Vec<_> = model.messages.iter().copied().filter(|m| m.1 <= now).collect();
                            visible.sort_by_key(|m| (m.1, m.0));
                            let mut taken = Vec::new();
                            for (body, _, receives) in visible {
                                if taken.len() == most {
                                    break;
                                }
                                if receives == 2 {
                                    model.messages.retain(|m| m.0 != body);
                                    model.dead.push(body);
                                } else {
                                    taken.push((body.to_string(), receives + 1));
                                }
                            }
                            let seen: Vec<_> = found.iter().map(|m| (m.body.clone(), m.receives)).collect();
                            prop_assert_eq!(&seen, &taken);
                            prop_assert_eq!(depths[0].visible, model.dead.len() as u64);
                            for message in found {
                                let body: u32 = message.body.parse().unwrap();
                                if delete {
                                    queues.delete(vec![message.key]).await.unwrap();
                                    model.messages.retain(|m| m.0 != body);
                                } else {
                                    let known = model.messages.iter_mut().find(|m| m.0 == body).unwrap();
                                    *known = (body, now + 30, message.receives);
                                }
                            }
                        }
                        Step::Pass(seconds) => now += seconds,
                        Step::Crash => {
                            drop(queues);
                            queues = Queues::open(Some(&file), &rules()).unwrap();
                            for message in &mut model.messages {
                                if message.1 != BEFORE_ALL {
                                    *message = (message.0, BEFORE_ALL, message.2.saturating_sub(1));
                                }
                            }
                        }
                    }
                }
                let depths = queues.depths(at(now)).await.unwrap();
                prop_assert_eq!(depths[1].visible + depths[1].in_flight, model.messages.len() as u64);
                Ok(())
            })?;
        }
    }
}
