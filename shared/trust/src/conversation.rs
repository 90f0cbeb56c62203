//! Conversations: whose they are and what they count as.
//!
//! A conversation is tied to a contract by our own record, else by the contract id in its attributes, which a browser or an agent
//! can set: so that claim counts only together with a verified contact who is that contract's renter. What was once seen stays
//! seen: a provider who edits the contact or the attributes afterwards takes no wait out of his record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    chat::{Channel, ConversationSighting, Identity},
    contract::Contract,
    id::{ContractId, InboxId, ProviderId, RenterId},
    replies::{Scope, Standing},
    wait::Turn,
};

/// How many identities and claims of one conversation are kept, the smallest first. One of each is the rule; without a limit
/// a browser that changes its attributes in a loop would grow the record.
const KEPT: usize = 8;

/// A conversation as far as it is known: the join of its sightings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// The inbox it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<InboxId>,
    /// The identifiers that were verified for it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub verified: BTreeSet<RenterId>,
    /// The contracts claimed for it, each with the identifier verified at that moment.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub claims: BTreeSet<(ContractId, RenterId)>,
    /// The first turn of the renter's side: its wait is the first response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_renter_turn: Option<Turn>,
}

impl Conversation {
    /// Joins a sighting.
    pub fn join(&mut self, seen: &ConversationSighting) {
        self.inbox = Some(self.inbox.map_or(seen.inbox, |known| known.min(seen.inbox)));
        // In an API inbox any agent can speak for the renter, so nothing there is verified.
        let verifiable = seen.channel != Channel::Api && seen.identity == Identity::Verified;
        let Some(renter) = seen.identifier.as_ref().filter(|_| verifiable) else { return };
        self.verified.insert(renter.clone());
        if let Some(contract) = &seen.claimed_contract {
            self.claims.insert((contract.clone(), renter.clone()));
        }
        while self.verified.len() > KEPT {
            self.verified.pop_last();
        }
        while self.claims.len() > KEPT {
            self.claims.pop_last();
        }
    }

    /// What the conversation counts as. `None` while nobody knows whose it is.
    ///
    /// `owner` is the provider whose account or inbox it runs in, `records` the contracts that our own record ties it to, and
    /// `contracts` what is known of those and of the claimed ones.
    pub fn standing(
        &self,
        owner: Option<&ProviderId>,
        records: &BTreeSet<ContractId>,
        contracts: &BTreeMap<ContractId, Contract>,
    ) -> Option<Standing> {
        let terms_of = |contract: &ContractId| {
            let terms = contracts.get(contract)?.terms()?;
            // An account proves nothing about another provider's contract.
            owner.is_none_or(|owner| *owner == terms.provider_id).then_some(terms)
        };
        let recorded = records.iter().find_map(terms_of).map(|terms| {
            let scope =
                if self.verified.contains(&terms.renter_id) { Scope::Contract } else { Scope::Unverified };
            (terms, scope)
        });
        let claimed = || {
            let known_owner = owner?;
            self.claims.iter().find_map(|(contract, renter)| {
                let terms = terms_of(contract)?;
                (terms.renter_id == *renter && terms.provider_id == *known_owner)
                    .then_some((terms, Scope::Contract))
            })
        };
        let Some((terms, scope)) = recorded.or_else(claimed) else {
            return owner.map(|owner| Standing {
                provider: owner.clone(),
                scope: Scope::PreSales,
                contract: None,
                promise: crate::replies::Promise::default(),
            });
        };
        let same_party = terms.renter_id.as_str() == terms.provider_id.as_str();
        Some(Standing {
            provider: terms.provider_id.clone(),
            scope: if same_party { Scope::SelfDealing } else { scope },
            contract: Some(terms.contract_id.clone()),
            promise: terms.reply_within_seconds.unwrap_or_default(),
        })
    }
}
