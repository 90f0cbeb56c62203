//! Providers: the join of what the marketplace said of one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    id::{OperatorId, ProviderId, Region},
    marketplace::{Agent, Happened, Profile},
    source::mapping::Domain,
    time::Moment,
};

/// A provider as far as he is known. Every field is the join of his events, or of those of his offerings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The latest profile, and when it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<(Moment, Profile)>,
    /// Who answers renters for him, as of the latest word. Apart from the profile, which is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agents: Option<(Moment, BTreeSet<Agent>)>,
    /// The first time anything was said of him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
    /// The last time he proved to be around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_in_at: Option<Moment>,
    /// Every operator he has named: who is one party with him stays so.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub operators: BTreeSet<OperatorId>,
    /// Those of them for which his contracts have been looked at again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reckoned: BTreeSet<OperatorId>,
    /// Where he offers, as far as his offerings say it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub regions: BTreeSet<Region>,
}

impl Provider {
    /// The provider an event is about, if it is about one's profile or presence.
    pub fn subject(happened: &Happened) -> Option<&ProviderId> {
        match happened {
            Happened::ProviderRegistered(profile) | Happened::ProviderUpdated(profile) => {
                Some(&profile.provider_id)
            }
            Happened::ProviderCheckedIn { provider_id } => Some(provider_id),
            _ => None,
        }
    }

    /// Joins an event about this provider. Events about anything else change nothing.
    pub fn join(&mut self, at: Moment, happened: &Happened) {
        match happened {
            Happened::ProviderRegistered(profile) | Happened::ProviderUpdated(profile) => {
                self.know_since(at);
                self.operators.extend(profile.operator_id.clone());
                let mut profile = profile.clone();
                let agents = std::mem::take(&mut profile.agents);
                self.agents = self.agents.take().max(Some((at, agents)));
                self.profile = self.profile.take().max(Some((at, profile)));
            }
            Happened::ProviderCheckedIn { .. } => {
                self.know_since(at);
                self.checked_in_at = self.checked_in_at.max(Some(at));
            }
            _ => {}
        }
    }

    /// Where his website is, as he says; `None` where he names none that others could name as well.
    pub fn domain(&self) -> Option<Domain> {
        self.profile.as_ref()?.1.domain()
    }

    fn know_since(&mut self, at: Moment) {
        self.known_since = Some(self.known_since.map_or(at, |known| known.min(at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marketplace::Email;

    fn said(seconds: i64, name: &str, agent: &str) -> (Moment, Happened) {
        let email: Email = agent.to_owned().try_into().unwrap();
        let profile = Profile {
            provider_id: "p1".parse().unwrap(),
            name: name.to_owned().try_into().unwrap(),
            operator_id: None,
            website: None,
            chat: None,
            agents: BTreeSet::from([Agent { email, name: "Al".to_owned() }]),
        };
        (Moment::EPOCH.plus(seconds), Happened::ProviderUpdated(profile))
    }

    #[test]
    fn the_latest_word_counts_in_any_order_and_agents_stand_apart_from_what_is_published() {
        let words = [said(1, "Old", "old@acme.example"), said(2, "New", "New@Acme.example")];
        for order in [[0, 1], [1, 0]] {
            let mut provider = Provider::default();
            for index in order {
                provider.join(words[index].0, &words[index].1);
            }
            let (_, profile) = provider.profile.unwrap();
            assert_eq!((profile.name.as_str(), profile.agents.len()), ("New", 0));
            let (_, agents) = provider.agents.unwrap();
            assert_eq!(agents.first().unwrap().email.as_str(), "new@acme.example");
        }
    }
}
