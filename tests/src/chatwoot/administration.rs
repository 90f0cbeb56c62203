//! What an administrator sets up in an account: agents, inboxes and their members, webhooks, attributes, integrations.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    call::{Call, as_flag, as_text},
    installation::{Caller, DEFAULT_EVENTS, EVENTS, Installation},
    refusal::Refusal,
    rows::{Account, ChannelKind, Definition, Hook, Inbox, Role},
    server::Answer,
    views,
};

type Outcome = Result<Answer, Refusal>;

pub(super) fn list_agents(installation: &Installation, caller: &Caller) -> Outcome {
    let account = installation.account(caller.account)?;
    let agents = account.members.iter().filter_map(|it| views::agent_of(installation, account, it.user));
    Ok(Answer::Json(agents.collect()))
}

/// Somebody who is known by this e-mail address elsewhere in the installation is just added.
pub(super) fn create_agent(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    caller.administrator()?;
    let call = call.unwrapped("agent");
    let email = call.text("email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| Refusal::invalid("Email is invalid", &["email"]))?.to_lowercase();
    let role = call.text("role").map_or(Some(Role::Agent), |role| Role::named(&role));
    let role = role.ok_or_else(Refusal::crash)?;
    let user = match installation.user_of_email.get(&email) {
        Some(user) => *user,
        None => installation.add_user(&call.text("name").unwrap_or_default(), &email, false),
    };
    if installation.account(caller.account)?.members.iter().any(|membership| membership.user == user) {
        return Err(Refusal::invalid("User has already been taken", &["user_id"]));
    }
    installation.add_membership(caller.account, user, role, Some(caller.user))?;
    let account = installation.account(caller.account)?;
    Ok(Answer::Json(json!(views::agent_of(installation, account, user))))
}

/// He leaves the account and its inboxes. Whoever is in no account any more is gone.
pub(super) fn delete_agent(installation: &mut Installation, caller: &Caller, id: &str) -> Outcome {
    caller.administrator()?;
    let account = installation.account_mut(caller.account)?;
    let index = account.members.iter().position(|membership| membership.user.to_string() == id);
    let user = account.members.remove(index.ok_or_else(Refusal::not_found)?).user;
    for inbox in account.inboxes.values_mut() {
        inbox.members.remove(&user);
    }
    let elsewhere = |account: &Account| account.members.iter().any(|membership| membership.user == user);
    if !installation.accounts.values().any(elsewhere) {
        installation.users.remove(&user);
        installation.user_of_email.retain(|_, known| *known != user);
    }
    Ok(Answer::Empty)
}

pub(super) fn list_inboxes(installation: &Installation, caller: &Caller) -> Outcome {
    let account = installation.account(caller.account)?;
    let seen = account.inboxes.values().filter(|inbox| account.sees(caller, inbox.id));
    let inboxes: Vec<Value> = seen.map(|inbox| views::inbox(caller, inbox)).collect();
    Ok(Answer::Json(json!({ "payload": inboxes })))
}

pub(super) fn show_inbox(installation: &Installation, caller: &Caller, id: &str) -> Outcome {
    let account = installation.account(caller.account)?;
    let inbox = find_inbox(account, id)?;
    if !account.sees(caller, inbox.id) {
        return Err(Refusal::forbidden());
    }
    Ok(Answer::Json(views::inbox(caller, inbox)))
}

fn find_inbox<'a>(account: &'a Account, id: &str) -> Result<&'a Inbox, Refusal> {
    id.parse().ok().and_then(|id| account.inboxes.get(&id)).ok_or_else(Refusal::not_found)
}

pub(super) fn create_inbox(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    caller.administrator()?;
    let channel = call.object("channel");
    let kind = match channel.get("type").and_then(Value::as_str) {
        Some("web_widget") => ChannelKind::WebWidget,
        Some("api") => ChannelKind::Api,
        _ => return Err(Refusal::unprocessable("this fake has web_widget and api inboxes only")),
    };
    let name = call.text("name").ok_or_else(|| Refusal::invalid("Name can't be blank", &["name"]))?;
    if kind == ChannelKind::WebWidget && channel.get("website_url").and_then(as_text).is_none() {
        return Err(Refusal::invalid("Website url can't be blank", &["website_url"]));
    }
    let (settings, defaults) = (views::inbox_defaults(), views::channel_defaults(kind));
    let id = installation.add_inbox(caller.account, &name, kind, settings, defaults)?;
    configure(installation, caller, id, call)
}

