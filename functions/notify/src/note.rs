//! What is written into conversations: private notes for a provider's agents, and messages that the renter sees, too.

use std::time::Duration;

use chatwoot::client::{Chatwoot, ClientError};
use serde::Deserialize;
use tokio::time::Instant;
use trust::{
    feedback::survey::{Announcement, Occasion, Reason},
    id::ConversationId,
    replies::Promise,
    silence::Stage,
    time::Moment,
};

use crate::{App, NotifyError};

/// The news of a wait, as far as a note tells it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Waiting {
    conversation: ConversationId,
    opened_at: Moment,
    promise: Promise,
}

/// Writes the note of a stage into the conversation, once.
pub(crate) async fn write(app: &App, stage: Stage, waiting: Waiting) -> Result<(), NotifyError> {
    let Some(chatwoot) = speak(app).await? else { return Ok(()) };
    let ConversationId { account, number } = waiting.conversation;
    let written = chatwoot.note_once(account, number, &text(stage, &waiting)).await;
    judge(written, waiting.conversation, "a note for the agents")
}

/// Tells a conversation that its renter is asked how it was, once.
pub(crate) async fn announce(app: &App, announcement: &Announcement) -> Result<(), NotifyError> {
    let Some(chatwoot) = speak(app).await? else { return Ok(()) };
    let ConversationId { account, number } = announcement.conversation;
    let written = chatwoot.say_once(account, number, &message(announcement)).await;
    judge(written, announcement.conversation, "a survey's announcement")
}

/// Chatwoot, if there is one.
async fn speak(app: &App) -> Result<Option<Chatwoot>, NotifyError> {
    let Some(chat) = &app.chat else {
        tracing::info!("nothing is written: CHATWOOT_URL is not set");
        return Ok(None);
    };
    let (chatwoot, _) = chat.speak(&app.secrets).await?;
    Ok(Some(chatwoot.until(Instant::now() + TIME)))
}

fn judge(
    written: Result<(), ClientError>,
    conversation: ConversationId,
    what: &str,
) -> Result<(), NotifyError> {
    let ConversationId { account, number } = conversation;
    match written {
        Ok(()) => tracing::info!(%account, %number, what, "written"),
        // An account that is not ours to write in, or a conversation that is gone: trying again does not help.
        Err(error @ (ClientError::Unauthorised | ClientError::NotFound(_))) => {
            tracing::warn!(%account, %number, what, %error, "not written");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// How long Chatwoot is spoken to for one note or message.
const TIME: Duration = Duration::from_secs(30);

/// The same text for the same news, by which a note is known to be there already.
fn text(stage: Stage, waiting: &Waiting) -> String {
    let Waiting { opened_at, promise, .. } = waiting;
    let due = opened_at.plus(i64::from(promise.0));
    if stage == Stage::ReplyDue {
        format!(
            "The renter has been waiting since {opened_at}. A reply is promised by {due}: half of that time is over."
        )
    } else {
        format!(
            "The renter has been waiting since {opened_at}. A reply was promised by {due}, which is over. It counts as late now."
        )
    }
}

/// Where to answer is not in it: the provider's agents read it, too.
fn message(announcement: &Announcement) -> String {
    let Announcement { contract, reason, occasion, page, expires_at, .. } = announcement;
    let what = match reason {
        Reason::Completed => "has ended",
        Reason::Cancelled => "was cancelled",
        Reason::ProvisioningFailed => "could not be provisioned",
        Reason::NeverAnswered => "was not answered",
        Reason::NeverDelivered => "was accepted and not handed over",
        Reason::Lapsed => "is past its term",
    };
    let asked = match occasion {
        Occasion::First => "Two questions wait for you, the renter",
        Occasion::Reminder => "Two questions still wait for you, the renter",
    };
    let place = page.as_ref().map_or_else(String::new, |page| format!(" at {page}"));
    format!(
        "Contract {contract} {what}. {asked}: did the service match its description, and would you rent from this provider again? \
         The marketplace has your personal link{place}. You can answer until {expires_at}."
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_note_says_since_when_and_by_when_and_is_the_same_for_the_same_news() {
        let news = json!({
            "version": 1, "id": "x", "provider": "p1", "scope": "contract", "opened_at": "2026-11-02T00:00:00Z", "rank": "first",
            "conversation": { "account": 1, "number": 42 }, "promise": 14400, "at": "2026-11-02T02:00:00Z",
        });
        let waiting: Waiting = serde_json::from_value(news).unwrap();
        let due = text(Stage::ReplyDue, &waiting);
        assert!(
            due.contains("since 2026-11-02T00:00:00Z") && due.contains("by 2026-11-02T04:00:00Z"),
            "{due}"
        );
        assert_eq!(due, text(Stage::ReplyDue, &waiting));
        assert_ne!(due, text(Stage::ReplyOverdue, &waiting));
    }

    #[test]
    fn an_announcement_says_what_is_asked_and_where_and_the_reminder_is_another_text() {
        let announced = |occasion: &str| {
            let detail = json!({
                "version": 1, "id": "x", "at": "2026-11-02T00:00:00Z", "provider": "p1", "contract": "c1", "reason": "completed",
                "conversation": { "account": 1, "number": 42 }, "occasion": occasion, "page": "https://marketplace.example/contracts/c1",
                "expires_at": "2026-12-02T00:00:00Z",
            });
            message(&serde_json::from_value(detail).unwrap())
        };
        let first = announced("first");
        for part in
            ["Contract c1 has ended", "match its description", "/contracts/c1", "2026-12-02T00:00:00Z"]
        {
            assert!(first.contains(part), "{first}");
        }
        assert!(!first.contains("/v1/feedback"), "the agents must not answer for him");
        assert_ne!(first, announced("reminder"));
    }
}
