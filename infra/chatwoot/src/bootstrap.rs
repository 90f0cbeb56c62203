//! Connecting: look whether Chatwoot and the tokens will do, make what is to be there, keep what functions need to know.
//!
//! Every step looks before it makes, so it may be cut off anywhere and taken again. The secret document is read before anything is made,
//! and written once, last: a document that can not be read stops everything.

use std::{collections::BTreeSet, fmt, num::NonZeroU32};

use chatwoot::client::{Account, Chatwoot, ClientError, Found, Installation, Profile, Tokens};
use lambda::secrets::{Operator, Secret};
use trust::id::AccountId;

use crate::{
    doctor::survey::{is_our_receivers, knock_unsigned},
    document::Document,
    place::{Place, is_in_the_clear},
    tokens::{Given, Token},
    vault::Vault,
    version::{Fitness, OLDEST_SOUND, OLDEST_USABLE},
    wire::Wire,
};

/// Requests a minute that are sent to Chatwoot: less than half of what it takes from one address, so that what runs beside has room.
pub(crate) const A_MINUTE: NonZeroU32 = NonZeroU32::new(1_200).expect("not zero");

/// What is to be connected, or looked at.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where things are.
    pub place: Place,
    /// What the operator has given. What he has not is taken from the secret document.
    pub given: Given,
    /// Where the secret document is.
    pub vault: Vault,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Done,
    /// It was not needed: things are so already.
    AlreadySo,
    /// Things are so, but should be better.
    Warning,
    /// It could not be taken.
    Failed,
    /// It is left for the operator.
    Left,
}

/// One line of what was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What came of it.
    pub outcome: Outcome,
    /// What, and where it failed, why.
    pub what: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = match self.outcome {
            Outcome::Done => "done",
            Outcome::AlreadySo => "already",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
            Outcome::Left => "left",
        };
        write!(f, "{outcome:<8} {}", self.what)
    }
}

/// Connects, says each step as it is taken, and answers whether all of them went well.
pub async fn bootstrap(request: &Request, told: &mut dyn FnMut(Step)) -> bool {
    let mut run = Run { request, told, failed: false };
    match run.steps().await {
        Some(()) if !run.failed => {
            run.what_is_left();
            true
        }
        _ => {
            run.say(Outcome::Left, "mend what failed and run this again; what was done stays done");
            false
        }
    }
}

struct Run<'a> {
    request: &'a Request,
    told: &'a mut dyn FnMut(Step),
    failed: bool,
}

/// Speaks to Chatwoot with these tokens.
pub(crate) fn speak(place: &Place, tokens: Tokens) -> Result<Chatwoot, String> {
    let installation =
        Installation::at(place.chatwoot.clone(), A_MINUTE).map_err(|error| error.to_string())?;
    Ok(installation.with(tokens))
}

