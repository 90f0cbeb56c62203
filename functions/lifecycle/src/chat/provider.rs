//! A provider's place in Chatwoot: account, administrator, attributes, webhook, inbox with identity, agents.

use std::collections::{BTreeMap, BTreeSet};

use chatwoot::client::{Chatwoot, Inbox};
use lambda::secrets::Secret;
use table::TableError;
use trust::{
    id::{AccountId, InboxId, ProviderId},
    marketplace::{Agent, ChatPlace, Email, Profile},
    setup::{Mode, ProviderChat, ProviderStep, WebsiteInbox},
    time::Moment,
};

use super::{Unfinished, work, work::Tools};
use crate::account::link;

type Work<'a> = work::Work<'a, ProviderChat>;

/// The longest name Chatwoot takes, in characters.
const LONGEST_NAME: usize = 200;

/// Works on a provider's place, if that is due.
pub(super) async fn work_on(tools: Tools<'_>, id: &ProviderId) -> Result<(), TableError> {
    let Some(mut work) = Work::begin(tools, id).await? else { return Ok(()) };
    let outcome = work.steps().await;
    work.finish(outcome).await
}

impl Work<'_> {
    async fn steps(&mut self) -> Result<(), Unfinished> {
        let provider = self.tools.app.table.provider(self.id).await?.value;
        let unknown = || Unfinished::passing("the provider has not been registered yet");
        let (_, profile) = provider.profile.ok_or_else(unknown)?;
        let since = provider.known_since.unwrap_or(Moment::EPOCH);
        let chatwoot = self.tools.speak().await?;
        self.begin_anew_elsewhere(&profile).await?;

        let account = self.account(&chatwoot, &profile).await?;
        self.attributes(&chatwoot, account).await?;
        self.webhook(&chatwoot, account).await?;
        let inbox = self.inbox(&chatwoot, account, &profile).await?;
        self.link(account, inbox, &profile, since).await?;
        let agents = provider.agents.map(|(_, agents)| agents).unwrap_or_default();
        self.agents(&chatwoot, account, inbox, &agents).await
    }

    /// Forgets what was set up in another place than the one the marketplace names by now. What stands there stays.
    async fn begin_anew_elsewhere(&mut self, profile: &Profile) -> Result<(), Unfinished> {
        let Some(named) = profile.chat else { return Ok(()) };
        let other_account = self.so_far.account.is_some_and(|account| account != named.account);
        let known = self.so_far.inbox.as_ref().map(|inbox| inbox.id);
        let other_inbox = named.inbox.is_some() && known.is_some() && known != named.inbox;
        if other_account || other_inbox {
            self.note(|so_far| {
                *so_far = ProviderChat { attempts: so_far.attempts.clone(), ..ProviderChat::default() };
            })
            .await?;
        }
        Ok(())
    }

    /// The account: the marketplace's, the shared one, or one of his own, which our user administers.
    async fn account(&mut self, chatwoot: &Chatwoot, profile: &Profile) -> Result<AccountId, Unfinished> {
        let given = match (profile.chat, self.tools.chat.mode) {
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
        // In an account that we did not make, somebody else has to see to that.
        if self.is_done(ProviderStep::AccountAsked) && !self.is_done(ProviderStep::Administrator) {
            let (_, user) = self.tools.chat.operator.speak(&self.tools.chat.secrets).await?;
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
        Ok(chatwoot.create_account(&self.name(profile), self.id).await?)
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
        let (webhook, _) = chatwoot.ensure_webhook(account, &self.tools.chat.webhook_of(account)).await?;
        let unsigned = || Unfinished::lasting("Chatwoot signs no webhooks: it is older than 4.12");
        let secret = Secret::new(webhook.secret.ok_or_else(unsigned)?);
        self.tools.chat.secrets.keep_webhook(account, secret).await?;
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
        let inboxes = chatwoot.inboxes(account).await?;
        let inbox = if let Some(given) = profile.chat.and_then(|place| place.inbox) {
            let missing = || Unfinished::lasting("the inbox that the marketplace names is not there");
            inboxes.into_iter().find(|inbox| inbox.id == given).ok_or_else(missing)?
        } else {
            let website = self.tools.chat.website_of(self.id);
            let his = |inbox: &Inbox| inbox.is_website() && inbox.website_url.as_deref() == Some(&website);
            match inboxes.into_iter().find(his) {
                Some(inbox) => inbox,
                None => chatwoot.create_website_inbox(account, &self.name(profile), &website).await?,
            }
        };
        if !inbox.is_website() {
            return Err(Unfinished::lasting("the inbox that the marketplace names is no website's"));
        }
        let inbox = if inbox.hmac_mandatory == Some(true) {
            inbox
        } else {
            chatwoot.require_identity(account, inbox.id).await?
        };
        let no_key =
            || Unfinished::lasting("the inbox shows no key: our user does not administer its account");
        let key = Secret::new(inbox.hmac_token.clone().ok_or_else(no_key)?);
        let website_token = inbox.website_token.clone().ok_or_else(no_key)?;
        self.tools.chat.secrets.keep_identity_key(account, inbox.id, key).await?;
        self.note(|so_far| {
            so_far.inbox = Some(WebsiteInbox { id: inbox.id, website_token: website_token.clone() });
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
        let shared = self.tools.chat.mode == Mode::Shared(account);
        let place = profile.chat.unwrap_or(ChatPlace { account, inbox: shared.then_some(inbox) });
        let now = (self.tools.clock)();
        if link(self.tools.app, place, self.id, since, now).await? != *self.id {
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
            let mut agents: BTreeMap<Email, u64> = BTreeMap::new();
            for agent in wanted {
                let user = match self.so_far.agents.get(&agent.email) {
                    Some(user) => *user,
                    None => chatwoot.ensure_agent(account, agent).await?.id,
                };
                agents.insert(agent.email.clone(), user);
            }
            let members: Vec<u64> = agents.values().copied().collect();
            chatwoot.set_members(account, inbox, &members).await?;
            if self.is_done(ProviderStep::AccountAsked) {
                // Whoever is in an account sees all its contacts. In one that we did not make he may have other business.
                for user in self.so_far.agents.values().filter(|user| !members.contains(user)) {
                    chatwoot.remove_agent(account, *user).await?;
                }
            }
            self.note(|so_far| so_far.agents.clone_from(&agents)).await?;
        }
        if wanted.is_empty() {
            return Err(Unfinished::lasting("the marketplace has named nobody who answers renters for him"));
        }
        Ok(())
    }

    /// His name as Chatwoot takes it.
    fn name(&self, profile: &Profile) -> String {
        let name: String = profile.name.trim().chars().take(LONGEST_NAME).collect();
        if name.is_empty() { self.id.to_string() } else { name }
    }
}
