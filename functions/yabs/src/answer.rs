//! What the renter sees in his terminal: what was made of his run.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde_json::{Map, Value, json};
use sources::yabs::{Repaired, Void};
use trust::{
    claims::{Reading, measured::Measured},
    feedback::Standing,
};

use crate::Taken;

pub(crate) fn taken(taken: &Taken) -> Response<Body> {
    let measurements = &taken.measuring.measurements.value;
    let readings = measurements.about(&taken.contract).map(Measured::readings);
    let claims: Map<String, Value> = readings
        .into_iter()
        .flatten()
        .map(|(property, reading)| (property.name().to_owned(), json!(said(reading))))
        .collect();
    let standings = measurements.standings();
    let standing = standings.iter().find(|(contract, _, _)| **contract == taken.contract);
    let document = json!({
        "contract_id": taken.contract,
        "provider_id": taken.measuring.provider,
        "repaired": taken.run.repaired == Repaired::Yes,
        "left_out": taken.run.void.iter().map(|void| Void::reason(*void)).collect::<Vec<_>>(),
        "claims": claims,
        "counts": standing.map(|(_, _, standing)| counts(*standing)),
        "see": format!("/v1/providers/{}/claims", taken.measuring.provider),
    });
    let mut response = Response::new(Body::Text(format!("{document}\n")));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    private(response)
}

/// The link is in the address, so the address goes nowhere and is kept by nobody.
pub(crate) fn private(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn said(reading: Reading) -> &'static str {
    match reading {
        Reading::Confirms => "as claimed",
        Reading::Contradicts => "not as claimed",
        Reading::Doubts => "far below what is claimed, which proves nothing alone",
        Reading::Compatible => "not decided",
    }
}

fn counts(standing: Standing) -> &'static str {
    match standing {
        Standing::Counted => "in full",
        Standing::SameParty => "not: renter and provider are the same party",
        Standing::Free => "not: the contract cost nothing",
        Standing::TooShort => "not: the service was there for under an hour",
        Standing::Repeated => "not: another of your contracts with this provider counts within 90 days",
    }
}
