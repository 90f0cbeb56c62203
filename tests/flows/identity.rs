//! Chat identities and communication logs: who gets them, and who does not.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use end_to_end::callers::{Asked, Caller};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use local_stack::{
    Options, Stack, Storage,
    tokens::{KEY_SET, Keys, Mint},
};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use table::Table;
use tempfile::TempDir;
use trust::{
    id::{AccountId, InboxId, ProviderId},
    setup::{Attempts, ProviderChat, ProviderStep, WebsiteInbox},
};

use crate::stack::{Author, Door, Message, TEXT, ago, registered, requested, secrets};

const ISSUER: &str = "https://accounts.marketplace.example";
const CHATWOOT: &str = "https://chat.example";
const IDENTITY: &str = "/v1/chat/identity";
const SIGNED: &str = "/v1/signed/chat/identity";

/// The renter of contract c1 with provider p1, who is also the one of the published vector.
pub(crate) const RENTER: &str = "customer-123";
const HIS_HASH_AT_P1: &str = "58ebc20a24ad5d247bdb0b4d49283b3c4fe901e7efa21e96a912fed440d3a234";

/// Two providers with chats, a contract with each, and the marketplace's token issuer.
pub(crate) struct Marketplace {
    _stack: Stack,
    pub(crate) door: Door,
    pub(crate) table: Table,
    mint: Mint,
    directory: TempDir,
}

impl Marketplace {
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mint = Mint::in_directory(directory.path()).unwrap();
        let mut document = secrets();
        document["chatwoot"]["1"]["identity"] =
            json!({ "3": "hmac-token-abc", "5": "hmac-token-of-another-inbox" });
        document["chatwoot"]["2"]["identity"] = json!({ "4": "hmac-token-of-p2" });
        let parameters = [
            ("ChatwootUrl", CHATWOOT),
            ("JwtIssuer", ISSUER),
            ("JwtAudience", "trust"),
            ("MarketplaceOrigin", "https://m.example"),
        ];
        let stack = Stack::start(Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage: Storage::Memory,
            secrets: document.to_string(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            keys: Keys::in_file(Some(directory.path().join(KEY_SET))),
        })
        .await
        .unwrap();
        let clients = lambda::Clients::new(stack.environment()).unwrap();
        let table = Table::new(clients.dynamodb(), "provider-trust-dev");
        let marketplace = Self { door: Door::at(stack.address()), _stack: stack, table, mint, directory };
        let caller = Caller::number(7).id();
        let events = [
            registered("p1", 1),
            registered("p2", 2),
            requested("c1", "p1", RENTER, ago(500)),
            requested("c2", "p2", "otto", ago(500)),
            requested("c7", "p1", &caller, ago(500)),
        ];
        marketplace.door.told(&events).await;
        marketplace.door.settled().await;
        marketplace.chat("p1", Attempts::default(), Some((1, 3))).await;
        marketplace.chat("p2", Attempts::default(), Some((2, 4))).await;
        marketplace
    }

    /// How far a provider's chat has come.
    async fn chat(&self, provider: &str, attempts: Attempts, place: Option<(u64, u64)>) {
        let provider: ProviderId = provider.parse().unwrap();
        let read = self.table.provider_chat(&provider).await.unwrap().map_or(0, |stored| stored.version);
        let chat = ProviderChat {
            attempts,
            account: place.map(|(account, _)| AccountId(account)),
            inbox: place
                .map(|(_, inbox)| WebsiteInbox { id: InboxId(inbox), website_token: format!("web-{inbox}") }),
            done: place.iter().flat_map(|_| [ProviderStep::Identity, ProviderStep::Link]).collect(),
            ..ProviderChat::default()
        };
        self.table.write_provider_chat(&provider, &chat, read).await.unwrap();
    }

    /// A token of the marketplace for somebody.
    fn token(&self, subject: &str) -> String {
        self.mint.sign(&claims(subject)).unwrap()
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.door.client.request(method, format!("{}{path}", self.door.base))
    }

    async fn identity(&self, token: &str, body: &Value) -> Response {
        let request = self.ask(Method::POST, IDENTITY).header("content-type", "application/json");
        request.bearer_auth(token).body(body.to_string()).send().await.unwrap()
    }

    /// What somebody gets who comes with a token.
    pub(crate) async fn read(&self, subject: &str, path: &str) -> Response {
        self.ask(Method::GET, path).bearer_auth(self.token(subject)).send().await.unwrap()
    }

    /// A request of somebody who signs, as it goes out.
    pub(crate) async fn sent(&self, asked: Asked<'_>, headers: &[(&'static str, String)]) -> Response {
        let mut request =
            self.ask(asked.method.parse().unwrap(), asked.path).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.body(asked.body.to_vec()).send().await.unwrap()
    }
}

