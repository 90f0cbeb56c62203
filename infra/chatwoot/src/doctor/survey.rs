//! What there is to see, as it was seen. Nothing here judges, and nothing here is changed.

use std::collections::{BTreeMap, BTreeSet};

use chatwoot::{
    client::{self, Account, Chatwoot, ClientError, Inbox, Profile, Server, Tokens, User, Webhook},
    signature,
};
use lambda::secrets::{ChatwootAccount, Secret};
use reqwest::Url;
use serde::Deserialize;
use trust::{
    id::{AccountId, InboxId},
    time::Moment,
};

use crate::{
    bootstrap::{Request, is_administrator, speak},
    document::Document,
    place::{Place, Receiver},
    wire::{Answer, Silence, Wire},
};

/// What an account can not have: a conversation and an inbox by which the public paths are tried. Chatwoot answers that it knows neither.
const FORGEABLE: [&str; 2] = [
    "/public/api/v1/csat_survey/00000000-0000-0000-0000-000000000000",
    "/public/api/v1/inboxes/provider-trust-doctor",
];

/// An event that the receiver thanks for and forgets.
const HARMLESS: &str = r#"{"event":"conversation_typing_on"}"#;

/// Chatwoot as it shows to everybody.
#[derive(Debug)]
pub struct ServerSeen {
    /// Where it is.
    pub url: Url,
    /// What it says of itself, and when it was asked.
    pub api: Result<(Answer, Moment), Silence>,
    /// What it answers to somebody who would open an account, but says nothing about it.
    pub sign_up: Option<Result<Answer, Silence>>,
    /// What it answers on paths by which anybody could speak for a renter.
    pub forgeable: Vec<(&'static str, Result<Answer, Silence>)>,
}

/// What `/api` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Api {
    /// Version and services.
    #[serde(flatten)]
    pub server: Server,
    /// Chatwoot's time, such as `2026-11-24 22:00:00`.
    #[serde(default)]
    pub timestamp: Option<String>,
}

impl ServerSeen {
    /// What it says of itself, if it is Chatwoot that answers.
    pub fn api(&self) -> Option<Api> {
        serde_json::from_slice(&self.api.as_ref().ok()?.0.body).ok()
    }

    /// Whether Chatwoot answers.
    pub fn is_there(&self) -> bool {
        self.api().is_some()
    }
}

pub(super) async fn server(wire: &Wire, place: &Place, clock: fn() -> Moment) -> ServerSeen {
    let api = wire.get(&place.at_chatwoot("/api")).await.map(|answer| (answer, clock()));
    let mut seen = ServerSeen { url: place.chatwoot.clone(), api, sign_up: None, forgeable: Vec::new() };
    if seen.is_there() {
        // Where it is open, an empty request is refused before anything is made.
        seen.sign_up = Some(wire.post(&place.at_chatwoot("/api/v1/accounts"), &[], "{}").await);
        for path in FORGEABLE {
            seen.forgeable.push((path, wire.get(&place.at_chatwoot(path)).await));
        }
    }
    seen
}

/// The operator: what we know of him, and what Chatwoot does.
#[derive(Debug)]
pub struct OperatorSeen {
    /// The secret document's name.
    pub vault: String,
    /// Whether others on this machine may read it.
    pub open_to_others: bool,
    /// The id of his user in the document, or why it can not be read; nothing where it has none.
    pub kept: Result<Option<u64>, String>,
    /// The tokens that were given here and are not those in the document.
    pub differing: Vec<&'static str>,
    /// Accounts that the document has entries for.
    pub entries: BTreeMap<AccountId, ChatwootAccount>,
    /// Whether all providers share an account.
    pub shared: bool,
    /// The accounts that were named here.
    pub named: BTreeSet<AccountId>,
    /// His user, by his token; nothing where there is no token or nobody to ask.
    pub profile: Option<Result<Profile, ClientError>>,
    /// What Chatwoot says when it does not take his token.
    pub refusal: Option<Answer>,
    /// The accounts his platform app has made.
    pub made: Option<Result<Vec<Account>, ClientError>>,
    chatwoot: Option<Chatwoot>,
}

impl OperatorSeen {
    /// The accounts to look at: those that were named, and those that were made for providers.
    pub fn accounts(&self) -> Vec<Looked> {
        let made = self.made.iter().flatten().flatten();
        let mut accounts: BTreeMap<AccountId, Option<String>> =
            made.map(|account| (account.id, Some(account.name.clone()))).collect();
        for named in &self.named {
            accounts.entry(*named).or_default();
        }
        accounts.into_iter().map(|(id, made_as)| Looked { id, made_as }).collect()
    }
}

