//! How a survey stands for whoever has its link.

use table::{Table, Voting};
use trust::{
    contract::Contract,
    feedback::{Answers, Deal, Refused, survey},
    id::ProviderId,
    link::Link,
    time::Moment,
};

use crate::Refusal;

/// A survey that somebody has a link to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// About whom.
    pub(crate) provider: ProviderId,
    /// What he is called.
    pub(crate) name: Option<String>,
    contract: Contract,
    voting: Voting,
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Not answered.
    Open {
        /// Until when it can be.
        until: Moment,
    },
    /// Answered, and the renter may still change his mind.
    Changeable {
        /// What he answered.
        answers: Answers,
        /// Until when he may.
        until: Moment,
    },
    /// Answered for good.
    Final {
        /// What he answered, as long as that is kept.
        answers: Option<Answers>,
    },
}

impl State {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Changeable { .. } => "changeable",
            Self::Final { .. } => "final",
        }
    }
}

impl Asked {
    /// What is known of a link's survey; `None` where there is no such contract of this renter.
    pub(crate) async fn find(table: &Table, link: &Link) -> Result<Option<Self>, Refusal> {
        let Some(contract) = table.contract(link.contract()).await?.map(|stored| stored.value) else {
            return Ok(None);
        };
        let Some(voting) = table.voting(link.contract(), &contract).await? else { return Ok(None) };
        if !link.is_for(&voting.renter) {
            return Ok(None);
        }
        let provider = table.provider(&voting.provider).await?.value;
        let name = provider.profile.map(|(_, profile)| profile.name.into());
        Ok(Some(Self { provider: voting.provider.clone(), name, contract, voting }))
    }

    /// How it stands, if there is anything to see.
    ///
    /// Whoever answered in the last hours before it closed still has his day to change his mind.
    pub(crate) fn state(&self, link: &Link, now: Moment) -> Result<State, Refusal> {
        if let Some(vote) = self.voting.votes.value.about(link.contract()) {
            let (answers, until) = (vote.ballot.answers(), vote.ballot.final_at());
            return Ok(if now < until {
                State::Changeable { answers, until }
            } else {
                State::Final { answers: Some(answers) }
            });
        }
        if self.voting.survey.value.answered.is_some() {
            return Ok(State::Final { answers: None });
        }
        let until = link.expires_at();
        if now >= until {
            return Err(Refusal::Closed(until));
        }
        match survey::asked_about(&self.contract) {
            Some((from, _)) if from <= now => Ok(State::Open { until }),
            _ => Err(Refusal::NotEnded),
        }
    }

    /// Whether it can be answered.
    pub(crate) fn is_open(&self, link: &Link, now: Moment) -> Result<(), Refusal> {
        match (self.state(link, now)?, self.voting.votes.value.about(link.contract())) {
            (State::Open { .. } | State::Changeable { .. }, _) => Ok(()),
            (State::Final { .. }, Some(vote)) => {
                Err(Refusal::Refused(Refused::Final(vote.ballot.final_at())))
            }
            (State::Final { .. }, None) => Err(Refusal::Forgotten),
        }
    }

    /// Writes an answer, and returns what is known then.
    pub(crate) async fn answer(
        &self,
        table: &Table,
        link: &Link,
        answers: Answers,
        now: Moment,
    ) -> Result<Self, Refusal> {
        let (contract, before) = (link.contract(), &self.voting);
        let Some(deal) = Deal::of(&self.contract) else { return Err(Refusal::NotEnded) };
        let parties = table.parties(&before.provider, &before.renter).await?;
        let votes = before.votes.value.cast(contract, deal, (now, answers)).map_err(Refusal::Refused)?;
        let votes = votes.known(parties, contract, deal);
        let first = votes.about(contract).map_or(now, |vote| vote.ballot.answered_at());
        let survey = before.survey.value.answered(first);
        table.write_votes(contract, before, (&votes, &survey), now).await?;
        let mut answered = self.clone();
        (answered.voting.votes.value, answered.voting.survey.value) = (votes, survey);
        Ok(answered)
    }

    /// The contract's id.
    pub(crate) fn contract_id(&self) -> &str {
        self.contract.terms().map_or("", |terms| terms.contract_id.as_str())
    }
}
