//! The judgement on one event: its envelope, its type, its data, each against the JSON Schemas of `events/schemas/`.

use std::{collections::BTreeMap, fmt};

use jsonschema::Validator;
use probe::guard::Guard;
use serde::de::value::MapDeserializer;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use trust::{
    marketplace::{Happened, MarketplaceEvent},
    time::Moment,
    uptime::monitor::Wish,
};

/// How far ahead of our clock an event's time may be, in seconds. A fact can not be from the future; clocks differ a little.
const AHEAD: i64 = 300;

/// Most faults named of one event.
const FAULTS: usize = 10;

const ENVELOPE: &str = include_str!("../../../events/schemas/cloudevent.json");

macro_rules! schemas {
    ($($kind:literal),+ $(,)?) => {
        [$(($kind, include_str!(concat!("../../../events/schemas/", $kind, ".json")))),+]
    };
}

const DATA: [(&str, &str); 14] = schemas![
    "provider.registered",
    "provider.updated",
    "provider.checked-in",
    "offering.published",
    "offering.withdrawn",
    "contract.requested",
    "contract.accepted",
    "contract.rejected",
    "contract.provisioned",
    "contract.monitors-set",
    "contract.provisioning-failed",
    "contract.completed",
    "contract.cancelled",
    "contract.extended",
];

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Its type is not known here.
    UnknownType(String),
    /// It does not have the shape of its type.
    Shape(Vec<ShapeFault>),
}

/// One thing that is wrong with an event's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeFault {
    /// Where: a JSON pointer into the event.
    pub pointer: String,
    /// What.
    pub detail: String,
}

impl fmt::Display for ShapeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.pointer.is_empty() { "/" } else { &self.pointer }, self.detail)
    }
}

/// A schema file that is none.
#[derive(Debug, thiserror::Error)]
#[error("the schema of {name} can not be used: {cause}")]
pub struct InvalidSchema {
    name: String,
    cause: String,
}

/// The compiled schemas, and what they can not say.
#[derive(Debug)]
pub struct Schemas {
    envelope: Validator,
    data: BTreeMap<&'static str, Validator>,
    guard: Guard,
}

impl Schemas {
    /// Compiles the schemas that are part of the program. What this guard would refuse to ask is no monitor's target.
    pub fn compile(guard: Guard) -> Result<Self, InvalidSchema> {
        let data = DATA.iter().map(|(kind, text)| Ok((*kind, compile(kind, text)?)));
        let data = data.collect::<Result<_, _>>()?;
        Ok(Self { envelope: compile("cloudevent", ENVELOPE)?, data, guard })
    }

    /// Judges one event.
    pub fn judge(&self, event: &Value, now: Moment) -> Result<MarketplaceEvent, Fault> {
        check(&self.envelope, event, "")?;
        let kind = event["type"].as_str().unwrap_or_default();
        let Some(schema) = self.data.get(kind) else {
            return Err(Fault::UnknownType(kind.chars().take(100).collect()));
        };
        check(schema, &event["data"], "/data")?;
        let read: MarketplaceEvent =
            serde_json::from_value(event.clone()).map_err(|_| Fault::Shape(vec![unreadable(event)]))?;
        if read.time > now.plus(AHEAD) {
            let detail = "is in the future".to_owned();
            return Err(Fault::Shape(vec![ShapeFault { pointer: "/time".to_owned(), detail }]));
        }
        wish(&read, &self.guard, now)?;
        Ok(read)
    }
}

/// What of an event the types do not take though its schema does, and where that is.
fn unreadable(event: &Value) -> ShapeFault {
    // The type first: by it, the data are read where they stand and not set aside, where their places are forgotten.
    let happened = [("type", event["type"].clone()), ("data", event["data"].clone())];
    let happened: Result<Happened, _> =
        serde_path_to_error::deserialize(MapDeserializer::new(happened.into_iter()));
    let envelope = || serde_path_to_error::deserialize::<_, MarketplaceEvent>(event.clone()).err();
    match happened.err().or_else(envelope) {
        Some(error) => ShapeFault { pointer: pointer(error.path()), detail: error.into_inner().to_string() },
        None => ShapeFault { pointer: String::new(), detail: "can not be read".to_owned() },
    }
}