/// An account to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// Its number.
    pub id: AccountId,
    /// The name under which our platform app made it, if it did.
    pub made_as: Option<String>,
}

pub(super) async fn operator(wire: &Wire, request: &Request, is_there: bool) -> OperatorSeen {
    let Request { place, given, vault } = request;
    let document = vault.document().await;
    let known = document.as_ref().ok().map(Document::known);
    let kept = known.and_then(|known| known.operator.as_ref());
    let kept_user = kept.map(|operator| &operator.token);
    let kept_platform = kept.and_then(|operator| operator.platform_token.as_ref());
    let differ = |given: &Option<Secret>, kept: Option<&Secret>| given.is_some() && given.as_ref() != kept;
    let differing = [
        ("the user's token", differ(&given.user, kept_user)),
        ("the platform token", differ(&given.platform, kept_platform)),
    ];
    let user = given.user.as_ref().or(kept_user);
    let platform = given.platform.as_ref().or(kept_platform);
    let expose = |secret: &Secret| secret.expose().to_owned();
    let tokens = Tokens { user: user.map(expose).unwrap_or_default(), platform: platform.map(expose) };
    let chatwoot = speak(place, tokens).ok().filter(|_| is_there);
    let mut seen = OperatorSeen {
        vault: vault.to_string(),
        open_to_others: vault.is_open_to_others(),
        kept: document.as_ref().map(|_| kept.map(|operator| operator.user)).map_err(ToString::to_string),
        differing: differing.into_iter().filter(|(_, differ)| *differ).map(|(what, _)| what).collect(),
        entries: known.map(|known| known.chatwoot.clone()).unwrap_or_default(),
        shared: place.shared.is_some(),
        named: place.named(),
        profile: None,
        refusal: None,
        made: None,
        chatwoot: None,
    };
    let Some(chatwoot) = chatwoot else { return seen };
    if let Some(user) = user {
        let profile = chatwoot.profile().await;
        if profile == Err(ClientError::Unauthorised) {
            let url = place.at_chatwoot("/api/v1/profile");
            seen.refusal = wire.get_with(&url, user.expose()).await.ok();
        }
        seen.profile = Some(profile);
    }
    if platform.is_some() {
        seen.made = Some(chatwoot.accounts().await);
    }
    seen.chatwoot = Some(chatwoot);
    seen
}

/// What is kept of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The entry in the secret document, which comes first.
    pub entry: Option<ChatwootAccount>,
    /// What functions keep beside it.
    pub own: Option<ChatwootAccount>,
}

impl Kept {
    /// The secrets that webhooks may be signed with; `None` for an account that is unknown to functions.
    pub fn webhook(&self) -> Option<Vec<&Secret>> {
        let known = [&self.entry, &self.own].into_iter().flatten();
        let secrets: Vec<&Secret> = known.clone().flat_map(|kept| &kept.webhook).collect();
        (known.count() > 0).then_some(secrets)
    }

    /// The keys of identity hashes, by inbox.
    pub fn identity(&self) -> BTreeMap<InboxId, Secret> {
        let own = self.own.iter().chain(&self.entry);
        own.flat_map(|kept| kept.identity.clone()).collect()
    }
}

/// What the operator's user is in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Administrator: he sees everything.
    Administrator,
    /// `agent`, or some other role.
    Other(String),
    /// He is not in it.
    Stranger,
    /// Without his token it does not show.
    Unknown,
}

/// An account, as the operator's user sees it.
#[derive(Debug)]
pub struct AccountSeen {
    /// Which one.
    pub looked: Looked,
    /// What he is in it.
    pub standing: Standing,
    /// What is kept of it, or why it can not be read.
    pub kept: Result<Kept, String>,
    /// What was seen in it; nothing where he may not look.
    pub inside: Option<Inside>,
    /// Where its webhooks should go.
    pub receiver: Option<ReceiverSeen>,
}

/// What is in an account.
#[derive(Debug)]
pub struct Inside {
    /// Its webhooks.
    pub webhooks: Result<Vec<Webhook>, ClientError>,
    /// Its inboxes, with their members.
    pub inboxes: Result<Vec<(Inbox, Vec<User>)>, ClientError>,
    /// The attributes its conversations may have.
    pub attributes: Result<BTreeSet<String>, ClientError>,
}

