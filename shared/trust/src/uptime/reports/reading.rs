//! Reports as they come in: an agent's heartbeat, and the webhooks of Uptime Kuma, Gatus and Prometheus Alertmanager.
//!
//! * **Uptime Kuma** (1.x, 2.x; `server/notification-providers/webhook.js`, request body "Preset - application/json"):
//!   `{"heartbeat": {"status": 0|1|2|3, "time": "2026-11-23 12:00:00.000", "monitorID": 1, …}, "monitor": {…}, "msg": "…"}`. `time` is
//!   UTC without saying so; 0 is down, 1 up, 2 pending, 3 maintenance. A test and the notice of a certificate have no heartbeat.
//! * **Gatus** (5.x, custom alerting provider) sends what it is told to: `{"reporter": "gatus", "status":
//!   "[ALERT_TRIGGERED_OR_RESOLVED]", "group": "[ENDPOINT_GROUP]", "endpoint": "[ENDPOINT_NAME]"}`. It does not say when.
//! * **Alertmanager** (webhook payload, version 4): `{"version": "4", "alerts": [{"status": "firing"|"resolved", "startsAt": "…",
//!   "endsAt": "…", "fingerprint": "…", "labels": {…}, …}], …}`.
//!
//! Members that are not needed may be there and are not looked at.

use serde::Deserialize;
use serde_json::Value;

use crate::time::Moment;

use super::{Reporter, Says, Statement, Subject};

/// Most bytes of a report. A group of alerts with long labels has some ten kilobytes.
pub const LARGEST: usize = 64 * 1024;

/// Seconds from which on a statement is too old to count: the days it was of are long final.
pub const OLDEST: i64 = 2 * 86_400;

/// Seconds a statement may be ahead of our clock.
const AHEAD: i64 = 300;

/// Most alerts of a report; tools with more speak of more than one service.
const MOST_ALERTS: usize = 100;

/// Why a report can not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON.
    #[error("not JSON at line {line}, column {column}")]
    Json {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// Nothing that tells whose report it is.
    #[error("neither an agent's heartbeat nor a webhook of Uptime Kuma, Gatus or Alertmanager 4")]
    Unknown,
    /// It is one's report, but not as it should be.
    #[error("{field}: {detail}")]
    Field {
        /// Where: a path of members.
        field: String,
        /// What.
        detail: String,
    },
}

/// Reads a report that came in now. Nothing is in it where a tool only tries whether it gets through, or speaks of something else.
pub fn read(body: &[u8], now: Moment) -> Result<Vec<Statement>, Unreadable> {
    let report: Value = serde_json::from_slice(body)
        .map_err(|error| Unreadable::Json { line: error.line(), column: error.column() })?;
    let has = |name: &str| report.get(name).is_some();
    let statements = if has("kind") {
        heartbeat(&report)?
    } else if report["reporter"] == "gatus" {
        gatus(&report, now)?
    } else if report["version"] == "4" && has("alerts") {
        alertmanager(&report, now)?
    } else if has("heartbeat") && has("msg") {
        kuma(&report)?
    } else {
        return Err(Unreadable::Unknown);
    };
    if let Some(place) = statements.iter().find(|(_, statement)| statement.at > now.plus(AHEAD)) {
        return Err(field(&place.0, "is in the future"));
    }
    let (recent, old): (Vec<_>, Vec<_>) =
        statements.into_iter().partition(|(_, statement)| statement.at > now.plus(-OLDEST));
    match old.first() {
        Some((place, _)) if recent.is_empty() => Err(field(place, "is more than two days ago")),
        _ => Ok(recent.into_iter().map(|(_, statement)| statement).collect()),
    }
}

/// A statement, and where in the report its time stands.
type Placed = (String, Statement);

fn field(field: &str, detail: &str) -> Unreadable {
    Unreadable::Field { field: field.to_owned(), detail: detail.to_owned() }
}

fn shape(place: &str, error: &serde_json::Error) -> Unreadable {
    field(place, &error.to_string().chars().take(200).collect::<String>())
}