fn pointer(path: &Path) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// What the schemas can not say of a wish for monitors.
fn wish(event: &MarketplaceEvent, guard: &Guard, now: Moment) -> Result<(), Fault> {
    let fault = |pointer: &str, detail: String| {
        Err(Fault::Shape(vec![ShapeFault { pointer: pointer.to_owned(), detail }]))
    };
    let (wish, member) = match &event.happened {
        Happened::ContractProvisioned { endpoints, .. } => {
            (Wish { endpoints: endpoints.clone(), maintenance: Vec::new() }, "endpoints")
        }
        Happened::ContractMonitorsSet { monitors, maintenance, .. } => {
            // Else maintenance could be announced, and a monitor paused, with hindsight.
            if event.time.plus(AHEAD) < now {
                return fault("/time", "is more than five minutes ago".to_owned());
            }
            (Wish { endpoints: monitors.clone(), maintenance: maintenance.clone() }, "monitors")
        }
        _ => return Ok(()),
    };
    // A pause that is told of late would hide with hindsight what happened meanwhile.
    wish.check(event.time.max(now.plus(-AHEAD)))
        .or_else(|invalid| fault(&format!("/data/{}", invalid.pointer(member)), invalid.to_string()))?;
    let faults: Vec<ShapeFault> = wish
        .endpoints
        .iter()
        .enumerate()
        .filter_map(|(index, endpoint)| {
            let refusal = guard.admit(&(&endpoint.check).into()).err()?;
            Some(ShapeFault {
                pointer: format!("/data/{member}/{index}/check"),
                detail: format!("may not be asked: {refusal}"),
            })
        })
        .take(FAULTS)
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Fault::Shape(faults)) }
}

fn compile(name: &str, text: &str) -> Result<Validator, InvalidSchema> {
    let invalid = |cause: String| InvalidSchema { name: name.to_owned(), cause };
    let schema = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .map_err(|error| invalid(error.to_string()))
}

