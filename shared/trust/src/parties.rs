//! Whether two are one: a provider and who rents from him.
//!
//! Providers are keys, and a person can have several. What is known of who is behind which is what the marketplace says: a provider's profile
//! may name his *operator*. Whoever was once named stays known, so that nobody is another party again by a change of his profile; so what is
//! found is the same in any order, and goes one way: from two to one.

use serde::{Deserialize, Serialize};

use crate::{
    id::{OperatorId, ProviderId, RenterId},
    provider::Provider,
};

/// Whether renter and provider are two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parties {
    /// As far as is known.
    #[default]
    Distinct,
    /// They are one party.
    Same,
}

impl Parties {
    /// What is known of a renter and a provider, from what is known of the provider and of the renter as a provider.
    ///
    /// They are the same party under one id, and where one operator has ever been named by both or one of them is an operator the other has
    /// named.
    pub fn of(
        (provider, known): (&ProviderId, &Provider),
        (renter, as_provider): (&RenterId, &Provider),
    ) -> Self {
        let same = renter.as_str() == provider.as_str()
            || known.named_operators().any(|of| of.as_str() == renter.as_str() || as_provider.names(of))
            || as_provider.named_operators().any(|of| of.as_str() == provider.as_str());
        if same { Self::Same } else { Self::Distinct }
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    pub(crate) fn are_distinct(&self) -> bool {
        *self == Self::Distinct
    }
}

impl Provider {
    /// Every operator he has ever named.
    pub fn named_operators(&self) -> impl Iterator<Item = &OperatorId> {
        // Of what was stored before they were kept, the profile has the last one.
        let last = self.profile.as_ref().and_then(|(_, profile)| profile.operator_id.as_ref());
        self.operators.iter().chain(last.filter(|last| !self.operators.contains(*last)))
    }

    fn names(&self, operator: &OperatorId) -> bool {
        self.named_operators().any(|named| named == operator)
    }
}
