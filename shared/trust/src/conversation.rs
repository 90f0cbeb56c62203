//! Conversations: whose they are and what they count as.
//!
//! A conversation is tied to a contract by our own record, else by the contract id in its attributes, which a browser or an agent
//! can set: so that claim counts only together with a verified contact who is that contract's renter. What was once seen stays
//! seen: a provider who edits the contact or the attributes afterwards takes no wait out of his record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    chat::{Channel, ConversationSighting, Identity},
    contract::{Contract, Worth},
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
    /// The identifiers its contact had, where a channel other than the widget says who writes: by his number, address or account
    /// there. An agent can edit an identifier, so it counts only where our own record ties the conversation to the contract.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub by_channel: BTreeSet<RenterId>,
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
        if let Some(renter) = seen.identifier.as_ref().filter(|_| seen.channel == Channel::Other) {
            self.by_channel.insert(renter.clone());
            while self.by_channel.len() > KEPT {
                self.by_channel.pop_last();
            }
        }
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

    /// Whether its contact is this renter, where our own record ties it to a contract of his.
    pub fn is_with(&self, renter: &RenterId) -> bool {
        self.verified.contains(renter) || self.by_channel.contains(renter)
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
        let of_owner = |contract: &ContractId| {
            let contract = contracts.get(contract)?;
            let terms = contract.terms()?;
            // An account proves nothing about another provider's contract.
            owner.is_none_or(|owner| *owner == terms.provider_id).then_some((contract, terms))
        };
        // Of several the one that tells most: whoever once had something for nothing is a customer when he pays.
        let recorded = records.iter().filter_map(of_owner).min_by_key(|(contract, _)| contract.worth());
        let recorded = recorded.map(|(contract, terms)| {
            let scope = if self.is_with(&terms.renter_id) { Scope::Contract } else { Scope::Unverified };
            (contract, terms, scope)
        });
        let claimed = || {
            let known_owner = owner?;
            let his = self.claims.iter().filter_map(|(contract, renter)| {
                let (contract, terms) = of_owner(contract)?;
                (terms.renter_id == *renter && terms.provider_id == *known_owner).then_some((
                    contract,
                    terms,
                    Scope::Contract,
                ))
            });
            his.min_by_key(|(contract, ..)| contract.worth())
        };
        let Some((contract, terms, scope)) = recorded.or_else(claimed) else {
            return owner.map(|owner| Standing {
                provider: owner.clone(),
                scope: Scope::PreSales,
                contract: None,
                renter: None,
                promise: crate::replies::Promise::default(),
                silent_after: None,
            });
        };
        let scope = match (contract.worth(), scope) {
            (Worth::SelfDealing, _) => Scope::SelfDealing,
            (Worth::Minimal, Scope::Contract) => Scope::Minimal,
            (Worth::Full | Worth::Minimal, scope) => scope,
        };
        Some(Standing {
            provider: terms.provider_id.clone(),
            scope,
            contract: Some(terms.contract_id.clone()),
            renter: (scope == Scope::Contract).then(|| terms.renter_id.clone()),
            promise: terms.reply_within_seconds.unwrap_or_default(),
            silent_after: terms.silent_after_seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ConversationStatus,
        id::ConversationNumber,
        marketplace::{Happened, Money, Terms},
        replies::Promise,
        time::Moment,
    };

    fn seen(
        channel: Channel,
        identity: Identity,
        identifier: &str,
        claim: Option<&str>,
    ) -> ConversationSighting {
        ConversationSighting {
            number: ConversationNumber(7),
            inbox: InboxId(3),
            channel,
            identity,
            identifier: Some(identifier.parse().unwrap()),
            claimed_contract: claim.map(|claim| claim.parse().unwrap()),
            status: ConversationStatus::Open,
        }
    }

    fn contracts(id: &str, provider: &str, renter: &str) -> BTreeMap<ContractId, Contract> {
        let mut contract = Contract::default();
        let terms = Terms {
            contract_id: id.parse().unwrap(),
            provider_id: provider.parse().unwrap(),
            renter_id: renter.parse().unwrap(),
            offering_id: "o1".parse().unwrap(),
            term_seconds: 3600.try_into().unwrap(),
            price: Money { minor_units: 1, currency: "EUR".to_owned().try_into().unwrap() },
            reply_within_seconds: Some(Promise(600)),
            silent_after_seconds: None,
            conversation: None,
        };
        contract.join(Moment::EPOCH, &Happened::ContractRequested(terms));
        BTreeMap::from([(id.parse().unwrap(), contract)])
    }

    fn scope(
        sightings: &[ConversationSighting],
        owner: Option<&str>,
        recorded: &[&str],
        contracts: &BTreeMap<ContractId, Contract>,
    ) -> Option<Scope> {
        let mut conversation = Conversation::default();
        for sighting in sightings {
            conversation.join(sighting);
        }
        let owner: Option<ProviderId> = owner.map(|owner| owner.parse().unwrap());
        let records = recorded.iter().map(|id| id.parse().unwrap()).collect();
        conversation.standing(owner.as_ref(), &records, contracts).map(|standing| standing.scope)
    }

    #[test]
    fn a_claim_counts_only_with_a_verified_contact_who_is_the_contracts_renter() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        for (channel, identity, identifier, claim, expected) in [
            (WebWidget, Verified, "r1", Some("c1"), Scope::Contract),
            (WebWidget, Unverified, "r1", Some("c1"), Scope::PreSales),
            (WebWidget, Verified, "r2", Some("c1"), Scope::PreSales),
            (WebWidget, Verified, "r1", Some("c2"), Scope::PreSales),
            (WebWidget, Verified, "r1", None, Scope::PreSales),
            // Mail, WhatsApp, Telegram: the same facts as by widget.
            (Other, Verified, "r1", Some("c1"), Scope::Contract),
            (Other, Unverified, "r1", Some("c1"), Scope::PreSales),
            (Api, Verified, "r1", Some("c1"), Scope::PreSales),
        ] {
            let sighting = seen(channel, identity, identifier, claim);
            assert_eq!(scope(&[sighting], Some("p1"), &[], &known), Some(expected));
        }
    }

    #[test]
    fn our_own_record_ties_a_conversation_but_scores_it_only_for_the_verified_renter() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        let of = |identity, identifier| {
            scope(&[seen(WebWidget, identity, identifier, None)], Some("p1"), &["c1"], &known)
        };
        assert_eq!(of(Verified, "r1"), Some(Scope::Contract));
        assert_eq!(of(Unverified, "r1"), Some(Scope::Unverified));
        assert_eq!(of(Verified, "r2"), Some(Scope::Unverified));
    }

    #[test]
    fn by_mail_whatsapp_or_telegram_a_recorded_conversation_counts_as_by_widget() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        let of = |channel, identifier, recorded: &[&str]| {
            scope(&[seen(channel, Unverified, identifier, Some("c1"))], Some("p1"), recorded, &known)
        };
        assert_eq!(of(Other, "r1", &["c1"]), Some(Scope::Contract));
        assert_eq!(of(Other, "r2", &["c1"]), Some(Scope::Unverified));
        assert_eq!(of(Other, "r1", &[]), Some(Scope::PreSales), "an agent can write both");
        assert_eq!(of(Api, "r1", &["c1"]), Some(Scope::Unverified), "any agent can speak there");
    }

    #[test]
    fn editing_contact_or_attributes_afterwards_takes_nothing_back() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        let before = seen(WebWidget, Verified, "r1", Some("c1"));
        let edited = seen(WebWidget, Unverified, "somebody-else", None);
        assert_eq!(scope(&[before.clone(), edited.clone()], Some("p1"), &[], &known), Some(Scope::Contract));
        assert_eq!(scope(&[edited, before], Some("p1"), &[], &known), Some(Scope::Contract));
    }

    #[test]
    fn an_account_says_nothing_of_another_providers_contract() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        let sightings = [seen(WebWidget, Verified, "r1", Some("c1"))];
        assert_eq!(scope(&sightings, Some("p2"), &[], &known), Some(Scope::PreSales));
        assert_eq!(scope(&sightings, Some("p2"), &["c1"], &known), Some(Scope::PreSales));
        assert_eq!(scope(&sightings, None, &[], &known), None);
    }

    #[test]
    fn a_renter_who_is_the_provider_is_self_dealing() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "p1");
        let sighting = seen(WebWidget, Verified, "p1", Some("c1"));
        assert_eq!(scope(&[sighting], Some("p1"), &[], &known), Some(Scope::SelfDealing));
    }

    #[test]
    fn a_browser_that_changes_its_claims_in_a_loop_does_not_grow_the_record() {
        let mut conversation = Conversation::default();
        for round in 0..100 {
            let claim = format!("c{round}");
            conversation.join(&seen(Channel::WebWidget, Identity::Verified, &claim, Some(&claim)));
        }
        assert_eq!((conversation.verified.len(), conversation.claims.len()), (KEPT, KEPT));
    }
}
