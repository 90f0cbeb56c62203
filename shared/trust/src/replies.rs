//! The reply signal: what a provider's waits of one day add up to.
//!
//! Each wait stands in exactly one [`WaitCount`] of the day it opened. A change of a wait takes one away there and adds one
//! here, so the counts are the same whatever order the messages came in, and a day is a record of bounded size however many
//! conversations it had.

use serde::{Deserialize, Serialize};

use crate::{
    duration::Bucket,
    id::{ContractId, ProviderId},
    signal::{Delta, Tally},
    wait::{Turn, Wait},
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

/// How a wait stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitState {
    /// Nobody has replied.
    Open {
        /// Minute of the day it opened, 0..1440.
        minute: u16,
        /// What was promised.
        promise: Promise,
    },
    /// Somebody replied.
    Closed {
        /// After how long.
        after: Bucket,
        /// Whether within the promised time.
        promise: Kept,
    },
}

/// Whether a reply came within the promised time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kept {
    /// It did.
    Kept,
    /// It did not.
    Broken,
}

/// The class of waits that a wait is counted in, within its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WaitCount {
    /// What its conversation counts as.
    pub scope: Scope,
    /// Whether it is the conversation's first.
    pub rank: Rank,
    /// How it stands.
    pub state: WaitState,
}

/// The reply signal of one provider and day.
pub type ReplyDay = Tally<WaitCount>;

/// Changes to the reply signals.
pub type ReplyDelta = Delta<WaitCount>;

/// The class a wait is counted in. `first` is the conversation's first renter turn.
pub fn count(wait: &Wait, first: Turn, standing: &Standing) -> WaitCount {
    let state = match wait.closed {
        None => WaitState::Open { minute: wait.opened.at.minute_of_day(), promise: standing.promise },
        Some(closed) => {
            let after = closed.since(wait.opened.at);
            WaitState::Closed {
                after: Bucket::of(after),
                promise: if after <= standing.promise.0 { Kept::Kept } else { Kept::Broken },
            }
        }
    };
    let rank = if wait.opened <= first { Rank::First } else { Rank::Later };
    WaitCount { scope: standing.scope, rank, state }
}
