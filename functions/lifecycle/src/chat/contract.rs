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

use super::{Chat, Unfinished, work};
use crate::{App, marketplace::look_again};

type Work<'a> = work::Work<'a, ContractChat>;

/// Works on a contract's conversation, if that is due.
pub(super) async fn work_on(app: &App, chat: &Chat, id: &ContractId, now: Moment) -> Result<(), TableError> {
    let Some(mut work) = Work::begin((app, chat), id, now).await? else { return Ok(()) };
    let outcome = work.steps().await;
    work.finish(outcome).await
}

impl Work<'_> {
    async fn steps(&mut self) -> Result<(), Unfinished> {
        let contract = self.app.table.contract(self.id).await?.map(|stored| stored.value).unwrap_or_default();
        let Some(terms) = contract.terms() else { return Ok(()) };
        let ended = contract.ended();
        if self.so_far.conversation.is_none() && ended.is_some() {
            // Nobody needs a conversation about what is over.
            return Ok(());
        }
        let (chatwoot, _) = self.chat.operator.speak(&self.chat.secrets).await?;
        let conversation = match self.so_far.conversation {
            Some(conversation) => conversation,
            None => self.open(&chatwoot, terms).await?,
        };
        self.record(conversation).await?;
        self.introduce(&chatwoot, conversation, &contract, terms).await?;
        match ended {
            Some(end) => self.end(&chatwoot, conversation, end).await,
            None => Ok(()),
        }
    }

    async fn open(&mut self, chatwoot: &Chatwoot, terms: &Terms) -> Result<ConversationId, Unfinished> {
        let waiting = || Unfinished::passing("the provider's chat is not set up yet");
        let chat = self.app.table.provider_chat(&terms.provider_id).await?.ok_or_else(waiting)?.value;
        let (account, inbox) = chat.place().ok_or_else(waiting)?;
        let key = self.chat.secrets.identity_key(account, inbox.id).await?.ok_or_else(waiting)?;
        let source = contract_source(key.expose(), self.id);

        let contact = self.contact(chatwoot, account, inbox.id, terms).await?;
        if !self.is_done(ContractStep::ContactInbox) {
            if !contact.has_place(&source) {
                chatwoot.give_place(account, contact.id, inbox.id, &source).await?;
            }
            self.noted(ContractStep::ContactInbox).await?;
        }
        let known = chatwoot.conversations_of(account, contact.id).await?;
        let number = if let Some(opened) = known.iter().find(|conversation| conversation.is_of(self.id)) {
            opened.number
        } else {
            let link = self.chat.link_of(self.id);
            let new = NewConversation {
                inbox: inbox.id,
                contact: contact.id,
                source: &source,
                contract: self.id,
                offering: &terms.offering_id,
                link: link.as_deref(),
            };
            chatwoot.open_conversation(account, &new).await?
        };
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
        self.app.table.record_contract(conversation, self.id).await?;
        look_again(self.app, [conversation]).await?;
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
        let link = self.chat.link_of(self.id).map(|link| format!("\n{link}")).unwrap_or_default();
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
