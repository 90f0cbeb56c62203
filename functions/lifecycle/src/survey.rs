//! Surveys: a contract's renter is asked when it comes to its end, and reminded once.
//!
//! What is to be told is noted first ([`trust::feedback::survey`]). Two are told: the marketplace, with the renter's link, and the contract's
//! conversation, without it. The provider's agents read that conversation, and whoever has the link answers for the renter.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use lambda::{
    Environment, Secrets, StartError,
    bus::BusEvent,
    secrets::{Secret, SecretsUnavailable},
};
use serde::Serialize;
use table::TableError;
use trust::{
    contract::Contract,
    feedback::{
        Deal,
        survey::{ANNOUNCED, News, REQUESTED, Survey},
    },
    id::ContractId,
    link::{Link, Purpose},
    marketplace::Terms,
    silence::SOURCE,
    time::Moment,
};

use crate::{App, LifecycleError, RACES};

/// Surveys looked at in one scheduled run. What is left waits for the next, the longest due first.
const A_RUN: u16 = 400;

/// Surveys looked at at the same time.
const AT_ONCE: usize = 8;

/// Where links lead, and what they are made with.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) base: String,
    secrets: Arc<Secrets>,
}

impl Links {
    pub(crate) fn connect(environment: &Environment, secrets: Arc<Secrets>) -> Result<Self, StartError> {
        let base = match environment.optional("PUBLIC_URL") {
            Some(base) => base,
            None => environment.required("API_URL")?,
        };
        Ok(Self { base: base.trim_end_matches('/').to_owned(), secrets })
    }

    /// What links are made with now; `None` where nobody is asked.
    pub(crate) async fn secret(&self) -> Result<Option<Secret>, SecretsUnavailable> {
        let document = self.secrets.current().await?;
        Ok(document.feedback.first().filter(|secret| !secret.expose().is_empty()).cloned())
    }

    fn to(&self, secret: &Secret, terms: &Terms, expires_at: Moment) -> Option<String> {
        let link = Link::new(Purpose::Feedback, terms.contract_id.clone(), &terms.renter_id, expires_at);
        Some(format!("{}/v1/feedback/{}", self.base, link.seal(secret.expose())?.expose()))
    }
}

/// What a scheduled run has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Looked {
    /// Surveys that were due.
    pub surveys: usize,
    /// Those that could not be dealt with. They are in the log, and the next run's.
    pub failed: usize,
}

