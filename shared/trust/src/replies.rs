//! The reply signal: what a provider's waits of one day add up to.
//!
//! A closed wait stands in exactly one [`WaitCount`] of the day it opened; an open one is a record of its own. A change takes one
//! away there and adds one here, so the signal is the same whatever order the messages came in, and its size is bounded by days
//! and open waits, not by conversations.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    id::{ContractId, ConversationId, ProviderId},
    signal::{Delta, Tally},
    time::{Day, Moment},
    wait::{Turn, Wait, waits},
};

/// Time in which a provider promises to reply, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Promise(pub u32);

impl Default for Promise {
    /// 4 h, where the contract sets nothing (DESIGN §5).
    fn default() -> Self {
        Self(4 * 3600)
    }
}

/// Time without a reply after which a provider counts as silent, in seconds; where a contract sets none, the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SilentAfter(pub u32);

/// What a conversation counts as, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Whose conversation it is.
    pub provider: ProviderId,
    /// What it counts as.
    pub scope: Scope,
    /// The contract it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<ContractId>,
    /// What the provider promised.
    pub promise: Promise,
    /// When he counts as silent, where the contract says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<SilentAfter>,
}

/// What a conversation counts as. Only [`Scope::Contract`] is scored; the others are shown apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Tied to a contract, and the contact is verified to be its renter.
    Contract,
    /// Tied to no contract.
    PreSales,
    /// Tied to a contract by our own record, but nobody verified that the contact is its renter.
    Unverified,
    /// The renter and the provider are the same party.
    SelfDealing,
}

/// Whether a wait is its conversation's first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// The first: its reply is the first response.
    First,
    /// A later one.
    Later,
}

/// Whether a reply came within the promised time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// It did.
    Kept,
    /// It did not.
    Broken,
}

/// The class a closed wait is counted in, within the day it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitCount {
    /// What its conversation counts as.
    pub scope: Scope,
    /// Whether it is the conversation's first.
    pub rank: Rank,
    /// How long it lasted.
    pub after: Bucket,
    /// Whether that was within the promised time.
    pub promise: Kept,
}

/// A wait nobody has replied to yet. A conversation has at most one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OpenWait {
    /// What its conversation counts as.
    pub scope: Scope,
    /// When it opened.
    pub opened_at: Moment,
    /// The conversation.
    pub conversation: ConversationId,
    /// Whether it is the conversation's first.
    pub rank: Rank,
    /// What was promised.
    pub promise: Promise,
    /// When the provider counts as silent, where the contract says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<SilentAfter>,
}

/// The closed waits that opened on one day.
pub type ReplyDay = Tally<WaitCount>;

/// What changes in the reply signals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyDelta {
    /// Closed waits, by class.
    pub closed: Delta<WaitCount>,
    /// Open waits that come into being.
    pub opened: BTreeSet<(ProviderId, OpenWait)>,
    /// Open waits that are no more.
    pub ended: BTreeSet<(ProviderId, OpenWait)>,
}

impl ReplyDelta {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.opened.is_empty() && self.ended.is_empty()
    }

    fn gain(&mut self, wait: &Wait, view: &View<'_>) {
        match view.count(wait) {
            None => {}
            Some((provider, Counted::Closed(day, class))) => self.closed.gain(&provider, day, class),
            Some((provider, Counted::Open(open))) => {
                let open = (provider, open);
                if !self.ended.remove(&open) {
                    self.opened.insert(open);
                }
            }
        }
    }

    fn lose(&mut self, wait: &Wait, view: &View<'_>) {
        match view.count(wait) {
            None => {}
            Some((provider, Counted::Closed(day, class))) => self.closed.lose(&provider, day, class),
            Some((provider, Counted::Open(open))) => {
                let open = (provider, open);
                if !self.opened.remove(&open) {
                    self.ended.insert(open);
                }
            }
        }
    }
}

enum Counted {
    Closed(Day, WaitCount),
    Open(OpenWait),
}

/// A conversation, or the part of it that a change can reach, and what its waits count as.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The conversation.
    pub conversation: ConversationId,
    /// Turns as [`wait::waits`](crate::wait::waits) wants them.
    pub turns: &'a [Turn],
    /// The first renter's turn of the whole conversation.
    pub first: Option<Turn>,
    /// What its waits count as.
    pub standing: Option<&'a Standing>,
}

impl View<'_> {
    fn count(&self, wait: &Wait) -> Option<(ProviderId, Counted)> {
        let standing = self.standing?;
        let rank =
            if self.first.is_none_or(|first| wait.opened <= first) { Rank::First } else { Rank::Later };
        let counted = match wait.closed {
            None => Counted::Open(OpenWait {
                scope: standing.scope,
                opened_at: wait.opened.at,
                conversation: self.conversation,
                rank,
                promise: standing.promise,
                silent_after: standing.silent_after,
            }),
            Some(closed) => {
                let after = closed.since(wait.opened.at);
                let promise = if after <= standing.promise.0 { Kept::Kept } else { Kept::Broken };
                let class = WaitCount { scope: standing.scope, rank, after: Bucket::of(after), promise };
                Counted::Closed(wait.opened.at.day(), class)
            }
        };
        Some((standing.provider.clone(), counted))
    }
}

/// What changes in the reply signals when `before` becomes `after`.
///
/// Both views must reach equally far, so that what lies outside them is the same.
pub fn difference(before: &View<'_>, after: &View<'_>) -> ReplyDelta {
    let mut delta = ReplyDelta::default();
    for wait in waits(before.turns) {
        delta.lose(&wait, before);
    }
    for wait in waits(after.turns) {
        delta.gain(&wait, after);
    }
    delta
}
