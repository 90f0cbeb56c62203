//! A provider's place in Chatwoot: account, administrator, attributes, webhook, inbox with identity, agents.

use std::collections::{BTreeMap, BTreeSet};

use chatwoot::client::{Chatwoot, Inbox};
use lambda::secrets::{ChatwootAccount, Secret};
use table::TableError;
use trust::{
    id::{AccountId, InboxId, ProviderId},
    marketplace::{Agent, ChatPlace, Email, Profile},
    setup::{Mode, ProviderChat, ProviderStep, WebsiteInbox},
    time::Moment,
};

use super::{Chat, Unfinished, work};
use crate::{App, marketplace::link};

type Work<'a> = work::Work<'a, ProviderChat>;

/// Works on a provider's place, if that is due.
pub(super) async fn work_on(app: &App, chat: &Chat, id: &ProviderId, now: Moment) -> Result<(), TableError> {
    let Some(mut work) = Work::begin((app, chat), id, now).await? else { return Ok(()) };
    let outcome = work.steps().await;
    work.finish(outcome).await
}

impl Work<'_> {
    async fn steps(&mut self) -> Result<(), Unfinished> {
        let provider = self.app.table.provider(self.id).await?.value;
        let unknown = || Unfinished::passing("the provider has not been registered yet");
        let (_, profile) = provider.profile.ok_or_else(unknown)?;
        let since = provider.known_since.unwrap_or(Moment::EPOCH);
        let (chatwoot, user) = self.chat.operator.speak(&self.chat.secrets).await?;

        let account = self.account(&chatwoot, user, &profile).await?;
        self.attributes(&chatwoot, account).await?;
        self.webhook(&chatwoot, account).await?;
        let inbox = self.inbox(&chatwoot, account, &profile).await?;
        self.link(account, inbox, &profile, since).await?;
        let agents = provider.agents.map(|(_, agents)| agents).unwrap_or_default();
        self.agents(&chatwoot, account, inbox, &agents).await
    }

    /// The account: the marketplace's, the shared one, or one of his own, which our user administers.
    async fn account(
        &mut self,
        chatwoot: &Chatwoot,
        user: u64,
        profile: &Profile,
    ) -> Result<AccountId, Unfinished> {
        let given = match (profile.chat, self.chat.mode) {
            (Some(place), _) => Some(place.account),
            (None, Mode::Shared(account)) => Some(account),
            (None, Mode::PerProvider) => None,
        };
        let account = match (self.so_far.account, given) {
            (Some(account), _) => account,
            (None, Some(given)) => {
                self.note(|so_far| so_far.account = Some(given)).await?;
                given
            }
            (None, None) => {
                let made = self.own_account(chatwoot, profile).await?;
                self.note(|so_far| so_far.account = Some(made)).await?;
                made
            }
        };
        if given.is_none() && !self.is_done(ProviderStep::Administrator) {
            chatwoot.administer(account, user).await?;
            self.noted(ProviderStep::Administrator).await?;
        }
        Ok(account)
    }

    async fn own_account(&mut self, chatwoot: &Chatwoot, profile: &Profile) -> Result<AccountId, Unfinished> {
        if self.is_done(ProviderStep::AccountAsked) {
            // Whoever asked did not live to hear the answer, or it was an error.
            let accounts = chatwoot.accounts().await?;
            let his = |account: &&chatwoot::client::Account| account.provider() == Some(self.id);
            if let Some(account) = accounts.iter().filter(his).map(|account| account.id).min() {
                return Ok(account);
            }
        } else {
            self.noted(ProviderStep::AccountAsked).await?;
        }
        Ok(chatwoot.create_account(&profile.name, self.id).await?)
    }

    async fn attributes(&mut self, chatwoot: &Chatwoot, account: AccountId) -> Result<(), Unfinished> {
        if self.is_done(ProviderStep::Attributes) {
            return Ok(());
        }
        chatwoot.ensure_attributes(account).await?;
        Ok(self.noted(ProviderStep::Attributes).await?)
    }

    /// The webhook. Before its secret is kept nothing it posts is taken: the reconciliation makes up for that.
    async fn webhook(&mut self, chatwoot: &Chatwoot, account: AccountId) -> Result<(), Unfinished> {
        if self.is_done(ProviderStep::Webhook) {
            return Ok(());
        }
        let (webhook, _) = chatwoot.ensure_webhook(account, &self.chat.webhook_of(account)).await?;
        let unsigned = || Unfinished::lasting("Chatwoot signs no webhooks: it is older than 4.12");
        let secret = Secret::new(webhook.secret.ok_or_else(unsigned)?);
        let made = ChatwootAccount { webhook: vec![secret], ..ChatwootAccount::default() };
        self.chat.secrets.keep(account, &made).await?;
        Ok(self.noted(ProviderStep::Webhook).await?)
    }

    /// The website inbox, which takes identities with a hash only.
    async fn inbox(
        &mut self,
        chatwoot: &Chatwoot,
        account: AccountId,
        profile: &Profile,
    ) -> Result<InboxId, Unfinished> {
        if let Some(inbox) = &self.so_far.inbox
            && self.is_done(ProviderStep::Identity)
        {
            return Ok(inbox.id);
        }
        let website = self.chat.website_of(self.id);
        let his = |inbox: &Inbox| match profile.chat.and_then(|place| place.inbox) {
            Some(given) => inbox.id == given,
            None => inbox.is_website() && inbox.website_url.as_deref() == Some(&website),
        };
        let inbox = match chatwoot.inboxes(account).await?.into_iter().find(his) {
            Some(inbox) => inbox,
            None => chatwoot.create_website_inbox(account, &profile.name, &website).await?,
        };
        let inbox = if inbox.hmac_mandatory == Some(true) {
            inbox
        } else {
            chatwoot.require_identity(account, inbox.id).await?
        };
        let no_key = || Unfinished::lasting("the inbox has no identity validation: it is no website inbox");
        let key = Secret::new(inbox.hmac_token.clone().ok_or_else(no_key)?);
        let website_token = inbox.website_token.clone().ok_or_else(no_key)?;
        let made =
            ChatwootAccount { identity: BTreeMap::from([(inbox.id, key)]), ..ChatwootAccount::default() };
        self.chat.secrets.keep(account, &made).await?;
        self.note(|so_far| {
            so_far.inbox = Some(WebsiteInbox { id: inbox.id, website_token });
            so_far.done.insert(ProviderStep::Identity);
        })
        .await?;
        Ok(inbox.id)
    }

    /// Makes the account, or in a shared one the inbox, his: its conversations count for him from now on.
    async fn link(
        &mut self,
        account: AccountId,
        inbox: InboxId,
        profile: &Profile,
        since: Moment,
    ) -> Result<(), Unfinished> {
        if self.is_done(ProviderStep::Link) {
            return Ok(());
        }
        let shared = self.chat.mode == Mode::Shared(account);
        let place = profile.chat.unwrap_or(ChatPlace { account, inbox: shared.then_some(inbox) });
        if link(self.app, place, self.id, since, self.now).await? != *self.id {
            return Err(Unfinished::lasting("the Chatwoot account is another provider's"));
        }
        Ok(self.noted(ProviderStep::Link).await?)
    }

    /// The agents, who are the members of the inbox, and nobody else.
    async fn agents(
        &mut self,
        chatwoot: &Chatwoot,
        account: AccountId,
        inbox: InboxId,
        wanted: &BTreeSet<Agent>,
    ) -> Result<(), Unfinished> {
        let is_member = |agent: &Agent| self.so_far.agents.contains_key(&agent.email);
        if !wanted.iter().all(is_member) || wanted.len() != self.so_far.agents.len() {
            let known = chatwoot.agents(account).await?;
            let mut agents: BTreeMap<Email, u64> = BTreeMap::new();
            for agent in wanted {
                let user = known.iter().find(|user| user.email.as_ref() == Some(&agent.email));
                let user = match user {
                    Some(user) => user.id,
                    None => chatwoot.invite(account, agent).await?.id,
                };
                agents.insert(agent.email.clone(), user);
            }
            let members: Vec<u64> = agents.values().copied().collect();
            chatwoot.set_members(account, inbox, &members).await?;
            self.note(|so_far| so_far.agents = agents).await?;
        }
        if wanted.is_empty() {
            return Err(Unfinished::lasting("the marketplace has named nobody who answers renters for him"));
        }
        Ok(())
    }
}
