//! What happened to a provider, in the document's words. Nothing here says what counts.

use serde_json::{Value, json};
use trust::{
    chat::{Channel, Identity},
    contract::Contract,
    feedback::{Answer, Answers},
    marketplace::CancelledBy,
    time::Moment,
};

use crate::world::{Named, Spoken, Talk, World};

/// All of it. Moments are Unix seconds, days are days since 1970-01-01.
pub(crate) fn of(world: &World, now: Moment) -> Value {
    let operator = |known: &trust::provider::Provider| {
        known.profile.as_ref().and_then(|(_, profile)| profile.operator_id.clone())
    };
    let mut operators = serde_json::Map::new();
    if let Some(operator) = operator(&world.known) {
        operators.insert(world.provider.to_string(), json!(operator));
    }
    for (renter, known) in &world.others {
        operators.insert(renter.to_string(), json!(operator(known)));
    }
    json!({
        "now": now.unix(),
        "provider": world.provider,
        "operators": operators,
        "contracts": world.contracts.iter().map(|(id, one)| (id.to_string(), contract(one))).collect::<serde_json::Map<_, _>>(),
        "conversations": world.talks.iter().map(talk).collect::<Vec<_>>(),
        "siblings": {
            "others": world.siblings.as_ref().map_or(0, |siblings| siblings.others),
            "flagged": world.siblings.as_ref().map_or(0, |siblings| siblings.flagged),
        },
        "services": services(world),
        "votes": votes(world),
        "machines": world.machines.iter().map(|(contract, (first, held, contradicted))| json!({
            "contract": contract, "first": first.unix(), "held": held, "contradicted": contradicted,
        })).collect::<Vec<_>>(),
    })
}

fn contract(contract: &Contract) -> Value {
    let (requested, terms) = contract.requested.as_ref().unwrap();
    let at = |moment: Option<Moment>| moment.map(Moment::unix);
    let cancelled = contract.cancelled.map(|(at, by)| {
        let by = match by {
            CancelledBy::Renter => "renter",
            CancelledBy::Provider => "provider",
            CancelledBy::Marketplace => "marketplace",
        };
        json!([at.unix(), by, contract.in_vain.filter(|(given, _)| *given == at).map(|(_, reason)| reason)])
    });
    json!({
        "renter": terms.renter_id,
        "price": terms.price.minor_units,
        "term": terms.term_seconds,
        "promised": terms.reply_within_seconds.map(|promise| promise.0),
        "silent_after": terms.silent_after_seconds.map(|after| after.0),
        "requested": requested.unix(),
        "accepted": at(contract.accepted.map(|(at, _)| at)),
        "declined": at(contract.rejected),
        "handed_over": at(contract.provisioned),
        "failed": at(contract.provisioning_failed),
        "completed": at(contract.completed),
        "cancelled": cancelled,
    })
}

fn talk(talk: &Talk) -> Value {
    let messages: Vec<Value> =
        talk.messages.iter().map(|&(at, spoken)| json!([at.unix(), name(spoken)])).collect();
    json!({
        "contract": talk.contract,
        "named_by_marketplace": talk.named == Named::ByTheMarketplace,
        "channel": match talk.channel { Channel::WebWidget => "widget", Channel::Api => "api", Channel::Other => "mail" },
        "verified": talk.identity == Identity::Verified,
        "contact": talk.contact,
        "messages": messages,
    })
}

fn name(spoken: Spoken) -> &'static str {
    match spoken {
        Spoken::Renter => "renter",
        Spoken::RenterDeleted => "renter, deleted",
        Spoken::Person => "person",
        Spoken::PersonDeleted => "person, deleted",
        Spoken::Echo => "person, outside Chatwoot",
        Spoken::Note => "note",
        Spoken::Bot => "bot",
        Spoken::Automation => "automation",
        Spoken::Campaign => "campaign",
        Spoken::Template => "template",
        Spoken::Activity => "activity",
    }
}

fn services(world: &World) -> Vec<Value> {
    let days = world.services.iter().map(|(day, services)| {
        let of_day: Vec<Value> = services
            .iter()
            .map(|service| {
                let tally = &service.tally;
                json!({
                    "contract": service.contract,
                    "up": tally.up(),
                    "down": tally.down(),
                    "unknown": tally.unknown(),
                    "maintenance": tally.maintenance(),
                })
            })
            .collect();
        json!([day.start().unix() / 86_400, of_day])
    });
    days.collect()
}

fn votes(world: &World) -> Vec<Value> {
    let answered = |answers: Answers| {
        json!([answers.matched_description == Answer::Yes, answers.rent_again == Answer::Yes])
    };
    let of_contract = world.said.iter().map(|(contract, said)| {
        let said: Vec<Value> =
            said.iter().map(|&(at, answers)| json!([at.unix(), answered(answers)])).collect();
        json!({ "contract": contract, "answers": said })
    });
    of_contract.collect()
}
