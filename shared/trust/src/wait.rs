//! Waits: how long a renter has been left without an answer.
//!
//! A wait opens at the renter's first message after the last provider reply (or at his first), and closes at the
//! next human reply. Nothing else closes it: not resolving, snoozing, deleting or reassigning. A provider who
//! writes first opens no wait. Waits still open are right-censored observations, not missing ones.

use serde::{Deserialize, Serialize};

use crate::{id::MessageId, time::Moment};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The renter, or an unidentified visitor.
    Renter,
    /// A person of the provider.
    Provider,
}

/// A message that counts in the exchange. Turns order by time, and within a second by message id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Turn {
    /// When it was written.
    pub at: Moment,
    /// The message.
    pub message: MessageId,
    /// Who wrote it.
    pub side: Side,
}

/// One stretch of waiting. Named by the turn that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wait {
    /// The renter's message it opened with.
    pub opened: Turn,
    /// When the provider replied.
    pub closed: Option<Moment>,
}

/// The waits in a run of turns.
///
/// `turns` are in order and begin either with the conversation's first turn or with a provider's turn; then every wait that
/// opens in them is found. One that the run does not close is open only if the run reaches the conversation's end.
pub fn waits(turns: &[Turn]) -> Vec<Wait> {
    let mut found: Vec<Wait> = Vec::new();
    let mut open: Option<Turn> = None;
    for turn in turns {
        match (turn.side, open) {
            (Side::Renter, None) => open = Some(*turn),
            (Side::Provider, Some(opened)) => {
                found.push(Wait { opened, closed: Some(turn.at) });
                open = None;
            }
            (Side::Renter, Some(_)) | (Side::Provider, None) => {}
        }
    }
    found.extend(open.map(|opened| Wait { opened, closed: None }));
    found
}
