//! What is to be said of one account: who may look into it, its webhook and that one's secret, its inboxes, its attributes, and the
//! receiver of its webhooks.

use chatwoot::client::{ATTRIBUTES, ClientError, Inbox, User, Webhook, same_place};
use lambda::secrets::Secret;

use super::{
    Finding,
    survey::{AccountSeen, Inside, Kept, ReceiverSeen, Standing},
};
use crate::{bootstrap::counted, wire::Answer};

/// All there is to say. Where nothing is to be mended, that is one line.
pub fn findings(seen: &AccountSeen) -> Vec<Finding> {
    let id = seen.looked.id;
    let name = seen.looked.made_as.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let account = format!("account {id}{name}");
    let again = format!("bootstrap, with --account {id}");
    let about = About { account: &account, again: &again };
    let mut findings = Vec::new();
    findings.extend(about.standing(seen));
    match &seen.kept {
        Ok(kept) => {
            if let Some(inside) = &seen.inside {
                findings.extend(about.webhooks(inside, seen.receiver.as_ref(), kept));
                findings.extend(about.inboxes(inside, kept));
                findings.extend(about.attributes(inside));
            }
        }
        Err(why) => {
            findings.push(about.wrong(&format!("its secrets can not be read: {why}"), "see the reason"));
        }
    }
    findings.extend(seen.receiver.iter().filter_map(|receiver| about.receiver(receiver)));
    if findings.is_empty() {
        findings.push(Finding::ok(format!("{account}: {}", sound(seen))));
    }
    findings
}

fn sound(seen: &AccountSeen) -> String {
    let receiver = seen.receiver.as_ref().is_some_and(|receiver| receiver.signed.is_some());
    let receiver = if receiver { "its receiver has the same secret" } else { "its receiver answers" };
    let Some(Inside { inboxes: Ok(inboxes), .. }) = &seen.inside else {
        return format!("{receiver}; what is inside was not looked at");
    };
    format!("administrator, webhook, attributes, {}; {receiver}", counted(inboxes.len(), "inbox"))
}

/// The account as messages name it, and how what is missing in it is made.
struct About<'a> {
    account: &'a str,
    again: &'a str,
}

