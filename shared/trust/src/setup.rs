//! Setting up chat: how far a provider's place in Chatwoot has come, and a contract's conversation.
//!
//! Chatwoot may be down, slow, or answer an error after having done what it was asked. So a setup is a row of steps, each of which looks
//! before it makes, and what a step found is noted before the next begins. Whoever works on one first notes until when it is his
//! ([`Attempts::begin`]); should he die, it is anybody's again afterwards, and what he asked for last has come about by then or never
//! will. What is wished for meanwhile waits for him to finish ([`Attempts::wished`]). What failed is tried again, ever more rarely,
//! and never given up: a token that was wrong may be right tomorrow.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ContractId, ConversationId, ConversationNumber, InboxId, ProviderId},
    marketplace::{ChatPlace, Email},
    time::Moment,
};

/// Seconds for which a setup belongs to whoever began it. Shorter than a run may take lets two work on it at once; longer delays
/// the one after a crash.
pub const LEASE: u32 = 120;

/// Seconds until the first try after a failure; each further one waits twice as long. Shorter, and a request that was given up could
/// still be under way in Chatwoot when the next try looks for what it makes.
pub const FIRST_PAUSE: u32 = 60;

/// The longest pause between two tries, in seconds. Longer lets a mended Chatwoot wait for its providers.
pub const LONGEST_PAUSE: u32 = 3600;

/// The type of the bus event that asks for a provider's setup to be worked on at once rather than with the next scheduled run.
pub const PROVIDER_CHAT_WANTED: &str = "provider.chat-wanted";

/// The same for a contract's conversation.
pub const CONTRACT_CHAT_WANTED: &str = "contract.chat-wanted";

/// The detail of these events, whose source is `trust`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// A provider's place in Chatwoot.
    Provider(ProviderId),
    /// A contract's conversation.
    Contract(ContractId),
}

impl Wanted {
    /// The event's type.
    pub fn event_type(&self) -> &'static str {
        match self {
            Self::Provider(_) => PROVIDER_CHAT_WANTED,
            Self::Contract(_) => CONTRACT_CHAT_WANTED,
        }
    }
}

/// The type of the bus event that asks for the conversations of an account or inbox to be looked at again, since it became somebody's.
pub const ACCOUNT_LINKED: &str = "account.linked";

/// The detail of [`ACCOUNT_LINKED`], whose source is `trust`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLinked {
    /// The account, or an inbox of it.
    pub place: ChatPlace,
    /// Whose it became.
    pub holder: ProviderId,
    /// The last conversation that has been asked for; none at the beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind: Option<ConversationNumber>,
}

/// How providers get a place in Chatwoot, for a whole stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Each has an account of his own: the only isolation there is in the Community Edition.
    PerProvider,
    /// All share one account, each with an inbox of his own. Agents see every contact of the account.
    Shared(AccountId),
}

/// When a setup is worked on, and what stood in its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// When somebody may work on it; absent when there is nothing left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Moment>,
    /// Who is at it: when he began. His until [`Attempts::due`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun: Option<Moment>,
    /// Something was wished for since he began.
    #[serde(default)]
    pub again: bool,
    /// Failures in a row.
    #[serde(default)]
    pub failures: u32,
    /// What stood in the way of the last try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// What stands in the way of a setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whether time may mend it.
    pub nature: Nature,
    /// What it is, in words that anybody may read.
    pub reason: String,
}

/// Whether time may mend a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// Chatwoot is down, slow or busy.
    Passing,
    /// Somebody has to do something.
    Lasting,
}

/// What is told of a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State<'a> {
    /// Nothing is left to do.
    Ready,
    /// It is being worked on, or will be again.
    Pending(Option<&'a str>),
    /// Somebody has to do something.
    Failed(&'a str),
}

impl Attempts {
    /// There is something to do, from now on.
    pub fn wanted(now: Moment) -> Self {
        Self { due: Some(now), ..Self::default() }
    }

    /// There is something to do, at once, or when he who is at it has finished.
    #[must_use]
    pub fn wished(&self, now: Moment) -> Self {
        if self.is_held(now) {
            Self { again: true, ..self.clone() }
        } else {
            Self { due: Some(now), begun: None, ..self.clone() }
        }
    }

    /// Whether somebody may begin now.
    pub fn is_due(&self, now: Moment) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Whether somebody is at it.
    pub fn is_held(&self, now: Moment) -> bool {
        self.begun.is_some() && !self.is_due(now)
    }

    /// Begun: nobody else's for the [`LEASE`].
    #[must_use]
    pub fn begin(&self, now: Moment) -> Self {
        Self { due: Some(now.plus(i64::from(LEASE))), begun: Some(now), again: false, ..self.clone() }
    }

    /// Not finished, for this reason. Tried again at once if something was wished for meanwhile, which may have mended it.
    #[must_use]
    pub fn failed(&self, trouble: Trouble, now: Moment) -> Self {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        let pause = if self.again { 0 } else { pause };
        Self {
            due: Some(now.plus(i64::from(pause))),
            failures: self.failures.saturating_add(1),
            trouble: Some(trouble),
            ..Self::default()
        }
    }

    /// Not finished, because something else has to be first, which may be then.
    #[must_use]
    pub fn waiting(&self, trouble: Trouble, until: Moment) -> Self {
        Self { due: Some(until), trouble: Some(trouble), ..Self::default() }
    }

    /// Nothing is left to do, unless something was wished for meanwhile.
    #[must_use]
    pub fn finished(&self, now: Moment) -> Self {
        if self.again { Self::wanted(now) } else { Self::default() }
    }

    /// What is told of it.
    pub fn state(&self) -> State<'_> {
        match (self.due, &self.trouble) {
            (None, _) => State::Ready,
            (Some(_), Some(Trouble { nature: Nature::Lasting, reason })) => State::Failed(reason),
            (Some(_), trouble) => State::Pending(trouble.as_ref().map(|trouble| trouble.reason.as_str())),
        }
    }
}