pub(crate) fn now() -> i64 {
    lambda::clock::now().unix()
}

fn claims(subject: &str) -> Value {
    json!({ "iss": ISSUER, "aud": "trust", "sub": subject, "iat": now(), "exp": now() + 600 })
}

/// A nonce that nobody else has.
pub(crate) fn nonce(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(crate) async fn kind(response: Response) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let problem: Value = response.json().await.unwrap();
    problem["type"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contracts_renter_gets_his_hash_for_exactly_that_providers_inbox() {
    let marketplace = Marketplace::open().await;
    let response = marketplace.identity(&marketplace.token(RENTER), &json!({ "contract_id": "c1" })).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().get("etag").is_none());
    let mut identity: Value = response.json().await.unwrap();
    let expires = identity["expires_hint"].take();
    let in_seconds = trust::time::Moment::parse(expires.as_str().unwrap()).unwrap().unix() - now();
    assert!((890..=900).contains(&in_seconds), "{expires}");
    let expected = json!({
        "base_url": CHATWOOT, "website_token": "web-3", "identifier": RENTER, "identifier_hash": HIS_HASH_AT_P1, "expires_hint": null,
    });
    assert_eq!(identity, expected);

    // Before a contract: his own for any provider, another for each.
    let response = marketplace.identity(&marketplace.token(RENTER), &json!({ "provider_id": "p2" })).await;
    let identity: Value = response.json().await.unwrap();
    assert_eq!((&identity["website_token"], &identity["identifier"]), (&json!("web-4"), &json!(RENTER)));
    assert_ne!(identity["identifier_hash"], HIS_HASH_AT_P1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_the_contracts_renter_gets_nothing_and_learns_nothing() {
    let marketplace = Marketplace::open().await;
    let mut answers = Vec::new();
    for (subject, contract) in [("otto", "c1"), ("p1", "c1"), (RENTER, "c2"), (RENTER, "c-unheard-of")] {
        let response =
            marketplace.identity(&marketplace.token(subject), &json!({ "contract_id": contract })).await;
        assert_eq!(response.status(), 403, "{subject} {contract}");
        answers.push(response.text().await.unwrap());
    }
    assert!(answers[0].contains("/not-your-contract\""), "{}", answers[0]);
    answers.dedup();
    assert_eq!(
        answers.len(),
        1,
        "a contract of others and one that is not there are told apart: {answers:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_can_not_be_answered_says_why() {
    let marketplace = Marketplace::open().await;
    let token = marketplace.token(RENTER);
    let ask = async |body: Value| marketplace.identity(&token, &body).await;
    for body in [
        json!({}),
        json!({ "contract_id": "c1", "provider_id": "p1" }),
        json!({ "contract": "c1" }),
        json!([]),
    ] {
        let response = ask(body.clone()).await;
        assert_eq!(response.status(), 400, "{body}");
        assert_eq!(kind(response).await, "invalid-body");
    }
    let response = ask(json!({ "provider_id": "p9" })).await;
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (404, "unknown-provider"));
    let response = ask(json!({ "contract_id": "c".repeat(5000) })).await;
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (413, "body-too-large"));

    marketplace.chat("p1", Attempts::wanted(ago(0)), None).await;
    let response = ask(json!({ "contract_id": "c1" })).await;
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(kind(response).await, "chat-not-ready");
    marketplace.chat("p1", Attempts::default(), Some((1, 99))).await;
    let response = ask(json!({ "contract_id": "c1" })).await;
    assert_eq!(
        (response.status().as_u16(), kind(response).await.as_str()),
        (503, "chat-not-ready"),
        "no key"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_the_marketplaces_gets_401() {
    let marketplace = Marketplace::open().await;
    let changed = |name: &str, value: Value| {
        let mut claims = claims(RENTER);
        claims[name] = value;
        marketplace.mint.sign(&claims).unwrap()
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = Mint::in_directory(elsewhere.path()).unwrap();
    let body = URL_SAFE_NO_PAD.encode(claims(RENTER).to_string());
    let key_set: Value =
        serde_json::from_slice(&std::fs::read(marketplace.directory.path().join(KEY_SET)).unwrap()).unwrap();
    let id = key_set["keys"][0]["kid"].as_str().unwrap().to_owned();
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": id }).to_string());
    let header = Header { kid: Some(id), ..Header::new(Algorithm::HS256) };
    let public =
        EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(key_set["keys"][0]["x"].as_str().unwrap()).unwrap());
    for (what, token) in [
        ("no token", String::new()),
        ("no JWT", "hunter2".to_owned()),
        ("expired", changed("exp", json!(now() - 1))),
        ("not yet", changed("nbf", json!(now() + 100))),
        ("another issuer", changed("iss", json!("https://accounts.example"))),
        ("another audience", changed("aud", json!("shop"))),
        ("another key", stranger.sign(&claims(RENTER)).unwrap()),
        ("no algorithm", format!("{none}.{body}.")),
        ("the public key as a secret", encode(&header, &claims(RENTER), &public).unwrap()),
    ] {
        for path in [IDENTITY, "/v1/contracts/c1/messages"] {
            let method = if path == IDENTITY { Method::POST } else { Method::GET };
            let request = marketplace.ask(method, path).bearer_auth(&token).body("{\"contract_id\":\"c1\"}");
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 401, "{what}");
            assert!(response.headers().contains_key("www-authenticate"), "{what}");
            assert_eq!(response.text().await.unwrap(), "{\"message\":\"Unauthorized\"}", "{what}");
        }
    }
    // A good token of somebody who can be nobody on the marketplace.
    let response =
        marketplace.identity(&marketplace.token("auth0|rita"), &json!({ "provider_id": "p1" })).await;
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (401, "unauthenticated"));
    // What a client says of itself is not what the authorizer found.
    let forged = marketplace.ask(Method::POST, SIGNED).bearer_auth(marketplace.token(RENTER));
    let response = forged.body("{\"contract_id\":\"c1\"}").send().await.unwrap();
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (401, "invalid-signature"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_answered_once_and_only_as_it_was_signed() {
    let marketplace = Marketplace::open().await;
    let caller = Caller::number(7);
    let body = b"{\"contract_id\": \"c7\"}";
    let asked = Asked { method: "POST", path: SIGNED, body };
    let headers = caller.sign(asked, now(), &nonce(1)).unwrap();
    let response = marketplace.sent(asked, &headers).await;
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let identity: Value = response.json().await.unwrap();
    assert_eq!((&identity["identifier"], &identity["website_token"]), (&json!(caller.id()), &json!("web-3")));
    assert_eq!(
        identity["identifier_hash"],
        chatwoot::identity::identifier_hash("hmac-token-abc", &caller.id().parse().unwrap())
    );
    let response = marketplace.sent(asked, &headers).await;
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (401, "nonce-used"));

    // Sent many times at once, it is answered once.
    let headers = caller.sign(asked, now(), &nonce(20)).unwrap();
    let answers = join_all((0..8).map(|_| marketplace.sent(asked, &headers))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);

    // The key in capitals is the same caller, and so is his nonce.
    let mut capitals = caller.sign(asked, now(), &nonce(2)).unwrap();
    capitals[0].1 = capitals[0].1.to_uppercase();
    let response = marketplace.sent(asked, &capitals).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap()["identifier"], caller.id());
    assert_eq!(marketplace.sent(asked, &caller.sign(asked, now(), &nonce(2)).unwrap()).await.status(), 401);

    let log = "/v1/signed/contracts/c7/messages";
    let other_body = Asked { body: b"{\"contract_id\": \"c1\"}", ..asked };
    let other_path = Asked { path: log, ..asked };
    let other_method = Asked { method: "GET", path: log, body: b"" };
    let sign = |asked, at, number| caller.sign(asked, at, &nonce(number)).unwrap();
    let signed_as_post = sign(Asked { method: "POST", ..other_method }, now(), 5);
    let mut of_another = sign(asked, now(), 8);
    of_another[0].1 = Caller::number(8).id();
    for (what, sent, headers) in [
        ("stale", asked, sign(asked, now() - 301, 3).to_vec()),
        ("future", asked, sign(asked, now() + 302, 4).to_vec()),
        ("another method", other_method, signed_as_post.to_vec()),
        ("another body", other_body, sign(asked, now(), 6).to_vec()),
        ("another path", asked, sign(other_path, now(), 7).to_vec()),
        ("another key", asked, of_another.to_vec()),
        ("no nonce", asked, sign(asked, now(), 9)[..3].to_vec()),
        ("nothing", asked, Vec::new()),
    ] {
        let response = marketplace.sent(sent, &headers).await;
        assert_eq!(response.status(), 401, "{what}");
        assert_eq!(kind(response).await, "invalid-signature", "{what}");
    }
    let response = marketplace.sent(other_method, &sign(other_method, now(), 10)).await;
    assert_eq!(response.status(), 200, "the log of his contract");
    // A signature is no token.
    let on_the_other = Asked { path: IDENTITY, ..asked };
    assert_eq!(marketplace.sent(on_the_other, &sign(on_the_other, now(), 11)).await.status(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_thirty_first_call_in_a_minute_is_429_for_that_caller_alone() {
    let marketplace = Marketplace::open().await;
    // A minute of the clock may end meanwhile: then the count begins anew, and the second round finds the limit.
    let token = marketplace.token(RENTER);
    let ask = async || marketplace.identity(&token, &json!({ "contract_id": "c1" })).await;
    let mut answered = 0;
    let refused = loop {
        let response = ask().await;
        if response.status() == 429 {
            break response;
        }
        assert_eq!(response.status(), 200);
        answered += 1;
        assert!(answered <= 60, "there is no limit");
    };
    assert!(answered >= 30, "{answered}");
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(kind(refused).await, "too-many-requests");
    let response = marketplace.identity(&marketplace.token("otto"), &json!({ "contract_id": "c2" })).await;
    assert_eq!(response.status(), 200, "others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_the_marketplaces_origin_may_ask_and_others_may_not() {
    let marketplace = Marketplace::open().await;
    for (origin, expected) in
        [("https://m.example", Some("https://m.example")), ("https://evil.example", None)]
    {
        let preflight = marketplace.ask(Method::OPTIONS, IDENTITY).header("origin", origin);
        let preflight = preflight
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let response = preflight.send().await.unwrap();
        assert_eq!(response.status(), 204);
        let allowed = |response: &Response| {
            let origin = response.headers().get("access-control-allow-origin");
            origin.map(|origin| origin.to_str().unwrap().to_owned())
        };
        assert_eq!(allowed(&response).as_deref(), expected);
        if expected.is_some() {
            let headers = response.headers()["access-control-allow-headers"].to_str().unwrap();
            for needed in
                ["authorization", "content-type", "x-public-key", "x-signature", "x-timestamp", "x-nonce"]
            {
                assert!(headers.split(',').any(|header| header == needed), "{needed}: {headers}");
            }
            assert_eq!(response.headers()["access-control-allow-methods"], "GET,HEAD,POST,PUT");
            assert!(response.headers().get("access-control-allow-credentials").is_none());
        }
        let request = marketplace.ask(Method::GET, "/v1/providers").header("origin", origin);
        assert_eq!(allowed(&request.send().await.unwrap()).as_deref(), expected);
    }
}

/// The messages of contract c1: asked, noted, answered, answered again, the second answer deleted, in two conversations.
async fn talk(door: &Door) {
    let renters = |conversation, id, author, minutes| Message {
        renter: RENTER.to_owned(),
        ..Message::new(conversation, id, author, ago(minutes))
    };
    let regretted = renters(7, 4, Author::Agent, 60);
    for message in [
        renters(7, 1, Author::Renter, 100),
        renters(7, 2, Author::Note, 90),
        renters(7, 3, Author::Agent, 80),
        regretted.clone(),
        renters(8, 5, Author::Renter, 70),
        renters(8, 6, Author::Bot, 69),
    ] {
        door.said(&message).await;
    }
    // Not of this contract: of nobody verified, of another contract, and of another renter who claims it.
    door.said(&Message { verified: false, ..renters(9, 7, Author::Renter, 65) }).await;
    door.said(&Message { contract: Some("c9".to_owned()), ..renters(10, 8, Author::Renter, 65) }).await;
    door.said(&Message { renter: "otto".to_owned(), ..renters(11, 9, Author::Renter, 65) }).await;
    let mut deleted = regretted.payload();
    deleted["event"] = json!("message_updated");
    deleted["content"] = json!("This message was deleted");
    deleted["content_attributes"] = json!({ "deleted": true });
    assert!(door.webhook(1, &deleted).await.unwrap().status().is_success());
    door.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_both_parties_who_wrote_when_and_how_and_never_what() {
    let marketplace = Marketplace::open().await;
    talk(&marketplace.door).await;
    let path = "/v1/contracts/c1/messages";
    let hash = |id: u64| chatwoot::webhook::content_hash(AccountId(1), trust::id::MessageId(id), TEXT);
    let row = |id: u64, side: &str, class: &str| {
        (id.to_string(), side.to_owned(), class.to_owned(), id == 4, hash(id))
    };
    let expected = [
        row(1, "renter", "message"),
        row(2, "provider", "note"),
        row(3, "provider", "reply"),
        row(5, "renter", "message"),
        row(6, "neither", "bot"),
        row(4, "provider", "reply"),
    ];
    for (party, sees_notes) in [(RENTER, false), ("p1", true)] {
        let response = marketplace.read(party, path).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let text = response.text().await.unwrap();
        for kept_out in [TEXT, "deleted\":\"", "Rita", "example.org"] {
            assert!(!text.contains(kept_out), "{kept_out}: {text}");
        }
        let page: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(page["next_cursor"], Value::Null);
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected.len(), "{page}");
        for (item, (id, side, class, deleted, hash)) in items.iter().zip(&expected) {
            let found = (&item["message_id"], &item["side"], &item["class"], &item["deleted"]);
            assert_eq!(found, (&json!(id), &json!(side), &json!(class), &json!(deleted)), "{item}");
            let hidden = class == "note" && !sees_notes;
            let (hash, seen) =
                if hidden { (Value::Null, Value::Null) } else { (json!(hash), json!("original")) };
            assert_eq!((&item["content_sha256"], &item["content_seen"]), (&hash, &seen), "{item}");
        }
    }
    for stranger in ["otto", "p2", "c1"] {
        let response = marketplace.read(stranger, path).await;
        assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (403, "not-your-contract"));
    }
    let response = marketplace.read(RENTER, "/v1/contracts/c-unheard-of/messages").await;
    assert_eq!((response.status().as_u16(), kind(response).await.as_str()), (403, "not-your-contract"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_lead_through_the_log_once_though_messages_come_in_meanwhile() {
    let marketplace = Marketplace::open().await;
    talk(&marketplace.door).await;
    let read = async |limit: u16, meanwhile: &[Message]| {
        let (mut seen, mut cursor, mut late) = (Vec::new(), String::new(), meanwhile.iter());
        loop {
            let path = format!("/v1/contracts/c1/messages?limit={limit}{cursor}");
            let page: Value = marketplace.read(RENTER, &path).await.json().await.unwrap();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= usize::from(limit));
            seen.extend(items.iter().map(|item| item["message_id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
            if let Some(message) = late.next() {
                marketplace.door.said(message).await;
                marketplace.door.settled().await;
            }
        }
    };
    let all = ["1", "2", "3", "5", "6", "4"];
    assert_eq!(read(6, &[]).await, all);
    assert_eq!(read(4, &[]).await, all);
    let renters = |id, minutes| Message {
        renter: RENTER.to_owned(),
        ..Message::new(7, id, Author::Renter, ago(minutes))
    };
    // One far back, which is not seen any more; one ahead, which is.
    assert_eq!(read(2, &[renters(20, 95), renters(21, 50)]).await, ["1", "2", "3", "5", "6", "4", "21"]);
    for (query, parameter) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=zz", "cursor")] {
        let response = marketplace.read(RENTER, &format!("/v1/contracts/c1/messages?{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        let problem: Value = response.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().starts_with(parameter), "{problem}");
    }
}