/// The receiver of an account's webhooks.
#[derive(Debug)]
pub struct ReceiverSeen {
    /// The receiver, for all accounts.
    pub receiver: Receiver,
    /// Its address for this one.
    pub address: String,
    /// What it answers to a request that nobody signed.
    pub unsigned: Result<Answer, Silence>,
    /// What it answers to a harmless event, signed as Chatwoot would sign it.
    pub signed: Option<Result<Answer, Silence>>,
}

impl ReceiverSeen {
    /// Whether it is our receiver that answers, whatever it knows of the account.
    pub fn is_ours(&self) -> bool {
        self.unsigned.as_ref().is_ok_and(is_our_receivers)
    }
}

/// Whether this is how our receiver answers to what nobody signed. Of other things at a wrong address few answer 401, and none with such a
/// problem.
pub(crate) fn is_our_receivers(answer: &Answer) -> bool {
    let known = ["invalid-signature", "unknown-account", "unavailable"];
    answer.status == 204 || answer.problem().is_some_and(|problem| known.contains(&problem.as_str()))
}

/// Posts a harmless event that nobody signed.
pub(crate) async fn knock_unsigned(wire: &Wire, address: &str) -> Result<Answer, Silence> {
    wire.post(address, &[], HARMLESS).await
}

pub(super) async fn account(
    wire: &Wire,
    request: &Request,
    operator: &OperatorSeen,
    looked: Looked,
    clock: fn() -> Moment,
) -> AccountSeen {
    let id = looked.id;
    let standing = standing(operator, id);
    let inside = match &operator.chatwoot {
        Some(chatwoot) if standing == Standing::Administrator => Some(look_inside(chatwoot, id).await),
        _ => None,
    };
    let inboxes = inside.as_ref().and_then(|inside| inside.inboxes.as_ref().ok());
    let inboxes: Vec<InboxId> = inboxes.into_iter().flatten().map(|(inbox, _)| inbox.id).collect();
    let own = request.vault.of_account(id, &inboxes).await;
    let kept = own
        .map(|own| Kept { entry: operator.entries.get(&id).cloned(), own })
        .map_err(|error| error.to_string());
    let receiver = match &request.place.receiver {
        Some(receiver) => Some(knock(wire, receiver, id, inside.as_ref(), clock).await),
        None => None,
    };
    AccountSeen { looked, standing, kept, inside, receiver }
}

fn standing(operator: &OperatorSeen, account: AccountId) -> Standing {
    let Some(Ok(profile)) = &operator.profile else { return Standing::Unknown };
    match profile.accounts.iter().find(|membership| membership.id == account) {
        None => Standing::Stranger,
        Some(membership) if is_administrator(membership) => Standing::Administrator,
        Some(membership) => Standing::Other(membership.role.clone()),
    }
}

async fn look_inside(chatwoot: &Chatwoot, account: AccountId) -> Inside {
    Inside {
        webhooks: chatwoot.webhooks(account).await,
        inboxes: with_members(chatwoot, account).await,
        attributes: chatwoot.attributes(account).await,
    }
}

async fn with_members(
    chatwoot: &Chatwoot,
    account: AccountId,
) -> Result<Vec<(Inbox, Vec<User>)>, ClientError> {
    let mut inboxes = Vec::new();
    for inbox in chatwoot.inboxes(account).await? {
        let members = chatwoot.members(account, inbox.id).await?;
        inboxes.push((inbox, members));
    }
    Ok(inboxes)
}

/// Asks the receiver without a signature, and where it wants one, with that of the webhook that Chatwoot has.
async fn knock(
    wire: &Wire,
    receiver: &Receiver,
    account: AccountId,
    inside: Option<&Inside>,
    clock: fn() -> Moment,
) -> ReceiverSeen {
    let address = receiver.of(account);
    let unsigned = knock_unsigned(wire, &address).await;
    let webhooks = inside.and_then(|inside| inside.webhooks.as_ref().ok());
    let secret = webhooks.into_iter().flatten().find(|webhook| client::same_place(&webhook.url, &address));
    let secret = secret.and_then(|webhook| webhook.secret.as_deref());
    let signed = match (&unsigned, secret) {
        (Ok(answer @ Answer { status: 401, .. }), Some(secret)) if is_our_receivers(answer) => {
            let (timestamp, signature) = signature::sign(secret, clock(), HARMLESS.as_bytes());
            let headers = [
                (signature::TIMESTAMP_HEADER, timestamp.as_str()),
                (signature::SIGNATURE_HEADER, signature.as_str()),
            ];
            Some(wire.post(&address, &headers, HARMLESS).await)
        }
        _ => None,
    };
    ReceiverSeen { receiver: receiver.clone(), address, unsigned, signed }
}
