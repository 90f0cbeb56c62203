//! Our client's requests beside Chatwoot's official API document: a mock server driven by it (Prism) refuses whatever the document does
//! not allow, and names the field.
//!
//! Where server and document differ, the server is right; each such difference is listed here, and nothing else is let through. What
//! comes back are the document's examples, which are not answers of a server: whether those can be read is the fake's business.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use chatwoot::client::{AttributeKind, Chatwoot, ClientError, Installation, NewConversation, Tokens};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};
use trust::{
    id::{AccountId, ConversationNumber, InboxId, MessageId},
    marketplace::Agent,
    time::Moment,
};

use crate::stack::free_port;

/// How long the mock server may take to start.
const DEADLINE: Duration = Duration::from_mins(2);

/// Where server and document differ, as far as it concerns what we send: what the document says, where, and what the server takes.
fn corrections() -> Vec<(&'static str, &'static str, Value)> {
    let platform = "/components/securitySchemes/platformAppApiKey/name";
    vec![
        // Proxies drop headers with underscores; the server takes both.
        ("/components/securitySchemes/userApiKey/name", "api_access_token", json!("api-access-token")),
        (platform, "api_access_token", json!("api-access-token")),
        // The server knows integrations by name.
        (
            "/components/schemas/integrations_hook_create_payload/properties/app_id/type",
            "integer",
            json!("string"),
        ),
    ]
}

/// Calls that the document does not know and the server does.
const UNDOCUMENTED: [&str; 2] = ["the installation's version", "the platform app's accounts"];

fn document() -> Option<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/chatwoot/openapi.json");
    let text = std::fs::read_to_string(file).ok()?;
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for (place, said, right) in corrections() {
        let found = document.pointer_mut(place).unwrap();
        assert_eq!(found, said, "{place}: the document no longer differs here");
        *found = right;
    }
    Some(document)
}

/// The mock server.
struct Prism {
    address: SocketAddr,
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Prism {
    async fn start(document: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("openapi.json");
        std::fs::write(&file, document.to_string()).unwrap();
        let port = free_port();
        let prism = prism();
        assert!(prism.is_file(), "{} is not there: run tests/setup first", prism.display());
        let mut process = Command::new(prism)
            .args(["mock", "--host", "127.0.0.1", "--errors", "--port", &port.to_string()])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let started = Instant::now();
        while TcpStream::connect(address).await.is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the mock server has ended");
            assert!(started.elapsed() < DEADLINE, "the mock server does not answer");
            sleep(Duration::from_millis(50)).await;
        }
        Self { address, _process: process, _folder: folder }
    }

    fn client(&self) -> Chatwoot {
        let tokens = Tokens { platform: Some("platform".to_owned()), user: "user".to_owned() };
        let base = format!("http://{}", self.address).parse().unwrap();
        Installation::at(base, 60_000.try_into().unwrap()).unwrap().with(tokens)
    }
}

/// Tools lie in the target directory, beside the profile that the test was built in.
fn prism() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    target.join("tools/prism/node_modules/.bin/prism")
}