pub(super) fn update_inbox(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    id: &str,
) -> Outcome {
    caller.administrator()?;
    let id = find_inbox(installation.account(caller.account)?, id)?.id;
    configure(installation, caller, id, call)
}

/// Takes over the settings that are given and known.
fn configure(installation: &mut Installation, caller: &Caller, id: u64, call: &Call) -> Outcome {
    let now = installation.stamp();
    let inboxes = &mut installation.account_mut(caller.account)?.inboxes;
    let inbox = inboxes.get_mut(&id).ok_or_else(Refusal::not_found)?;
    inbox.updated = now;
    if let Some(name) = call.text("name") {
        inbox.name = name;
    }
    for (key, value) in &mut inbox.settings {
        if let Some(given) = call.body.get(key) {
            *value = given.clone();
        }
    }
    let given = call.object("channel");
    for (key, value) in &mut inbox.channel.settings {
        if let Some(given) = given.get(key) {
            *value = given.clone();
        }
    }
    if let Some(mandatory) = given.get("hmac_mandatory") {
        inbox.channel.hmac_mandatory = as_flag(mandatory);
    }
    Ok(Answer::Json(views::inbox(caller, inbox)))
}

pub(super) fn list_members(installation: &Installation, caller: &Caller, id: &str) -> Outcome {
    let account = installation.account(caller.account)?;
    let inbox = find_inbox(account, id)?;
    if !account.sees(caller, inbox.id) {
        return Err(Refusal::forbidden());
    }
    Ok(Answer::Json(members(installation, account, inbox)))
}

fn members(installation: &Installation, account: &Account, inbox: &Inbox) -> Value {
    let agents = inbox.members.iter().filter_map(|user| views::agent_of(installation, account, *user));
    json!({ "payload": agents.collect::<Vec<_>>() })
}

/// What a request does to an inbox's list of members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberChange {
    /// They join those that are there.
    Add,
    /// They are all that is left.
    Replace,
}

pub(super) fn change_members(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    change: MemberChange,
) -> Outcome {
    caller.administrator()?;
    let inbox = call.text("inbox_id").unwrap_or_default();
    let account = installation.account_mut(caller.account)?;
    let inbox = find_inbox(account, &inbox)?.id;
    let given = call.given("user_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    let users: Option<BTreeSet<u64>> =
        given.iter().map(|user| as_text(user).and_then(|user| user.parse().ok())).collect();
    let belongs = |user: &u64| account.members.iter().any(|membership| membership.user == *user);
    let users = users.filter(|users| users.iter().all(belongs)).ok_or_else(Refusal::not_found)?;
    if let Some(inbox) = account.inboxes.get_mut(&inbox) {
        match change {
            MemberChange::Add => inbox.members.extend(users),
            MemberChange::Replace => inbox.members = users,
        }
    }
    let account = installation.account(caller.account)?;
    let inbox = account.inboxes.get(&inbox).ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(members(installation, account, inbox)))
}

pub(super) fn list_webhooks(installation: &Installation, caller: &Caller) -> Outcome {
    caller.administrator()?;
    let account = installation.account(caller.account)?;
    let webhooks: Vec<Value> = account.webhooks.iter().map(|it| views::webhook(account, it)).collect();
    Ok(Answer::Json(json!({ "payload": { "webhooks": webhooks } })))
}

pub(super) fn create_webhook(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    caller.administrator()?;
    let call = call.unwrapped("webhook");
    let url = free_url(installation.account(caller.account)?, call.text("url").as_deref(), None)?;
    let subscriptions = if call.given("subscriptions").is_some() {
        subscriptions(&call)?
    } else {
        EVENTS.iter().take(DEFAULT_EVENTS).map(|event| (*event).to_owned()).collect()
    };
    let (name, inbox) = (call.text("name"), call.number("inbox_id"));
    let id = installation.add_webhook(caller.account, name, &url, inbox, subscriptions)?;
    show_webhook(installation, caller, id)
}