/// How far a provider's place in Chatwoot has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderChat {
    /// When it is worked on.
    pub attempts: Attempts,
    /// His account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// His website inbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<WebsiteInbox>,
    /// His agents as Chatwoot's users: those who are members of the inbox.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub agents: BTreeMap<Email, u64>,
    /// What else is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub done: BTreeSet<ProviderStep>,
}

impl ProviderChat {
    /// Where renters can write to him, as soon as they can: whatever else is still to be done.
    pub fn place(&self) -> Option<(AccountId, &WebsiteInbox)> {
        let open = [ProviderStep::Identity, ProviderStep::Link].iter().all(|step| self.done.contains(step));
        self.account.zip(self.inbox.as_ref()).filter(|_| open)
    }
}

/// A website inbox: what a widget needs to know of it. Neither is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebsiteInbox {
    /// The inbox.
    pub id: InboxId,
    /// What the widget names it by.
    pub website_token: String,
}

/// A step of a provider's setup whose result is nothing but that it is done. In the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderStep {
    /// The creation of the account was asked for: whoever finds no account noted looks for it before making one.
    AccountAsked,
    /// Our own user administers the account.
    Administrator,
    /// Conversations have the attributes that name contract and offering.
    Attributes,
    /// Chatwoot posts the five events to us, and we know its secret.
    Webhook,
    /// The inbox takes identities with a hash only, and we know its key.
    Identity,
    /// The account or inbox is known to be his.
    Link,
}

/// How far a contract's conversation has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractChat {
    /// When it is worked on.
    pub attempts: Attempts,
    /// The renter as a contact of the provider's account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<u64>,
    /// The conversation we opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// What else is done.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub done: BTreeSet<ContractStep>,
}

/// A step of a contract's conversation whose result is nothing but that it is done. In the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContractStep {
    /// The renter has a place in the inbox through which the conversation runs.
    ContactInbox,
    /// Our own record ties the conversation to the contract.
    Record,
    /// A note says what the conversation is about.
    Introduced,
    /// A note says that the contract has ended.
    EndNoted,
    /// The conversation is resolved.
    Resolved,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix(1_790_000_000 + seconds).unwrap()
    }

    fn trouble(nature: Nature) -> Trouble {
        Trouble { nature, reason: "Chatwoot answered 500".to_owned() }
    }

    #[test]
    fn whoever_begins_has_it_alone_until_his_lease_is_over() {
        let wanted = Attempts::wanted(at(0));
        assert!(wanted.is_due(at(0)));
        let begun = wanted.begin(at(0));
        assert!(!begun.is_due(at(i64::from(LEASE) - 1)));
        assert!(begun.is_due(at(i64::from(LEASE))), "he died: it is anybody's");
        assert!(!begun.finished(at(1)).is_due(at(1_000_000)));
    }

    #[test]
    fn what_is_wished_for_while_somebody_is_at_it_waits_for_him_and_is_not_forgotten() {
        let begun = Attempts::wanted(at(0)).begin(at(0));
        let wished = begun.wished(at(5));
        assert!(!wished.is_due(at(60)), "it stays his");
        assert!(wished.finished(at(61)).is_due(at(61)));
        assert!(wished.begin(at(200)).finished(at(201)).due.is_none(), "whoever begins later sees to it");
        assert!(
            wished.failed(trouble(Nature::Lasting), at(10)).is_due(at(10)),
            "the wish may have mended it"
        );
        let failed = begun.failed(trouble(Nature::Passing), at(10));
        assert!(failed.wished(at(11)).is_due(at(11)), "somebody may have mended it");
        assert_eq!(failed.wished(at(11)).failures, 1);
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let mut attempts = Attempts::wanted(at(0));
        let mut pauses = Vec::new();
        for _ in 0..9 {
            attempts = attempts.failed(trouble(Nature::Passing), at(0));
            pauses.push(attempts.due.unwrap().since(at(0)));
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]);
    }

    #[test]
    fn what_is_told_is_ready_pending_or_failed_with_the_reason() {
        let wanted = Attempts::wanted(at(0));
        assert_eq!(wanted.state(), State::Pending(None));
        let passing = wanted.failed(trouble(Nature::Passing), at(0));
        assert_eq!(passing.state(), State::Pending(Some("Chatwoot answered 500")));
        assert_eq!(passing.begin(at(60)).state(), passing.state(), "trying again does not hide the trouble");
        let lasting = wanted.failed(trouble(Nature::Lasting), at(0));
        assert_eq!(lasting.state(), State::Failed("Chatwoot answered 500"));
        assert_eq!(wanted.finished(at(0)).state(), State::Ready);
    }

    proptest! {
        #[test]
        fn a_setup_that_fails_is_always_tried_again_and_never_sooner_than_before(failures in 0..u32::MAX) {
            let before = Attempts { failures, ..Attempts::wanted(at(0)) };
            let once = before.failed(trouble(Nature::Passing), at(0));
            let twice = once.failed(trouble(Nature::Passing), at(0));
            prop_assert!(once.due.is_some() && once.due <= twice.due);
        }
    }
}
