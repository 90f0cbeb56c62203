//! What is to be said of Chatwoot as it shows to everybody.

use trust::time::Moment;

use super::{
    Finding,
    survey::{Api, ServerSeen},
};
use crate::{
    place::is_in_the_clear,
    version::{Fitness, OLDEST_SOUND, OLDEST_USABLE},
    wire::Answer,
};

/// How far Chatwoot's clock may be from ours, in seconds. Webhooks are dated by it, and beyond this the receiver refuses them.
const DRIFT: i64 = chatwoot::signature::TOLERANCE as i64;

/// How far it may be before it is worth a look. Less would name what is only the way of an answer.
const WORTH_A_LOOK: i64 = 60;

/// All there is to say.
pub fn findings(seen: &ServerSeen) -> Vec<Finding> {
    let mut findings = vec![transport(seen)];
    let Some(api) = seen.api() else {
        findings.push(absence(seen));
        return findings.into_iter().filter(|finding| !finding.mend.is_empty()).collect();
    };
    findings.extend([version(&api), services(&api)]);
    findings.extend(clock(seen, &api));
    findings.extend(seen.sign_up.iter().flatten().map(sign_up));
    let answers = seen.forgeable.iter().filter_map(|(path, answer)| Some((*path, answer.as_ref().ok()?)));
    findings.push(forgeable(answers));
    findings
}

fn transport(seen: &ServerSeen) -> Finding {
    if is_in_the_clear(&seen.url) {
        return Finding::warning(
            format!("{} is not https: tokens go over the network in the clear", seen.url),
            "use Chatwoot's https address",
        );
    }
    Finding::ok(format!("{} is a safe way for tokens", seen.url))
}

fn absence(seen: &ServerSeen) -> Finding {
    let url = &seen.url;
    match &seen.api {
        Err(silence) => Finding::wrong(
            format!("{url} does not answer: {silence}"),
            "is it Chatwoot's address; do its services run (docker compose ps, docker compose logs proxy)?",
        ),
        Ok((Answer { status: 502..=504, .. }, _)) => Finding::wrong(
            format!("{url}: a proxy answers, and Chatwoot behind it does not"),
            "docker compose ps, docker compose logs web",
        ),
        Ok((answer, _)) => Finding::wrong(
            format!("{url} answers {} at /api, and not as Chatwoot does", answer.status),
            "is it Chatwoot's address, and does a proxy in front of it pass /api on?",
        ),
    }
}

fn version(api: &Api) -> Finding {
    let version = &api.server.version;
    let upgrade = "docs/chatwoot.md, \"Upgrading\"";
    match Fitness::of(version) {
        Fitness::Sound => Finding::ok(format!("Chatwoot {version}")),
        Fitness::Old => Finding::warning(
            format!("Chatwoot {version} is older than {OLDEST_SOUND}, a security release"),
            upgrade,
        ),
        Fitness::TooOld => Finding::wrong(
            format!("Chatwoot {version} signs no webhooks, which it does since {OLDEST_USABLE}"),
            upgrade,
        ),
        Fitness::Unknown => Finding::warning(
            format!("Chatwoot names its version {version:?}, which can not be compared with {OLDEST_SOUND}"),
            "see that it is no older",
        ),
    }
}

fn services(api: &Api) -> Finding {
    let services = [
        ("queue_services", &api.server.queue_services, "docker compose logs redis"),
        ("data_services", &api.server.data_services, "PostgreSQL: docker compose logs web"),
    ];
    for (name, state, mend) in services {
        if state != "ok" {
            return Finding::wrong(format!("Chatwoot says of its {name}: {state:?}"), mend);
        }
    }
    Finding::ok("its queue and its database answer")
}

fn clock(seen: &ServerSeen, api: &Api) -> Option<Finding> {
    let (_, ours) = seen.api.as_ref().ok()?;
    let Some(theirs) = api.timestamp.as_deref().and_then(read_time) else {
        return Some(Finding::warning(
            "Chatwoot does not tell its time",
            "see that its host's clock is right",
        ));
    };
    let ahead = theirs.unix() - ours.unix();
    let what = format!(
        "Chatwoot's clock is {} s {} this machine's",
        ahead.abs(),
        if ahead < 0 { "behind" } else { "ahead of" }
    );
    let mend = "set both by a time server (timedatectl set-ntp true)";
    Some(match ahead.abs() {
        far if far > DRIFT => {
            Finding::wrong(format!("{what}: beyond {DRIFT} s its webhooks are refused as stale"), mend)
        }
        far if far > WORTH_A_LOOK => Finding::warning(what, mend),
        _ => Finding::ok("its clock is right"),
    })
}

/// `2026-11-24 22:00:00`, in UTC.
fn read_time(text: &str) -> Option<Moment> {
    let text = text.trim_end_matches("UTC").trim();
    Moment::parse(&format!("{}Z", text.replacen(' ', "T", 1))).ok()
}

fn sign_up(answer: &Answer) -> Finding {
    match answer.status {
        404 => Finding::ok("nobody can open an account by himself"),
        403 | 422 => Finding::wrong(
            "anybody can open an account in this Chatwoot",
            "ENABLE_ACCOUNT_SIGNUP=false in .env, and docker compose up --detach; where it was set by the super admin, there",
        ),
        status => Finding::warning(
            format!("whether anybody can open an account does not show (Chatwoot answers {status})"),
            "see that ENABLE_ACCOUNT_SIGNUP is false; 429 passes within half an hour",
        ),
    }
}

/// Whether the proxy keeps everybody from the paths by which he could speak for a renter. Chatwoot has not what is asked for, and says so
/// in its own way; the proxy answers with nothing but a status.
fn forgeable<'a>(answers: impl Iterator<Item = (&'static str, &'a Answer)>) -> Finding {
    let open: Vec<&str> = answers.filter(|(_, answer)| is_chatwoots(answer)).map(|(path, _)| path).collect();
    let paths: Vec<&str> =
        open.iter().filter_map(|path| path.rsplit_once('/')).map(|(path, _)| path).collect();
    if paths.is_empty() {
        return Finding::ok("the public paths by which anybody could speak for a renter are blocked");
    }
    Finding::wrong(
        format!(
            "open to everybody: {}; who knows an id, as agents do, can speak for a renter there",
            paths.join(" and ")
        ),
        "let the proxy answer 404 to them, as the Caddyfile does: docs/chatwoot.md, \"What is blocked and why\"",
    )
}

fn is_chatwoots(answer: &Answer) -> bool {
    let header = |name| answer.headers.contains_key(name);
    header("x-request-id") || header("x-runtime") || answer.json()["error"].is_string()
}