fn check(schema: &Validator, value: &Value, prefix: &str) -> Result<(), Fault> {
    let faults: Vec<ShapeFault> = schema
        .iter_errors(value)
        .take(FAULTS)
        .map(|error| ShapeFault {
            pointer: format!("{prefix}{}", error.instance_path()),
            // The schema's side of it only: the sender's value may be personal, and long.
            detail: error.masked().to_string(),
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Fault::Shape(faults)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn schemas() -> Schemas {
        Schemas::compile(Guard::public_only()).unwrap()
    }

    fn sample(kind: &str) -> Value {
        let file = format!("{}/../../events/marketplace/{kind}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }

    fn shape(event: &Value) -> String {
        match schemas().judge(event, now()) {
            Err(Fault::Shape(faults)) => {
                faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_type_has_a_sample_that_is_taken_and_loses_nothing() {
        let schemas = schemas();
        for (kind, _) in DATA {
            let event = sample(kind);
            let read = schemas.judge(&event, now()).unwrap_or_else(|fault| panic!("{kind}: {fault:?}"));
            assert_eq!(serde_json::to_value(read).unwrap(), event, "{kind}");
        }
    }

    #[test]
    fn members_nobody_asked_for_are_left_behind() {
        let mut event = sample("contract.provisioned");
        event["data"]["addresses"] = json!(["203.0.113.7:22"]);
        let read = schemas().judge(&event, now()).unwrap();
        assert!(!serde_json::to_string(&read).unwrap().contains("203.0.113.7"));
    }

    /// Puts a value where it stands, or as a new member of what is there.
    fn put(event: &mut Value, pointer: &str, value: Value) {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match event.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => event.pointer_mut(parent).unwrap()[name] = value,
        }
    }

    #[test]
    fn a_fault_names_the_field() {
        for (kind, pointer, value, fault) in [
            ("contract.requested", "/data/price/currency", json!("eur"), "/data/price/currency: "),
            ("contract.requested", "/data/price/minor_units", json!(-1), "/data/price/minor_units: "),
            ("contract.requested", "/data/price/minor_units", json!(9.5), "/data/price/minor_units: "),
            ("contract.requested", "/data/term_seconds", json!(0), "/data/term_seconds: "),
            ("contract.requested", "/data/renter_id", json!("a b"), "/data/renter_id: "),
            ("contract.requested", "/data/renter_id", json!(""), "/data/renter_id: "),
            ("contract.accepted", "/data/by", json!("robot"), "/data/by: "),
            ("contract.cancelled", "/data/by", json!(null), "/data/by: "),
            ("contract.cancelled", "/data/reason", json!("bored"), "/data/reason: "),
            // The sample was ended by its renter, who can not say so.
            ("contract.cancelled", "/data/reason", json!("no-response"), "/data/by: "),
            ("contract.extended", "/data/ends_at", json!("tomorrow"), "/data/ends_at: "),
            ("provider.registered", "/data/chat/account", json!("1"), "/data/chat/account: "),
            ("provider.registered", "/data/name", json!(""), "/data/name: "),
            ("provider.registered", "/data/name", json!("日".repeat(201)), "/data/name: "),
            ("provider.updated", "/data/name", json!("a\u{8}b"), "/data/name: "),
            ("provider.updated", "/data/website", json!("w".repeat(2049)), "/data/website: "),
            ("offering.published", "/data/name", json!("n".repeat(201)), "/data/name: "),
            ("provider.registered", "/data", json!([]), "/data: "),
            ("provider.registered", "/specversion", json!("0.3"), "/specversion: "),
            ("provider.registered", "/time", json!("2026-11-31T00:00:00Z"), "/time: "),
            ("provider.registered", "/time", json!("2026-11-23T12:05:01Z"), "/time: is in the future"),
            ("provider.registered", "/id", json!(7), "/id: "),
            (
                "contract.provisioned",
                "/data/endpoints/0/check",
                json!({"kind": "ping"}),
                "/data/endpoints/0/check: ",
            ),
            (
                "contract.provisioned",
                "/data/endpoints/0/interval_seconds",
                json!(90),
                "/data/endpoints/0/interval_seconds: ",
            ),
            (
                "contract.provisioned",
                "/data/endpoints/0/interval_seconds",
                json!(420),
                "/data/endpoints/0/interval_seconds: ",
            ),
            ("provider.registered", "/data/agents/0/email", json!("a@b.c\u{1}"), "/data/agents/0/email: "),
            (
                "contract.provisioned",
                "/data/endpoints/1/name",
                json!("web"),
                "/data/endpoints/1/name: an earlier",
            ),
            (
                "contract.provisioned",
                "/data/endpoints/1/name",
                json!("203.0.113.7"),
                "/data/endpoints/1/name: ",
            ),
            (
                "contract.provisioned",
                "/data/endpoints/1",
                json!({
                    "name": "ssh",
                    "check": {"kind": "ssh", "host": "a.example"},
                    "pauses": [{"from": "2026-11-22T11:00:00Z", "until": "2026-11-24T00:00:00Z"}],
                }),
                "/data/endpoints/1/pauses: ",
            ),
            ("contract.provisioned", "/data/sla/uptime", json!(99.9), "/data/sla/uptime: "),
            (
                "contract.monitors-set",
                "/time",
                json!("2026-11-23T11:54:59Z"),
                "/time: is more than five minutes ago",
            ),
            (
                "contract.monitors-set",
                "/data/maintenance/0/from",
                json!("2026-11-23T11:59:00Z"),
                "/data/maintenance/0: maintenance is announced",
            ),
            (
                "contract.monitors-set",
                "/data/maintenance/0/until",
                json!("2026-11-26T01:00:00Z"),
                "/data/maintenance/0: maintenance ends",
            ),
            (
                "contract.monitors-set",
                "/data/monitors/1",
                json!({
                    "name": "ssh",
                    "check": {"kind": "ssh", "host": "a.example"},
                    "pauses": [{"from": "2026-11-23T11:59:00Z", "until": "2026-11-24T00:00:00Z"}],
                }),
                "/data/monitors/1/pauses: ",
            ),
        ] {
            let mut event = sample(kind);
            put(&mut event, pointer, value);
            let found = shape(&event);
            assert!(found.starts_with(fault), "{kind} {pointer}: {found}");
        }
    }

    #[test]
    fn what_is_no_event_is_told_what_it_lacks() {
        assert!(shape(&json!({})).contains("\"specversion\" is a required property"));
        assert!(shape(&json!("event")).starts_with("/: "));
    }

    #[test]
    fn an_unknown_type_is_told_apart_from_a_wrong_shape() {
        let mut event = sample("provider.registered");
        event["type"] = json!("provider.vanished");
        let fault = schemas().judge(&event, now()).unwrap_err();
        assert_eq!(fault, Fault::UnknownType("provider.vanished".to_owned()));
    }

    #[test]
    fn what_workers_would_refuse_to_ask_is_refused_as_it_is_written() {
        for (check, refusal) in [
            (json!({"kind": "http", "url": "http://127.0.0.1/"}), "not a public address: "),
            (json!({"kind": "http", "url": "http://0x7f.1/"}), "not a public address: "),
            (json!({"kind": "https", "url": "https://[::ffff:169.254.169.254]/"}), "not a public address: "),
            (
                json!({"kind": "https", "url": "https://user:pass@a.example/"}),
                "a user or a password in the URL",
            ),
            (json!({"kind": "tcp", "host": "192.168.1.1", "port": 443}), "not a public address: "),
            (json!({"kind": "tcp", "host": "a.example", "port": 25}), "port 25 is not allowed"),
            (json!({"kind": "ssh", "host": "a b"}), "not a host"),
        ] {
            for (kind, member) in
                [("contract.provisioned", "endpoints"), ("contract.monitors-set", "monitors")]
            {
                let mut event = sample(kind);
                event["data"][member][1] = json!({ "name": "other", "check": check });
                let expected = format!("/data/{member}/1/check: may not be asked: {refusal}");
                let found = shape(&event);
                assert!(found.starts_with(&expected), "{check}: {found}");
            }
        }
        let mut event = sample("contract.provisioned");
        event["data"]["endpoints"][0]["check"] = json!({"kind": "http", "url": "http://127.0.0.1:8080/"});
        let locally = Schemas::compile(Guard::with_loopback_for_tests()).unwrap();
        assert!(locally.judge(&event, now()).is_ok());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{1,12}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_data_makes_the_judgement_panic_or_lets_through_what_the_type_can_not_hold(
            kind in prop::sample::select(DATA.map(|(kind, _)| kind).to_vec()), data in any_json(), key in "[a-z_]{1,14}"
        ) {
            let schemas = schemas();
            let mut event = sample(kind);
            event["data"][&key] = data.clone();
            let _ = schemas.judge(&event, now());
            event["data"] = data;
            let _ = schemas.judge(&event, now());
        }
    }
}
