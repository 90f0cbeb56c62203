//! The chat's main job, over HTTP only: a provider and a contract from the marketplace, a renter who proves in the widget who he is, and the
//! facts of what he and the provider write.

use std::time::Duration;

use end_to_end::{
    callers::{Asked, Caller},
    chatwoot::{Author, Clock, Identity, Thread, Visit},
    operator::Operator,
};
use local_stack::{Options, Stack, Storage, tokens::Keys};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use trust::id::{AccountId, ConversationId, ConversationNumber, InboxId};

use crate::stack::{Door, ago, completed, event};

const IDENTITY: &str = "/v1/signed/chat/identity";

async fn signed(
    door: &Door,
    caller: &Caller,
    method: &str,
    path: &str,
    body: &str,
    nonce: u32,
) -> (u16, Value) {
    let asked = Asked { method, path, body: body.as_bytes() };
    let nonce = format!("00000000-0000-4000-8000-{nonce:012}");
    let headers = caller.sign(asked, lambda::clock::now().unix(), &nonce).unwrap();
    let mut request = door.client.request(method.parse().unwrap(), format!("{}{path}", door.base));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response =
        request.header("content-type", "application/json").body(body.to_owned()).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renter_who_proves_who_he_is_in_the_widget_is_waited_for_and_answered() {
    // A while ago, so that replies take longer than nothing.
    let clock = Clock::at(ago(300));
    let operator = Operator::start(clock.clone()).await.unwrap();
    operator.chatwoot.sign_by(Clock::wall());
    let stack = Stack::start(Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        secrets: operator.secrets().to_string(),
        parameters: operator.parameters(),
        keys: Keys::default(),
    })
    .await
    .unwrap();
    let door = Door::at(stack.address());
    let (renter, stranger) = (Caller::number(7), Caller::number(8));

    // The marketplace: a provider with an offering and a contract behind him, and one that begins.
    let agents = json!([{ "name": "Al", "email": "al@p1.example" }]);
    door.told(&[
        event(
            "provider.registered",
            ago(9000),
            json!({ "provider_id": "p1", "name": "Provider 1", "agents": agents }),
        ),
        event(
            "offering.published",
            ago(9000),
            json!({ "provider_id": "p1", "offering_id": "o1", "name": "A server" }),
        ),
    ])
    .await;
    door.told(&completed("c0", "p1", "somebody", ago(6000))).await;
    door.until("/v1/providers/p1/chat", |chat| chat["state"] == "ready").await;
    door.told(&[crate::stack::requested("c1", "p1", &renter.id(), ago(301))]).await;
    door.settled().await;

    // The renter's page asks for his identity; nobody else gets it.
    let body = r#"{"contract_id":"c1"}"#;
    let (status, identity) = signed(&door, &renter, "POST", IDENTITY, body, 1).await;
    assert_eq!((status, &identity["base_url"]), (200, &json!(operator.chatwoot.base_url())));
    let (status, refused) = signed(&door, &stranger, "POST", IDENTITY, body, 2).await;
    assert_eq!((status, refused.get("identifier_hash")), (403, None));

    // In the widget he writes, in the conversation that is there for his contract.
    let conversation = ConversationId { account: AccountId(1), number: ConversationNumber(1) };
    let shown = operator.chatwoot.conversation(conversation).unwrap();
    assert_eq!(shown["custom_attributes"]["contract_id"], "c1");
    let visit = Visit {
        account: AccountId(1),
        inbox: InboxId(shown["inbox_id"].as_u64().unwrap()),
        renter: renter.id(),
        identity: Identity::Hash(identity["identifier_hash"].as_str().unwrap().to_owned()),
    };
    let written = operator.chatwoot.renter_writes(&visit, Thread::Latest, "Is my server up?").unwrap();
    assert_eq!(written.conversation, conversation);
    let forged = Visit { identity: Identity::Hash("0".repeat(64)), ..visit };
    assert!(operator.chatwoot.renter_writes(&forged, Thread::New, "It is me").is_err());
    clock.advance(1200);
    let al = operator.chatwoot.messages(conversation);
    assert_eq!(al.iter().filter(|message| message["message_type"] == 0).count(), 1);
    let agent = agent_of(&operator).await;
    operator.chatwoot.writes(conversation, Author::Agent(agent), "It is.").unwrap();
    operator.chatwoot.delivered().await;
    door.settled().await;

    // Facts, and the log for the parties.
    let found = door.until("/v1/providers/p1", |found| found["replies"]["windows"][0]["n"] == 1).await;
    let median = found["replies"]["windows"][0]["median"]["seconds"].as_u64().unwrap();
    assert!((1200..1220).contains(&median), "{median}");
    let (status, log) = signed(&door, &renter, "GET", "/v1/signed/contracts/c1/messages", "", 3).await;
    assert_eq!(status, 200, "{log}");
    let told: Vec<(&str, &str)> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["side"].as_str().unwrap(), item["class"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("neither", "automation"), ("renter", "message"), ("provider", "reply")],
        "our note, and theirs"
    );
    assert!(!log.to_string().contains("server"), "no text");
    let (status, _) = signed(&door, &stranger, "GET", "/v1/signed/contracts/c1/messages", "", 4).await;
    assert_eq!(status, 403);

    // The end.
    door.told(&[event("contract.completed", ago(1), json!({ "contract_id": "c1" }))]).await;
    let resolved = async {
        while operator.chatwoot.conversation(conversation).unwrap()["status"] != "resolved" {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_mins(1), resolved).await.unwrap();
}

/// The provider's agent, whom nobody but Chatwoot has told a password.
async fn agent_of(operator: &Operator) -> u64 {
    let agents = operator.get(AccountId(1), "/agents").await.unwrap();
    let agents = agents.as_array().unwrap();
    let al = agents.iter().find(|agent| agent["email"] == "al@p1.example").unwrap();
    assert_eq!(al["role"], "agent");
    al["id"].as_u64().unwrap()
}
