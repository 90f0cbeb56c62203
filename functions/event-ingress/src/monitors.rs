//! What is to be watched for a contract, as one request: it becomes the event `contract.monitors-set`.
//!
//! The event's id is the request's (`webhook-id`), so that a request that is sent again is the same event; its time is when the
//! request was signed, so that nobody announces maintenance with hindsight.

use lambda::Problem;
use serde_json::{Value, json};

use crate::{
    faulty, invalid, read_json,
    schema::{Fault, ShapeFault},
    signature::Signed,
};

/// The `source` of events that come this way.
const SOURCE: &str = "/v1/contracts/monitors";

/// The event that this request stands for. Its data are the request's members and the contract of the path.
pub(crate) fn event(contract: &str, signed: Signed<'_>, body: &[u8]) -> Result<Value, Problem> {
    let Value::Object(mut data) = read_json(body)? else { return Err(invalid("not an object".to_owned())) };
    data.insert("contract_id".to_owned(), json!(contract));
    Ok(json!({
        "specversion": "1.0", "id": signed.id, "source": SOURCE, "type": "contract.monitors-set", "time": signed.at,
        "data": data,
    }))
}

/// What is wrong with the request, by places in its own body.
pub(crate) fn problem(fault: Fault) -> Problem {
    let Fault::Shape(faults) = fault else { return crate::problem(fault) };
    let in_the_body = |fault: ShapeFault| {
        let pointer = match fault.pointer.strip_prefix("/data") {
            Some(pointer) => pointer.to_owned(),
            None => fault.pointer,
        };
        ShapeFault { pointer, ..fault }
    };
    faulty("invalid-monitors", "The monitors are not valid", faults.into_iter().map(in_the_body).collect())
}

#[cfg(test)]
mod tests {
    use probe::guard::Guard;
    use trust::{
        marketplace::{Happened, MarketplaceEvent},
        time::Moment,
    };

    use super::*;
    use crate::schema::Schemas;

    fn now() -> Moment {
        Moment::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn judge(contract: &str, body: &Value) -> Result<MarketplaceEvent, Problem> {
        let signed = Signed { id: "msg_1", at: now().plus(-5) };
        let event = event(contract, signed, body.to_string().as_bytes())?;
        Schemas::compile(Guard::public_only()).unwrap().judge(&event, now()).map_err(problem)
    }

    fn endpoint(check: &Value) -> Value {
        json!({ "name": "web", "check": check })
    }

    #[test]
    fn a_request_is_the_event_of_its_id_at_the_time_it_was_signed() {
        let body = json!({
            "contract_id": "c-2", "monitors": [endpoint(&json!({ "kind": "ssh", "host": "a.example" }))],
            "maintenance": [{ "from": "2026-11-25T00:00:00Z", "until": "2026-11-25T01:00:00Z" }],
        });
        let event = judge("c-1", &body).unwrap();
        assert_eq!((event.id.as_str(), event.time), ("msg_1", now().plus(-5)));
        let Happened::ContractMonitorsSet { contract_id, monitors, maintenance } = event.happened else {
            panic!("another event")
        };
        // The path names the contract, whatever the body says.
        assert_eq!((contract_id.as_str(), monitors.len(), maintenance.len()), ("c-1", 1, 1));
        assert!(judge("c-1", &json!({ "monitors": [] })).is_ok(), "nothing is to be watched any more");
    }

    #[test]
    fn a_fault_names_its_place_in_the_body() {
        let with = |check: Value| json!({ "monitors": [endpoint(&check)] });
        let maintenance = |from: &str, until: &str| json!({ "monitors": [], "maintenance": [{ "from": from, "until": until }] });
        for (contract, body, pointer) in [
            ("c-1", json!({}), ""),
            ("c-1", json!({ "monitors": {} }), "/monitors"),
            ("c 1", json!({ "monitors": [] }), "/contract_id"),
            ("c-1", with(json!({ "kind": "ping", "host": "a.example" })), "/monitors/0/check"),
            ("c-1", with(json!({ "kind": "ssh", "host": "10.0.0.1" })), "/monitors/0/check"),
            ("c-1", maintenance("2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z"), "/maintenance/0"),
        ] {
            let problem = judge(contract, &body).unwrap_err();
            assert_eq!((problem.status().as_u16(), problem.kind()), (400, "invalid-monitors"), "{body}");
            let problem = problem.to_json();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body} {problem}");
        }
        assert_eq!(judge("c-1", &json!([])).unwrap_err().kind(), "invalid-body");
    }
}