fn heartbeat(report: &Value) -> Result<Vec<Placed>, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Status {
        Up,
        Down,
    }
    if report["kind"] != "heartbeat" {
        return Err(field("kind", "\"heartbeat\" is the only kind"));
    }
    let status = Status::deserialize(&report["status"]).map_err(|error| shape("status", &error))?;
    let at = Moment::deserialize(&report["at"]).map_err(|error| shape("at", &error))?;
    let says = match status {
        Status::Up => Says::Up,
        Status::Down => Says::Down,
    };
    Ok(vec![("at".to_owned(), Statement { at, by: Reporter::Agent, of: Subject::default(), says })])
}

fn kuma(report: &Value) -> Result<Vec<Placed>, Unreadable> {
    let beat = &report["heartbeat"];
    if beat.is_null() {
        return Ok(Vec::new());
    }
    let says = match beat["status"].as_u64() {
        Some(0) => Says::Down,
        Some(1) => Says::Up,
        // It is still trying: what it said before holds.
        Some(2) => return Ok(Vec::new()),
        Some(3) => Says::Nothing,
        _ => return Err(field("heartbeat.status", "0, 1, 2 or 3 is expected")),
    };
    let text = beat["time"].as_str().ok_or_else(|| field("heartbeat.time", "missing"))?;
    let utc = format!("{}Z", text.replacen(' ', "T", 1));
    let at = Moment::parse(text).or_else(|_| Moment::parse(&utc));
    let at = at.map_err(|_| field("heartbeat.time", "YYYY-MM-DD hh:mm:ss is expected, in UTC"))?;
    let id = [&beat["monitorID"], &report["monitor"]["id"]].into_iter().find(|id| !id.is_null());
    let of = id.map(|id| Subject::of(&id.to_string())).unwrap_or_default();
    Ok(vec![("heartbeat.time".to_owned(), Statement { at, by: Reporter::UptimeKuma, of, says })])
}

fn gatus(report: &Value, now: Moment) -> Result<Vec<Placed>, Unreadable> {
    let says = match report["status"].as_str() {
        Some("TRIGGERED") => Says::Down,
        Some("RESOLVED") => Says::Up,
        _ => return Err(field("status", "TRIGGERED or RESOLVED is expected")),
    };
    let name = |member: &str| report[member].as_str().unwrap_or_default();
    let of = Subject::of(&format!("{}\n{}", name("group"), name("endpoint")));
    Ok(vec![("status".to_owned(), Statement { at: now, by: Reporter::Gatus, of, says })])
}

fn alertmanager(report: &Value, now: Moment) -> Result<Vec<Placed>, Unreadable> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Alert {
        status: Status,
        starts_at: Moment,
        // Of one that fires it is the year 1, which is no time here.
        #[serde(default)]
        ends_at: Value,
        #[serde(default)]
        fingerprint: Option<String>,
        #[serde(default)]
        labels: Value,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Status {
        Firing,
        Resolved,
    }
    let alerts = report["alerts"].as_array().ok_or_else(|| field("alerts", "not a list"))?;
    if alerts.len() > MOST_ALERTS {
        return Err(field("alerts", &format!("at most {MOST_ALERTS} are expected")));
    }
    let mut statements = Vec::new();
    for (index, alert) in alerts.iter().enumerate() {
        let place = format!("alerts[{index}]");
        let alert = Alert::deserialize(alert).map_err(|error| shape(&place, &error))?;
        let of = Subject::of(&alert.fingerprint.unwrap_or_else(|| alert.labels.to_string()));
        let starts = format!("{place}.startsAt");
        let mut say = |place: String, at: Moment, says: Says| {
            statements.push((place, Statement { at, by: Reporter::Alertmanager, of, says }));
        };
        say(starts.clone(), alert.starts_at, Says::Down);
        match alert.status {
            // It says so again and again while it lasts, and each time anew.
            Status::Firing => say(starts, now.max(alert.starts_at), Says::Down),
            Status::Resolved => {
                let ends = format!("{place}.endsAt");
                let at = Moment::deserialize(&alert.ends_at).map_err(|error| shape(&ends, &error))?;
                say(ends, at, Says::Up);
            }
        }
    }
    Ok(statements)
}
