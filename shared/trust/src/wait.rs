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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(script: &str) -> Vec<Turn> {
        let side = |letter| if letter == 'R' { Side::Renter } else { Side::Provider };
        let at = |index: usize| Moment::from_unix(1_700_000_000 + 60 * index as i64).unwrap();
        script
            .chars()
            .enumerate()
            .map(|(index, letter)| Turn {
                at: at(index),
                message: MessageId(index as u64),
                side: side(letter),
            })
            .collect()
    }

    /// Each wait as the position it opened at and how many minutes it lasted.
    fn minutes(script: &str) -> Vec<(u64, Option<u32>)> {
        let lasted = |wait: &Wait| wait.closed.map(|closed| closed.since(wait.opened.at) / 60);
        waits(&turns(script)).iter().map(|wait| (wait.opened.message.0, lasted(wait))).collect()
    }

    #[test]
    fn a_wait_runs_from_the_first_unanswered_message_to_the_next_reply() {
        assert_eq!(minutes("RP"), [(0, Some(1))]);
        assert_eq!(minutes("RRRP"), [(0, Some(3))]);
        assert_eq!(minutes("RPPRRP"), [(0, Some(1)), (3, Some(2))]);
        assert_eq!(minutes("RPR"), [(0, Some(1)), (2, None)]);
    }

    #[test]
    fn a_provider_who_writes_first_opens_no_wait() {
        assert_eq!(minutes("PPP"), []);
        assert_eq!(minutes("PRP"), [(1, Some(1))]);
    }

    #[test]
    fn a_renter_who_is_never_answered_waits_still() {
        assert_eq!(minutes("RRRR"), [(0, None)]);
        assert_eq!(minutes(""), []);
    }

    proptest! {
        /// The definition read off the text: a renter's turn opens a wait when no other renter's turn stands between it and the
        /// last provider's turn.
        #[test]
        fn waits_agree_with_the_definition_word_by_word(script in "[RP]{0,24}") {
            let turns = turns(&script);
            let mut expected = Vec::new();
            for (index, turn) in turns.iter().enumerate() {
                let opens = turn.side == Side::Renter
                    && (index == 0 || turns[index - 1].side == Side::Provider);
                if opens {
                    let reply = turns[index..].iter().find(|later| later.side == Side::Provider);
                    expected.push(Wait { opened: *turn, closed: reply.map(|reply| reply.at) });
                }
            }
            prop_assert_eq!(waits(&turns), expected);
        }
    }
}
