//! Chat accounts that become somebody's: the conversations in them are looked at once, however many they are and however often his
//! profile is told.

use end_to_end::{
    samples,
    services::{BusHealth, Services},
};
use lambda::Environment;
use serde_json::{Value, json};
use table::Table;
use trust::id::{AccountId, ConversationId, ConversationNumber, InboxId};

use crate::stack::queued;

/// More than two pages, in two inboxes.
const CONVERSATIONS: u64 = 250;

struct World {
    services: Services,
    table: Table,
    lifecycle: lifecycle::App,
    heard: usize,
}

impl World {
    /// An account with conversations, nobody's yet.
    async fn start() -> Self {
        let services = Services::start(samples::secrets(), BusHealth::Up).await.unwrap();
        let environment = Environment::from_pairs(services.environment("lifecycle").unwrap());
        let lifecycle = lifecycle::App::start(&environment).await.unwrap();
        let table = services.table().unwrap();
        for number in 1..=CONVERSATIONS {
            let id = ConversationId { account: AccountId(1), number: ConversationNumber(number) };
            table.list_conversation(id, Some(InboxId(number % 2))).await.unwrap();
        }
        Self { services, table, lifecycle, heard: 0 }
    }

    async fn told(&self, provider: &str, day: u32, chat: Value) {
        let event = json!({
            "specversion": "1.0", "id": format!("{provider}-{day}"), "source": "/test", "type": "provider.updated",
            "time": format!("2026-11-{day:02}T00:00:00Z"),
            "data": { "provider_id": provider, "name": provider, "chat": chat },
        });
        self.handled("marketplace", "provider.updated", &event).await;
    }

    async fn handled(&self, source: &str, kind: &str, event: &Value) {
        let answer = lifecycle::handle(&self.lifecycle, queued(source, &[(kind, event)])).await.unwrap();
        assert_eq!(answer, json!({ "batchItemFailures": [] }));
    }

    /// What has come onto the bus since it was asked last, by type.
    fn news(&mut self, kind: &str) -> Vec<Value> {
        let published = self.services.published();
        let news = published[self.heard..].iter().filter(|entry| entry["DetailType"] == kind);
        let news = news.map(|entry| entry["Detail"].clone()).collect();
        self.heard = published.len();
        news
    }

    /// Does what the bus asks for, until nothing is asked for any more. Answers which conversations were to be looked at, in order.
    async fn settled(&mut self) -> Vec<u64> {
        loop {
            let published = self.services.published();
            let walks =
                published[self.heard..].iter().filter(|entry| entry["DetailType"] == "account.linked");
            let walks: Vec<Value> = walks.map(|entry| entry["Detail"].clone()).collect();
            if walks.is_empty() {
                break;
            }
            self.heard = published.len();
            for walk in walks {
                self.handled("trust", "account.linked", &walk).await;
            }
        }
        let published = self.services.published();
        let looks = published.iter().filter(|entry| entry["DetailType"] == "conversation.standing-changed");
        looks.map(|entry| entry["Detail"]["conversation"]["number"].as_u64().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_conversations_of_an_account_are_looked_at_once_however_often_the_profile_is_told() {
    let mut world = World::start().await;
    world.told("p1", 2, json!({ "account": 1 })).await;
    assert_eq!(world.settled().await, (1..=CONVERSATIONS).collect::<Vec<_>>());
    let so_far = world.services.published().len();
    for day in 3..6 {
        world.told("p1", day, json!({ "account": 1 })).await;
    }
    assert_eq!(world.services.published().len(), so_far);
    // Late words of an earlier time are no other.
    world.told("p1", 1, json!({ "account": 1 })).await;
    assert_eq!(world.settled().await.len() as u64, CONVERSATIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_shared_account_only_the_inboxs_conversations_are_looked_at() {
    let mut world = World::start().await;
    world.told("p1", 2, json!({ "account": 1, "inbox": 1 })).await;
    let odd: Vec<u64> = (1..=CONVERSATIONS).step_by(2).collect();
    assert_eq!(world.settled().await, odd);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_was_lost_half_way_is_begun_anew_by_the_next_word() {
    let mut world = World::start().await;
    world.told("p1", 2, json!({ "account": 1 })).await;
    let first = world.news("account.linked");
    assert_eq!(first.len(), 1);
    world.handled("trust", "account.linked", &first[0]).await;
    assert_eq!(world.news("account.linked").len(), 1, "the second page, which is lost");
    world.told("p1", 3, json!({ "account": 1 })).await;
    let looked = world.settled().await;
    assert!((1..=CONVERSATIONS).all(|number| looked.contains(&number)));
    world.told("p1", 4, json!({ "account": 1 })).await;
    assert_eq!(world.news("account.linked"), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_turns_out_to_be_anothers_is_looked_at_again_for_him() {
    let mut world = World::start().await;
    world.told("late", 9, json!({ "account": 1 })).await;
    let walk = world.news("account.linked");
    world.told("early", 1, json!({ "account": 1 })).await;
    // The walk for who held it first ends after that, and says nothing of the one for who holds it now.
    let first = world.news("account.linked");
    assert_eq!(first[0]["holder"], "early");
    let mut rest = walk;
    while let Some(next) = rest.pop() {
        world.handled("trust", "account.linked", &next).await;
        rest.extend(world.news("account.linked"));
    }
    world.told("early", 2, json!({ "account": 1 })).await;
    assert_eq!(world.news("account.linked")[0]["holder"], "early", "his own walk has not been done");
    let links = world.table.links(AccountId(1)).await.unwrap();
    assert_eq!(links.owner(None).unwrap().as_str(), "early");
}
