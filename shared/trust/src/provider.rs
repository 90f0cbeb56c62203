//! Providers: the join of what the marketplace said of one.

use serde::{Deserialize, Serialize};

use crate::{
    id::ProviderId,
    marketplace::{Happened, Profile},
    time::Moment,
};

/// A provider as far as he is known. Every field is the join of his events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// The latest profile, and when it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<(Moment, Profile)>,
    /// The first time anything was said of him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_since: Option<Moment>,
    /// The last time he proved to be around.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_in_at: Option<Moment>,
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
                let seen = Some((at, profile.clone()));
                if seen > self.profile {
                    self.profile = seen;
                }
            }
            Happened::ProviderCheckedIn { .. } => {
                self.know_since(at);
                self.checked_in_at = self.checked_in_at.max(Some(at));
            }
            _ => {}
        }
    }

    fn know_since(&mut self, at: Moment) {
        self.known_since = Some(self.known_since.map_or(at, |known| known.min(at)));
    }
}
