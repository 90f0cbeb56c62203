//! The local stack as a flow sees it: over HTTP only, with the keys to the front door.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

pub(crate) use end_to_end::samples::{EVENTS_SECRET, queued};
use local_stack::{Options, Stack, Storage};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use tokio::time::{Instant, sleep};
use trust::time::Moment;

pub(crate) const CHAT_SECRET: &str = "sEcReT-of-account-one-24";

/// What must never be found again after a message went through.
pub(crate) const TEXT: &str = "my root password is hunter2 and I am not amused";
pub(crate) const PUBSUB_TOKEN: &str = "kYpubsubTokenOfTheRentersBrowser";

/// How long anything may take to have its effect.
const DEADLINE: Duration = Duration::from_mins(2);

pub(crate) fn secrets() -> Value {
    json!({
        "events": [EVENTS_SECRET, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"],
        "chatwoot": { "1": { "webhook": [CHAT_SECRET, "the-previous-secret-of-1"] }, "2": { "webhook": [CHAT_SECRET] },
                      "9": { "webhook": [], "unsigned": "accepted" } },
        "reports": ["what-keys-are-made-from", "what-they-were-made-from"],
        "marketplace": [end_to_end::samples::MARKETPLACE_SECRET],
        "feedback": [end_to_end::samples::FEEDBACK_SECRET, "what-links-were-made-with"],
    })
}

/// A client at the front door.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) client: Client,
    pub(crate) base: String,
}

impl Door {
    pub(crate) fn at(address: SocketAddr) -> Self {
        let client = Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Self { client, base: format!("http://{address}") }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(format!("{}{path}", self.base)).send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let answer = response.json().await.unwrap();
        crate::document::check(path, &answer);
        answer
    }

    /// Asks until there is an answer that fulfils a condition.
    pub(crate) async fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let response = self.get(path).await;
            let status = response.status();
            let answer: Value = response.json().await.unwrap();
            if status == 200 && holds(&answer) {
                crate::document::check(path, &answer);
                return answer;
            }
            assert!(started.elapsed() < DEADLINE, "{path}: {status} {answer:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends events, signed now, and answers what came back.
    pub(crate) async fn events(&self, events: &Value) -> Result<Response, reqwest::Error> {
        let body = events.to_string();
        let now = lambda::clock::now().unix();
        let signature = Webhook::new(EVENTS_SECRET).unwrap().sign("m1", now, body.as_bytes()).unwrap();
        self.signed_events(body, "m1", &now.to_string(), &signature).await
    }

    pub(crate) async fn signed_events(
        &self,
        body: impl Into<reqwest::Body>,
        id: &str,
        timestamp: &str,
        signature: &str,
    ) -> Result<Response, reqwest::Error> {
        let request = self.client.post(format!("{}/v1/events", self.base));
        let request = request.header("content-type", "application/cloudevents+json");
        let request = request.header("webhook-id", id).header("webhook-timestamp", timestamp);
        request.header("webhook-signature", signature).body(body).send().await
    }

    /// Sets a contract's monitors, in a request of this id that was signed at this time.
    pub(crate) async fn set_monitors(&self, contract: &str, body: &Value, id: &str, at: Moment) -> Response {
        let body = body.to_string();
        let signature = Webhook::new(EVENTS_SECRET).unwrap().sign(id, at.unix(), body.as_bytes()).unwrap();
        let request = self.client.put(format!("{}/v1/contracts/{contract}/monitors", self.base));
        let request = request.header("content-type", "application/json").header("webhook-id", id);
        let request = request.header("webhook-timestamp", at.unix().to_string());
        request.header("webhook-signature", signature).body(body).send().await.unwrap()
    }

    /// Sends events that are taken.
    pub(crate) async fn told(&self, events: &[Value]) {
        let response = self.events(&json!(events)).await.unwrap();
        let status = response.status();
        assert_eq!(status, 202, "{}", response.text().await.unwrap());
    }

    /// Sends a Chatwoot payload, signed now.
    pub(crate) async fn webhook(&self, account: u64, payload: &Value) -> Result<Response, reqwest::Error> {
        let body = payload.to_string();
        let (timestamp, signature) =
            chatwoot::signature::sign(CHAT_SECRET, lambda::clock::now(), body.as_bytes());
        self.signed_webhook(account, body, &timestamp, &signature).await
    }

    pub(crate) async fn signed_webhook(
        &self,
        account: u64,
        body: impl Into<reqwest::Body>,
        timestamp: &str,
        signature: &str,
    ) -> Result<Response, reqwest::Error> {
        let mut request = self.client.post(format!("{}/lambda-url/chatwoot-webhook/{account}", self.base));
        if !timestamp.is_empty() {
            request = request.header(chatwoot::signature::TIMESTAMP_HEADER, timestamp);
        }
        if !signature.is_empty() {
            request = request.header(chatwoot::signature::SIGNATURE_HEADER, signature);
        }
        request.header("content-type", "application/json").body(body).send().await
    }

    /// Sends a message that is taken.
    pub(crate) async fn said(&self, message: &Message) {
        let response = self.webhook(message.account, &message.payload()).await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "{status} {}", response.text().await.unwrap());
    }