pub(super) fn update_webhook(
    installation: &mut Installation,
    caller: &Caller,
    call: &Call,
    id: &str,
) -> Outcome {
    caller.administrator()?;
    let call = call.unwrapped("webhook");
    let account = installation.account_mut(caller.account)?;
    let id = id.parse().map_err(|_| Refusal::not_found())?;
    let index =
        account.webhooks.iter().position(|webhook| webhook.id == id).ok_or_else(Refusal::not_found)?;
    let before = &account.webhooks[index];
    let url = if call.names("url") {
        free_url(account, call.text("url").as_deref(), Some(id))?
    } else {
        before.url.clone()
    };
    let chosen =
        if call.names("subscriptions") { subscriptions(&call)? } else { before.subscriptions.clone() };
    let webhook = &mut account.webhooks[index];
    webhook.url = url;
    webhook.subscriptions = chosen;
    if call.names("name") {
        webhook.name = call.text("name");
    }
    if call.names("inbox_id") {
        webhook.inbox = call.number("inbox_id");
    }
    show_webhook(installation, caller, id)
}

pub(super) fn delete_webhook(installation: &mut Installation, caller: &Caller, id: &str) -> Outcome {
    caller.administrator()?;
    let webhooks = &mut installation.account_mut(caller.account)?.webhooks;
    let index = webhooks.iter().position(|webhook| webhook.id.to_string() == id);
    webhooks.remove(index.ok_or_else(Refusal::not_found)?);
    Ok(Answer::Empty)
}

fn show_webhook(installation: &Installation, caller: &Caller, id: u64) -> Outcome {
    let account = installation.account(caller.account)?;
    let webhook = account.webhooks.iter().find(|webhook| webhook.id == id).ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(json!({ "payload": { "webhook": views::webhook(account, webhook) } })))
}

fn free_url(account: &Account, url: Option<&str>, of: Option<u64>) -> Result<String, Refusal> {
    let parsed = url.and_then(|url| url::Url::parse(url).ok());
    let usable = parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.filter(|_| usable).ok_or_else(|| Refusal::invalid("Url is invalid", &["url"]))?;
    let taken = |webhook: &super::rows::Webhook| webhook.url == url && Some(webhook.id) != of;
    if account.webhooks.iter().any(taken) {
        return Err(Refusal::invalid("Url has already been taken", &["url"]));
    }
    Ok(url.to_owned())
}

fn subscriptions(call: &Call) -> Result<Vec<String>, Refusal> {
    let given = call.given("subscriptions").and_then(Value::as_array).cloned().unwrap_or_default();
    let known = |name: &Value| name.as_str().filter(|name| EVENTS.contains(name)).map(str::to_owned);
    let chosen: Option<Vec<String>> = given.iter().map(known).collect();
    chosen
        .filter(|chosen| !chosen.is_empty())
        .ok_or_else(|| Refusal::invalid("Subscriptions Invalid events", &["subscriptions"]))
}

/// The models an attribute can belong to, by name and by the number that stands for it in the table.
const MODELS: [&str; 3] = ["conversation_attribute", "contact_attribute", "company_attribute"];
const DISPLAY_TYPES: [&str; 8] =
    ["text", "number", "currency", "percent", "link", "date", "list", "checkbox"];

/// What an attribute can not be called, as the model has it anyway.
const TAKEN: [(&str, &[&str]); 2] = [
    ("conversation_attribute", &["status", "priority", "assignee_id", "inbox_id", "team_id", "display_id"]),
    ("contact_attribute", &["name", "email", "phone_number", "identifier", "country_code", "city"]),
];

pub(super) fn list_definitions(installation: &Installation, caller: &Caller, call: &Call) -> Outcome {
    let account = installation.account(caller.account)?;
    let model = call.text("attribute_model").and_then(|model| choice(&MODELS, &json!(model)));
    let wanted = |it: &&Definition| model.is_none_or(|model| it.model == model);
    Ok(Answer::Json(account.definitions.iter().filter(wanted).map(views::definition).collect()))
}

