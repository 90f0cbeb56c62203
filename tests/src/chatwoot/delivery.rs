//! How webhooks are delivered: signed when they are sent, once, and never again, whatever comes back.
//!
//! Chatwoot's ten threads keep no order. Here the letters to one webhook go one after the other, so that a test that passes passes
//! again; a test that wants disorder holds them and lets them go as it likes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use chatwoot::signature::{DELIVERY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use serde_json::Value;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use trust::id::AccountId;

use super::{clock::Clock, tokens::Tokens};

/// Chatwoot's `WEBHOOK_TIMEOUT`.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Sidekiq's threads.
const THREADS: usize = 10;

/// What becomes of webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Each is sent once.
    Normal,
    /// None is sent, as when the receiver was down: nobody hears of it.
    Lost,
    /// Each is sent twice with two delivery ids, as when a job runs again.
    Doubled,
    /// Each waits until it is released.
    Held,
}

/// What an account's webhook is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) account: AccountId,
    pub(super) webhook: u64,
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) event: &'static str,
    pub(super) body: String,
}

/// A webhook that waits to be released.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What it is released by.
    pub id: u64,
    /// Its account.
    pub account: AccountId,
    /// Its event.
    pub event: &'static str,
    /// What it says.
    pub payload: Value,
}

/// What became of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Its account.
    pub account: AccountId,
    /// Its event.
    pub event: &'static str,
    /// What it says.
    pub payload: Value,
    /// Its id; none where it was lost.
    pub delivery: Option<String>,
    /// The status that came back; none where nothing did.
    pub answer: Option<u16>,
}

/// Sends webhooks. Its threads end with it.
#[derive(Debug)]
pub(super) struct Postman {
    shared: Arc<Shared>,
    queues: Vec<mpsc::UnboundedSender<Letter>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    client: reqwest::Client,
    clock: Clock,
    state: Mutex<State>,
    under_way: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    all: Delivery,
    of_event: HashMap<String, Delivery>,
    signing: Option<Clock>,
    held: BTreeMap<u64, Letter>,
    next_held: u64,
    sent: Vec<Sent>,
    tokens: Tokens,
}

impl Postman {
    pub(super) fn start(clock: Clock) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).user_agent("Ruby").no_proxy().build()?;
        let state = State {
            all: Delivery::Normal,
            of_event: HashMap::new(),
            signing: None,
            held: BTreeMap::new(),
            next_held: 1,
            sent: Vec::new(),
            tokens: Tokens::default(),
        };
        let (under_way, _) = watch::channel(0);
        let shared = Arc::new(Shared { client, clock, state: Mutex::new(state), under_way });
        let (queues, threads) = (0..THREADS).map(|_| thread(&shared)).unzip();
        Ok(Self { shared, queues, threads })
    }

    pub(super) fn set(&self, delivery: Delivery) {
        let mut state = self.shared.state();
        state.all = delivery;
        state.of_event.clear();
    }

    pub(super) fn set_of(&self, event: &str, delivery: Delivery) {
        self.shared.state().of_event.insert(event.to_owned(), delivery);
    }

    pub(super) fn sign_by(&self, clock: Clock) {
        self.shared.state().signing = Some(clock);
    }

    /// Takes letters to send.
    pub(super) fn take(&self, letters: Vec<Letter>) {
        for letter in letters {
            let mut state = self.shared.state();
            let delivery = state.of_event.get(letter.event).copied().unwrap_or(state.all);
            match delivery {
                Delivery::Normal => self.queue(letter),
                Delivery::Doubled => {
                    self.queue(letter.clone());
                    self.queue(letter);
                }
                Delivery::Lost => state.sent.push(letter.sent(None, None)),
                Delivery::Held => {
                    let id = state.next_held;
                    state.next_held += 1;
                    state.held.insert(id, letter);
                }
            }
        }
    }

    fn queue(&self, letter: Letter) {
        self.shared.under_way.send_modify(|letters| *letters += 1);
        // The threads live as long as this.
        drop(self.queues[letter.webhook as usize % THREADS].send(letter));
    }

    pub(super) fn held(&self) -> Vec<Held> {
        let state = self.shared.state();
        let held = state.held.iter();
        held.map(|(id, letter)| Held {
            id: *id,
            account: letter.account,
            event: letter.event,
            payload: letter.payload(),
        })
        .collect()
    }

    /// Sends these, one after the other.
    pub(super) async fn release(&self, ids: &[u64]) -> anyhow::Result<()> {
        for id in ids {
            let letter = self.shared.state().held.remove(id);
            self.shared.send(letter.with_context(|| format!("no webhook {id} is held"))?).await;
        }
        Ok(())
    }

    pub(super) fn discard_held(&self) {
        self.shared.state().held.clear();
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.shared.state().sent.clone()
    }

    pub(super) async fn finished(&self) {
        let mut under_way = self.shared.under_way.subscribe();
        // Its sender lives as long as this.
        drop(under_way.wait_for(|letters| *letters == 0).await);
    }
}

impl Drop for Postman {
    fn drop(&mut self) {
        self.threads.iter().for_each(JoinHandle::abort);
    }
}

fn thread(shared: &Arc<Shared>) -> (mpsc::UnboundedSender<Letter>, JoinHandle<()>) {
    let (queue, mut letters) = mpsc::unbounded_channel();
    let shared = Arc::clone(shared);
    let thread = tokio::spawn(async move {
        while let Some(letter) = letters.recv().await {
            shared.send(letter).await;
            shared.under_way.send_modify(|letters| *letters -= 1);
        }
    });
    (queue, thread)
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, letter: Letter) {
        let (delivery, now) = {
            let mut state = self.state();
            (state.tokens.uuid(), state.signing.as_ref().unwrap_or(&self.clock).now())
        };
        let (timestamp, signature) = sign(&letter.secret, now, letter.body.as_bytes());
        let request = self.client.post(&letter.url).body(letter.body.clone());
        let request = request.header("content-type", "application/json").header("accept", "application/json");
        let request = request.header(DELIVERY_HEADER, &delivery);
        let request = request.header(TIMESTAMP_HEADER, timestamp).header(SIGNATURE_HEADER, signature);
        let answer = request.send().await.ok().map(|answer| answer.status().as_u16());
        self.state().sent.push(letter.sent(Some(delivery), answer));
    }
}

impl Letter {
    fn payload(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    fn sent(&self, delivery: Option<String>, answer: Option<u16>) -> Sent {
        Sent { account: self.account, event: self.event, payload: self.payload(), delivery, answer }
    }
}
