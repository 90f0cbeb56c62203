//! A contract's conversation: the renter as a contact, his place in the inbox, the conversation, and its end.

use chatwoot::{
    client::{Chatwoot, ClientError, Contact, NewConversation},
    identity::contract_source,
};
use table::TableError;
use trust::{
    contract::{Contract, End},
    id::{AccountId, ContractId, ConversationId, InboxId},
    marketplace::{CancelledBy, Terms},
    setup::{ContractChat, ContractStep},
    time::Moment,
};

use super::{SOON, Unfinished, work, work::Tools};
use crate::{marketplace::look_again, wish};

type Work<'a> = work::Work<'a, ContractChat>;

/// Where a contract's conversation runs.
struct Place {
    account: AccountId,
    inbox: InboxId,
    /// What nobody else can name: by it the conversation is known to be ours.
    source: String,
}

/// Works on a contract's conversation, if that is due.
pub(super) async fn work_on(tools: Tools<'_>, id: &ContractId) -> Result<(), TableError> {
    let Some(mut work) = Work::begin(tools, id).await? else { return Ok(()) };
    let outcome = work.steps().await;
    work.finish(outcome).await
}

impl Work<'_> {
    async fn steps(&mut self) -> Result<(), Unfinished> {
        let table = &self.tools.app.table;
        let contract = table.contract(self.id).await?.map(|stored| stored.value).unwrap_or_default();
        let Some(terms) = contract.terms() else { return Ok(()) };
        let chatwoot = self.tools.speak().await?;
        let conversation = match self.so_far.conversation {
            Some(conversation) => conversation,
            // One that was asked for may be there though nobody lived to note it.
            None if contract.ended().is_some() => match self.opened(&chatwoot, terms).await? {
                Some(conversation) => conversation,
                // Nobody needs a conversation about what is over.
                None => return Ok(()),
            },
            // The marketplace has opened one meanwhile.
            None if !contract.conversations.is_empty() => return Ok(()),
            None => self.open(&chatwoot, terms).await?,
        };
        self.record(conversation).await?;
        self.introduce(&chatwoot, conversation, &contract, terms).await?;
        match contract.ended() {
            Some(end) => self.end(&chatwoot, conversation, end).await,
            None => Ok(()),
        }
    }

    /// Where the conversation is to run, and by what it is known there.
    async fn place(&self, terms: &Terms) -> Result<Place, Unfinished> {
        let now = (self.tools.clock)();
        let chat = self.tools.app.table.provider_chat(&terms.provider_id).await?;
        if chat.is_none() {
            // His offering was published before there was a Chatwoot, or the event is still on its way.
            wish::provider_chat(self.tools.app, &terms.provider_id, wish::If::Absent, now).await?;
        }
        let attempts = chat.as_ref().map(|stored| &stored.value.attempts);
        let until = attempts.filter(|attempts| !attempts.is_held(now)).and_then(|attempts| attempts.due);
        let waiting = || {
            let soon = now.plus(SOON);
            let until = until.map_or(soon, |due| due.plus(SOON).max(soon));
            Unfinished::waiting("the provider's chat is not set up yet", until)
        };
        let (account, inbox) = chat.as_ref().and_then(|stored| stored.value.place()).ok_or_else(waiting)?;
        let key = self.tools.chat.secrets.identity_key(account, inbox.id).await?.ok_or_else(waiting)?;
        Ok(Place { account, inbox: inbox.id, source: contract_source(key.expose(), self.id) })
    }

    /// The conversation that was opened, if one was, though it is not noted.
    async fn opened(
        &mut self,
        chatwoot: &Chatwoot,
        terms: &Terms,
    ) -> Result<Option<ConversationId>, Unfinished> {
        let Some(contact) = self.so_far.contact else { return Ok(None) };
        let place = self.place(terms).await?;
        let known = chatwoot.conversations_of(place.account, contact).await?;
        let Some(ours) = known.iter().find(|conversation| conversation.is_ours(place.inbox, &place.source))
        else {
            return Ok(None);
        };
        let conversation = ConversationId { account: place.account, number: ours.number };
        self.note(|so_far| so_far.conversation = Some(conversation)).await?;
        Ok(Some(conversation))
    }

    async fn open(&mut self, chatwoot: &Chatwoot, terms: &Terms) -> Result<ConversationId, Unfinished> {
        let Place { account, inbox, source } = self.place(terms).await?;
        let contact = self.contact(chatwoot, account, inbox, terms).await?;
        if !self.is_done(ContractStep::ContactInbox) {
            if !contact.has_place(&source) {
                chatwoot.give_place(account, contact.id, inbox, &source).await?;
            }
            self.noted(ContractStep::ContactInbox).await?;
        }
        if let Some(conversation) = self.opened(chatwoot, terms).await? {
            return Ok(conversation);
        }
        let link = self.tools.chat.link_of(self.id);
        let new = NewConversation {
            inbox,
            contact: contact.id,
            source: &source,
            contract: self.id,
            offering: &terms.offering_id,
            link: link.as_deref(),
        };
        let number = chatwoot.open_conversation(account, &new).await?;
        let conversation = ConversationId { account, number };
        self.note(|so_far| so_far.conversation = Some(conversation)).await?;
        Ok(conversation)
    }

    /// The renter as a contact. Another contract of his may make him one at the same time.
    async fn contact(
        &mut self,
        chatwoot: &Chatwoot,
        account: AccountId,
        inbox: InboxId,
        terms: &Terms,
    ) -> Result<Contact, Unfinished> {
        let renter = &terms.renter_id;
        let contact = match chatwoot.find_contact(account, renter).await? {
            Some(contact) => contact,
            None => match chatwoot.create_contact(account, inbox, renter).await {
                Ok(contact) => contact,
                Err(ClientError::Invalid(refused)) => {
                    chatwoot.find_contact(account, renter).await?.ok_or(ClientError::Invalid(refused))?
                }
                Err(error) => return Err(error.into()),
            },
        };
        if self.so_far.contact != Some(contact.id) {
            self.note(|so_far| so_far.contact = Some(contact.id)).await?;
        }
        Ok(contact)
    }

    /// Ties the conversation to the contract by our own record, which no browser can change.
    async fn record(&mut self, conversation: ConversationId) -> Result<(), Unfinished> {
        if self.is_done(ContractStep::Record) {
            return Ok(());
        }
        self.tools.app.table.record_contract(conversation, self.id).await?;
        look_again(self.tools.app, [conversation]).await?;
        Ok(self.noted(ContractStep::Record).await?)
    }

    async fn introduce(
        &mut self,
        chatwoot: &Chatwoot,
        conversation: ConversationId,
        contract: &Contract,
        terms: &Terms,
    ) -> Result<(), Unfinished> {
        if self.is_done(ContractStep::Introduced) {
            return Ok(());
        }
        let requested = contract.requested.as_ref().map(|(at, _)| at.to_string()).unwrap_or_default();
        let link = self.tools.chat.link_of(self.id).map(|link| format!("\n{link}")).unwrap_or_default();
        let promise = terms.reply_within_seconds.unwrap_or_default().0 / 60;
        let text = format!(
            "Contract {}, offering {}, requested {requested}. Promised: a reply within {promise} minutes.{link}",
            self.id, terms.offering_id
        );
        chatwoot.note_once(conversation.account, conversation.number, &text).await?;
        Ok(self.noted(ContractStep::Introduced).await?)
    }

    async fn end(
        &mut self,
        chatwoot: &Chatwoot,
        conversation: ConversationId,
        (at, end): (Moment, End),
    ) -> Result<(), Unfinished> {
        if !self.is_done(ContractStep::EndNoted) {
            let text = format!("Contract {} {} {at}.", self.id, what(end));
            chatwoot.note_once(conversation.account, conversation.number, &text).await?;
            self.noted(ContractStep::EndNoted).await?;
        }
        if !self.is_done(ContractStep::Resolved) {
            chatwoot.resolve(conversation.account, conversation.number).await?;
            self.noted(ContractStep::Resolved).await?;
        }
        Ok(())
    }
}

fn what(end: End) -> &'static str {
    match end {
        End::Completed => "was completed",
        End::Cancelled(CancelledBy::Renter) => "was cancelled by the renter",
        End::Cancelled(CancelledBy::Provider) => "was cancelled by the provider",
        End::Cancelled(CancelledBy::Marketplace) => "was cancelled by the marketplace",
        End::ProvisioningFailed => "could not be provisioned",
        End::Rejected => "was rejected",
    }
}