/// Looks at the surveys that are due as of now.
pub async fn look_at_surveys(app: &App, now: Moment) -> Result<Looked, TableError> {
    let due = app.table.surveys_due(now, A_RUN).await?;
    let surveys = due.len();
    let outcomes: Vec<_> = stream::iter(due)
        .map(|contract| async move {
            Box::pin(look_at(app, &contract, now)).await.inspect_err(|error| {
                tracing::error!(%contract, %error, "a survey is left to the next run");
            })
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    Ok(Looked { surveys, failed: outcomes.iter().filter(|outcome| outcome.is_err()).count() })
}

async fn look_at(app: &App, id: &ContractId, now: Moment) -> Result<(), LifecycleError> {
    for _ in 0..RACES {
        let contract = app.table.contract(id).await?.map(|stored| stored.value).unwrap_or_default();
        let outcome = match settle(app, id, &contract, now).await {
            Ok(Settled::Yes) => Ok(()),
            Ok(Settled::NotYet) => step(app, id, &contract, now).await,
            Err(error) => Err(error),
        };
        match outcome {
            Err(LifecycleError::Table(TableError::Conflict)) => {
                tracing::debug!(contract = %id, "another writer was faster");
            }
            outcome => return outcome,
        }
    }
    Err(TableError::Conflict.into())
}

/// Brings a contract's survey up to date after an event about it. What can not be told now, the next scheduled run tells.
pub(crate) async fn follow(
    app: &App,
    id: &ContractId,
    contract: &Contract,
    now: Moment,
) -> Result<(), LifecycleError> {
    match step(app, id, contract, now).await {
        Err(error @ (LifecycleError::Bus(_) | LifecycleError::Detail(_) | LifecycleError::Secrets(_))) => {
            tracing::warn!(contract = %id, %error, "a survey waits for the next run");
            Ok(())
        }
        outcome => outcome,
    }
}

async fn step(app: &App, id: &ContractId, contract: &Contract, now: Moment) -> Result<(), LifecycleError> {
    let Some(terms) = contract.terms() else { return Ok(()) };
    let stored = app.table.survey(id).await?;
    let next = stored.value.by_now(contract, now);
    if next == stored.value {
        return Ok(());
    }
    let secret = app.links.secret().await;
    if matches!(secret, Ok(None)) && (next.untold.is_some() || stored.version == 0) {
        tracing::debug!(contract = %id, "nobody is asked: the secret document has no feedback");
        return match stored.value.due {
            // Not to be looked at for ever.
            Some(_) => Ok(app.table.write_survey(id, &stored.value.settled(), stored.version).await?),
            None => Ok(()),
        };
    }
    app.table.write_survey(id, &next, stored.version).await?;
    let (Some(news), Some(secret)) = (next.news(), secret?) else { return Ok(()) };
    tell(app, contract, terms, (news, &secret)).await?;
    match app.table.write_survey(id, &next.told(contract, now), stored.version + 1).await {
        // He has answered already, or the contract has gone on.
        Ok(()) | Err(TableError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn tell(
    app: &App,
    contract: &Contract,
    terms: &Terms,
    (news, secret): (News, &Secret),
) -> Result<(), LifecycleError> {
    let Some(link) = app.links.to(secret, terms, news.expires_at()) else { return Ok(()) };
    let mut events = vec![BusEvent::new(SOURCE, REQUESTED, &news.request(terms, link))?];
    if let Some(chat) = &app.chat {
        let ours = app.table.contract_chat(&terms.contract_id).await?;
        let ours = ours.and_then(|stored| stored.value.conversation);
        if let Some(conversation) = ours.or_else(|| contract.conversations.first().copied()) {
            let page = chat.link_of(&terms.contract_id);
            let announcement = news.announcement(terms, conversation, page);
            events.push(BusEvent::new(SOURCE, ANNOUNCED, &announcement)?);
        }
    }
    for result in app.bus.publish_each(&events).await {
        result?;
    }
    Ok(())
}

enum Settled {
    Yes,
    NotYet,
}

/// Decides once more what an answer counts as, when it is final: parties and contract may be better known by now.
async fn settle(
    app: &App,
    id: &ContractId,
    contract: &Contract,
    now: Moment,
) -> Result<Settled, LifecycleError> {
    let Some(voting) = app.table.voting(id, contract).await? else { return Ok(Settled::NotYet) };
    let survey: &Survey = &voting.survey.value;
    let Some(deal) = Deal::of(contract).filter(|_| survey.is_to_be_settled(now)) else {
        return Ok(Settled::NotYet);
    };
    let parties = app.table.parties(&voting.provider, &voting.renter).await?;
    let votes = voting.votes.value.known(parties, id, deal);
    app.table.write_votes(id, &voting, (&votes, &survey.settled()), now).await?;
    Ok(Settled::Yes)
}

/// Decides once more what was answered about a contract whose parties are known to be one by now.
pub(crate) async fn recount(
    app: &App,
    id: &ContractId,
    contract: &Contract,
    now: Moment,
) -> Result<(), LifecycleError> {
    let Some(voting) = app.table.voting(id, contract).await? else { return Ok(()) };
    let (votes, Some(deal)) = (&voting.votes.value, Deal::of(contract)) else { return Ok(()) };
    if votes.is_empty() || votes.parties == contract.parties {
        return Ok(());
    }
    let votes = votes.known(contract.parties, id, deal);
    Ok(app.table.write_votes(id, &voting, (&votes, &voting.survey.value), now).await?)
}
