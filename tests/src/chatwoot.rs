//! A Chatwoot of our own for tests: what Chatwoot 4.18 CE keeps, answers and sends, without its databases.
//!
//! It keeps state, so that what is created twice is there twice, and answers in Chatwoot's own forms, oddities included: error statuses,
//! envelopes, three spellings of a time, webhooks that show how things stand when they are sent. It is written from what is known of
//! Chatwoot, not from what our client expects, and `flows/chatwoot_fake.rs` checks it against Chatwoot's own OpenAPI document.
//!
//! ```text
//! Chatwoot::start(clock)          a server on loopback
//!   .platform_token()             for the Platform API
//!   .furnish("Acme")              or an account to start from
//!   .renter_writes(..) .writes(..) .resolves(..)      what people do
//!   .set_delivery(..) .release(..) .delivered()       what becomes of webhooks
//!   .fault(..)                    what goes wrong with REST requests
//!   .requests() .counts() .sent() what came of it
//! ```

mod administration;
mod call;
mod clock;
mod contacts;
mod conversations;
mod delivery;
mod faults;
mod installation;
mod payloads;
mod people;
mod platform;
mod refusal;
mod rows;
mod server;
mod tokens;
mod views;
mod volume;
mod writing;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use trust::id::{AccountId, ConversationId};

pub use self::{
    clock::Clock,
    delivery::{Delivery, Held, Sent},
    faults::{Fault, Request},
    people::{Author, Identity, Thread, Visit, Written},
    rows::Status,
    volume::{Furnished, Volume},
};
use self::{
    delivery::Postman,
    installation::{EVENTS, Installation, PlatformApp, Services},
    people::told,
    server::Shared,
};

/// How many there are, in all accounts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Accounts.
    pub accounts: usize,
    /// Users, in however many accounts.
    pub users: usize,
    /// Places of users in accounts.
    pub agents: usize,
    /// Inboxes.
    pub inboxes: usize,
    /// Places of agents in inboxes.
    pub inbox_members: usize,
    /// Webhooks.
    pub webhooks: usize,
    /// Definitions of custom attributes.
    pub attribute_definitions: usize,
    /// Integrations.
    pub hooks: usize,
    /// Contacts.
    pub contacts: usize,
    /// Sessions of contacts in inboxes.
    pub contact_inboxes: usize,
    /// Conversations.
    pub conversations: usize,
    /// Messages, deleted ones and Chatwoot's own remarks included.
    pub messages: usize,
}

/// A running Chatwoot. It stops when dropped.
#[derive(Debug)]
pub struct Chatwoot {
    address: SocketAddr,
    clock: Clock,
    platform_token: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Chatwoot {
    /// Starts one on a port of its own, empty but for a platform app, with its time from this clock.
    pub async fn start(clock: Clock) -> anyhow::Result<Self> {
        let postman = Postman::start(clock.clone())?;
        let mut installation = Installation::new(clock.clone());
        let platform_token = installation.tokens.secure();
        installation.apps.insert(platform_token.clone(), PlatformApp::default());
        let shared = Arc::new(Shared::new(installation, postman));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = server::router(Arc::clone(&shared));
        // It ends with the task that serves it.
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { address, clock, platform_token, shared, server })
    }

    /// Where it is, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The token of its platform app.
    pub fn platform_token(&self) -> &str {
        &self.platform_token
    }

    /// Makes another platform app and gives its token. It reaches nothing the first one made.
    pub fn another_platform_app(&self) -> String {
        self.change(|installation| {
            let token = installation.tokens.secure();
            installation.apps.insert(token.clone(), PlatformApp::default());
            token
        })
    }

    /// Lets `/api` name this version.
    pub fn set_version(&self, version: &str) {
        version.clone_into(&mut self.shared.installation().version);
    }

    /// Lets `/api` say whether its queue and its database answer.
    pub fn set_services(&self, queue: bool, data: bool) {
        self.shared.installation().services = Services { queue, data };
    }

    /// Gives a user another token, as when somebody resets it: the one before is refused from now on.
    pub fn rotate_token(&self, user: u64) -> anyhow::Result<String> {
        self.change(|installation| installation.rotate_token(user)).map_err(|refusal| told(&refusal))
    }

