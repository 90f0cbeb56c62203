//! A connection that is sound, with everything that belongs to it.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_secretsmanager::Client as SecretsManager;
use axum::http::Method;
use chatwoot_setup::{
    bootstrap::Request,
    place::{Place, Receiver},
    tokens::Given,
    vault::Vault,
};
use end_to_end::{chatwoot::Clock, operator::Operator};
use lambda::{Clients, clock};
use local_stack::{Options, Stack, Storage, tokens::Keys};
use reqwest::Client;
use serde_json::{Value, json};
use table::Table;
use trust::{
    id::{AccountId, InboxId},
    setup::State,
};

use super::{front::Front, token_of};
use crate::stack::{Door, event};

/// Somebody at Chatwoot's REST API.
pub(super) struct Rest {
    pub(super) base: String,
    pub(super) token: String,
}

impl Rest {
    pub(super) async fn of_account(
        &self,
        account: AccountId,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Value {
        let url = format!("{}/api/v1/accounts/{account}{path}", self.base);
        let request = Client::builder().build().unwrap().request(method, url);
        let answer = request.header("api-access-token", &self.token).json(body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }
}

/// A running Provider Trust with a Chatwoot behind its proxy, in which a provider has his place.
pub(super) struct World {
    pub(super) operator: Operator,
    pub(super) front: Front,
    pub(super) stack: Stack,
    secrets: SecretsManager,
    pub(super) account: AccountId,
    pub(super) inbox: InboxId,
    pub(super) request: Request,
}

pub(super) const SECRET_ID: &str = "provider-trust-dev";

impl World {
    pub(super) async fn start() -> Self {
        let operator = Operator::start(Clock::wall()).await.unwrap();
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            storage: Storage::Memory,
            secrets: operator.secrets().to_string(),
            parameters: operator.parameters(),
            keys: Keys::default(),
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
                    && place.attempts.state() == State::Ready
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
                others: BTreeSet::new(),
            },
            given: Given::default(),
            vault: Vault::Manager(clients.secrets_manager(), SECRET_ID.to_owned()),
        };
        let (account, inbox) = (place.account.unwrap(), place.inbox.unwrap().id);
        operator.chatwoot.forget_requests();
        Self { secrets: clients.secrets_manager(), operator, front, stack, account, inbox, request }
    }

    /// The operator at the REST API, inside the provider's account.
    pub(super) async fn asks(&self, method: Method, path: &str, body: Value) -> Value {
        let rest = Rest { base: self.operator.chatwoot.base_url(), token: token_of(&self.operator) };
        rest.of_account(self.account, method, path, &body).await
    }

    pub(super) fn address(&self) -> String {
        self.request.place.receiver.as_ref().unwrap().of(self.account)
    }

    pub(super) async fn secret(&self, name: &str) -> Value {
        let secret = self.secrets.get_secret_value().secret_id(name).send().await.unwrap();
        serde_json::from_str(secret.secret_string().unwrap()).unwrap()
    }

    pub(super) async fn put_secret(&self, name: &str, secret: &Value) {
        self.secrets
            .put_secret_value()
            .secret_id(name)
            .secret_string(secret.to_string())
            .send()
            .await
            .unwrap();
    }

    /// Changes what is kept of the provider's account.
    pub(super) async fn keeps(&self, change: impl FnOnce(&mut Value)) {
        let name = format!("{SECRET_ID}/chatwoot/{}", self.account);
        let mut kept = self.secret(&name).await;
        change(&mut kept);
        self.put_secret(&name, &kept).await;
    }
}
