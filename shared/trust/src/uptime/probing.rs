//! What the functions that watch say to each other.

use serde::{Deserialize, Serialize};

use crate::time::Moment;

use super::{names::MonitorId, reports::Statement, shard::ShardId};

/// The slots of a shard that begin within one minute: what a worker asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minute {
    /// The shard.
    pub shard: ShardId,
    /// When the minute begins.
    pub minute: Moment,
}

/// What is to be made of what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Task {
    /// The days of a shard's monitors that are not sealed are to be worked out anew.
    Settle {
        /// The shard.
        shard: ShardId,
        /// Only these of its monitors; all where there is none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        monitors: Vec<MonitorId>,
        /// Not before this moment, when the slot is over that is to be looked at: a queue can not hold back a message for as long as
        /// the longest slots take. At once where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<Moment>,
    },
    /// The days of a shard's monitors that are over are to be sealed.
    Seal {
        /// The shard.
        shard: ShardId,
    },
    /// The sealed days of a monitor are to be looked at again.
    Review {
        /// The monitor.
        monitor: MonitorId,
    },
    /// Somebody has said something of a monitor.
    Report {
        /// The monitor.
        monitor: MonitorId,
        /// What.
        statements: Vec<Statement>,
    },
}
