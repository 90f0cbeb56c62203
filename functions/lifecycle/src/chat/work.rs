//! Working on one setup: beginning, noting, and what becomes of it.

use std::collections::BTreeSet;

use chatwoot::client::Chatwoot;
use table::{Stored, Table, TableError};
use tokio::time::Instant;
use trust::{
    id::{ContractId, ProviderId},
    setup::{Attempts, ContractChat, ContractStep, ProviderChat, ProviderStep},
    time::Moment,
};

use super::{Chat, Unfinished};
use crate::App;

/// How far something has come that is set up step by step.
pub(super) trait Progress: Sized {
    type Subject: std::fmt::Display;
    type Step: Ord + Copy;

    fn attempts(&self) -> &Attempts;
    fn attempts_mut(&mut self) -> &mut Attempts;
    fn done(&self) -> &BTreeSet<Self::Step>;
    fn done_mut(&mut self) -> &mut BTreeSet<Self::Step>;
    async fn read(table: &Table, of: &Self::Subject) -> Result<Option<Stored<Self>>, TableError>;
    async fn write(&self, table: &Table, of: &Self::Subject, read: u64) -> Result<(), TableError>;
}

/// What a setup is worked on with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) app: &'a App,
    pub(super) chat: &'a Chat,
    pub(super) clock: &'a (dyn Fn() -> Moment + Sync),
    /// When whoever works has no more time himself.
    pub(super) until: Instant,
}

impl Tools<'_> {
    /// Chatwoot, spoken to as long as there is time.
    pub(super) async fn speak(&self) -> Result<Chatwoot, Unfinished> {
        let (chatwoot, _) = self.chat.operator.speak(&self.chat.secrets).await?;
        Ok(chatwoot.until(self.until))
    }
}

/// A setup that is ours to work on.
pub(super) struct Work<'a, P: Progress> {
    pub(super) tools: Tools<'a>,
    pub(super) id: &'a P::Subject,
    /// What was noted last.
    pub(super) so_far: P,
    begun: Moment,
    version: u64,
}

impl<'a, P: Progress> Work<'a, P> {
    /// Begins, if it is time and nobody else is at it.
    pub(super) async fn begin(tools: Tools<'a>, id: &'a P::Subject) -> Result<Option<Self>, TableError> {
        let table = &tools.app.table;
        let Some(Stored { value: mut so_far, version }) = P::read(table, id).await? else { return Ok(None) };
        let begun = (tools.clock)();
        if !so_far.attempts().is_due(begun) {
            return Ok(None);
        }
        *so_far.attempts_mut() = so_far.attempts().begin(begun);
        so_far.write(table, id, version).await?;
        Ok(Some(Self { tools, id, so_far, begun, version: version + 1 }))
    }

    /// Notes what has become of it.
    pub(super) async fn finish(mut self, outcome: Result<(), Unfinished>) -> Result<(), TableError> {
        let now = (self.tools.clock)();
        let (trouble, until) = match outcome {
            Ok(()) => {
                return self.note(|so_far| *so_far.attempts_mut() = so_far.attempts().finished(now)).await;
            }
            Err(Unfinished::Table(error)) => return Err(error),
            Err(Unfinished::Trouble(trouble)) => (trouble, None),
            Err(Unfinished::Waiting { trouble, until }) => (trouble, Some(until)),
        };
        tracing::warn!(of = %self.id, reason = trouble.reason, "chat is not set up yet");
        self.note(|so_far| {
            let attempts = so_far.attempts();
            *so_far.attempts_mut() = match until {
                Some(until) => attempts.waiting(trouble.clone(), until.max(now)),
                None => attempts.failed(trouble.clone(), now),
            };
        })
        .await
    }

    /// Notes something, on condition that it is still ours. A wish that came meanwhile is no reason to lose it.
    pub(super) async fn note(&mut self, change: impl Fn(&mut P)) -> Result<(), TableError> {
        let table = &self.tools.app.table;
        loop {
            change(&mut self.so_far);
            match self.so_far.write(table, self.id, self.version).await {
                Ok(()) => {
                    self.version += 1;
                    return Ok(());
                }
                Err(TableError::Conflict) => {}
                Err(error) => return Err(error),
            }
            let Some(stored) = P::read(table, self.id).await? else { return Err(TableError::Conflict) };
            if stored.value.attempts().begun != Some(self.begun) {
                return Err(TableError::Conflict);
            }
            (self.so_far, self.version) = (stored.value, stored.version);
        }
    }

    /// Notes that a step is done.
    pub(super) async fn noted(&mut self, step: P::Step) -> Result<(), TableError> {
        self.note(|so_far| {
            so_far.done_mut().insert(step);
        })
        .await
    }

    /// Whether a step is done.
    pub(super) fn is_done(&self, step: P::Step) -> bool {
        self.so_far.done().contains(&step)
    }
}

impl Progress for ProviderChat {
    type Subject = ProviderId;
    type Step = ProviderStep;

    fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    fn attempts_mut(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn done(&self) -> &BTreeSet<ProviderStep> {
        &self.done
    }

    fn done_mut(&mut self) -> &mut BTreeSet<ProviderStep> {
        &mut self.done
    }

    async fn read(table: &Table, of: &ProviderId) -> Result<Option<Stored<Self>>, TableError> {
        table.provider_chat(of).await
    }

    async fn write(&self, table: &Table, of: &ProviderId, read: u64) -> Result<(), TableError> {
        table.write_provider_chat(of, self, read).await
    }
}

impl Progress for ContractChat {
    type Subject = ContractId;
    type Step = ContractStep;

    fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    fn attempts_mut(&mut self) -> &mut Attempts {
        &mut self.attempts
    }

    fn done(&self) -> &BTreeSet<ContractStep> {
        &self.done
    }

    fn done_mut(&mut self) -> &mut BTreeSet<ContractStep> {
        &mut self.done
    }

    async fn read(table: &Table, of: &ContractId) -> Result<Option<Stored<Self>>, TableError> {
        table.contract_chat(of).await
    }

    async fn write(&self, table: &Table, of: &ContractId, read: u64) -> Result<(), TableError> {
        table.write_contract_chat(of, self, read).await
    }
}
