//! Ways in which a connection can be broken, and what is to be said of each.

use axum::http::Method;
use chatwoot_setup::{doctor::Severity, place::Receiver};
use lambda::secrets::Secret;
use reqwest::Client;
use serde_json::{Value, json};
use trust::id::AccountId;

use super::world::{SECRET_ID, World};

/// A way in which a connection can be broken.
#[derive(Debug, Clone, Copy)]
pub(super) enum Damage {
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
pub(super) const DAMAGES: &[(Damage, &[(Severity, &str)])] = {
    use Severity::{Warning, Wrong};
    &[
        (Damage::OldVersion, &[(Warning, "older than 4.18.0")]),
        (Damage::UnsignedVersion, &[(Wrong, "Chatwoot 4.11.0 signs no webhooks")]),
        (Damage::QueueFails, &[(Wrong, "queue_services: \"failing\"")]),
        (Damage::DatabaseFails, &[(Wrong, "data_services: \"failing\"")]),
        (Damage::ClockAhead, &[(Wrong, "s ahead of this machine's: beyond 300 s its webhooks are refused")]),
        (Damage::ClockBehind, &[(Warning, "s behind this machine's")]),
        (Damage::Gone, &[(Wrong, "http://127.0.0.1:9/ does not answer: ")]),
        (Damage::NotChatwoot, &[(Wrong, "answers 404 at /api, and not as Chatwoot does")]),
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

impl World {
    /// Breaks something.
    pub(super) async fn suffers(&mut self, damage: Damage) {
        match damage {
            Damage::OldVersion
            | Damage::UnsignedVersion
            | Damage::QueueFails
            | Damage::DatabaseFails
            | Damage::ClockAhead
            | Damage::ClockBehind
            | Damage::Gone
            | Damage::NotChatwoot
            | Damage::SignUpOpen
            | Damage::NothingBlocked
            | Damage::HeaderDropped => self.around(damage),
            Damage::TokenReset
            | Damage::OtherTokenGiven
            | Damage::PlatformTokenWrong
            | Damage::OtherUser
            | Damage::NoOperator
            | Damage::DocumentUnreadable
            | Damage::NoLongerAdministrator => self.of_the_operator(damage).await,
            Damage::WebhookDeleted
            | Damage::SubscriptionMissing
            | Damage::SecondWebhook
            | Damage::OthersWebhook
            | Damage::WebhookMadeByHand
            | Damage::UnsignedTaken
            | Damage::Callback => self.of_webhooks(damage).await,
            Damage::IdentityNotMandatory
            | Damage::MembersRemoved
            | Damage::KeyUnknown
            | Damage::KeyOfAnother
            | Damage::InboxGone => self.of_inboxes(damage).await,
            Damage::ReceiverGone | Damage::WrongAddress | Damage::NoAddressGiven | Damage::UnknownAccount => {
                self.on_the_way(damage).await;
            }
        }
    }

    /// Chatwoot as it shows to everybody.
    fn around(&mut self, damage: Damage) {
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
            _ => unreachable!("{damage:?}"),
        }
    }

    /// Tokens, and what is kept of them.
    async fn of_the_operator(&mut self, damage: Damage) {
        let chatwoot = &self.operator.chatwoot;
        match damage {
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
            _ => unreachable!("{damage:?}"),
        }
    }

    /// An account's webhooks, and their secrets.
    async fn of_webhooks(&self, damage: Damage) {
        match damage {
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
            Damage::UnsignedTaken => self.keeps(|kept| kept["unsigned"] = json!("accepted")).await,
            Damage::Callback => {
                let channel = json!({ "type": "api", "webhook_url": self.address() });
                let made =
                    self.asks(Method::POST, "/inboxes", json!({ "name": "Api", "channel": channel })).await;
                let body = json!({ "inbox_id": made["id"], "user_ids": [self.operator.user] });
                self.asks(Method::PATCH, "/inbox_members", body).await;
            }
            _ => unreachable!("{damage:?}"),
        }
    }

    /// An account's inboxes, and their keys.
    async fn of_inboxes(&self, damage: Damage) {
        match damage {
            Damage::IdentityNotMandatory => {
                let body = json!({ "channel": { "hmac_mandatory": false } });
                self.asks(Method::PATCH, &format!("/inboxes/{}", self.inbox), body).await;
            }
            Damage::MembersRemoved => {
                let body = json!({ "inbox_id": self.inbox, "user_ids": [] });
                self.asks(Method::PATCH, "/inbox_members", body).await;
            }
            Damage::KeyUnknown => self.keeps_of_inbox(&json!({})).await,
            Damage::KeyOfAnother => {
                self.keeps_of_inbox(&json!({ self.inbox.to_string(): "another-key" })).await;
            }
            Damage::InboxGone => self.keeps(|kept| kept["identity"]["77"] = json!("k")).await,
            _ => unreachable!("{damage:?}"),
        }
    }

    /// Other keys are kept of the inbox.
    async fn keeps_of_inbox(&self, identity: &Value) {
        let name = format!("{SECRET_ID}/chatwoot/{}/{}", self.account, self.inbox);
        self.put_secret(&name, &json!({ "identity": identity })).await;
    }

    /// The receiver, and what it knows.
    async fn on_the_way(&mut self, damage: Damage) {
        let chatwoot = &self.operator.chatwoot;
        match damage {
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
            _ => unreachable!("{damage:?}"),
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
