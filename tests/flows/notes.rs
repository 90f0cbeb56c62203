//! What a provider's agents are told in the conversation itself, before a promise breaks and when it does.

use end_to_end::{
    chatwoot::{Clock, Fault, Identity, Thread, Visit},
    operator::Operator,
    services::{BusHealth, Services},
};
use lambda::Environment;
use serde_json::{Value, json};
use trust::id::ConversationId;

use crate::stack::queued;

struct World {
    operator: Operator,
    notify: notify::App,
    _services: Services,
    conversation: ConversationId,
}

impl World {
    async fn start() -> Self {
        let operator = Operator::start(Clock::wall()).await.unwrap();
        let account = operator.chatwoot.furnish("Acme").unwrap();
        operator.join(account.account, &account.administrator_token).await.unwrap();
        let visit = Visit {
            account: account.account,
            inbox: account.inbox,
            renter: "r1".to_owned(),
            identity: Identity::Verified,
        };
        let written = operator.chatwoot.renter_writes(&visit, Thread::New, "Hello?").unwrap();
        let services =
            Services::start_with(operator.secrets(), BusHealth::Up, &operator.parameters()).await.unwrap();
        let environment = Environment::from_pairs(services.environment("notify").unwrap());
        let notify = notify::App::start(&environment).await.unwrap();
        Self { operator, notify, _services: services, conversation: written.conversation }
    }

    /// Hands an event over as the queue does, and says whether it was taken.
    async fn hears(&self, kind: &str) -> bool {
        let detail = json!({
            "version": 1, "id": format!("p1-{kind}"), "provider": "p1", "scope": "contract", "rank": "first", "promise": 14400,
            "opened_at": "2026-11-02T00:00:00Z", "at": "2026-11-02T02:00:00Z", "conversation": self.conversation,
        });
        let batch = serde_json::from_value(queued("trust", &[(kind, &detail)])).unwrap();
        let answer = notify::handle(&self.notify, batch).await.unwrap();
        answer.batch_item_failures.is_empty()
    }

    fn notes(&self) -> Vec<String> {
        let messages = self.operator.chatwoot.messages(self.conversation);
        let notes = messages.iter().filter(|message| message["private"] == Value::Bool(true));
        notes.map(|note| note["content"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_told_once_at_half_the_promised_time_and_once_when_it_is_over() {
    let world = World::start().await;
    for kind in
        ["provider.reply-due", "provider.reply-due", "provider.reply-overdue", "provider.reply-overdue"]
    {
        assert!(world.hears(kind).await, "{kind}");
    }
    let notes = world.notes();
    assert_eq!(notes.len(), 2);
    assert!(notes[0].contains("half of that time is over") && notes[1].contains("counts as late now"));
    assert!(notes.iter().all(|note| note.contains("2026-11-02T04:00:00Z")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_marketplaces_news_are_no_note() {
    let world = World::start().await;
    assert!(world.hears("provider.went-silent").await);
    assert_eq!(world.notes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_chatwoot_wrote_and_did_not_confirm_is_not_written_again() {
    let world = World::start().await;
    let messages = "/api/v1/accounts/*/conversations/*/messages";
    for (fault, kind) in
        [(Fault::FailureOnceDone, "provider.reply-due"), (Fault::TooManyRequests, "provider.reply-overdue")]
    {
        world.operator.chatwoot.fault("POST", messages, fault, 1);
        assert!(!world.hears(kind).await, "{fault:?}: not taken");
        assert!(world.hears(kind).await, "it comes again from the queue");
    }
    // Two that were tried and failed, and the one that was there already was not tried again.
    assert_eq!(world.operator.chatwoot.requests_to("POST", messages), 3);
    assert_eq!(world.notes().len(), 2);
}