impl Run<'_> {
    fn say(&mut self, outcome: Outcome, what: impl Into<String>) {
        self.failed |= outcome == Outcome::Failed;
        (self.told)(Step { outcome, what: what.into() });
    }

    /// The result, or nothing where it was said why there is none.
    fn or_say<T>(&mut self, what: &str, result: Result<T, impl fmt::Display>) -> Option<T> {
        result.map_err(|error| self.say(Outcome::Failed, format!("{what}: {error}"))).ok()
    }

    async fn steps(&mut self) -> Option<()> {
        let Request { place, given, vault } = self.request;
        self.server().await?;
        let document = vault.document().await;
        let mut document = self.or_say(&format!("reading {vault}"), document)?;
        let before = document.clone();

        let tokens = self.tokens(document.known().operator.as_ref())?;
        let platform = tokens.platform.clone().map(Secret::new);
        let token = Secret::new(tokens.user.as_str());
        let chatwoot = self.or_say("speaking to Chatwoot", speak(place, tokens))?;
        // Both, so that two wrong tokens are named at once.
        let (profile, made) =
            (self.user(&chatwoot).await, self.platform_app(&chatwoot, platform.is_some()).await);
        let (profile, made) = (profile?, made?);
        document.set_operator(profile.id, &token, platform.as_ref());

        let administered = self.administer(&chatwoot, &profile, &made).await;
        for account in place.named() {
            if administered.contains(&account) {
                self.connect(&chatwoot, account, &mut document).await;
            } else {
                let what = format!(
                    "account {account}: user {} is no administrator of it; one of its administrators makes him one under Settings, \
                     Agents",
                    profile.id
                );
                self.say(Outcome::Failed, what);
            }
        }
        if let Some(key) = &given.openai {
            for account in &administered {
                self.suggest_replies(&chatwoot, *account, key).await;
            }
        }
        self.keep(&before, &document).await
    }

    async fn server(&mut self) -> Option<()> {
        let url = &self.request.place.chatwoot;
        if is_in_the_clear(url) {
            self.say(
                Outcome::Warning,
                format!("{url} is not https: the tokens go over the network in the clear"),
            );
        }
        let wire = self.or_say("sending requests", Wire::new())?;
        let answer = wire.get(&self.request.place.at_chatwoot("/api")).await;
        let answer = self.or_say(&format!("asking {url} for its version"), answer)?;
        let Ok(server) = serde_json::from_slice::<chatwoot::client::Server>(&answer.body) else {
            let what = format!(
                "{url} answers {} at /api, and not as Chatwoot does: is it Chatwoot's address?",
                answer.status
            );
            self.say(Outcome::Failed, what);
            return None;
        };
        let version = &server.version;
        match Fitness::of(version) {
            Fitness::Sound => self.say(Outcome::AlreadySo, format!("{url} is Chatwoot {version}")),
            Fitness::Old => self.say(
                Outcome::Warning,
                format!(
                    "{url} is Chatwoot {version}: upgrade to {OLDEST_SOUND}, a security release, or later"
                ),
            ),
            Fitness::Unknown => self.say(
                Outcome::Warning,
                format!("{url} is Chatwoot {version:?}, which can not be compared with {OLDEST_SOUND}"),
            ),
            Fitness::TooOld => {
                self.say(
                    Outcome::Failed,
                    format!(
                        "{url} is Chatwoot {version}, which signs no webhooks: upgrade to {OLDEST_SOUND} ({OLDEST_USABLE} at the \
                         very least)"
                    ),
                );
                return None;
            }
        }
        for (what, state) in
            [("its queue (Redis)", &server.queue_services), ("its database", &server.data_services)]
        {
            if state != "ok" {
                self.say(Outcome::Failed, format!("Chatwoot says of {what}: {state:?}"));
            }
        }
        (!self.failed).then_some(())
    }

    /// The tokens that were given, else those that are kept.
    fn tokens(&mut self, kept: Option<&Operator>) -> Option<Tokens> {
        let Given { user, platform, .. } = &self.request.given;
        let user = user.as_ref().or_else(|| kept.map(|operator| &operator.token));
        let platform =
            platform.as_ref().or_else(|| kept.and_then(|operator| operator.platform_token.as_ref()));
        if user.is_none() {
            self.say(Outcome::Failed, missing(Token::User));
        }
        // Accounts are not made where all providers share one.
        if platform.is_none() && self.request.place.shared.is_none() {
            self.say(Outcome::Failed, missing(Token::Platform));
        }
        let expose = |secret: &Secret| secret.expose().to_owned();
        (!self.failed).then_some(Tokens { user: user.map(expose)?, platform: platform.map(expose) })
    }

    async fn user(&mut self, chatwoot: &Chatwoot) -> Option<Profile> {
        let profile = chatwoot.profile().await;
        let profile = self.or_say("the user's token", profile)?;
        let accounts = profile.accounts.iter().filter(|membership| is_administrator(membership)).count();
        self.say(
            Outcome::AlreadySo,
            format!(
                "the user's token is user {}'s, an administrator of {}",
                profile.id,
                counted(accounts, "account")
            ),
        );
        Some(profile)
    }

    async fn platform_app(&mut self, chatwoot: &Chatwoot, given: bool) -> Option<Vec<Account>> {
        if !given {
            return Some(Vec::new());
        }
        let made = chatwoot.accounts().await;
        let made = self.or_say("the platform token", made)?;
        let count = counted(made.len(), "account");
        self.say(Outcome::AlreadySo, format!("the platform token is an app's that has made {count}"));
        Some(made)
    }

    /// Makes the user an administrator of every account our platform app has made, and says which accounts he administers of those that
    /// matter.
    async fn administer(
        &mut self,
        chatwoot: &Chatwoot,
        profile: &Profile,
        made: &[Account],
    ) -> BTreeSet<AccountId> {
        let already = profile.accounts.iter().filter(|membership| is_administrator(membership));
        let already: BTreeSet<AccountId> = already.map(|membership| membership.id).collect();
        let named = self.request.place.named();
        let mut administered: BTreeSet<AccountId> = named.intersection(&already).copied().collect();
        for Account { id, .. } in made {
            if !already.contains(id) {
                let outcome = chatwoot.administer(*id, profile.id).await;
                let what = format!("account {id}: user {} made an administrator", profile.id);
                if self.or_say(&what, outcome).is_none() {
                    continue;
                }
                self.say(Outcome::Done, what);
            }
            administered.insert(*id);
        }
        administered
    }

    /// An account's attributes and webhook.
    async fn connect(
        &mut self,
        chatwoot: &Chatwoot,
        account: AccountId,
        document: &mut Document,
    ) -> Option<()> {
        let Some(receiver) = &self.request.place.receiver else {
            self.say(Outcome::Failed, format!("account {account}: its webhook needs --webhook-url"));
            return None;
        };
        let made = chatwoot.ensure_attributes(account).await;
        let made = self.or_say(&format!("account {account}: its attributes"), made)?;
        if made.is_empty() {
            self.say(Outcome::AlreadySo, format!("account {account}: its conversations have our attributes"));
        } else {
            self.say(Outcome::Done, format!("account {account}: attributes {}", made.join(", ")));
        }
        let url = receiver.of(account);
        self.knock(account, &url).await;
        let ensured = chatwoot.ensure_webhook(account, &url).await;
        let (webhook, found) = self.or_say(&format!("account {account}: its webhook"), ensured)?;
        let webhook_to = format!("account {account}: webhook {} to {url}", webhook.id);
        match found {
            Found::Right => self.say(Outcome::AlreadySo, webhook_to),
            Found::Nowhere => self.say(Outcome::Done, webhook_to),
            Found::Otherwise => self.say(Outcome::Done, format!("{webhook_to}: exactly our five events")),
        }
        let unsigned = "Chatwoot gives it no secret, and so does not sign";
        let secret =
            self.or_say(&format!("account {account}: its webhook"), webhook.secret.ok_or(unsigned))?;
        document.add_webhook_secret(account, &Secret::new(secret));
        Some(())
    }

    /// Whether our receiver is there. If not, it may yet come, or be seen by Chatwoot only.
    async fn knock(&mut self, account: AccountId, url: &str) {
        let Ok(wire) = Wire::new() else { return };
        let what = match knock_unsigned(&wire, url).await {
            Ok(answer) if is_our_receivers(&answer) => return,
            Ok(answer) => format!("{url} answers {}, and not as our receiver does", answer.status),
            Err(silence) => format!("{url} does not answer: {silence}"),
        };
        self.say(Outcome::Warning, format!("account {account}: {what}; is --webhook-url right?"));
    }

    async fn suggest_replies(&mut self, chatwoot: &Chatwoot, account: AccountId, key: &Secret) {
        let what = format!("account {account}: an OpenAI key for reply suggestions");
        let there = chatwoot.suggests_replies(account).await;
        match self.or_say(&what, there) {
            Some(true) => self.say(Outcome::AlreadySo, format!("{what}, which Chatwoot does not show")),
            Some(false) => {
                let outcome = match chatwoot.suggest_replies(account, key.expose()).await {
                    Err(ClientError::Invalid(_)) => Err("Chatwoot refused the key".to_owned()),
                    outcome => outcome.map_err(|error| error.to_string()),
                };
                if self.or_say(&what, outcome).is_some() {
                    self.say(Outcome::Done, what);
                }
            }
            None => {}
        }
    }

    async fn keep(&mut self, before: &Document, after: &Document) -> Option<()> {
        let vault = &self.request.vault;
        if before == after {
            self.say(Outcome::AlreadySo, format!("{vault} has all of it"));
        } else {
            let written = vault.write(after).await;
            self.or_say(&format!("writing {vault}"), written)?;
            self.say(Outcome::Done, format!("{vault}: {}", changes(before, after)));
        }
        if vault.is_open_to_others() {
            let closed = vault.close_to_others();
            self.or_say(&format!("closing {vault} to others"), closed)?;
            self.say(Outcome::Done, format!("{vault}: only its owner may read it now"));
        }
        Some(())
    }

    fn what_is_left(&mut self) {
        let Request { place, vault, given } = self.request;
        let shared =
            place.shared.map(|account| format!(" and ChatwootSharedAccount={account}")).unwrap_or_default();
        let parameters = format!("ChatwootUrl={}{shared}", place.chatwoot);
        let left = match vault {
            Vault::File(_) => format!(
                "start the local stack again, with --parameter {}: it reads the document when it starts",
                parameters.replace(" and ", " --parameter ")
            ),
            Vault::Manager(..) => {
                format!("set the template's parameters {parameters} and deploy (samconfig.toml)")
            }
        };
        self.say(Outcome::Left, left);
        if place.receiver.as_ref().is_some_and(crate::place::Receiver::is_private) {
            self.say(
                Outcome::Left,
                "the webhooks' address is private: Chatwoot posts there only with SAFE_FETCH_ALLOW_PRIVATE_NETWORK=true",
            );
        }
        if given.openai.is_some() && place.shared.is_none() {
            self.say(
                Outcome::Left,
                "accounts made later have no OpenAI key: run this again, or set CAPTAIN_OPEN_AI_API_KEY as super admin",
            );
        }
        self.say(
            Outcome::Left,
            "mail: have Chatwoot invite somebody and see that the mail comes; it does not show from here",
        );
        self.say(Outcome::Left, "channels besides the website: docs/chatwoot.md, \"Channels\"");
        self.say(Outcome::Left, "then: doctor, with the same options");
    }
}

/// What a document has that it had not. Names, no secrets.
fn changes(before: &Document, after: &Document) -> String {
    let (before, after) = (before.known(), after.known());
    let mut changes = Vec::new();
    if before.operator != after.operator {
        changes.push("the operator".to_owned());
    }
    for (account, entry) in &after.chatwoot {
        if before.chatwoot.get(account) != Some(entry) {
            changes.push(format!("the webhook's secret of account {account}"));
        }
    }
    format!("{} kept", changes.join(" and "))
}

fn missing(token: Token) -> String {
    format!(
        "{token} is missing: name its file with {} (- for standard input), or set {}",
        token.option(),
        token.variable()
    )
}

pub(crate) fn is_administrator(membership: &chatwoot::client::Membership) -> bool {
    membership.role == "administrator"
}

pub(crate) fn counted(count: usize, thing: &str) -> String {
    let plural = match thing {
        _ if count == 1 => "",
        thing if thing.ends_with('x') => "es",
        _ => "s",
    };
    format!("{count} {thing}{plural}")
}
