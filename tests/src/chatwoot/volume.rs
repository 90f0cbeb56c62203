//! Much of everything at once, without a word to any webhook.

use serde_json::{Map, json};
use trust::{
    id::{AccountId, InboxId},
    time::Moment,
};

use super::{
    Chatwoot,
    clock::Stamp,
    installation::Installation,
    people::told,
    refusal::Refusal,
    rows::{ChannelKind, Kind, Role, Sender, Status},
    views,
    writing::Draft,
};

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Accounts, each with an administrator, an agent, and an inbox he is a member of.
    pub accounts: u64,
    /// Conversations in each account, each with a verified renter of its own.
    pub conversations: u64,
    /// Messages in each conversation: renter and agent in turn, a minute apart.
    pub messages: u64,
    /// When each account's first conversation began.
    pub from: Moment,
    /// How many seconds later than the one before each of the others began.
    pub apart: i64,
}

/// An account that a test can start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Furnished {
    /// The account.
    pub account: AccountId,
    /// Its administrator.
    pub administrator: u64,
    /// His token for the application API.
    pub administrator_token: String,
    /// Its agent.
    pub agent: u64,
    /// His token for the application API.
    pub agent_token: String,
    /// Its web widget, of which the agent is a member.
    pub inbox: InboxId,
    /// What the widget's identity hashes are made with.
    pub hmac_token: String,
}

impl Chatwoot {
    /// Makes an account with an administrator, an agent and a web widget.
    pub fn furnish(&self, name: &str) -> anyhow::Result<Furnished> {
        self.change(|installation| furnish(installation, name)).map_err(|refusal| told(&refusal))
    }

    /// Fills it up.
    pub fn fill(&self, volume: Volume) -> anyhow::Result<Vec<Furnished>> {
        let filled = self.change(|installation| {
            let filled = (0..volume.accounts).map(|_| fill(installation, volume)).collect();
            installation.occurrences.clear();
            filled
        });
        let filled: Result<Vec<Furnished>, Refusal> = filled;
        filled.map_err(|refusal| told(&refusal))
    }
}

fn furnish(installation: &mut Installation, name: &str) -> Result<Furnished, Refusal> {
    let id = installation.add_account(name, Map::new());
    // Addresses belong to the whole installation.
    let mut user = |what: &str, role| -> Result<(u64, String), Refusal> {
        let user =
            installation.add_user(&format!("{name} {what}"), &format!("{what}-{id}@example.org"), true);
        installation.add_membership(id, user, role, None)?;
        let token = installation.users.get(&user).map(|user| user.access_token.clone());
        Ok((user, token.unwrap_or_default()))
    };
    let (administrator, administrator_token) = user("administrator", Role::Administrator)?;
    let (agent, agent_token) = user("agent", Role::Agent)?;
    let kind = ChannelKind::WebWidget;
    let mut channel = views::channel_defaults(kind);
    channel.insert("website_url".to_owned(), json!("https://market.example.org"));
    let inbox = installation.add_inbox(id, name, kind, views::inbox_defaults(), channel)?;
    let row = installation.account_mut(id)?.inboxes.get_mut(&inbox).ok_or_else(Refusal::not_found)?;
    row.members.insert(agent);
    let hmac_token = row.channel.hmac_token.clone();
    Ok(Furnished {
        account: AccountId(id),
        administrator,
        administrator_token,
        agent,
        agent_token,
        inbox: InboxId(inbox),
        hmac_token,
    })
}

fn fill(installation: &mut Installation, volume: Volume) -> Result<Furnished, Refusal> {
    let furnished = furnish(installation, &format!("Provider {}", installation.accounts.len() + 1))?;
    let account = furnished.account.0;
    for number in 0..volume.conversations {
        let renter = format!("renter-{account}-{number}");
        let contact = installation.add_contact(account, &renter, None, Some(renter.clone()))?;
        let source = installation.tokens.uuid();
        let session = installation.add_contact_inbox(account, contact, furnished.inbox.0, source, true)?;
        let id = installation.add_conversation(account, session, Status::Open, Map::new(), Map::new())?;
        let began = Stamp::new(volume.from.unix(), 0).plus(number as i64 * volume.apart);
        for turn in 0..volume.messages {
            let (kind, sender) = if turn % 2 == 0 {
                (Kind::Incoming, Sender::Contact(contact))
            } else {
                (Kind::Outgoing, Sender::User(furnished.agent))
            };
            let draft = Draft::text(kind, sender, "Is it up? It is not up for me.");
            installation.append(id, draft, began.plus(turn as i64 * 60))?;
        }
        let answered = volume.messages > 1;
        let row = installation.conversation_mut(id)?;
        row.created = began;
        row.first_reply = answered.then(|| began.plus(60));
        // The renter waits where he had the last word.
        let last = volume.messages.saturating_sub(1) as i64;
        row.waiting_since = (volume.messages % 2 == 1 || volume.messages == 0).then(|| began.plus(last * 60));
        if volume.messages == 0 {
            (row.updated, row.last_activity) = (began, began);
        }
        installation.occurrences.clear();
    }
    Ok(furnished)
}
