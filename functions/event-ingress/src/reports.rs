//! What others report on a monitor: read here, so that they hear what is wrong with it, and kept by whoever settles days.
//!
//! It goes straight onto the settle queue. Nobody but the settling function wants to know, and a heartbeat a minute and monitor on the
//! bus would cost more than the probe it stands beside.

use http::StatusCode;
use lambda::{Problem, queue::Message, report_key, secrets::Secret};
use lambda_http::{Body, Request, Response};
use serde_json::json;
use trust::{
    time::Moment,
    uptime::{
        names::MonitorId,
        probing::Task,
        reports::{self, LARGEST, Unreadable},
    },
};

use crate::{App, answer, invalid, unavailable};

/// Takes a report by somebody who has the monitor's key.
pub(crate) async fn take(
    app: &App,
    request: &Request,
    monitor: &str,
    now: Moment,
) -> Result<Response<Body>, Problem> {
    let body: &[u8] = request.body();
    if body.len() > LARGEST {
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            .detail(format!("the most is {LARGEST} bytes")));
    }
    let secrets = app.secrets.current().await.map_err(|error| {
        tracing::error!(%error, "no secrets");
        unavailable()
    })?;
    let monitor = admit(&secrets.reports, monitor, request, now)?;
    let statements = reports::read(body, now).map_err(problem)?;
    let said = statements.len();
    if said > 0 {
        let task = json!(Task::Report { monitor, statements });
        app.settle.send([Message { body: task.to_string(), delay: 0 }]).await.map_err(|error| {
            tracing::error!(%error, "not sent");
            unavailable()
        })?;
    }
    Ok(answer(StatusCode::ACCEPTED, &json!({ "statements": said })))
}

/// The monitor, if the request comes with its key. One that there is not has none, so nobody learns which there are.
fn admit(secrets: &[Secret], monitor: &str, request: &Request, now: Moment) -> Result<MonitorId, Problem> {
    let refused = |reason: report_key::NotReporter| {
        Problem::new(StatusCode::UNAUTHORIZED, "invalid-signature", "The key or the signature is not valid")
            .detail(reason.to_string())
    };
    let id: MonitorId = monitor.parse().map_err(|_| refused(report_key::NotReporter::Mismatch))?;
    report_key::verify(secrets, &id, request.headers(), request.body(), now).map_err(refused)?;
    Ok(id)
}

fn problem(unreadable: Unreadable) -> Problem {
    let problem = invalid(unreadable.to_string());
    match unreadable {
        Unreadable::Field { field, .. } => problem.with("field", field),
        Unreadable::Json { .. } | Unreadable::Unknown => problem,
    }
}
