//! Connecting a Chatwoot, and finding out what is wrong with a connection: what an operator's two commands do, say and leave alone.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_secretsmanager::Client as SecretsManager;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use chatwoot_setup::{
    bootstrap::{Outcome, Request, Step},
    doctor::{Finding, Severity},
    place::{Place, Receiver},
    tokens::Given,
    vault::Vault,
};
use end_to_end::{
    chatwoot::{Clock, Counts},
    function::binary,
    operator::Operator,
    services::{BusHealth, Services},
};
use futures_util::{StreamExt, stream};
use lambda::{Clients, Environment, clock, secrets::Secret};
use local_stack::{Options, Stack, Storage};
use reqwest::Client;
use serde_json::{Value, json};
use table::Table;
use trust::{
    id::{AccountId, InboxId},
    setup::State as Setup,
};

use crate::stack::{Door, event};

/// Where webhooks go while nobody listens.
const WEBHOOKS: &str = "http://127.0.0.1:9";
const OPENAI_KEY: &str = "sk-of-the-operator-0123456789";

/// The proxy in front of Chatwoot.
#[derive(Clone)]
struct Front {
    chatwoot: String,
    client: Client,
    habits: Arc<Mutex<Habits>>,
}

/// How the proxy treats what comes.
#[derive(Clone, Copy, Default)]
struct Habits {
    lets_everything_through: bool,
    drops_the_token: bool,
    opens_accounts: bool,
}

impl Front {
    async fn start(chatwoot: String) -> (Self, String) {
        let front = Self { chatwoot, client: Client::builder().build().unwrap(), habits: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(pass).with_state(front.clone());
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        (front, format!("http://{address}"))
    }

    fn habits(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.habits.lock().unwrap());
    }
}

