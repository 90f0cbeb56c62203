//! Contacts: who writes, and by which sessions he is known in which inbox.

use serde_json::{Value, json};

use super::{
    call::{Call, as_text},
    installation::{Caller, Installation},
    refusal::Refusal,
    rows::{Account, Contact},
    server::Answer,
    views,
};

type Outcome = Result<Answer, Refusal>;

const PER_PAGE: usize = 15;
/// A contact's page shows no more conversations than this, and has no second page.
const CONVERSATIONS: usize = 20;

pub(super) fn create(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    let email = call.text("email").map(|email| email.to_lowercase());
    let (phone_number, identifier) = (call.text("phone_number"), call.text("identifier"));
    let account = installation.account(caller.account)?;
    check_unique(account, email.as_deref(), phone_number.as_deref(), identifier.as_deref())?;
    let inbox = match call.number("inbox_id") {
        Some(inbox) => Some(account.inboxes.get(&inbox).ok_or_else(Refusal::not_found)?.id),
        None => None,
    };
    let source = call.text("source_id");
    if let (Some(inbox), Some(source)) = (inbox, &source)
        && account.by_source.contains_key(&(inbox, source.clone()))
    {
        return Err(Refusal::crash());
    }
    let name = call.text("name").unwrap_or_default();
    let id = installation.add_contact(caller.account, &name, email, identifier)?;
    if let Some(contact) = installation.account_mut(caller.account)?.contacts.get_mut(&id) {
        contact.phone_number = phone_number;
        contact.blocked = call.flag("blocked");
        contact.additional_attributes = call.object("additional_attributes");
        contact.custom_attributes = call.object("custom_attributes");
    }
    let session = match inbox {
        Some(inbox) => Some(session_of(installation, caller.account, id, inbox, source, false)?),
        None => None,
    };
    let account = installation.account(caller.account)?;
    let session = session.and_then(|session| account.contact_inboxes.get(&session));
    let inbox = session.and_then(|session| account.inboxes.get(&session.inbox));
    let contact = find(account, &id.to_string())?;
    Ok(Answer::Json(json!({ "payload": {
        "contact": views::contact_with_inboxes(account, contact),
        "contact_inbox": {
            "inbox": inbox.map(|inbox| views::inbox_row(account, inbox)),
            "source_id": session.map(|session| &session.source_id),
        },
    } })))
}

fn check_unique(
    account: &Account,
    email: Option<&str>,
    phone_number: Option<&str>,
    identifier: Option<&str>,
) -> Result<(), Refusal> {
    let mut broken: Vec<(&str, &str)> = Vec::new();
    let has = |of: fn(&Contact) -> Option<&str>, value: Option<&str>| {
        value.is_some() && account.contacts.values().any(|contact| of(contact) == value)
    };
    if has(|contact| contact.email.as_deref(), email) {
        broken.push(("email", "Email has already been taken"));
    }
    if identifier.is_some_and(|identifier| account.by_identifier.contains_key(identifier)) {
        broken.push(("identifier", "Identifier has already been taken"));
    }
    let e164 = |number: &str| {
        let digits = number.strip_prefix('+').unwrap_or_default();
        (2..=15).contains(&digits.len())
            && digits.bytes().all(|digit| digit.is_ascii_digit())
            && !digits.starts_with('0')
    };
    if phone_number.is_some_and(|number| !e164(number)) {
        broken.push(("phone_number", "Phone number should be in e164 format"));
    } else if has(|contact| contact.phone_number.as_deref(), phone_number) {
        broken.push(("phone_number", "Phone number has already been taken"));
    }
    if broken.is_empty() {
        return Ok(());
    }
    let (attributes, messages): (Vec<_>, Vec<_>) = broken.into_iter().unzip();
    Err(Refusal::invalid(&messages.join(", "), &attributes))
}

pub(super) fn find<'a>(account: &'a Account, id: &str) -> Result<&'a Contact, Refusal> {
    id.parse().ok().and_then(|id| account.contacts.get(&id)).ok_or_else(Refusal::not_found)
}

pub(super) fn show(installation: &Installation, caller: &Caller, id: &str) -> Outcome {
    let account = installation.account(caller.account)?;
    let contact = find(account, id)?;
    Ok(Answer::Json(json!({ "payload": views::contact_with_inboxes(account, contact) })))
}

pub(super) fn search(installation: &Installation, caller: &Caller, call: &Call) -> Outcome {
    let sought = call.text("q");
    let sought = sought.ok_or_else(|| Refusal::unprocessable("Specify search string with parameter q"))?;
    let sought = sought.trim().to_lowercase();
    let account = installation.account(caller.account)?;
    let holds = |text: &str| text.to_lowercase().contains(&sought);
    let found = account.contacts.values().filter(|contact| {
        let fields = [&contact.email, &contact.phone_number, &contact.identifier];
        holds(&contact.name) || fields.into_iter().flatten().any(|field| holds(field))
    });
    let mut found: Vec<&Contact> = found.collect();
    sort(&mut found, call.text("sort").as_deref());
    let page = page(call);
    let shown = shown(&found, page);
    let payload: Vec<Value> =
        shown.iter().map(|contact| views::contact_with_inboxes(account, contact)).collect();
    // Counts what it shows, not what there is.
    let meta = json!({
        "count": shown.len(), "current_page": page, "has_more": found.len() > page.saturating_mul(PER_PAGE),
    });
    Ok(Answer::Json(json!({ "meta": meta, "payload": payload })))
}