    /// Waits until everything that came in has taken effect.
    pub(crate) async fn settled(&self) {
        end_to_end::settled(&self.client, &self.base).await.unwrap();
    }
}

/// A stack of its own for one test, in memory.
pub(crate) async fn in_memory() -> (Stack, Door) {
    in_memory_with(&[]).await
}

/// The same, with these parameters of the template.
pub(crate) async fn in_memory_with(parameters: &[(&str, &str)]) -> (Stack, Door) {
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        secrets: secrets().to_string(),
        parameters: std::collections::BTreeMap::new(),
        keys: local_stack::tokens::Keys::default(),
    };
    let given = |options: Options, (name, value): &(&str, &str)| options.with_parameter(*name, *value);
    let stack = Stack::start(parameters.iter().fold(options, given)).await.unwrap();
    let door = Door::at(stack.address());
    (stack, door)
}

/// The stack as a user starts it: the binary, in a process of its own.
pub(crate) struct Process {
    child: Child,
    pub(crate) door: Door,
    log: PathBuf,
}

impl Process {
    /// Starts the binary on a data directory, and waits until it answers.
    pub(crate) async fn start(directory: &Path, port: u16) -> Self {
        let secrets_file = directory.join("given-secrets.json");
        std::fs::write(&secrets_file, secrets().to_string()).unwrap();
        let log = directory.join("log.txt");
        let output = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        let child = Command::new(binary())
            .args(["--listen", &address.to_string(), "--empty", "--data"])
            .arg(directory)
            .arg("--secrets")
            .arg(&secrets_file)
            .env(
                "RUST_LOG",
                "debug,hyper=info,aws_smithy_runtime=info,aws_smithy_runtime_api=info,aws_sdk_dynamodb=info",
            )
            .stdout(Stdio::from(output.try_clone().unwrap()))
            .stderr(Stdio::from(output))
            .spawn()
            .unwrap_or_else(|error| {
                panic!("build the binaries first (cargo build --workspace --bins): {error}")
            });
        let process = Self { child, door: Door::at(address), log };
        let started = Instant::now();
        while process.door.client.get(format!("{}/_local/queues", process.door.base)).send().await.is_err() {
            assert!(started.elapsed() < DEADLINE, "the stack does not answer: {}", process.log());
            sleep(Duration::from_millis(20)).await;
        }
        process
    }

    /// Ends the process at once, wherever it is (SIGKILL).
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A port nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("local-stack")
}

/// A time so many minutes ago.
pub(crate) fn ago(minutes: i64) -> Moment {
    lambda::clock::now().plus(-minutes * 60)
}

/// A marketplace event.
pub(crate) fn event(kind: &str, at: Moment, data: impl Into<Value>) -> Value {
    let data = data.into();
    let id = format!("{kind}-{at}-{data}")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(200)
        .collect::<String>();
    json!({ "specversion": "1.0", "id": id, "source": "/test", "type": kind, "time": at, "data": data })
}

pub(crate) fn registered(provider: &str, account: u64) -> Value {
    let data = json!({ "provider_id": provider, "name": format!("Provider {provider}"), "chat": { "account": account } });
    event("provider.registered", ago(60 * 24 * 50), data)
}

