//! A contract's communication: the messages of all its conversations, merged by time.
//!
//! A page begins behind a message, whatever has been written meanwhile: a message that comes late stands where it belongs, and the
//! pages behind it neither repeat nor leave out another.

use trust::{
    chat::Message,
    id::{AccountId, ConversationId, ConversationNumber, MessageId},
    time::Moment,
};

use crate::{
    Cursor, MessageKey, Page, Table, TableError,
    item::{self, Order, Range},
    keys::{self, END},
};

/// A message's place among those of several conversations. Ids are unique in an installation; the conversation settles the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    key: MessageKey,
    conversation: (AccountId, ConversationNumber),
}

impl Place {
    fn of(conversation: ConversationId, message: &Message) -> Self {
        Self { key: message.into(), conversation: (conversation.account, conversation.number) }
    }

    fn to_cursor(self) -> Cursor {
        let (account, number) = self.conversation;
        Cursor(format!("{}#{}#{account}#{number}", self.key.at.unix(), self.key.id))
    }

    fn parse(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.0.split('#');
        let mut next = || parts.next()?.parse::<u64>().ok();
        let at = Moment::from_unix(i64::try_from(next()?).ok()?)?;
        let id = MessageId(next()?);
        let conversation = (AccountId(next()?), ConversationNumber(next()?));
        parts.next().is_none().then_some(Self { key: MessageKey { at, id }, conversation })
    }

    /// Where to begin in a conversation.
    fn first_behind(self, conversation: ConversationId) -> String {
        let at = keys::message_sort(self.key);
        // A blank sorts below every character of a key, so this is the next possible one.
        if (conversation.account, conversation.number) <= self.conversation { format!("{at} ") } else { at }
    }
}

impl Table {
    /// The messages of these conversations, the first ones or those behind a cursor, each with its conversation.
    pub async fn communication(
        &self,
        conversations: &[ConversationId],
        behind: Option<&Cursor>,
        limit: u16,
    ) -> Result<Page<(ConversationId, Message)>, TableError> {
        let behind = match behind.map(Place::parse) {
            // Of another list: there is nothing behind it in this one.
            Some(None) => return Ok(Page { items: Vec::new(), next: None }),
            Some(place) => place,
            None => None,
        };
        let (mut found, mut more) = (Vec::new(), false);
        for &conversation in conversations {
            let from =
                behind.map_or_else(|| keys::MESSAGE.to_owned(), |place| place.first_behind(conversation));
            let end = format!("{}{END}", keys::MESSAGE);
            let range = Range { pk: keys::chat(conversation), from: &from, to: &end };
            // However the others lie, no more than `limit` of one conversation are on the page.
            let (items, rest) = self.page(&range, Order::Ascending, i32::from(limit)).await?;
            more |= rest;
            for item in items {
                found.push((conversation, item::read::<Message>(item)?));
            }
        }
        found.sort_by_key(|(conversation, message)| Place::of(*conversation, message));
        more |= found.len() > usize::from(limit);
        found.truncate(usize::from(limit));
        let last = found.last().map(|(conversation, message)| Place::of(*conversation, message));
        Ok(Page { items: found, next: last.filter(|_| more).map(Place::to_cursor) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(at: i64, id: u64, account: u64, number: u64) -> Place {
        Place {
            key: MessageKey { at: Moment::from_unix(at).unwrap(), id: MessageId(id) },
            conversation: (AccountId(account), ConversationNumber(number)),
        }
    }

    fn conversation(account: u64, number: u64) -> ConversationId {
        ConversationId { account: AccountId(account), number: ConversationNumber(number) }
    }

    #[test]
    fn a_cursor_leads_to_its_place_and_another_lists_to_none() {
        for found in [place(0, 0, 0, 0), place(1_790_000_000, u64::MAX, 7, 42)] {
            let opaque = found.to_cursor().to_opaque();
            assert_eq!(Place::parse(&Cursor::parse(&opaque).unwrap()), Some(found));
        }
        for other in [
            "",
            "1",
            "1#2#3",
            "1#2#3#4#5",
            "2026-11-20",
            "1000049000000000#p-1",
            "253402300800#1#1#1",
            "-1#1#1#1",
        ] {
            assert_eq!(Place::parse(&Cursor(other.to_owned())), None, "{other}");
        }
    }

    #[test]
    fn a_page_begins_behind_the_message_of_its_cursor_in_every_conversation() {
        let cursor = place(100, 7, 1, 5);
        let sort = |at, id| keys::message_sort(place(at, id, 0, 0).key);
        for (of, at, id, expected) in [
            (conversation(1, 5), 100, 7, false),
            (conversation(1, 5), 100, 8, true),
            (conversation(1, 4), 100, 7, false),
            (conversation(1, 6), 100, 7, true),
            (conversation(2, 1), 100, 7, true),
            (conversation(2, 1), 100, 6, false),
            (conversation(1, 4), 101, 1, true),
            (conversation(2, 1), 99, 9, false),
        ] {
            assert_eq!(sort(at, id) >= cursor.first_behind(of), expected, "{of:?} {at} {id}");
        }
    }
}
