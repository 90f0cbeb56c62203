//! Private notes: what a provider's agents are told in the conversation that waits for them.

use std::time::Duration;

use chatwoot::client::ClientError;
use serde::Deserialize;
use tokio::time::Instant;
use trust::{id::ConversationId, replies::Promise, silence::Stage, time::Moment};

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
    let Some(chat) = &app.chat else {
        tracing::info!("no note: CHATWOOT_URL is not set");
        return Ok(());
    };
    let (chatwoot, _) = chat.speak(&app.secrets).await?;
    let ConversationId { account, number } = waiting.conversation;
    let written =
        chatwoot.until(Instant::now() + TIME).note_once(account, number, &text(stage, &waiting)).await;
    match written {
        Ok(()) => tracing::info!(%account, %number, ?stage, "told the agents"),
        // An account that is not ours to write in, or a conversation that is gone: trying again does not help.
        Err(error @ (ClientError::Unauthorised | ClientError::NotFound(_))) => {
            tracing::warn!(%account, %number, ?stage, %error, "the agents are not told");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// How long Chatwoot is spoken to for one note.
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
}
