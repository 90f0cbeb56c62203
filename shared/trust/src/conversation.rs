//! Conversations: whose they are and what they count as.
//!
//! A conversation is tied to a contract by our own record, else by the contract id in its attributes, which a browser or an agent
//! can set: so that claim counts only together with a verified contact who is that contract's renter. What was once seen stays
//! seen: a provider who edits the contact or the attributes afterwards takes no wait out of his record. Of what may be anything, only a
//! little is kept; what is known to be a contract's is never given up for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    chat::{Channel, ConversationSighting, Identity},
    contract::{Contract, Worth},
    id::{ContractId, InboxId, ProviderId, RenterId},
    marketplace::Terms,
    replies::{Scope, Standing},
    wait::Turn,
};

/// How many identities and claims of one conversation are kept of those that belong to no contract we know, the smallest first; and how
/// many claims of those that do. One of each is the rule. Without a limit, a browser that changes its attributes in a loop would grow the
/// record; with fewer, what is seen while its contract is not yet known would more easily be crowded out.
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
        }
        // In an API inbox any agent can speak for the renter, so nothing there is verified.
        let verifiable = seen.channel != Channel::Api && seen.identity == Identity::Verified;
        let Some(renter) = seen.identifier.as_ref().filter(|_| verifiable) else { return };
        self.verified.insert(renter.clone());
        if let Some(contract) = &seen.claimed_contract {
            self.claims.insert((contract.clone(), renter.clone()));
        }
    }

    /// Gives up what is too much to keep, by what is known of the contracts (the arguments are those of [`standing`](Self::standing)).
    ///
    /// Renters of the contracts that our own record names always stay, and so do claims that count and their renters, up to a
    /// number. Of all else a few are kept, since their contracts may become known later. So it does not matter how often an agent
    /// edits a contact or the attributes, before or after the renter was seen.
    pub fn keep_what_matters(
        &mut self,
        owner: Option<&ProviderId>,
        records: &BTreeSet<ContractId>,
        contracts: &BTreeMap<ContractId, Contract>,
    ) {
        let recorded = records.iter().filter_map(|contract| terms_of(owner, contracts, contract));
        let mut renters: BTreeSet<RenterId> = recorded.map(|terms| terms.renter_id.clone()).collect();
        let counts = |(contract, renter): &(ContractId, RenterId)| {
            terms_of(owner, contracts, contract).is_some_and(|terms| terms.renter_id == *renter)
        };
        let (mut counting, mut others) = (0, 0);
        self.claims.retain(|claim| {
            let of_its_kind = if counts(claim) { &mut counting } else { &mut others };
            *of_its_kind += 1;
            *of_its_kind <= KEPT
        });
        renters.extend(self.claims.iter().filter(|claim| counts(claim)).map(|(_, renter)| renter.clone()));
        for identities in [&mut self.verified, &mut self.by_channel] {
            let mut others = 0;
            identities.retain(|renter| {
                others += usize::from(!renters.contains(renter));
                renters.contains(renter) || others <= KEPT
            });
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
            let terms = terms_of(owner, contracts, contract)?;
            Some((contracts.get(contract)?, terms))
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

/// The terms of a contract that a conversation in this provider's account can be about.
fn terms_of<'a>(
    owner: Option<&ProviderId>,
    contracts: &'a BTreeMap<ContractId, Contract>,
    contract: &ContractId,
) -> Option<&'a Terms> {
    let terms = contracts.get(contract)?.terms()?;
    // An account proves nothing about another provider's contract.
    owner.is_none_or(|owner| *owner == terms.provider_id).then_some(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chat::ConversationStatus,
        id::ConversationNumber,
        marketplace::{Happened, Money},
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
        let owner: Option<ProviderId> = owner.map(|owner| owner.parse().unwrap());
        let records = recorded.iter().map(|id| id.parse().unwrap()).collect();
        for sighting in sightings {
            conversation.join(sighting);
            conversation.keep_what_matters(owner.as_ref(), &records, contracts);
        }
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
            conversation.keep_what_matters(None, &BTreeSet::new(), &BTreeMap::new());
        }
        assert_eq!((conversation.verified.len(), conversation.claims.len()), (KEPT, KEPT));
    }

    #[test]
    fn no_number_of_edits_before_or_after_crowds_out_the_renter_of_a_known_contract() {
        use {Channel::*, Identity::*};
        let known = contracts("c1", "p1", "r1");
        // Smaller than the true ones, and larger.
        let edits = |letter: char| (0..9).map(move |n| format!("{letter}{n}"));
        for (channel, claim, recorded) in
            [(WebWidget, Some("c1"), &[][..]), (WebWidget, None, &["c1"]), (Other, None, &["c1"])]
        {
            let edited = |text: String| seen(channel, Verified, &text, claim.map(|_| text.as_str()));
            let before = edits('-').map(edited);
            let after = edits('-').chain(edits('z')).map(|text| edited(format!("{text}x")));
            let with_another_claim =
                claim.map(|_| (0..9).map(|n| seen(channel, Verified, "r1", Some(&format!("-{n}")))));
            let all: Vec<_> = before
                .chain([seen(channel, Verified, "r1", claim)])
                .chain(after)
                .chain(with_another_claim.into_iter().flatten())
                .collect();
            assert_eq!(scope(&all, Some("p1"), recorded, &known), Some(Scope::Contract), "{channel:?}");
        }
    }

    #[test]
    fn an_agent_who_claims_all_contracts_of_his_does_not_grow_the_record_either() {
        let claims = (0..100).map(|n| format!("c{n}"));
        let known: BTreeMap<_, _> = claims.clone().flat_map(|id| contracts(&id, "p1", &id)).collect();
        let mut conversation = Conversation::default();
        for claim in claims {
            conversation.join(&seen(Channel::WebWidget, Identity::Verified, &claim, Some(&claim)));
            conversation.keep_what_matters(None, &BTreeSet::new(), &known);
        }
        assert!(conversation.verified.len() <= 2 * KEPT && conversation.claims.len() == KEPT);
    }
}
