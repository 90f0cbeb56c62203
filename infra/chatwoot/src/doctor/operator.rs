//! What is to be said of the operator's tokens and of what we know of him.

use chatwoot::client::ClientError;
use serde_json::Value;

use super::{Finding, survey::OperatorSeen};
use crate::{bootstrap::counted, wire::Answer};

/// What gives the document what it lacks.
const BOOTSTRAP: &str = "bootstrap, with the right tokens";

/// All there is to say.
pub fn findings(seen: &OperatorSeen) -> Vec<Finding> {
    let mut findings = vec![document(seen)];
    if seen.open_to_others {
        findings.push(Finding::wrong(
            format!("{}: others on this machine may read it", seen.vault),
            format!("chmod 600 {}", seen.vault),
        ));
    }
    findings.extend(seen.differing.iter().map(|what| {
        Finding::wrong(
            format!("{what} that is given here is not the one in {}, which functions use", seen.vault),
            BOOTSTRAP,
        )
    }));
    findings.extend(user(seen));
    findings.extend(platform(seen));
    findings.extend(left_out(seen));
    findings
}

fn document(seen: &OperatorSeen) -> Finding {
    match &seen.kept {
        Ok(Some(_)) => Finding::ok(format!("{} has an operator", seen.vault)),
        Ok(None) => Finding::wrong(
            format!("{} has no operator: functions can not act in Chatwoot", seen.vault),
            BOOTSTRAP,
        ),
        Err(why) => Finding::wrong(format!("{} can not be read: {why}", seen.vault), "see the reason"),
    }
}

fn user(seen: &OperatorSeen) -> Option<Finding> {
    Some(match seen.profile.as_ref()? {
        Err(ClientError::Unauthorised) => refused(seen.refusal.as_ref()),
        Err(error) => Finding::wrong(
            format!("the user's token can not be tried: {error}"),
            "try again; docker compose logs web",
        ),
        Ok(profile) => match seen.kept {
            Ok(Some(kept)) if kept != profile.id => Finding::wrong(
                format!(
                    "the user's token is user {}'s, and the document says user {kept}: what the operator writes counts as a provider's reply",
                    profile.id
                ),
                BOOTSTRAP,
            ),
            _ => Finding::ok(format!("the user's token is user {}'s", profile.id)),
        },
    })
}

/// Whether it is the token that is wrong, or whether it did not arrive.
fn refused(answer: Option<&Answer>) -> Finding {
    if answer.is_some_and(|answer| matches!(answer.json()["errors"], Value::Array(_))) {
        return Finding::wrong(
            "the user's token does not arrive at Chatwoot: something in front of it drops the header Api-Access-Token",
            "let the proxy pass it on",
        );
    }
    Finding::wrong(
        "Chatwoot does not know the user's token: it was reset, or belongs to another Chatwoot",
        "copy it from his profile settings, then bootstrap",
    )
}

fn platform(seen: &OperatorSeen) -> Option<Finding> {
    Some(match &seen.made {
        None if seen.shared || seen.profile.is_none() => return None,
        None => Finding::wrong(
            "there is no platform token: no accounts can be made for providers",
            "super admin, Platform Apps, New; then bootstrap. Or --shared-account",
        ),
        Some(Ok(made)) => Finding::ok(format!(
            "the platform token is an app's that has made {}",
            counted(made.len(), "account")
        )),
        Some(Err(ClientError::Unauthorised)) => Finding::wrong(
            "Chatwoot does not know the platform token",
            "copy it from the super admin's Platform Apps, then bootstrap; another app does not reach the accounts of the first",
        ),
        Some(Err(error)) => Finding::wrong(
            format!("the platform token can not be tried: {error}"),
            "try again; docker compose logs web",
        ),
    })
}

/// Accounts of which secrets are kept in the document, but which nobody named and our platform app has not made.
fn left_out(seen: &OperatorSeen) -> Option<Finding> {
    let looked = seen.accounts();
    let left_out = seen.entries.keys().filter(|id| !looked.iter().any(|looked| looked.id == **id));
    let options: Vec<String> = left_out.map(|id| format!("--account {id}")).collect();
    let what = || format!("not looked at, though the document has secrets of them: {}", options.join(" "));
    (!options.is_empty()).then(|| Finding::ok(what()))
}
