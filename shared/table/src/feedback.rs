//! Surveys and votes.
//!
//! A survey that somebody has to look at stands in the sparse index `refresh`, by when. A vote is written together with what it changes in
//! the provider's signal and with its survey, so that no answer is counted twice and none is lost.

use aws_sdk_dynamodb::types::TransactWriteItem;
use trust::{
    contract::Contract,
    feedback::{FeedbackDelta, Parties, Votes, survey::Survey},
    id::{ContractId, ProviderId, RenterId},
    time::Moment,
};

use crate::{
    Stored, Table, TableError, due,
    item::{self, Item},
    keys,
};

const SURVEYS: &str = "survey";

/// What an answer to one contract's survey is decided on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voting {
    /// About whom.
    pub provider: ProviderId,
    /// Whose.
    pub renter: RenterId,
    /// What the renter has said of the provider so far.
    pub votes: Stored<Votes>,
    /// How far the survey has come.
    pub survey: Stored<Survey>,
}

impl Table {
    /// How far a contract's survey has come.
    pub async fn survey(&self, of: &ContractId) -> Result<Stored<Survey>, TableError> {
        let stored = self.stored(&keys::survey(of)).await?;
        Ok(stored.unwrap_or(Stored { value: Survey::default(), version: 0 }))
    }

    /// Writes how far it has come, on condition that nobody else has meanwhile.
    pub async fn write_survey(&self, of: &ContractId, survey: &Survey, read: u64) -> Result<(), TableError> {
        self.put_if(survey_item(of, survey)?, read).await
    }

    /// The contracts whose surveys are to be looked at by now, the longest due first, as of a moment ago.
    pub async fn surveys_due(&self, now: Moment, limit: u16) -> Result<Vec<ContractId>, TableError> {
        let items = self.items_due(SURVEYS, now, limit).await?;
        items
            .iter()
            .map(|item| {
                let key = item::partition_key(item);
                keys::contract_of(key).ok_or_else(|| TableError::corrupt(key, "not a contract"))
            })
            .collect()
    }

    /// What an answer about a contract is decided on; `None` before its terms are known.
    pub async fn voting(
        &self,
        about: &ContractId,
        contract: &Contract,
    ) -> Result<Option<Voting>, TableError> {
        let Some(terms) = contract.terms() else { return Ok(None) };
        // The survey first: one that was answered meanwhile has its vote by then, and is not taken for one whose vote is forgotten.
        let survey = self.survey(about).await?;
        let votes = self.stored(&keys::votes(&terms.provider_id, &terms.renter_id)).await?;
        Ok(Some(Voting {
            provider: terms.provider_id.clone(),
            renter: terms.renter_id.clone(),
            votes: votes.unwrap_or(Stored { value: Votes::default(), version: 0 }),
            survey,
        }))
    }

    /// Whether a provider and a renter are the same party, as far as is known now.
    pub async fn parties(&self, provider: &ProviderId, renter: &RenterId) -> Result<Parties, TableError> {
        let known = self.provider(provider).await?.value;
        let as_provider = match renter.as_str().parse() {
            Ok(id) => self.provider(&id).await?.value,
            Err(_) => trust::provider::Provider::default(),
        };
        Ok(Parties::of((provider, &known), (renter, &as_provider)))
    }

    /// Writes what a renter says of a provider and how far the survey of the contract has come, together with what changes in the
    /// provider's signal, on condition that nobody else has written either meanwhile.
    pub async fn write_votes(
        &self,
        about: &ContractId,
        before: &Voting,
        (votes, survey): (&Votes, &Survey),
        now: Moment,
    ) -> Result<(), TableError> {
        let mut delta = FeedbackDelta::default();
        before.votes.value.difference(votes, &before.provider, &mut delta);
        let key = keys::votes(&before.provider, &before.renter);
        let mut writes: Vec<TransactWriteItem> = vec![
            self.put_versioned(&key, &votes.without_old(now), before.votes.version)?,
            self.put_item_versioned(survey_item(about, survey)?, before.survey.version)?,
        ];
        writes.extend(self.feedback_changes(&delta)?);
        self.transact(writes).await
    }
}

fn survey_item(of: &ContractId, survey: &Survey) -> Result<Item, TableError> {
    let mut item = item::item(&keys::survey(of), survey)?;
    if let Some(due) = survey.due {
        due::look_again(&mut item, SURVEYS, due, of);
    }
    Ok(item)
}