/// By a column, which a dash in front turns round; by id where none is named.
fn sort(contacts: &mut [&Contact], by: Option<&str>) {
    let Some(by) = by else { return };
    match by.trim_start_matches('-') {
        "name" => contacts.sort_by(|one, other| one.name.cmp(&other.name)),
        "email" => contacts.sort_by(|one, other| one.email.cmp(&other.email)),
        "phone_number" => contacts.sort_by(|one, other| one.phone_number.cmp(&other.phone_number)),
        "last_activity_at" => contacts.sort_by_key(|contact| contact.last_activity),
        "created_at" => contacts.sort_by_key(|contact| contact.created),
        _ => {}
    }
    if by.starts_with('-') {
        contacts.reverse();
    }
}

fn page(call: &Call) -> usize {
    call.number("page").map_or(1, |page| page.max(1) as usize)
}

fn shown<'a, 'b>(found: &'b [&'a Contact], page: usize) -> &'b [&'a Contact] {
    let start = ((page - 1).saturating_mul(PER_PAGE)).min(found.len());
    &found[start..(start + PER_PAGE).min(found.len())]
}

/// Compares in lower case, so that it may find more than was asked for.
pub(super) fn filter(installation: &Installation, caller: &Caller, call: &Call) -> Outcome {
    let account = installation.account(caller.account)?;
    let conditions = call.given("payload").and_then(Value::as_array).cloned().unwrap_or_default();
    let conditions: Vec<Condition> =
        conditions.iter().map(Condition::read).collect::<Result<_, Refusal>>()?;
    let found: Vec<&Contact> = account
        .contacts
        .values()
        .filter(|contact| {
            let mut held = true;
            let mut any = false;
            for condition in &conditions {
                let this = condition.holds(contact);
                held = if any { held || this } else { held && this };
                any = condition.or_next;
            }
            held
        })
        .collect();
    let page = page(call);
    let payload: Vec<Value> =
        shown(&found, page).iter().map(|contact| views::contact_with_inboxes(account, contact)).collect();
    Ok(Answer::Json(json!({ "meta": { "count": found.len(), "current_page": page }, "payload": payload })))
}

#[derive(Debug)]
struct Condition {
    attribute: String,
    equal: bool,
    values: Vec<String>,
    or_next: bool,
}

impl Condition {
    fn read(given: &Value) -> Result<Self, Refusal> {
        let text = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default();
        let attribute = text("attribute_key").to_owned();
        if !["identifier", "email", "phone_number", "name"].contains(&attribute.as_str()) {
            let known = "identifier,email,phone_number,name] or a custom attribute defined in the account.";
            let error = format!("Invalid attribute key - [{attribute}]. The key should be one of [{known}");
            return Err(Refusal::unprocessable(&error));
        }
        let equal = match text("filter_operator") {
            "equal_to" => true,
            "not_equal_to" => false,
            _ => {
                return Err(Refusal::unprocessable(
                    "Invalid operator. The allowed operators are [equal_to,not_equal_to].",
                ));
            }
        };
        let values = given.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
        let values = values.iter().filter_map(as_text).map(|value| value.to_lowercase()).collect();
        Ok(Self { attribute, equal, values, or_next: text("query_operator").eq_ignore_ascii_case("or") })
    }

    fn holds(&self, contact: &Contact) -> bool {
        let field = match self.attribute.as_str() {
            "identifier" => contact.identifier.as_deref(),
            "email" => contact.email.as_deref(),
            "phone_number" => contact.phone_number.as_deref(),
            _ => Some(contact.name.as_str()),
        };
        let listed = field.is_some_and(|field| self.values.contains(&field.to_lowercase()));
        listed == self.equal
    }
}

/// The last ones, of the inboxes the caller sees.
pub(super) fn conversations(installation: &Installation, caller: &Caller, id: &str) -> Outcome {
    let account = installation.account(caller.account)?;
    let contact = find(account, id)?;
    let of_contact = account.conversations.iter().rev().filter(|row| row.contact == contact.id);
    let seen = of_contact.filter(|row| account.sees(caller, row.inbox)).take(CONVERSATIONS);
    let payload: Vec<Value> = seen.map(|row| views::conversation(installation, account, row)).collect();
    Ok(Answer::Json(json!({ "payload": payload })))
}

pub(super) fn create_session(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    id: &str,
) -> Outcome {
    let account = installation.account(caller.account)?;
    let contact = find(account, id)?.id;
    let inbox = call.number("inbox_id").and_then(|inbox| account.inboxes.get(&inbox));
    let inbox = inbox.ok_or_else(Refusal::not_found)?.id;
    if !account.sees(caller, inbox) {
        return Err(Refusal::forbidden());
    }
    let (source, verified) = (call.text("source_id"), call.flag("hmac_verified"));
    // That another contact has the source id is nothing this endpoint is prepared for.
    let session = session_of(installation, caller.account, contact, inbox, source, verified);
    let session = session.map_err(|_| Refusal::crash())?;
    let account = installation.account(caller.account)?;
    let session = account.contact_inboxes.get(&session).ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(views::contact_inbox(account, session)))
}

/// Finds the contact's session with this source id in this inbox, or makes it. One that is there stays as it is: asking for a verified
/// one does not make it verified.
pub(super) fn session_of(
    installation: &mut Installation,
    account: u64,
    contact: u64,
    inbox: u64,
    source: Option<String>,
    verified: bool,
) -> Result<u64, Refusal> {
    let source = source.unwrap_or_else(|| installation.tokens.uuid());
    let rows = installation.account(account)?;
    let there = rows.by_source.get(&(inbox, source.clone()));
    match there.and_then(|session| rows.contact_inboxes.get(session)) {
        Some(session) if session.contact == contact => Ok(session.id),
        Some(_) => Err(Refusal::unprocessable("source_id should be unique")),
        None => installation.add_contact_inbox(account, contact, inbox, source, verified),
    }
}