    /// Adds a webhook for all events to an account and gives its secret.
    pub fn subscribe(&self, account: AccountId, url: &str) -> anyhow::Result<String> {
        self.change(|installation| {
            let events = EVENTS.iter().map(|event| (*event).to_owned()).collect();
            let id = installation
                .add_webhook(account.0, None, url, None, events)
                .map_err(|refusal| told(&refusal))?;
            let account = installation.account(account.0).map_err(|refusal| told(&refusal))?;
            let webhook = account.webhooks.iter().find(|webhook| webhook.id == id);
            Ok(webhook.context("the webhook is gone")?.secret.clone())
        })
    }

    /// The conversation as an administrator sees it over REST.
    pub fn conversation(&self, id: ConversationId) -> Option<Value> {
        let installation = self.shared.installation();
        let account = installation.accounts.get(&id.account.0)?;
        Some(views::conversation(&installation, account, account.conversation(id.number.0)?))
    }

    /// All its messages as an administrator sees them over REST, oldest first.
    pub fn messages(&self, id: ConversationId) -> Vec<Value> {
        let installation = self.shared.installation();
        let Some(account) = installation.accounts.get(&id.account.0) else { return Vec::new() };
        let Some(row) = account.conversation(id.number.0) else { return Vec::new() };
        row.messages.iter().map(|message| views::message(&installation, account, row, message)).collect()
    }

    /// How many there are of each thing.
    pub fn counts(&self) -> Counts {
        let installation = self.shared.installation();
        let mut counts = Counts { users: installation.users.len(), ..Counts::default() };
        for account in installation.accounts.values() {
            counts.accounts += 1;
            counts.agents += account.members.len();
            counts.inboxes += account.inboxes.len();
            counts.inbox_members += account.inboxes.values().map(|inbox| inbox.members.len()).sum::<usize>();
            counts.webhooks += account.webhooks.len();
            counts.attribute_definitions += account.definitions.len();
            counts.hooks += account.hooks.len();
            counts.contacts += account.contacts.len();
            counts.contact_inboxes += account.contact_inboxes.len();
            counts.conversations += account.conversations.len();
            counts.messages += account.conversations.iter().map(|row| row.messages.len()).sum::<usize>();
        }
        counts
    }

    /// Lets the next requests with this method and a path of this pattern fail, so many times. In a pattern `*` stands for one segment
    /// and a last `**` for any rest; `*` as the method stands for all. Plans that fit the same request are used up one after the other.
    pub fn fault(&self, method: &str, pattern: &str, fault: Fault, times: usize) {
        self.shared.faults().plan(method, pattern, fault, times);
    }

    /// Takes all plans back.
    pub fn no_more_faults(&self) {
        self.shared.faults().clear();
    }

    /// The requests that came, in order.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests().clone()
    }

    /// How many requests came with this method and a path of this pattern.
    pub fn requests_to(&self, method: &str, pattern: &str) -> usize {
        self.shared.requests().iter().filter(|request| request.matches(method, pattern)).count()
    }

    /// Forgets the requests that came.
    pub fn forget_requests(&self) {
        self.shared.requests().clear();
    }

    /// What becomes of all webhooks from now on.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.shared.postman.set(delivery);
    }

    /// What becomes of the webhooks of this event from now on.
    pub fn set_delivery_of(&self, event: &str, delivery: Delivery) {
        self.shared.postman.set_of(event, delivery);
    }

    /// Signs webhooks with the time of this clock instead of its own: a receiver that reads the wall's time wants them fresh by it.
    pub fn sign_by(&self, clock: Clock) {
        self.shared.postman.sign_by(clock);
    }

    /// The webhooks that are held, oldest first.
    pub fn held(&self) -> Vec<Held> {
        self.shared.postman.held()
    }

    /// Sends these held webhooks, each after the answer to the one before. They are signed now.
    pub async fn release(&self, ids: &[u64]) -> anyhow::Result<()> {
        self.shared.postman.release(ids).await
    }

    /// Loses the webhooks that are held.
    pub fn discard_held(&self) {
        self.shared.postman.discard_held();
    }

    /// Waits until every webhook that is neither held nor lost has been sent and answered.
    pub async fn delivered(&self) {
        self.shared.postman.finished().await;
    }

    /// What became of the webhooks, in the order in which it was known.
    pub fn sent(&self) -> Vec<Sent> {
        self.shared.postman.sent()
    }

    fn change<T>(&self, deed: impl FnOnce(&mut Installation) -> T) -> T {
        self.shared.change(deed)
    }
}

impl Drop for Chatwoot {
    fn drop(&mut self) {
        self.server.abort();
    }
}
