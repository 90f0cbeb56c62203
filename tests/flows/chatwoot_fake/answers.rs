//! What the fake answers, held against the official document.

use end_to_end::chatwoot::{Author, Chatwoot, Clock, Identity, Thread, Visit};
use serde_json::{Value, json};
use trust::id::{AccountId, ConversationNumber, InboxId};

use super::{
    Rest,
    document::{self, Document},
    furnished, noon, visit,
};

/// Asks the fake as the document says, and lets the document judge the answers.
struct Driver<'a> {
    document: &'a Document,
    asked: Vec<String>,
    errors: Vec<String>,
}

impl Driver<'_> {
    /// Sends a request to an operation; the path's parameters are filled in from left to right.
    async fn ask(
        &mut self,
        rest: &Rest,
        operation: &str,
        filled: &[u64],
        query: &str,
        body: Value,
    ) -> (u16, Value) {
        let (method, template) = operation.split_once(' ').unwrap();
        let mut filled = filled.iter();
        let segments = template.split('/').map(|segment| match segment.strip_prefix('{') {
            Some(_) => filled.next().unwrap().to_string(),
            None => segment.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/") + query;
        let body = Some(body).filter(|body| !body.is_null());
        let (status, answer) = rest.send(method.parse().unwrap(), &path, body.as_ref()).await.unwrap();
        self.errors.extend(self.document.errors(operation, status, &answer));
        self.asked.push(operation.to_owned());
        (status, answer)
    }

    /// The same, and it is done.
    async fn done(
        &mut self,
        rest: &Rest,
        operation: &str,
        filled: &[u64],
        query: &str,
        body: Value,
    ) -> Value {
        let (status, answer) = self.ask(rest, operation, filled, query, body).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// The same, and it is refused.
    async fn refused(&mut self, rest: &Rest, operation: &str, filled: &[u64], body: Value, expected: u16) {
        let (status, answer) = self.ask(rest, operation, filled, "", body).await;
        assert_eq!(status, expected, "{operation}: {answer}");
    }
}

const ACCOUNT: &str = "/api/v1/accounts/{account_id}";

fn on(method: &str, path: &str) -> String {
    format!("{method} {ACCOUNT}{path}")
}

#[tokio::test]
async fn every_answer_is_what_the_official_document_and_its_known_errors_say() {
    let Some(document) = Document::read() else {
        println!(
            "SKIPPED: ../shared/data/chatwoot/openapi.json is not there; without it nothing was checked against it"
        );
        return;
    };
    let mut driver = Driver { document: &document, asked: Vec::new(), errors: Vec::new() };
    let chatwoot = Chatwoot::start(Clock::at(noon())).await.unwrap();
    let platform = Rest::of(&chatwoot, chatwoot.platform_token());

    let (account, administrator) = set_up_account(&mut driver, &platform).await;
    let rest = Rest { token: administrator, ..platform.clone() };
    let inbox = set_up_inbox(&mut driver, &rest, account).await;
    let contact = meet_contact(&mut driver, &rest, account, inbox).await;
    talk(&mut driver, &chatwoot, &rest, account, inbox, contact).await;
    be_refused(&mut driver, &platform, &rest, account).await;

    assert_eq!(driver.errors, Vec::<String>::new());
    assert_eq!(document.unused(), Vec::<&str>::new(), "deviations that are none any more");
    for (operation, _) in document::UNDOCUMENTED {
        assert!(driver.asked.iter().any(|asked| asked == operation), "{operation} was not asked");
    }
}

/// A judge that lets everything pass would be no judge.
#[tokio::test]
async fn the_document_refuses_an_answer_with_a_property_more_or_less_or_of_another_kind() {
    let Some(document) = Document::read() else { return };
    let (chatwoot, acme, rest) = furnished().await;
    chatwoot.renter_writes(&visit(&acme, "r1", Identity::Verified), Thread::Latest, "Hello").unwrap();
    let (status, right) = rest.get(&format!("/api/v1/accounts/{}/conversations", acme.account)).await;
    let operation = on("GET", "/conversations");
    assert_eq!(document.errors(&operation, status, &right), Vec::<String>::new());
    for (place, wrong) in [
        ("/data/payload/0/messages/0", json!({ "one": "more" })),
        ("/data/payload/0/status", json!("opened")),
        ("/data/payload/0/meta/sender/id", json!("1")),
        ("/data/payload/0/meta", json!({})),
        ("/data/meta/all_count", Value::Null),
    ] {
        let mut answer = right.clone();
        *answer.pointer_mut(place).unwrap() = wrong;
        assert_ne!(document.errors(&operation, status, &answer), Vec::<String>::new(), "{place}");
    }
    assert_ne!(document.errors(&operation, 418, &right), Vec::<String>::new());
    assert_ne!(document.errors("GET /api/v1/nothing", 200, &right), Vec::<String>::new());
}

async fn set_up_account(driver: &mut Driver<'_>, platform: &Rest) -> (u64, String) {
    driver.done(platform, "GET /health", &[], "", Value::Null).await;
    let server = driver.done(platform, "GET /api", &[], "", Value::Null).await;
    assert_eq!(server["version"], "4.18.0");
    assert_eq!(server["queue_services"], "ok");
    let body = json!({ "name": "Acme", "locale": "en", "custom_attributes": { "provider_id": "acme" } });
    let made = driver.done(platform, "POST /platform/api/v1/accounts", &[], "", body).await;
    let account = made["id"].as_u64().unwrap();
    let listed = driver.done(platform, "GET /platform/api/v1/accounts", &[], "", Value::Null).await;
    assert_eq!(listed, json!([made]));
    let shown = driver
        .done(platform, "GET /platform/api/v1/accounts/{account_id}", &[account], "", Value::Null)
        .await;
    assert_eq!(shown, made);
    let body = json!({
        "name": "Operator", "email": "Operator@example.org", "password": "Secret-1", "custom_attributes": { "team": "x" },
    });
    let user = driver.done(platform, "POST /platform/api/v1/users", &[], "", body).await;
    assert_eq!(user["email"], "operator@example.org");
    let again = json!({ "name": "Somebody else", "email": "operator@example.org" });
    let again = driver.done(platform, "POST /platform/api/v1/users", &[], "", again).await;
    assert_eq!(again["id"], user["id"], "an address that is known is claimed");
    let user = user["id"].as_u64().unwrap();
    let users = "/platform/api/v1/accounts/{account_id}/account_users";
    let body = json!({ "user_id": user, "role": "administrator" });
    for _ in 0..2 {
        driver.done(platform, &format!("POST {users}"), &[account], "", body.clone()).await;
    }
    let members = driver.done(platform, &format!("GET {users}"), &[account], "", Value::Null).await;
    assert_eq!(members.as_array().unwrap().len(), 1, "found, not created anew");
    let token =
        driver.done(platform, "POST /platform/api/v1/users/{id}/token", &[user], "", Value::Null).await;
    let token = token["access_token"].as_str().unwrap().to_owned();
    let rest = Rest { token, ..platform.clone() };
    let profile = driver.done(&rest, "GET /api/v1/profile", &[], "", Value::Null).await;
    assert_eq!(profile["accounts"][0]["id"], account);
    let rotated = driver.done(&rest, "POST /api/v1/profile/reset_access_token", &[], "", Value::Null).await;
    assert_eq!(rest.get("/api/v1/profile").await.0, 401, "the token before is nobody's");
    (account, rotated["access_token"].as_str().unwrap().to_owned())
}

async fn set_up_inbox(driver: &mut Driver<'_>, rest: &Rest, account: u64) -> u64 {
    let body = json!({ "name": "Al", "email": "al@example.org", "role": "agent" });
    let agent = driver.done(rest, &on("POST", "/agents"), &[account], "", body).await;
    driver.done(rest, &on("GET", "/agents"), &[account], "", Value::Null).await;
    let body =
        json!({ "name": "Site", "channel": { "type": "web_widget", "website_url": "https://example.org" } });
    let inbox = driver.done(rest, &on("POST", "/inboxes"), &[account], "", body).await;
    let id = inbox["id"].as_u64().unwrap();
    assert_eq!(inbox["hmac_mandatory"], false);
    let body = json!({ "channel": { "hmac_mandatory": true } });
    let inbox = driver.done(rest, &on("PATCH", "/inboxes/{id}"), &[account, id], "", body).await;
    assert_eq!(inbox["hmac_mandatory"], true);
    driver.done(rest, &on("GET", "/inboxes/{id}"), &[account, id], "", Value::Null).await;
    driver.done(rest, &on("GET", "/inboxes"), &[account], "", Value::Null).await;
    let body = json!({ "inbox_id": id, "user_ids": [agent["id"]] });
    driver.done(rest, &on("PATCH", "/inbox_members"), &[account], "", body.clone()).await;
    driver.done(rest, &on("POST", "/inbox_members"), &[account], "", body).await;
    let members =
        driver.done(rest, &on("GET", "/inbox_members/{inbox_id}"), &[account, id], "", Value::Null).await;
    assert_eq!(members["payload"][0]["email"], "al@example.org");

    let body =
        json!({ "url": "https://example.org/hook", "subscriptions": ["message_created"], "inbox_id": id });
    let webhook = driver.done(rest, &on("POST", "/webhooks"), &[account], "", body).await;
    let webhook = webhook["payload"]["webhook"]["id"].as_u64().unwrap();
    driver.done(rest, &on("GET", "/webhooks"), &[account], "", Value::Null).await;
    let one = &[account, webhook];
    let body = json!({ "webhook": { "subscriptions": ["message_created", "conversation_created"] } });
    driver.done(rest, &on("PATCH", "/webhooks/{webhook_id}"), one, "", body).await;
    driver.done(rest, &on("DELETE", "/webhooks/{webhook_id}"), one, "", Value::Null).await;

    let definitions = "/custom_attribute_definitions";
    let body = json!({
        "attribute_display_name": "Contract", "attribute_display_type": 0, "attribute_key": "contract_id", "attribute_model": 0,
    });
    driver.done(rest, &on("POST", definitions), &[account], "", body).await;
    driver.done(rest, &on("GET", definitions), &[account], "?attribute_model=0", Value::Null).await;
    let body = json!({ "app_id": "openai", "settings": { "api_key": "k" } });
    driver.done(rest, &on("POST", "/integrations/hooks"), &[account], "", body).await;
    driver.done(rest, &on("GET", "/integrations/apps"), &[account], "", Value::Null).await;
    id
}

async fn meet_contact(driver: &mut Driver<'_>, rest: &Rest, account: u64, inbox: u64) -> u64 {
    let body =
        json!({ "name": "Rita", "identifier": "renter-7", "email": "rita@example.org", "inbox_id": inbox });
    let made = driver.done(rest, &on("POST", "/contacts"), &[account], "", body).await;
    let contact = made["payload"]["contact"]["id"].as_u64().unwrap();
    driver.done(rest, &on("POST", "/contacts"), &[account], "", json!({ "name": "No inbox" })).await;
    let found =
        driver.done(rest, &on("GET", "/contacts/search"), &[account], "?q=RENTER-7", Value::Null).await;
    assert_eq!(found["payload"][0]["id"], contact);
    let condition = json!({
        "attribute_key": "identifier", "filter_operator": "equal_to", "values": ["renter-7"], "query_operator": null,
    });
    let body = json!({ "payload": [condition] });
    let found = driver.done(rest, &on("POST", "/contacts/filter"), &[account], "", body).await;
    assert_eq!(found["payload"][0]["id"], contact);
    driver.done(rest, &on("GET", "/contacts/{id}"), &[account, contact], "", Value::Null).await;
    contact
}

async fn talk(
    driver: &mut Driver<'_>,
    chatwoot: &Chatwoot,
    rest: &Rest,
    account: u64,
    inbox: u64,
    contact: u64,
) {
    let body = json!({ "inbox_id": inbox, "source_id": "contract-1", "hmac_verified": true });
    let sessions = on("POST", "/contacts/{id}/contact_inboxes");
    driver.done(rest, &sessions, &[account, contact], "", body).await;
    let body = json!({
        "source_id": "contract-1", "inbox_id": inbox, "contact_id": contact, "custom_attributes": { "contract_id": "c-1" },
        "message": { "content": "Welcome" },
    });
    let made = driver.done(rest, &on("POST", "/conversations"), &[account], "", body).await;
    assert_eq!(made["meta"]["hmac_verified"], true);
    assert_eq!(made["custom_attributes"]["contract_id"], "c-1");
    let number = made["id"].as_u64().unwrap();
    let one = &[account, number];
    let (account_id, inbox_id) = (AccountId(account), InboxId(inbox));
    let renter = Visit {
        account: account_id,
        inbox: inbox_id,
        renter: "renter-7".to_owned(),
        identity: Identity::Verified,
    };
    let written = chatwoot.renter_writes(&renter, Thread::Latest, "Is it up?").unwrap();
    assert_eq!(
        written.conversation.number,
        ConversationNumber(number),
        "the widget shows a verified renter this one"
    );
    for author in [Author::Bot, Author::Automation, Author::Template] {
        chatwoot.writes(written.conversation, author, "We have heard you.").unwrap();
    }
    let messages = "/conversations/{conversation_id}/messages";
    let body = json!({ "content": "It is.", "echo_id": "e-1" });
    let reply = driver.done(rest, &on("POST", messages), one, "", body).await;
    for query in ["", "?after=1", "?before=1000"] {
        driver.done(rest, &on("GET", messages), one, query, Value::Null).await;
    }
    let delete = on("DELETE", "/conversations/{conversation_id}/messages/{message_id}");
    driver.done(rest, &delete, &[account, number, reply["id"].as_u64().unwrap()], "", Value::Null).await;
    let body = json!({ "custom_attributes": { "more": 1 }, "merge": true });
    let merged = driver
        .done(rest, &on("POST", "/conversations/{conversation_id}/custom_attributes"), one, "", body)
        .await;
    assert_eq!(merged, json!({ "custom_attributes": { "contract_id": "c-1", "more": 1 } }));
    let toggle = on("POST", "/conversations/{conversation_id}/toggle_status");
    driver.done(rest, &toggle, one, "", json!({ "status": "snoozed", "snoozed_until": 1_790_000_000 })).await;
    let snoozed =
        driver.done(rest, &on("GET", "/conversations/{conversation_id}"), one, "", Value::Null).await;
    assert_eq!(snoozed["snoozed_until"], "2026-09-21T14:13:20.000Z");
    for query in ["?status=all", "?status=all&updated_within=600", "?status=snoozed&source_id=contract-1"] {
        let listed = driver.done(rest, &on("GET", "/conversations"), &[account], query, Value::Null).await;
        assert_eq!(listed["data"]["payload"][0]["id"], number, "{query}");
    }
    driver.done(rest, &on("GET", "/contacts/{id}/conversations"), &[account, contact], "", Value::Null).await;
    // An agent who opens a conversation has it from then on.
    let (_, agents) = rest.get(&format!("/api/v1/accounts/{account}/agents")).await;
    let agent = agents.as_array().unwrap().iter().find(|agent| agent["role"] == "agent").unwrap();
    let token = chatwoot.rotate_token(agent["id"].as_u64().unwrap()).unwrap();
    let agent = Rest { token, ..rest.clone() };
    driver.done(&agent, &toggle, one, "", json!({ "status": "open" })).await;
    let mine =
        driver.done(&agent, &on("GET", "/conversations"), &[account], "?assignee_type=me", Value::Null).await;
    assert_eq!(mine["data"]["payload"][0]["meta"]["assignee"]["email"], "al@example.org");
    driver.done(&agent, &on("GET", messages), one, "", Value::Null).await;
    driver
        .done(&agent, &on("GET", "/contacts/{id}/conversations"), &[account, contact], "", Value::Null)
        .await;
    driver.done(&agent, &on("GET", "/conversations/{conversation_id}"), one, "", Value::Null).await;
    driver.refused(&agent, &on("GET", "/webhooks"), &[account], Value::Null, 401).await;
    driver
        .refused(&agent, &on("POST", "/agents"), &[account], json!({ "email": "x@example.org" }), 401)
        .await;
    let inbox = driver.done(&agent, &on("GET", "/inboxes/{id}"), &[account, inbox], "", Value::Null).await;
    assert_eq!(inbox.get("hmac_token"), None, "for administrators only");
}

async fn be_refused(driver: &mut Driver<'_>, platform: &Rest, rest: &Rest, account: u64) {
    let nobody = Rest { token: "nobody".to_owned(), ..rest.clone() };
    driver.refused(&nobody, "POST /platform/api/v1/accounts", &[], json!({ "name": "x" }), 401).await;
    driver.refused(&nobody, "GET /api/v1/profile", &[], Value::Null, 401).await;
    driver.refused(&nobody, &on("GET", "/conversations"), &[account], Value::Null, 401).await;
    driver.refused(platform, &on("GET", "/inboxes"), &[account], Value::Null, 401).await;
    driver.refused(rest, &on("GET", "/inboxes"), &[99], Value::Null, 404).await;
    driver
        .refused(rest, &on("GET", "/conversations/{conversation_id}"), &[account, 99], Value::Null, 404)
        .await;
    driver
        .refused(rest, &on("POST", "/contacts"), &[account], json!({ "identifier": "renter-7" }), 422)
        .await;
    let body = json!({ "url": "https://example.org", "subscriptions": [] });
    driver.refused(rest, &on("POST", "/webhooks"), &[account], body, 422).await;
}