pub(super) fn create_definition(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    caller.administrator()?;
    let call = call.unwrapped("custom_attribute_definition");
    let blank = |what: &str, attribute| Refusal::invalid(&format!("{what} can't be blank"), &[attribute]);
    let display_name = call.text("attribute_display_name");
    let display_name =
        display_name.ok_or_else(|| blank("Attribute display name", "attribute_display_name"))?;
    let key = call.text("attribute_key").ok_or_else(|| blank("Attribute key", "attribute_key"))?;
    let chosen = |name: &str, among: &[&'static str]| match call.given(name) {
        Some(given) => choice(among, given).ok_or_else(Refusal::crash),
        None => Ok(among[0]),
    };
    let model = chosen("attribute_model", &MODELS)?;
    let display_type = chosen("attribute_display_type", &DISPLAY_TYPES)?;
    if TAKEN.iter().any(|(taken, keys)| *taken == model && keys.contains(&key.as_str())) {
        let text =
            "Attribute key The provided key is not allowed as it might conflict with default attributes.";
        return Err(Refusal::invalid(text, &["attribute_key"]));
    }
    let account = installation.account(caller.account)?;
    if account.definitions.iter().any(|it| it.key == key && it.model == model) {
        return Err(Refusal::invalid("Attribute key has already been taken", &["attribute_key"]));
    }
    let (id, created) = (installation.id("custom_attribute_definitions"), installation.stamp());
    let given = call.body.as_object().cloned().unwrap_or_default();
    let definition = Definition {
        id,
        key,
        model: model.to_owned(),
        display_name,
        display_type: display_type.to_owned(),
        given,
        created,
        updated: created,
    };
    let view = views::definition(&definition);
    installation.account_mut(caller.account)?.definitions.push(definition);
    Ok(Answer::Json(view))
}

/// Rails' enums take a name or its number.
fn choice(among: &[&'static str], given: &Value) -> Option<&'static str> {
    let given = as_text(given)?;
    let by_number = given.parse().ok().and_then(|number: usize| among.get(number));
    among.iter().find(|name| **name == given).or(by_number).copied()
}

/// The one integration that matters here, with what there is of it.
pub(super) fn list_integrations(installation: &Installation, caller: &Caller) -> Outcome {
    let account = installation.account(caller.account)?;
    let hooks = account.hooks.iter().filter(|hook| hook.app == "openai").map(|hook| {
        let mut view = views::hook(account, hook);
        // Of its settings the view leaves out what is secret.
        view["settings"] = json!({});
        view
    });
    let app = json!({
        "id": "openai", "name": "OpenAI", "description": "Integrate powerful AI features into Chatwoot.",
        "short_description": "AI-powered reply suggestions.", "enabled": true, "hook_type": "account",
        "allow_multiple_hooks": false, "hooks": hooks.collect::<Vec<_>>(),
    });
    Ok(Answer::Json(json!({ "payload": [app] })))
}

/// Only as far as it is written down that an integration is there.
pub(super) fn create_hook(installation: &mut Installation, caller: &Caller, call: &Call) -> Outcome {
    caller.administrator()?;
    let call = call.unwrapped("hook");
    let app = call.text("app_id").ok_or_else(|| Refusal::invalid("App can't be blank", &["app_id"]))?;
    let inbox = call.number("inbox_id");
    let account = installation.account(caller.account)?;
    if inbox.is_none() && account.hooks.iter().any(|hook| hook.app == app) {
        return Err(Refusal::invalid("App has already been taken", &["app_id"]));
    }
    let id = installation.id("integrations_hooks");
    let settings = Value::Object(call.object("settings"));
    let account = installation.account_mut(caller.account)?;
    account.hooks.push(Hook { id, app, inbox, settings, enabled: true });
    let hook = account.hooks.last().map(|hook| views::hook(account, hook));
    Ok(Answer::Json(json!(hook)))
}

pub(super) fn show_profile(installation: &Installation, call: &Call) -> Outcome {
    let user = installation.signed_in(call)?;
    Ok(Answer::Json(views::user(installation, user)))
}

pub(super) fn reset_token(installation: &mut Installation, call: &Call) -> Outcome {
    let user = installation.signed_in(call)?.id;
    installation.rotate_token(user)?;
    let user = installation.users.get(&user).ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(views::user(installation, user)))
}