/// What came of each call our client can make.
async fn every_call(chatwoot: &Chatwoot) -> Vec<(&'static str, Option<ClientError>)> {
    let (account, inbox) = (AccountId(1), InboxId(3));
    let number = ConversationNumber(42);
    let (provider, renter) = ("acme".parse().unwrap(), "rita-7".parse().unwrap());
    let (contract, offering) = ("c-1".parse().unwrap(), "vps".parse().unwrap());
    let agent = Agent { name: "Al".to_owned(), email: "al@acme.example".to_owned().try_into().unwrap() };
    let now = Moment::parse("2026-11-20T10:00:00Z").unwrap();
    let webhook = serde_json::from_value(json!({ "id": 5, "url": "https://hooks.example/1" })).unwrap();
    let conversation = NewConversation {
        inbox,
        contact: 5,
        source: "0123456789abcdef",
        contract: &contract,
        offering: &offering,
        link: Some("https://marketplace.example/contracts/c-1"),
    };
    let mut outcomes = Vec::new();
    macro_rules! call {
        ($name:literal, $call:expr) => {
            outcomes.push(($name, $call.await.err()))
        };
    }
    call!("the installation's version", chatwoot.server());
    call!("the platform app's accounts", chatwoot.accounts());
    call!("whose token it is", chatwoot.profile());
    call!("an account for a provider", chatwoot.create_account("Acme Compute", &provider));
    call!("an administrator", chatwoot.administer(account, 1));
    call!("the agents", chatwoot.agents(account));
    call!("an agent", chatwoot.invite(account, &agent));
    call!("the inboxes", chatwoot.inboxes(account));
    call!("a website inbox", chatwoot.create_website_inbox(account, "Acme", "https://m.example/acme"));
    call!("identity", chatwoot.require_identity(account, inbox));
    call!("the members", chatwoot.members(account, inbox));
    call!("exactly these members", chatwoot.set_members(account, inbox, &[3, 4]));
    call!("the webhooks", chatwoot.webhooks(account));
    call!("a webhook", chatwoot.create_webhook(account, "https://hooks.example/1"));
    call!("exactly these subscriptions", chatwoot.subscribe_exactly(account, &webhook));
    call!("the attributes", chatwoot.attributes(account));
    call!("an attribute", chatwoot.define_attribute(account, "contract_id", "Contract", AttributeKind::Text));
    call!("suggested replies", chatwoot.suggest_replies(account, "sk-none"));
    call!("a search for a renter", chatwoot.find_contact(account, &renter));
    call!("a contact", chatwoot.create_contact(account, inbox, &renter));
    call!("a place in an inbox", chatwoot.give_place(account, 5, inbox, "0123456789abcdef"));
    call!("a contact's conversations", chatwoot.conversations_of(account, 5));
    call!("a conversation", chatwoot.open_conversation(account, &conversation));
    call!("a note", chatwoot.note_once(account, number, "Contract c-1"));
    call!("an end", chatwoot.resolve(account, number));
    call!("what changed lately", chatwoot.changed_since(account, now.plus(-600), now));
    call!("what changed in a week", chatwoot.changed_since(account, now.plus(-604_800), now));
    call!("the messages since", chatwoot.messages_after(account, number, MessageId(7)));
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_ours_is_one_that_chatwoots_document_allows() {
    let Some(document) = document() else {
        eprintln!("skipped: there is no ../shared/data/chatwoot/openapi.json beside the project");
        return;
    };
    let prism = Prism::start(&document).await;
    let outcomes = every_call(&prism.client()).await;
    assert!(outcomes.len() > 25);
    for (call, outcome) in outcomes {
        match outcome {
            None | Some(ClientError::Unreadable(_)) => {
                assert!(!UNDOCUMENTED.contains(&call), "{call}: the document knows it by now");
            }
            // No such path, or not with this method.
            Some(ClientError::NotFound(_) | ClientError::Invalid(_)) if UNDOCUMENTED.contains(&call) => {}
            Some(refused) => panic!("{call}: {refused}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_document_does_not_allow_is_noticed() {
    let Some(mut document) = document() else {
        eprintln!("skipped: there is no ../shared/data/chatwoot/openapi.json beside the project");
        return;
    };
    // As if Chatwoot had made a field of ours another kind of thing.
    let kind = "/components/schemas/agent_create_payload/properties/name/type";
    *document.pointer_mut(kind).unwrap() = json!("integer");
    let prism = Prism::start(&document).await;
    let agent = Agent { name: "Al".to_owned(), email: "al@acme.example".to_owned().try_into().unwrap() };
    let refused = prism.client().invite(AccountId(1), &agent).await;
    assert!(matches!(refused, Err(ClientError::Invalid(_))), "{refused:?}");
}
