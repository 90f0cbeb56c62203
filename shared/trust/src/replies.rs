//! The reply signal: what a provider's waits of one day add up to.
//!
//! A closed wait stands in exactly one [`WaitCount`] of the day it opened; an open one is a record of its own. A change takes one
//! away there and adds one here, so the signal is the same whatever order the messages came in, and its size is bounded by days
//! and open waits, not by conversations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    id::{ContractId, ConversationId, ProviderId, RenterId},
    renter_week::{Changes, week_of},
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
    /// Whose waits they are, where they are scored: of one renter only so many a week are. Absent of what was counted before it was kept; no
    /// waits of that are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renter: Option<RenterId>,
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
    /// In a contract that cost nothing or was there for under an hour: anybody can have many such.
    Minimal,
    /// In a contract, beyond what is scored of one renter and week ([`RenterWeek`](crate::renter_week::RenterWeek)). Only closed waits are: an open
    /// one is watched like any other.
    Excess,
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

/// Whether a wait in a contract is among those that are scored of its renter and week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// It is.
    #[default]
    Scored,
    /// It is beyond them.
    Beyond,
}

impl Counts {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    fn is_scored(&self) -> bool {
        *self == Self::Scored
    }
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
    /// Whether it is scored, where its scope is.
    #[serde(default, skip_serializing_if = "Counts::is_scored")]
    pub counts: Counts,
}

/// A wait in a contract, with all that decides what it is counted as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CountedWait {
    /// When it opened.
    pub opened_at: Moment,
    /// The conversation.
    pub conversation: ConversationId,
    /// When it was replied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Moment>,
    /// Whether it is the conversation's first.
    pub rank: Rank,
    /// What was promised.
    pub promise: Promise,
    /// When the provider counts as silent, where the contract says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after: Option<SilentAfter>,
}

impl CountedWait {
    fn counted(&self, scope: Scope, counts: Counts) -> Counted {
        let Some(closed) = self.closed_at else {
            return Counted::Open(OpenWait {
                scope,
                opened_at: self.opened_at,
                conversation: self.conversation,
                rank: self.rank,
                promise: self.promise,
                silent_after: self.silent_after,
                counts,
            });
        };
        let after = closed.since(self.opened_at);
        let promise = if after <= self.promise.0 { Kept::Kept } else { Kept::Broken };
        let scope = if counts == Counts::Beyond { Scope::Excess } else { scope };
        let class = WaitCount { scope, rank: self.rank, after: Bucket::of(after), promise };
        Counted::Closed(self.opened_at.day(), class)
    }
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
    /// Waits of which only so many a renter and week are scored, by its Monday: what they change is decided with the others of it
    /// ([`RenterWeek::change`](crate::renter_week::RenterWeek::change)).
    pub of_renters: BTreeMap<(ProviderId, RenterId, Day), Changes>,
}

impl ReplyDelta {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty()
            && self.opened.is_empty()
            && self.ended.is_empty()
            && self.of_renters.values().all(|changes| *changes == Changes::default())
    }

    /// A wait in a contract comes into being.
    pub(crate) fn gain(&mut self, provider: &ProviderId, counts: Counts, wait: &CountedWait) {
        self.enter(provider, wait.counted(Scope::Contract, counts));
    }

    /// A wait in a contract is no more.
    pub(crate) fn lose(&mut self, provider: &ProviderId, counts: Counts, wait: &CountedWait) {
        self.leave(provider, wait.counted(Scope::Contract, counts));
    }

    fn enter(&mut self, provider: &ProviderId, counted: Counted) {
        match counted {
            Counted::Closed(day, class) => self.closed.gain(provider, day, class),
            Counted::Open(open) => {
                let open = (provider.clone(), open);
                if !self.ended.remove(&open) {
                    self.opened.insert(open);
                }
            }
        }
    }

    fn leave(&mut self, provider: &ProviderId, counted: Counted) {
        match counted {
            Counted::Closed(day, class) => self.closed.lose(provider, day, class),
            Counted::Open(open) => {
                let open = (provider.clone(), open);
                if !self.opened.remove(&open) {
                    self.ended.insert(open);
                }
            }
        }
    }

    /// The changes of the renter's week this wait is counted in, if it is counted with others.
    fn changes(&mut self, standing: &Standing, wait: &CountedWait) -> Option<&mut Changes> {
        let renter = standing.renter.clone().filter(|_| standing.scope == Scope::Contract)?;
        let week = week_of(wait.opened_at.day());
        Some(self.of_renters.entry((standing.provider.clone(), renter, week)).or_default())
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
    fn counted(&self, wait: &Wait) -> Option<(&Standing, CountedWait)> {
        let standing = self.standing?;
        let rank =
            if self.first.is_none_or(|first| wait.opened <= first) { Rank::First } else { Rank::Later };
        let counted = CountedWait {
            opened_at: wait.opened.at,
            conversation: self.conversation,
            closed_at: wait.closed,
            rank,
            promise: standing.promise,
            silent_after: standing.silent_after,
        };
        Some((standing, counted))
    }
}

/// What changes in the reply signals when `before` becomes `after`.
///
/// Both views must reach equally far, so that what lies outside them is the same.
pub fn difference(before: &View<'_>, after: &View<'_>) -> ReplyDelta {
    let mut delta = ReplyDelta::default();
    for (standing, wait) in waits(before.turns).iter().filter_map(|wait| before.counted(wait)) {
        match delta.changes(standing, &wait) {
            Some(changes) => changes.lose(wait),
            None => delta.leave(&standing.provider, wait.counted(standing.scope, Counts::Scored)),
        }
    }
    for (standing, wait) in waits(after.turns).iter().filter_map(|wait| after.counted(wait)) {
        match delta.changes(standing, &wait) {
            Some(changes) => changes.gain(wait),
            None => delta.enter(&standing.provider, wait.counted(standing.scope, Counts::Scored)),
        }
    }
    delta
}
