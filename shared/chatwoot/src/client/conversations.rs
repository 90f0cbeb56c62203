//! What a contract's conversation is made of: a contact, his place in an inbox, the conversation, notes in it.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use trust::id::{AccountId, ContractId, ConversationNumber, InboxId, OfferingId, RenterId};

use super::{By, Chatwoot, ClientError, Payload};

/// A contact of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Contact {
    /// Its id.
    pub id: u64,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default, rename = "contact_inboxes")]
    places: Vec<ContactInbox>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct ContactInbox {
    source_id: String,
}

impl Contact {
    /// Whether it has this place in an inbox.
    pub fn has_place(&self, source: &str) -> bool {
        self.places.iter().any(|place| place.source_id == source)
    }
}

/// A conversation to be opened.
#[derive(Debug, Clone)]
pub struct NewConversation<'a> {
    /// In this inbox.
    pub inbox: InboxId,
    /// With this contact.
    pub contact: u64,
    /// Through this place of his.
    pub source: &'a str,
    /// About this contract.
    pub contract: &'a ContractId,
    /// For this offering.
    pub offering: &'a OfferingId,
    /// Which is to be seen here.
    pub link: Option<&'a str>,
}

/// A conversation as its contact's list has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OpenedConversation {
    /// Its number.
    #[serde(rename = "id")]
    pub number: ConversationNumber,
    /// Its inbox.
    pub inbox_id: InboxId,
    /// What was said of it when it was opened. An agent can open one too, and say anything that he knows.
    #[serde(default)]
    additional_attributes: Value,
}

/// The attribute by which we know a conversation that we opened: through which place, which nobody else can name before.
const SOURCE: &str = "provider_trust_source";

impl OpenedConversation {
    /// Whether we opened it in this inbox through this place.
    pub fn is_ours(&self, inbox: InboxId, source: &str) -> bool {
        self.inbox_id == inbox && self.additional_attributes[SOURCE] == source
    }
}

#[derive(Deserialize)]
struct OneContact {
    contact: Contact,
}

/// Who sees what we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    ByAgents,
    ByAll,
}

/// A message, as far as its text tells whether it is ours.
#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    private: Option<bool>,
}

impl Chatwoot {
    /// The contact that is this renter.
    pub async fn find_contact(
        &self,
        account: AccountId,
        renter: &RenterId,
    ) -> Result<Option<Contact>, ClientError> {
        let same = |contact: &Contact| contact.identifier.as_deref() == Some(renter.as_str());
        let path = format!("/api/v1/accounts/{account}/contacts/filter");
        let exactly = json!({ "payload": [{
            "attribute_key": "identifier", "filter_operator": "equal_to", "values": [renter],
        }] });
        let found: Payload<Vec<Contact>> = self.ask(By::User, Method::POST, &path, &exactly).await?;
        let mut contact = found.payload.into_iter().find(same);
        if contact.is_none() {
            // The filter compares in lower case, which may miss an id with capitals. Ids need no escaping: A-Z, a-z, 0-9, '.', '_', '-'.
            let path = format!("/api/v1/accounts/{account}/contacts/search?q={renter}&sort=name&page=1");
            let found: Payload<Vec<Contact>> = self.get(By::User, &path).await?;
            contact = found.payload.into_iter().find(same);
        }
        let Some(contact) = contact else { return Ok(None) };
        // The list may leave out in which inboxes it is.
        let path = format!("/api/v1/accounts/{account}/contacts/{}", contact.id);
        let whole: Payload<Contact> = self.get(By::User, &path).await?;
        Ok(Some(whole.payload))
    }

    /// Makes a contact that is this renter. One that exists already is [`ClientError::Invalid`].
    pub async fn create_contact(
        &self,
        account: AccountId,
        inbox: InboxId,
        renter: &RenterId,
    ) -> Result<Contact, ClientError> {
        let body = json!({ "inbox_id": inbox, "name": renter, "identifier": renter });
        let path = format!("/api/v1/accounts/{account}/contacts");
        let made: Payload<OneContact> = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(made.payload.contact)
    }

    /// Gives a contact a place in an inbox, in which he counts as verified: we know him by the marketplace.
    pub async fn give_place(
        &self,
        account: AccountId,
        contact: u64,
        inbox: InboxId,
        source: &str,
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/contacts/{contact}/contact_inboxes");
        let body = json!({ "inbox_id": inbox, "source_id": source, "hmac_verified": true });
        let _: Value = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(())
    }

    /// The conversations of a contact.
    pub async fn conversations_of(
        &self,
        account: AccountId,
        contact: u64,
    ) -> Result<Vec<OpenedConversation>, ClientError> {
        let path = format!("/api/v1/accounts/{account}/contacts/{contact}/conversations");
        let found: Payload<Vec<OpenedConversation>> = self.get(By::User, &path).await?;
        Ok(found.payload)
    }

    /// Opens a conversation.
    pub async fn open_conversation(
        &self,
        account: AccountId,
        new: &NewConversation<'_>,
    ) -> Result<ConversationNumber, ClientError> {
        let mut attributes = json!({ "contract_id": new.contract, "offering_id": new.offering });
        if let Some(link) = new.link {
            attributes["contract_url"] = json!(link);
        }
        let body = json!({
            "source_id": new.source, "inbox_id": new.inbox, "contact_id": new.contact, "hmac_verified": true,
            "status": "open", "custom_attributes": attributes,
            "additional_attributes": { SOURCE: new.source },
        });
        let path = format!("/api/v1/accounts/{account}/conversations");
        let opened: OpenedConversation = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(opened.number)
    }

    /// Writes a private note, which agents see and renters do not, unless it stands among the last messages already.
    pub async fn note_once(
        &self,
        account: AccountId,
        number: ConversationNumber,
        text: &str,
    ) -> Result<(), ClientError> {
        self.write_once(account, number, text, Seen::ByAgents).await
    }

    /// Writes a message that the renter sees, too, unless it stands among the last ones already. It is ours, so it is no reply of the
    /// provider.
    pub async fn say_once(
        &self,
        account: AccountId,
        number: ConversationNumber,
        text: &str,
    ) -> Result<(), ClientError> {
        self.write_once(account, number, text, Seen::ByAll).await
    }

    async fn write_once(
        &self,
        account: AccountId,
        number: ConversationNumber,
        text: &str,
        seen: Seen,
    ) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/conversations/{number}/messages");
        let private = seen == Seen::ByAgents;
        let latest: Payload<Vec<Written>> = self.get(By::User, &path).await?;
        let same = |written: &Written| {
            written.private.unwrap_or_default() == private && written.content.as_deref() == Some(text)
        };
        if latest.payload.iter().any(same) {
            return Ok(());
        }
        let body = json!({ "content": text, "message_type": "outgoing", "private": private });
        let _: Value = self.ask(By::User, Method::POST, &path, &body).await?;
        Ok(())
    }

    /// Resolves a conversation. Asking twice changes nothing.
    pub async fn resolve(&self, account: AccountId, number: ConversationNumber) -> Result<(), ClientError> {
        let path = format!("/api/v1/accounts/{account}/conversations/{number}/toggle_status");
        let _: Value = self.ask(By::User, Method::POST, &path, &json!({ "status": "resolved" })).await?;
        Ok(())
    }
}