impl About<'_> {
    fn wrong(&self, what: &str, mend: &str) -> Finding {
        Finding::wrong(format!("{}: {what}", self.account), mend)
    }

    fn warning(&self, what: &str, mend: &str) -> Finding {
        Finding::warning(format!("{}: {what}", self.account), mend)
    }

    fn unreadable(&self, what: &str, error: &ClientError) -> Finding {
        self.wrong(&format!("{what} can not be read: {error}"), "try again; docker compose logs web")
    }

    fn standing(&self, seen: &AccountSeen) -> Option<Finding> {
        let mend = if seen.looked.made_as.is_some() {
            "bootstrap makes him one"
        } else {
            "one of its administrators makes him one under Settings, Agents"
        };
        match &seen.standing {
            Standing::Administrator | Standing::Unknown => None,
            Standing::Other(role) => {
                Some(self.wrong(&format!("the operator's user is {role}, not administrator"), mend))
            }
            Standing::Stranger => Some(self.wrong("the operator's user is not in it", mend)),
        }
    }

    fn webhooks(&self, inside: &Inside, receiver: Option<&ReceiverSeen>, kept: &Kept) -> Vec<Finding> {
        let webhooks = match &inside.webhooks {
            Ok(webhooks) => webhooks,
            Err(error) => return vec![self.unreadable("its webhooks", error)],
        };
        let Some(seen @ ReceiverSeen { receiver, address, .. }) = receiver else {
            let what = "its webhook and that one's receiver were not looked at";
            return vec![self.warning(what, "give --webhook-url, the stack's output ChatwootWebhookUrl")];
        };
        let mut findings = Vec::new();
        let ours: Vec<&Webhook> = webhooks.iter().filter(|webhook| webhook.posts_to(address)).collect();
        if ours.is_empty() {
            let what = format!("no webhook posts to {address}: nothing arrives");
            let mend = if seen.is_ours() { self.again } else { "the address first, see below" };
            findings.push(self.wrong(&what, mend));
        }
        for webhook in &ours {
            if !webhook.is_subscribed_exactly() {
                let what = format!("webhook {} does not post exactly our five events", webhook.id);
                findings.push(self.wrong(&what, self.again));
            }
            findings.extend(self.secret(webhook, kept));
        }
        if ours.len() > 1 {
            let what = format!("{} webhooks post to {address}: each event comes as often", ours.len());
            findings.push(
                self.warning(&what, "delete all but one; during a rotation, the older one when it is over"),
            );
        }
        for webhook in webhooks {
            if receiver.covers(&webhook.url) && !webhook.posts_to(address) {
                let what = format!(
                    "webhook {} posts to {}, which is another account's address",
                    webhook.id, webhook.url
                );
                findings.push(self.wrong(&what, "delete it: Settings, Integrations, Webhooks"));
            }
        }
        findings
            .extend(inside.inboxes.iter().flatten().filter_map(|(inbox, _)| self.callback(inbox, address)));
        findings
    }

    /// An API inbox posts its events by itself, too, and signs them with a secret of its own.
    fn callback(&self, inbox: &Inbox, address: &str) -> Option<Finding> {
        let callback = inbox.webhook_url.as_deref()?;
        same_place(callback, address).then(|| {
            let what = format!(
                "the API inbox {} ({}) posts to the webhook's address, too: that is refused, and its messages show as failed",
                inbox.id, inbox.name
            );
            self.wrong(&what, "take the callback out of the inbox's settings")
        })
    }

    fn secret(&self, webhook: &Webhook, kept: &Kept) -> Option<Finding> {
        let id = webhook.id;
        let Some(secret) = webhook.secret.as_deref() else {
            let what = format!("webhook {id} has no secret: Chatwoot does not sign");
            return Some(self.wrong(&what, "upgrade Chatwoot"));
        };
        let Some(known) = kept.webhook() else {
            let what = format!("no secret of webhook {id} is kept: what it posts is answered with 404");
            return Some(self.wrong(&what, self.again));
        };
        if known.iter().any(|known| known.expose() == secret) {
            return None;
        }
        let what =
            format!("the secret of webhook {id} is not among those that are kept: what it posts is refused");
        Some(self.wrong(&what, self.again))
    }

    fn inboxes(&self, inside: &Inside, kept: &Kept) -> Vec<Finding> {
        let inboxes = match &inside.inboxes {
            Ok(inboxes) => inboxes,
            Err(error) => return vec![self.unreadable("its inboxes", error)],
        };
        let keys = kept.identity();
        let mut findings = Vec::new();
        for gone in keys.keys().filter(|id| !inboxes.iter().any(|(inbox, _)| inbox.id == **id)) {
            let what = format!("the inbox {gone}, by which renters are known, is gone");
            let mend = "restore it from Chatwoot's backup; if its provider is gone for good, take its key out of the secret document";
            findings.push(self.wrong(&what, mend));
        }
        for (inbox, members) in inboxes {
            findings.extend(self.inbox(inbox, members, keys.get(&inbox.id)));
        }
        findings
    }

    fn inbox(&self, inbox: &Inbox, members: &[User], key: Option<&Secret>) -> Vec<Finding> {
        let named = format!("the inbox {} ({})", inbox.id, inbox.name);
        let mut findings = Vec::new();
        if members.is_empty() {
            let what = format!("{named} has no members: nobody sees what renters write");
            findings.push(self.wrong(
                &what,
                "Settings, Inboxes, the inbox, Collaborators; or name agents to the marketplace",
            ));
        }
        match key {
            None if inbox.is_website() => {
                let what = format!(
                    "{named} has no key that is kept: no renter is known in it, and nothing in it is scored"
                );
                let mend = "where it should be: put its key into the secret document, docs/operations.md, \"Secrets\"";
                findings.push(self.warning(&what, mend));
            }
            None => {}
            Some(key) => {
                if inbox.hmac_mandatory != Some(true) {
                    let what =
                        format!("{named} takes identities without a hash: anybody can say he is a renter");
                    let mend =
                        "Settings, Inboxes, the inbox, Configuration: enforce user identity validation";
                    findings.push(self.wrong(&what, mend));
                }
                if inbox.hmac_token.as_deref() != Some(key.expose()) {
                    let what = format!(
                        "{named} has another key than the one that is kept: renters' hashes are refused"
                    );
                    let mend = "put its key into the secret document, docs/operations.md, \"Secrets\"";
                    findings.push(self.wrong(&what, mend));
                }
            }
        }
        findings
    }

    fn attributes(&self, inside: &Inside) -> Option<Finding> {
        match &inside.attributes {
            Err(error) => Some(self.unreadable("its attributes", error)),
            Ok(defined) => {
                let missing: Vec<&str> =
                    ATTRIBUTES.iter().map(|(key, ..)| *key).filter(|key| !defined.contains(*key)).collect();
                (!missing.is_empty()).then(|| {
                    let what = format!("agents do not see a conversation's {}", missing.join(", "));
                    self.warning(&what, self.again)
                })
            }
        }
    }

    fn receiver(&self, seen: &ReceiverSeen) -> Option<Finding> {
        let ReceiverSeen { address, unsigned, signed, .. } = seen;
        let url = "is it the stack's output ChatwootWebhookUrl?";
        let unsigned = match unsigned {
            Ok(answer) => answer,
            Err(silence) => return Some(self.wrong(&format!("{address} does not answer: {silence}"), url)),
        };
        match (unsigned.status, unsigned.problem().as_deref()) {
            (401, Some("invalid-signature")) => {
                signed.as_ref().and_then(|answer| self.signed(address, answer))
            }
            (404, Some("unknown-account")) => {
                let what = format!("{address} does not know this account: its webhooks are lost");
                let mend = format!(
                    "{}; functions read the secret document again within five minutes, the local stack when it starts",
                    self.again
                );
                Some(self.wrong(&what, &mend))
            }
            (503, Some("unavailable")) => {
                let what = format!("{address} can not read its secrets");
                Some(self.wrong(&what, "fill the secret document, and look at the log of chatwoot-webhook"))
            }
            (200..=299, _) => {
                let what = format!("{address} takes webhooks without a signature, from anybody");
                let mend = "take \"unsigned\" out of the secret document; or is it the wrong address?";
                Some(self.warning(&what, mend))
            }
            (status, _) => {
                let what = format!("{address} answers {status}, and not as our receiver does");
                Some(self.wrong(&what, url))
            }
        }
    }

    fn signed(&self, address: &str, answer: &Result<Answer, crate::wire::Silence>) -> Option<Finding> {
        match answer {
            Ok(Answer { status: 204, .. }) => None,
            Ok(Answer { status: 401, .. }) => {
                let what = format!(
                    "{address} refuses what is signed with the webhook's secret: its secret is another one"
                );
                let mend = "wait five minutes, in which functions read the secret document again (restart the local stack); is it the \
                            document of this stage? Clocks that differ do the same";
                Some(self.wrong(&what, mend))
            }
            Ok(answer) => {
                let what =
                    format!("{address} answers {} to a signed event that it should thank for", answer.status);
                Some(self.wrong(&what, "look at the log of chatwoot-webhook"))
            }
            Err(silence) => {
                let what = format!("{address} does not answer to a signed event: {silence}");
                Some(self.wrong(&what, "look at the log of chatwoot-webhook"))
            }
        }
    }
}
