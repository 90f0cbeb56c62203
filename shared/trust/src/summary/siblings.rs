//! The other providers of one operator: a fresh key is no clean slate.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    id::{OperatorId, ProviderId},
    time::{Day, Moment},
};

use super::{Concern, Summary};

/// What an operator's list says of one of his providers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The first time anything was said of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
    /// What he is to be warned of for himself, whatever the others are.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub concerns: BTreeSet<Concern>,
}

impl Member {
    /// What a summary says of its provider.
    pub fn of(summary: &Summary) -> Self {
        let concerns = summary.flags.iter().map(|flag| flag.concern);
        let own = concerns.filter(|concern| *concern != Concern::SiblingFlagged);
        Self { known_since: summary.known_since, concerns: own.collect() }
    }
}

/// The others that have the same operator, as they were seen on some day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Siblings {
    /// The operator.
    pub operator: OperatorId,
    /// The day.
    pub seen_on: Day,
    /// How many others there are.
    pub others: u64,
    /// How many of them are flagged for themselves.
    pub flagged: u64,
    /// The first time anything was said of one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
}

impl Siblings {
    /// The others among an operator's providers.
    pub fn of(
        (operator, members): (&OperatorId, &BTreeMap<ProviderId, Member>),
        provider: &ProviderId,
        seen_on: Day,
    ) -> Self {
        let others = || members.iter().filter(|(id, _)| *id != provider).map(|(_, member)| member);
        Self {
            operator: operator.clone(),
            seen_on,
            others: others().count() as u64,
            flagged: others().filter(|member| !member.concerns.is_empty()).count() as u64,
            known_since: others().filter_map(|member| member.known_since).min(),
        }
    }

    /// Whether they are of this operator, and seen on this day.
    pub fn serves(&self, operator: &OperatorId, today: Day) -> bool {
        self.operator == *operator && self.seen_on == today
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(known_since: &str, concerns: &[Concern]) -> Member {
        Member { known_since: Moment::parse(known_since).ok(), concerns: concerns.iter().copied().collect() }
    }

    #[test]
    fn the_others_are_counted_without_the_provider_himself_and_are_known_since_the_first_of_them() {
        let members = BTreeMap::from([
            ("fresh".parse().unwrap(), member("2026-11-20T00:00:00Z", &[Concern::Rejections])),
            ("old".parse().unwrap(), member("2025-01-01T00:00:00Z", &[Concern::Silent])),
            ("other".parse().unwrap(), member("2026-01-01T00:00:00Z", &[])),
        ]);
        let (operator, today) = ("acct-1".parse().unwrap(), Day::parse("2026-11-25").unwrap());
        let seen = Siblings::of((&operator, &members), &"fresh".parse().unwrap(), today);
        assert_eq!((seen.others, seen.flagged), (2, 1));
        assert_eq!(seen.known_since, Moment::parse("2025-01-01T00:00:00Z").ok());
        assert!(seen.serves(&operator, today) && !seen.serves(&operator, today.next()));
        assert!(!seen.serves(&"acct-2".parse().unwrap(), today));
    }
}