async fn pass(
    State(front): State<Front>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let habits = *front.habits.lock().unwrap();
    let path = uri.path();
    let forgeable =
        path.starts_with("/public/api/v1/csat_survey") || path.starts_with("/public/api/v1/inboxes");
    if forgeable && !habits.lets_everything_through {
        return StatusCode::NOT_FOUND.into_response();
    }
    if path == "/api/v1/accounts" && habits.opens_accounts {
        return (StatusCode::UNPROCESSABLE_ENTITY, r#"{"message":"Invalid"}"#).into_response();
    }
    let token = headers.get("api-access-token").filter(|_| !habits.drops_the_token);
    if token.is_none() && path == "/api/v1/profile" {
        let unknown = r#"{"errors":["You need to sign in or sign up before continuing."]}"#;
        return (StatusCode::UNAUTHORIZED, unknown).into_response();
    }
    let mut request = front.client.request(method, format!("{}{uri}", front.chatwoot)).body(body);
    for (name, value) in [("api-access-token", token), ("content-type", headers.get("content-type"))] {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    match request.send().await {
        Ok(answer) => (answer.status(), answer.bytes().await.unwrap_or_default()).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// A Chatwoot that nobody has connected yet, and a local stack's secret document.
struct Fresh {
    operator: Operator,
    directory: tempfile::TempDir,
}

impl Fresh {
    async fn start() -> Self {
        let operator = Operator::start(Clock::wall()).await.unwrap();
        let fresh = Self { operator, directory: tempfile::tempdir().unwrap() };
        fresh.write(
            &json!({ "events": ["whsec_e"], "marketplace": ["whsec_m"], "somebody's": { "own": 1 } })
                .to_string(),
        );
        fresh
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("secrets.json")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
        std::fs::set_permissions(self.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// All that is asked for, with the operator's two tokens.
    fn request(&self) -> Request {
        let place = Place {
            chatwoot: self.operator.chatwoot.base_url().parse().unwrap(),
            receiver: Some(Receiver::at(WEBHOOKS.parse().unwrap())),
            shared: None,
            others: Default::default(),
        };
        let given = Given {
            user: Some(Secret::new(self.token())),
            platform: Some(Secret::new(self.operator.chatwoot.platform_token())),
            openai: None,
        };
        Request { place, given, vault: Vault::File(self.file()) }
    }

    fn token(&self) -> String {
        token_of(&self.operator)
    }

    fn counts(&self) -> Counts {
        self.operator.chatwoot.counts()
    }

    /// What was asked of Chatwoot that changes something.
    fn changes(&self) -> Vec<String> {
        let requests = self.operator.chatwoot.requests();
        let changes = requests.iter().filter(|request| request.method != "GET");
        changes.map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

fn token_of(operator: &Operator) -> String {
    operator.secrets()["operator"]["token"].as_str().unwrap().to_owned()
}

async fn bootstrap(request: &Request) -> (bool, Vec<Step>) {
    let mut steps = Vec::new();
    let well = chatwoot_setup::bootstrap(request, &mut |step| steps.push(step)).await;
    (well, steps)
}

fn of(outcome: Outcome, steps: &[Step]) -> Vec<&str> {
    steps.iter().filter(|step| step.outcome == outcome).map(|step| step.what.as_str()).collect()
}

async fn doctor(request: &Request) -> Vec<Finding> {
    let mut findings = Vec::new();
    chatwoot_setup::doctor(request, clock::now, &mut |finding| findings.push(finding)).await;
    findings
}

fn complaints(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity != Severity::Ok).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_chatwoot_is_connected_and_a_second_run_changes_nothing() {
    let fresh = Fresh::start().await;
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [format!("{}: the operator kept", fresh.file().display())]);
    let expected = json!({
        "events": ["whsec_e"], "marketplace": ["whsec_m"], "somebody's": { "own": 1 },
        "operator": fresh.operator.secrets()["operator"],
    });
    assert_eq!(fresh.document(), expected, "and what was there is there");
    assert_eq!(std::fs::metadata(fresh.file()).unwrap().permissions().mode() & 0o777, 0o600);

    let (text, counts) = (fresh.text(), fresh.counts());
    // Without the tokens: they are kept.
    let again = Request { given: Given::default(), ..fresh.request() };
    let (well, steps) = bootstrap(&again).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [""; 0]);
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.changes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_account_gets_one_webhook_whose_secret_is_kept_and_three_attributes() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    // No accounts are made, so no platform app is needed.
    request.given.platform = None;
    request.given.openai = Some(Secret::new(OPENAI_KEY));
    let (well, steps) = bootstrap(&request).await;
    assert!(well, "{steps:?}");
    let counts = fresh.counts();
    assert_eq!((counts.webhooks, counts.attribute_definitions, counts.hooks), (1, 3, 1));
    let document = fresh.document();
    let secret = document["chatwoot"][shared.account.to_string()]["webhook"][0].as_str().unwrap();
    assert_eq!(secret.len(), 24);
    assert!(document["operator"].get("platform_token").is_none());
    let left = of(Outcome::Left, &steps).join("\n");
    assert!(left.contains(&format!("--parameter ChatwootSharedAccount={}", shared.account)), "{left}");

    let text = fresh.text();
    fresh.operator.chatwoot.forget_requests();
    let (well, steps) = bootstrap(&request).await;
    assert!(well, "{steps:?}");
    assert_eq!(of(Outcome::Done, &steps), [""; 0]);
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.changes(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_made_again_is_accepted_with_the_one_before() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    assert!(bootstrap(&request).await.0);
    let secrets = || fresh.document()["chatwoot"][shared.account.to_string()]["webhook"].clone();
    let first = secrets()[0].clone();
    let rest = Rest { base: fresh.operator.chatwoot.base_url(), token: fresh.token() };
    rest.of_account(shared.account, Method::DELETE, "/webhooks/1", &Value::Null).await;
    assert!(bootstrap(&request).await.0);
    assert_eq!(secrets().as_array().unwrap().len(), 2);
    assert_eq!((&secrets()[1], fresh.counts().webhooks), (&first, 1));

    // As after a rotation by hand: the one that is left has a query.
    let url = format!("{WEBHOOKS}/{}?2", shared.account);
    rest.of_account(shared.account, Method::PATCH, "/webhooks/2", &json!({ "url": url })).await;
    let (well, steps) = bootstrap(&request).await;
    assert_eq!((well, of(Outcome::Done, &steps), fresh.counts().webhooks), (true, Vec::new(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_the_operator_does_not_administer_is_named_and_what_can_be_done_is() {
    let fresh = Fresh::start().await;
    let foreign = fresh.operator.chatwoot.furnish("Somebody's").unwrap();
    let mut request = fresh.request();
    request.place.others.insert(foreign.account);
    let (well, steps) = bootstrap(&request).await;
    assert!(!well);
    let failed = of(Outcome::Failed, &steps);
    assert!(failed.len() == 1 && failed[0].contains("is no administrator of it"), "{failed:?}");
    assert!(fresh.document()["operator"]["token"].is_string(), "the operator is kept all the same");
    assert_eq!(fresh.counts().webhooks, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_chatwoot_is_warned_of_and_one_that_does_not_sign_is_refused() {
    let fresh = Fresh::start().await;
    let (text, counts) = (fresh.text(), fresh.counts());
    fresh.operator.chatwoot.set_version("4.11.3");
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(!well);
    assert!(of(Outcome::Failed, &steps)[0].contains("Chatwoot 4.11.3, which signs no webhooks"), "{steps:?}");
    assert_eq!((fresh.text(), fresh.counts()), (text, counts));
    assert_eq!(fresh.operator.chatwoot.requests().len(), 1, "no token was sent to it");

    fresh.operator.chatwoot.set_version("4.17.1");
    let (well, steps) = bootstrap(&fresh.request()).await;
    assert!(well, "{steps:?}");
    assert!(of(Outcome::Warning, &steps)[0].contains("upgrade to 4.18.0"), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_tokens_are_named_both_at_once_and_not_shown() {
    let fresh = Fresh::start().await;
    let text = fresh.text();
    let mut request = fresh.request();
    request.given.user = Some(Secret::new("wrong-user-token"));
    request.given.platform = Some(Secret::new("wrong-platform-token"));
    let (well, steps) = bootstrap(&request).await;
    assert!(!well);
    let expected = [
        "the user's token: Chatwoot does not accept our token",
        "the platform token: Chatwoot does not accept our token",
    ];
    assert_eq!(of(Outcome::Failed, &steps), expected);
    assert!(!format!("{steps:?}").contains("wrong-"));
    assert_eq!(fresh.text(), text);

    request.given = Given::default();
    let (_, steps) = bootstrap(&request).await;
    let missing = of(Outcome::Failed, &steps);
    assert!(
        missing[0].contains("--user-token-file") && missing[1].contains("CHATWOOT_PLATFORM_TOKEN"),
        "{missing:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_can_not_be_read_is_left_as_it_is_and_nothing_is_made() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let mut request = fresh.request();
    request.place.shared = Some(shared.account);
    for text in ["{\"events\": [\"whsec_cut-off", "{\"chatwoot\": \"whsec_else\"}"] {
        fresh.write(text);
        let counts = fresh.counts();
        let (well, steps) = bootstrap(&request).await;
        let failed = of(Outcome::Failed, &steps);
        assert!(!well && failed[0].contains("it is left as it is"), "{failed:?}");
        assert!(!failed[0].contains("whsec_"));
        assert_eq!((fresh.text().as_str(), fresh.counts()), (text, counts));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_secrets_manager_the_rest_of_the_document_is_kept() {
    let fresh = Fresh::start().await;
    let kept = json!({ "events": ["whsec_e"], "chatwoot": { "9": { "webhook": ["w"] } } });
    let services = Services::start(kept.clone(), BusHealth::Up).await.unwrap();
    let environment = Environment::from_pairs(services.environment("lifecycle").unwrap());
    let client = Clients::new(&environment).unwrap().secrets_manager();
    let mut request = fresh.request();
    request.vault = Vault::Manager(client.clone(), "provider-trust-dev".to_owned());
    assert!(bootstrap(&request).await.0);
    let mut expected = kept;
    expected["operator"] = fresh.operator.secrets()["operator"].clone();
    assert_eq!(services.secret("provider-trust-dev").unwrap(), expected);

    request.vault = Vault::Manager(client, "provider-trust-prd".to_owned());
    let (well, steps) = bootstrap(&request).await;
    assert!(
        !well && of(Outcome::Failed, &steps)[0].contains("there is no secret provider-trust-prd"),
        "{steps:?}"
    );
}

/// Somebody at Chatwoot's REST API.
struct Rest {
    base: String,
    token: String,
}

impl Rest {
    async fn of_account(&self, account: AccountId, method: Method, path: &str, body: &Value) -> Value {
        let url = format!("{}/api/v1/accounts/{account}{path}", self.base);
        let request = Client::builder().build().unwrap().request(method, url);
        let answer = request.header("api-access-token", &self.token).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// A running Provider Trust with a Chatwoot behind its proxy, in which a provider has his place.
struct World {
    operator: Operator,
    front: Front,
    stack: Stack,
    secrets: SecretsManager,
    account: AccountId,
    inbox: InboxId,
    request: Request,
}

const SECRET_ID: &str = "provider-trust-dev";

impl World {
    async fn start() -> Self {
        let operator = Operator::start(Clock::wall()).await.unwrap();
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage: Storage::Memory,
            secrets: operator.secrets().to_string(),
            parameters: operator.parameters(),
            keys: Default::default(),
        };
        let stack = Stack::start(options).await.unwrap();
        let door = Door::at(stack.address());
        let at = clock::now().plus(-3600);
        let agents = json!([{ "name": "Al", "email": "al@p1.example" }]);
        let profile = json!({ "provider_id": "p1", "name": "Provider 1", "agents": agents });
        let offering = json!({ "provider_id": "p1", "offering_id": "vps", "name": "A server" });
        door.told(&[event("provider.registered", at, profile), event("offering.published", at, offering)])
            .await;
        let clients = Clients::new(stack.environment()).unwrap();
        let table = Table::new(clients.dynamodb(), "provider-trust-dev");
        let ready = async {
            loop {
                let place =
                    table.provider_chat(&"p1".parse().unwrap()).await.unwrap().map(|stored| stored.value);
                if let Some(place) = place
                    && place.attempts.state() == Setup::Ready
                {
                    return place;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let place = tokio::time::timeout(Duration::from_mins(1), ready).await.unwrap();
        let (front, url) = Front::start(operator.chatwoot.base_url()).await;
        let receiver = format!("http://{}/lambda-url/chatwoot-webhook/", stack.address());
        let request = Request {
            place: Place {
                chatwoot: url.parse().unwrap(),
                receiver: Some(Receiver::at(receiver.parse().unwrap())),
                shared: None,
                others: Default::default(),
            },
            given: Given::default(),
            vault: Vault::Manager(clients.secrets_manager(), SECRET_ID.to_owned()),
        };
        let (account, inbox) = (place.account.unwrap(), place.inbox.unwrap().id);
        operator.chatwoot.forget_requests();
        Self { secrets: clients.secrets_manager(), operator, front, stack, account, inbox, request }
    }

    /// The operator at the REST API, inside the provider's account.
    async fn asks(&self, method: Method, path: &str, body: Value) -> Value {
        let rest = Rest { base: self.operator.chatwoot.base_url(), token: token_of(&self.operator) };
        rest.of_account(self.account, method, path, &body).await
    }

    fn address(&self) -> String {
        self.request.place.receiver.as_ref().unwrap().of(self.account)
    }

    async fn secret(&self, name: &str) -> Value {
        let secret = self.secrets.get_secret_value().secret_id(name).send().await.unwrap();
        serde_json::from_str(secret.secret_string().unwrap()).unwrap()
    }

    async fn put_secret(&self, name: &str, secret: &Value) {
        self.secrets
            .put_secret_value()
            .secret_id(name)
            .secret_string(secret.to_string())
            .send()
            .await
            .unwrap();
    }

    /// Changes what is kept of the provider's account.
    async fn keeps(&self, change: impl FnOnce(&mut Value)) {
        let name = format!("{SECRET_ID}/chatwoot/{}", self.account);
        let mut kept = self.secret(&name).await;
        change(&mut kept);
        self.put_secret(&name, &kept).await;
    }

    /// Breaks something.
    async fn suffers(&mut self, damage: Damage) {
        let one = |path: &str, id: InboxId| format!("{path}/{id}");
        let chatwoot = &self.operator.chatwoot;
        match damage {
            Damage::OldVersion => chatwoot.set_version("4.17.1"),
            Damage::UnsignedVersion => chatwoot.set_version("4.11.0"),
            Damage::QueueFails => chatwoot.set_services(false, true),
            Damage::DatabaseFails => chatwoot.set_services(true, false),
            Damage::ClockAhead => chatwoot.clock().advance(400),
            Damage::ClockBehind => chatwoot.clock().advance(-100),
            Damage::Gone => self.request.place.chatwoot = "http://127.0.0.1:9".parse().unwrap(),
            Damage::NotChatwoot => {
                self.request.place.chatwoot = format!("http://{}", self.stack.address()).parse().unwrap();
            }
            Damage::SignUpOpen => self.front.habits(|habits| habits.opens_accounts = true),
            Damage::NothingBlocked => self.front.habits(|habits| habits.lets_everything_through = true),
            Damage::HeaderDropped => self.front.habits(|habits| habits.drops_the_token = true),
            Damage::TokenReset => drop(chatwoot.rotate_token(self.operator.user).unwrap()),
            Damage::OtherTokenGiven => {
                let other = chatwoot.another_platform_app();
                self.request.given.platform = Some(Secret::new(other));
                self.request.place.others.insert(self.account);
            }
            Damage::PlatformTokenWrong | Damage::OtherUser | Damage::NoOperator => {
                let mut document = self.secret(SECRET_ID).await;
                match damage {
                    Damage::PlatformTokenWrong => document["operator"]["platform_token"] = json!("wrong"),
                    Damage::OtherUser => document["operator"]["user"] = json!(77),
                    _ => document["operator"] = Value::Null,
                }
                self.put_secret(SECRET_ID, &document).await;
            }
            Damage::DocumentUnreadable => self.put_secret(SECRET_ID, &json!("hunter2")).await,
            Damage::NoLongerAdministrator => {
                let url = format!(
                    "{}/platform/api/v1/accounts/{}/account_users",
                    chatwoot.base_url(),
                    self.account
                );
                let request = Client::builder().build().unwrap().post(url);
                let request = request.header("api-access-token", chatwoot.platform_token());
                let body = json!({ "user_id": self.operator.user, "role": "agent" });
                request.json(&body).send().await.unwrap().error_for_status().unwrap();
            }
            Damage::WebhookDeleted => drop(self.asks(Method::DELETE, "/webhooks/1", json!({})).await),
            Damage::SubscriptionMissing => {
                let body = json!({ "subscriptions": ["message_created"] });
                self.asks(Method::PATCH, "/webhooks/1", body).await;
            }
            Damage::SecondWebhook => {
                let body = json!({ "url": format!("{}?2", self.address()), "subscriptions": five() });
                let made = self.asks(Method::POST, "/webhooks", body).await;
                let secret = made["payload"]["webhook"]["secret"].clone();
                self.keeps(|kept| kept["webhook"].as_array_mut().unwrap().push(secret)).await;
            }
            Damage::OthersWebhook => {
                let url = self.request.place.receiver.as_ref().unwrap().of(AccountId(77));
                self.asks(Method::POST, "/webhooks", json!({ "url": url, "subscriptions": five() })).await;
            }
            Damage::WebhookMadeByHand => {
                self.asks(Method::DELETE, "/webhooks/1", json!({})).await;
                self.asks(
                    Method::POST,
                    "/webhooks",
                    json!({ "url": self.address(), "subscriptions": five() }),
                )
                .await;
            }
            Damage::SecretShadowed => {
                let mut document = self.secret(SECRET_ID).await;
                document["chatwoot"] = json!({ self.account.to_string(): { "webhook": ["another-secret"] } });
                self.put_secret(SECRET_ID, &document).await;
            }
            Damage::UnsignedTaken => self.keeps(|kept| kept["unsigned"] = json!("accepted")).await,
            Damage::Callback => {
                let channel = json!({ "type": "api", "webhook_url": self.address() });
                let made =
                    self.asks(Method::POST, "/inboxes", json!({ "name": "Api", "channel": channel })).await;
                let body = json!({ "inbox_id": made["id"], "user_ids": [self.operator.user] });
                self.asks(Method::PATCH, "/inbox_members", body).await;
            }
            Damage::IdentityNotMandatory => {
                let body = json!({ "channel": { "hmac_mandatory": false } });
                self.asks(Method::PATCH, &one("/inboxes", self.inbox), body).await;
            }
            Damage::MembersRemoved => {
                let body = json!({ "inbox_id": self.inbox, "user_ids": [] });
                self.asks(Method::PATCH, "/inbox_members", body).await;
            }
            Damage::KeyUnknown => self.keeps(|kept| kept["identity"] = json!({})).await,
            Damage::KeyOfAnother => {
                self.keeps(|kept| kept["identity"] = json!({ self.inbox.to_string(): "another-key" })).await;
            }
            Damage::InboxGone => self.keeps(|kept| kept["identity"]["77"] = json!("k")).await,
            Damage::ReceiverGone => {
                self.request.place.receiver = Some(Receiver::at("http://127.0.0.1:9".parse().unwrap()));
            }
            Damage::WrongAddress => {
                let elsewhere = format!("http://{}/v1/nothing", self.stack.address());
                self.request.place.receiver = Some(Receiver::at(elsewhere.parse().unwrap()));
            }
            Damage::NoAddressGiven => self.request.place.receiver = None,
            Damage::UnknownAccount => {
                let furnished = chatwoot.furnish("Marketplace's").unwrap();
                self.operator.join(furnished.account, &furnished.administrator_token).await.unwrap();
                self.request.place.others.insert(furnished.account);
            }
        }
    }
}

fn five() -> Value {
    json!([
        "message_created",
        "message_updated",
        "conversation_created",
        "conversation_updated",
        "conversation_status_changed"
    ])
}

/// A way in which a connection can be broken.
#[derive(Debug, Clone, Copy)]
enum Damage {
    OldVersion,
    UnsignedVersion,
    QueueFails,
    DatabaseFails,
    ClockAhead,
    ClockBehind,
    Gone,
    NotChatwoot,
    SignUpOpen,
    NothingBlocked,
    HeaderDropped,
    TokenReset,
    OtherTokenGiven,
    PlatformTokenWrong,
    OtherUser,
    NoOperator,
    DocumentUnreadable,
    NoLongerAdministrator,
    WebhookDeleted,
    SubscriptionMissing,
    SecondWebhook,
    OthersWebhook,
    WebhookMadeByHand,
    SecretShadowed,
    UnsignedTaken,
    Callback,
    IdentityNotMandatory,
    MembersRemoved,
    KeyUnknown,
    KeyOfAnother,
    InboxGone,
    ReceiverGone,
    WrongAddress,
    NoAddressGiven,
    UnknownAccount,
}

/// What doctor says of each, and nothing else: how bad, and some of its words.
const DAMAGES: &[(Damage, &[(Severity, &str)])] = {
    use Severity::{Warning, Wrong};
    &[
        (Damage::OldVersion, &[(Warning, "older than 4.18.0")]),
        (Damage::UnsignedVersion, &[(Wrong, "Chatwoot 4.11.0 signs no webhooks")]),
        (Damage::QueueFails, &[(Wrong, "queue_services: \"failing\"")]),
        (Damage::DatabaseFails, &[(Wrong, "data_services: \"failing\"")]),
        (Damage::ClockAhead, &[(Wrong, "s ahead of this machine's: beyond 300 s its webhooks are refused")]),
        (Damage::ClockBehind, &[(Warning, "s behind this machine's")]),
        (Damage::Gone, &[(Wrong, "http://127.0.0.1:9/ does not answer: ")]),
        (Damage::NotChatwoot, &[(Wrong, "answers 404, and not as Chatwoot does")]),
        (Damage::SignUpOpen, &[(Wrong, "anybody can open an account")]),
        (Damage::NothingBlocked, &[(Wrong, "/public/api/v1/csat_survey and /public/api/v1/inboxes")]),
        (
            Damage::HeaderDropped,
            &[(Wrong, "drops the header Api-Access-Token"), (Wrong, "does not know the platform token")],
        ),
        (Damage::TokenReset, &[(Wrong, "does not know the user's token: it was reset")]),
        (Damage::OtherTokenGiven, &[(Wrong, "the platform token that is given here is not the one in")]),
        (Damage::PlatformTokenWrong, &[(Wrong, "does not know the platform token")]),
        (Damage::OtherUser, &[(Wrong, "the document says user 77")]),
        (Damage::NoOperator, &[(Wrong, "has no operator")]),
        (Damage::DocumentUnreadable, &[(Wrong, "can not be read: what is there is not a secret document")]),
        (Damage::NoLongerAdministrator, &[(Wrong, "the operator's user is agent, not administrator")]),
        (Damage::WebhookDeleted, &[(Wrong, "no webhook posts to ")]),
        (Damage::SubscriptionMissing, &[(Wrong, "webhook 1 does not post exactly our five events")]),
        (Damage::SecondWebhook, &[(Warning, "2 webhooks post to ")]),
        (Damage::OthersWebhook, &[(Wrong, "webhook 2 posts to ")]),
        (
            Damage::WebhookMadeByHand,
            &[
                (Wrong, "the secret of webhook 2 is not among those that are kept"),
                (Wrong, "refuses what is signed with the webhook's secret"),
            ],
        ),
        (Damage::SecretShadowed, &[(Wrong, "the entry in the secret document comes first")]),
        (Damage::UnsignedTaken, &[(Warning, "takes webhooks without a signature, from anybody")]),
        (Damage::Callback, &[(Wrong, "(Api) posts to the webhook's address, too")]),
        (Damage::IdentityNotMandatory, &[(Wrong, "takes identities without a hash")]),
        (Damage::MembersRemoved, &[(Wrong, "has no members")]),
        (Damage::KeyUnknown, &[(Warning, "has no key that is kept")]),
        (Damage::KeyOfAnother, &[(Wrong, "has another key than the one that is kept")]),
        (Damage::InboxGone, &[(Wrong, "the inbox 77, by which renters are known, is gone")]),
        (
            Damage::ReceiverGone,
            &[
                (Wrong, "no webhook posts to http://127.0.0.1:9/"),
                (Wrong, "http://127.0.0.1:9/1 does not answer: "),
            ],
        ),
        (
            Damage::WrongAddress,
            &[
                (Wrong, "no webhook posts to "),
                (Wrong, "/v1/nothing/1 answers 404, and not as our receiver does"),
            ],
        ),
        (Damage::NoAddressGiven, &[(Warning, "its webhook and that one's receiver were not looked at")]),
        (
            Damage::UnknownAccount,
            &[
                (Wrong, "account 2: no webhook posts to "),
                (Warning, "account 2: the inbox 2 (Marketplace's) has no key that is kept"),
                (
                    Warning,
                    "account 2: agents do not see a conversation's contract_id, offering_id, contract_url",
                ),
                (Wrong, "/2 does not know this account"),
            ],
        ),
    ]
};

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_connection_has_nothing_to_mend_and_is_left_as_it_is() {
    let world = World::start().await;
    let counts = world.operator.chatwoot.counts();
    let findings = doctor(&world.request).await;
    assert_eq!(complaints(&findings), [] as [&Finding; 0]);
    let last = findings.last().unwrap();
    assert_eq!(
        last.what,
        format!(
            "account {} (Provider 1): administrator, webhook, attributes, 1 inbox; its receiver has the same secret",
            world.account
        )
    );
    assert_eq!(world.operator.chatwoot.counts(), counts);
    let requests = world.operator.chatwoot.requests();
    let changes =
        requests.iter().filter(|request| request.method != "GET").map(|request| request.path.as_str());
    assert_eq!(changes.collect::<Vec<_>>(), ["/api/v1/accounts"], "which nobody can open");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_a_connection_can_be_broken_is_named_alone_and_with_what_mends_it() {
    let looked = stream::iter(DAMAGES).map(|(damage, expected)| async move {
        let mut world = World::start().await;
        world.suffers(*damage).await;
        let findings = doctor(&world.request).await;
        (damage, expected, findings)
    });
    // A few at a time: each has a stack of its own.
    let mut looked = looked.buffer_unordered(4);
    let mut unexpected = Vec::new();
    while let Some((damage, expected, findings)) = looked.next().await {
        let found = complaints(&findings);
        let is = |(finding, (severity, words)): (&&Finding, &(Severity, &str))| {
            finding.severity == *severity && finding.what.contains(words) && !finding.mend.is_empty()
        };
        if found.len() != expected.len() || !found.iter().zip(*expected).all(is) {
            unexpected.push(format!("{damage:?}: {found:#?}"));
        }
        assert!(!format!("{findings:?}").contains("hunter2"), "no secret is shown");
    }
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bootstrap_is_said_to_mend_it_mends() {
    for damage in [
        Damage::WebhookDeleted,
        Damage::SubscriptionMissing,
        Damage::NoLongerAdministrator,
        Damage::UnknownAccount,
    ] {
        let mut world = World::start().await;
        world.suffers(damage).await;
        let mut again = world.request.clone();
        again.place.others.insert(world.account);
        let (well, steps) = bootstrap(&again).await;
        assert!(well, "{damage:?}: {steps:?}");
        // The stack's functions read the document again after five minutes; until then they refuse what is signed with a new secret.
        let findings = doctor(&world.request).await;
        let found = complaints(&findings);
        let not_read_yet = |finding: &&&Finding| {
            !finding.what.contains("refuses what is signed")
                && !finding.what.contains("does not know this account")
                && !finding.what.contains("no key that is kept")
        };
        assert_eq!(found.iter().filter(not_read_yet).count(), 0, "{damage:?}: {found:?}");
    }
}

/// The command as a user runs it.
struct Run {
    well: bool,
    output: String,
}

async fn run(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Run {
    let mut command = tokio::process::Command::new(binary("chatwoot-setup").unwrap());
    let command =
        command.args(arguments).current_dir(directory).env_clear().envs(environment.iter().copied());
    let output = command.output().await.unwrap();
    let output_text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Run { well: output.status.success(), output: output_text }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_connects_and_looks_says_so_and_shows_no_secret() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let (_, url) = Front::start(fresh.operator.chatwoot.base_url()).await;
    let directory = fresh.directory.path();
    std::fs::write(directory.join("token"), format!("{}\n", fresh.token())).unwrap();
    let account = shared.account.to_string();
    let common = [
        "--url",
        &url,
        "--secrets",
        "secrets.json",
        "--webhook-url",
        "http://127.0.0.1:9",
        "--shared-account",
        &account,
    ];
    let environment = [
        ("CHATWOOT_PLATFORM_TOKEN", fresh.operator.chatwoot.platform_token()),
        ("CHATWOOT_OPENAI_KEY", OPENAI_KEY),
    ];
    let arguments = [&["bootstrap", "--user-token-file", "token"][..], &common[..]].concat();
    let first = run(&arguments, directory, &environment).await;
    assert!(first.well, "{}", first.output);
    for words in [
        "done     account 1: attributes contract_id, offering_id, contract_url\n",
        "done     account 1: webhook 1 to http://127.0.0.1:9/1\n",
        "done     secrets.json: the operator and the webhook's secret of account 1 kept\n",
        "left     then: doctor, with the same options\n",
    ] {
        assert!(first.output.contains(words), "{}", first.output);
    }
    let second = run(&arguments, directory, &environment).await;
    assert!(
        second.well && second.output.contains("already  secrets.json has all of it\n"),
        "{}",
        second.output
    );
    assert!(!second.output.contains("done "), "{}", second.output);

    let looked = run(&[&["doctor"][..], &common[..]].concat(), directory, &[]).await;
    assert!(!looked.well);
    for words in [
        "ok       Chatwoot 4.18.0\n",
        "wrong    account 1: http://127.0.0.1:9/1 does not answer: ",
        "\n         mend: ",
        "\n1 wrong, 1 to look at\n",
    ] {
        assert!(looked.output.contains(words), "{words}: {}", looked.output);
    }

    let token = fresh.token();
    let document = fresh.document();
    let secret = document["chatwoot"]["1"]["webhook"][0].as_str().unwrap();
    for output in [&first.output, &second.output, &looked.output] {
        for hidden in
            [&token, fresh.operator.chatwoot.platform_token(), OPENAI_KEY, secret, &shared.hmac_token]
        {
            assert!(!output.contains(hidden), "{output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_no_argument() {
    let directory = tempfile::tempdir().unwrap();
    for option in ["--user-token", "--platform-token", "--openai-key"] {
        let arguments = ["bootstrap", "--url", "http://127.0.0.1:9", "--secrets", "x", option, "s3cret"];
        let refused = run(&arguments, directory.path(), &[]).await;
        assert!(!refused.well && !refused.output.contains("s3cret"), "{}", refused.output);
    }
    let both = ["doctor", "--url", "http://127.0.0.1:9", "--secrets", "x", "--secret-id", "y"];
    assert!(!run(&both, directory.path(), &[]).await.well);
}
