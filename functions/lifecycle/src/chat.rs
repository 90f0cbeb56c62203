//! Chat, set up in Chatwoot: what was wished for, step by step.
//!
//! Who works on a setup first notes until when it is his, then takes one step after the other and notes each ([`trust::setup`]). Every step
//! looks before it makes, so it may be cut off anywhere and taken again, and what stood in the way is kept for whoever asks.

mod contract;
mod provider;
mod work;

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use lambda::{
    Environment, Secrets, StartError,
    operator::{NotConnected, OperatorChat},
    secrets::SecretsUnavailable,
};
use table::TableError;
use tokio::time::Instant;
use trust::{
    id::{AccountId, ContractId, ProviderId},
    setup::{Mode, Nature, Trouble, Wanted},
    time::Moment,
};

use crate::{App, LifecycleError};
use work::Tools;

/// Setups worked on in one scheduled run. What is left waits for the next, the longest due first.
const A_RUN: u16 = 40;

/// Setups worked on at the same time in a scheduled run.
const AT_ONCE: usize = 4;

/// How long Chatwoot is spoken to in one invocation, so that what stood in the way can still be noted within the function's time.
const TIME: Duration = Duration::from_secs(20);

/// Seconds until a contract looks again for its provider's place while somebody is setting that up.
const SOON: i64 = 10;

/// How and where chat is set up.
#[derive(Debug)]
pub(crate) struct Chat {
    operator: OperatorChat,
    secrets: Arc<Secrets>,
    mode: Mode,
    /// Where Chatwoot posts to, less the account's number.
    webhook: String,
    /// Where the marketplace shows a provider; holds `{provider_id}`.
    provider_link: Option<String>,
    /// Where the marketplace shows a contract; holds `{contract_id}`.
    contract_link: Option<String>,
}

impl Chat {
    /// `None` where no `CHATWOOT_URL` is set.
    pub(crate) fn connect(
        environment: &Environment,
        secrets: &Arc<Secrets>,
    ) -> Result<Option<Self>, StartError> {
        let Some(operator) = OperatorChat::connect(environment)? else { return Ok(None) };
        let mode = match environment.optional("CHATWOOT_SHARED_ACCOUNT") {
            None | Some("0") => Mode::PerProvider,
            Some(account) => Mode::Shared(account.parse().map_err(|_| {
                StartError::Unavailable("CHATWOOT_SHARED_ACCOUNT is no account number".to_owned())
            })?),
        };
        let link = |name: &'static str, id: &str| match environment.optional(name) {
            Some(link) if !link.contains(id) => Err(StartError::Unavailable(format!("{name} has no {id}"))),
            link => Ok(link.map(str::to_owned)),
        };
        Ok(Some(Self {
            operator,
            secrets: Arc::clone(secrets),
            mode,
            webhook: environment.required("CHATWOOT_WEBHOOK_URL")?.to_owned(),
            provider_link: link("PROVIDER_LINK", "{provider_id}")?,
            contract_link: link("CONTRACT_LINK", "{contract_id}")?,
        }))
    }

    fn webhook_of(&self, account: AccountId) -> String {
        format!("{}/{account}", self.webhook.trim_end_matches('/'))
    }

    pub(crate) fn link_of(&self, contract: &ContractId) -> Option<String> {
        Some(self.contract_link.as_ref()?.replace("{contract_id}", contract.as_str()))
    }

    /// The website an inbox is for. No two providers have the same, so that it also tells whose an inbox is.
    fn website_of(&self, provider: &ProviderId) -> String {
        let link = self.provider_link.as_deref().unwrap_or("https://marketplace.invalid/{provider_id}");
        link.replace("{provider_id}", provider.as_str())
    }
}

/// Why a setup is not finished.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    /// Something stands in the way.
    #[error("{}", .0.reason)]
    Trouble(Trouble),
    /// Something else has to be first, which may be then.
    #[error("{}", .trouble.reason)]
    Waiting {
        /// What is waited for.
        trouble: Trouble,
        /// Until when.
        until: Moment,
    },
    /// The table could not be read or written; somebody else may be at it.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl Unfinished {
    fn lasting(reason: impl Into<String>) -> Self {
        Self::Trouble(Trouble { nature: Nature::Lasting, reason: reason.into() })
    }

    fn waiting(reason: impl Into<String>, until: Moment) -> Self {
        Self::Waiting { trouble: Trouble { nature: Nature::Passing, reason: reason.into() }, until }
    }

    fn passing(reason: impl Into<String>) -> Self {
        Self::Trouble(Trouble { nature: Nature::Passing, reason: reason.into() })
    }
}

impl From<chatwoot::client::ClientError> for Unfinished {
    fn from(error: chatwoot::client::ClientError) -> Self {
        Self::Trouble(Trouble { nature: error.nature(), reason: error.to_string() })
    }
}

impl From<SecretsUnavailable> for Unfinished {
    fn from(error: SecretsUnavailable) -> Self {
        tracing::error!(%error, "a setup waits for the secrets");
        Self::passing("our secrets can not be reached")
    }
}

impl From<NotConnected> for Unfinished {
    fn from(error: NotConnected) -> Self {
        match error {
            NotConnected::Secrets(error) => error.into(),
            NotConnected::NoOperator => Self::lasting("no Chatwoot operator is configured"),
        }
    }
}

impl From<LifecycleError> for Unfinished {
    fn from(error: LifecycleError) -> Self {
        match error {
            LifecycleError::Table(error) => Self::Table(error),
            other => {
                tracing::error!(error = %other, "a setup waits");
                Self::passing("our event bus can not be reached")
            }
        }
    }
}

/// Works on one setup, if it is due and nobody else is at it.
pub(crate) async fn work_on(
    app: &App,
    wanted: &Wanted,
    clock: &(dyn Fn() -> Moment + Sync),
) -> Result<(), LifecycleError> {
    let Some(chat) = &app.chat else { return Ok(()) };
    work(Tools { app, chat, clock, until: Instant::now() + TIME }, wanted).await
}

async fn work(tools: Tools<'_>, wanted: &Wanted) -> Result<(), LifecycleError> {
    let outcome = match wanted {
        Wanted::Provider(id) => Box::pin(provider::work_on(tools, id)).await,
        Wanted::Contract(id) => Box::pin(contract::work_on(tools, id)).await,
    };
    match outcome {
        // It is somebody else's by now.
        Err(TableError::Conflict) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Works on the setups that are due, and says how many.
pub async fn resume(app: &App, clock: impl Fn() -> Moment + Sync) -> Result<usize, LifecycleError> {
    let Some(chat) = &app.chat else { return Ok(0) };
    let tools = Tools { app, chat, clock: &clock, until: Instant::now() + TIME };
    let due = app.table.setups_due(clock(), A_RUN).await?;
    let resumed = stream::iter(due)
        .take_while(|_| std::future::ready(Instant::now() < tools.until))
        .map(|wanted| async move {
            if let Err(error) = work(tools, &wanted).await {
                // One that can not be written must not keep the others from it.
                tracing::error!(?wanted, %error, "a setup is left to a later run");
            }
        })
        .buffer_unordered(AT_ONCE)
        .count()
        .await;
    Ok(resumed)
}