pub(crate) fn requested(contract: &str, provider: &str, renter: &str, at: Moment) -> Value {
    event(
        "contract.requested",
        at,
        json!({
            "contract_id": contract, "provider_id": provider, "renter_id": renter, "offering_id": "o1",
            "term_seconds": 86400, "price": { "minor_units": 500, "currency": "EUR" },
        }),
    )
}

/// A whole contract that ran its term.
pub(crate) fn completed(contract: &str, provider: &str, renter: &str, at: Moment) -> Vec<Value> {
    let about = json!({ "contract_id": contract });
    vec![
        requested(contract, provider, renter, at),
        event("contract.accepted", at.plus(600), json!({ "contract_id": contract, "by": "provider" })),
        event("contract.provisioned", at.plus(1200), about.clone()),
        event("contract.completed", at.plus(90_000), about),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    Renter,
    Agent,
    Note,
    Bot,
}

/// A message in a contract's conversation, of its verified renter `r1` unless told otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) account: u64,
    pub(crate) conversation: u64,
    pub(crate) id: u64,
    pub(crate) at: Moment,
    pub(crate) author: Author,
    pub(crate) renter: String,
    pub(crate) contract: Option<String>,
    pub(crate) verified: bool,
}

impl Message {
    pub(crate) fn new(conversation: u64, id: u64, author: Author, at: Moment) -> Self {
        let (renter, contract) = ("r1".to_owned(), Some("c1".to_owned()));
        Self { account: 1, conversation, id, at, author, renter, contract, verified: true }
    }

    /// The payload of `message_created` as Chatwoot 4.18 sends it.
    pub(crate) fn payload(&self) -> Value {
        let account = json!({ "id": self.account, "name": "Acme" });
        let mut contact = json!({
            "additional_attributes": {}, "custom_attributes": {}, "email": "renter@example.org", "id": 5,
            "identifier": self.renter, "name": "Rita Renter", "phone_number": "+491700000000", "thumbnail": "", "blocked": false,
        });
        let (kind, private, sender) = match self.author {
            Author::Renter => ("incoming", false, contact.clone()),
            Author::Agent => (
                "outgoing",
                false,
                json!({ "id": 3, "name": "Al Agent", "email": "al@example.org", "type": "user" }),
            ),
            Author::Note => (
                "outgoing",
                true,
                json!({ "id": 3, "name": "Al Agent", "email": "al@example.org", "type": "user" }),
            ),
            Author::Bot => ("outgoing", false, json!({ "id": 1, "name": "Bot", "type": "agent_bot" })),
        };
        contact["type"] = json!("contact");
        let attributes =
            self.contract.as_ref().map_or_else(|| json!({}), |contract| json!({ "contract_id": contract }));
        let seconds = self.at.unix();
        json!({
            "event": "message_created", "id": self.id, "account": account, "additional_attributes": {},
            "content_attributes": {}, "content_type": "text", "content": TEXT, "created_at": self.at,
            "inbox": { "id": 3, "name": "Website" }, "message_type": kind, "private": private, "sender": sender, "source_id": null,
            "conversation": {
                "account": account, "additional_attributes": {}, "can_reply": true, "channel": "Channel::WebWidget",
                "contact_inbox": {
                    "id": 8, "contact_id": 5, "inbox_id": 3, "source_id": "src", "created_at": self.at, "updated_at": self.at,
                    "hmac_verified": self.verified, "pubsub_token": PUBSUB_TOKEN,
                },
                "id": self.conversation, "inbox_id": 3, "messages": [], "labels": [],
                "meta": { "sender": contact, "assignee": null, "team": null, "hmac_verified": self.verified },
                "status": "open", "custom_attributes": attributes, "snoozed_until": null, "unread_count": 1,
                "first_reply_created_at": null, "priority": null, "waiting_since": seconds, "agent_last_seen_at": 0,
                "contact_last_seen_at": 0, "last_activity_at": seconds, "timestamp": seconds, "created_at": seconds,
                "updated_at": seconds as f64 + 0.25,
            },
        })
    }
}
