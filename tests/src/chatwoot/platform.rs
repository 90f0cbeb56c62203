//! The Platform API: accounts, users, and who belongs where. An app reaches what it made and nothing else.

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    installation::{Installation, PlatformApp},
    refusal::Refusal,
    rows::Role,
    server::Answer,
    views,
};

/// What a new account may be given besides its name.
const SETTINGS: [&str; 7] =
    ["locale", "domain", "support_email", "status", "features", "limits", "custom_attributes"];

pub(super) fn route(installation: &mut Installation, call: &Call, path: &[&str]) -> Result<Answer, Refusal> {
    let token = call.token.clone().filter(|token| installation.apps.contains_key(token));
    let app = token.ok_or_else(|| Refusal::unauthorized("Invalid access_token"))?;
    match (call.method.as_str(), path) {
        ("GET", ["accounts"]) => list_accounts(installation, &app),
        ("POST", ["accounts"]) => create_account(installation, &app, call),
        ("GET", ["accounts", id]) => {
            let id = account(installation, &app, id)?;
            Ok(Answer::Json(views::platform_account(installation.account(id)?)))
        }
        ("GET", ["accounts", id, "account_users"]) => {
            let id = account(installation, &app, id)?;
            let account = installation.account(id)?;
            let users = account.members.iter().map(|membership| views::account_user(account, membership));
            Ok(Answer::Json(users.collect()))
        }
        ("POST", ["accounts", id, "account_users"]) => {
            let id = account(installation, &app, id)?;
            join(installation, id, call)
        }
        ("POST", ["users"]) => create_user(installation, &app, call),
        ("POST", ["users", id, "token"]) => show_token(installation, &app, id),
        _ => Err(Refusal::not_found()),
    }
}

fn app<'a>(installation: &'a mut Installation, token: &str) -> Result<&'a mut PlatformApp, Refusal> {
    installation.apps.get_mut(token).ok_or_else(Refusal::not_found)
}

fn account(installation: &mut Installation, token: &str, id: &str) -> Result<u64, Refusal> {
    let id = id.parse().map_err(|_| Refusal::not_found())?;
    installation.account(id)?;
    if app(installation, token)?.accounts.contains(&id) { Ok(id) } else { Err(not_permissible()) }
}

fn not_permissible() -> Refusal {
    Refusal::unauthorized("Non permissible resource")
}

fn list_accounts(installation: &mut Installation, token: &str) -> Result<Answer, Refusal> {
    let mine = app(installation, token)?.accounts.clone();
    let accounts = installation.accounts.values().filter(|account| mine.contains(&account.id));
    Ok(Answer::Json(accounts.map(views::platform_account).collect()))
}

fn create_account(installation: &mut Installation, token: &str, call: &Call) -> Result<Answer, Refusal> {
    let name = call.text("name").ok_or_else(|| Refusal::invalid("Name can't be blank", &["name"]))?;
    let given = SETTINGS.into_iter().filter_map(|key| Some((key, call.given(key)?.clone())));
    let mut settings: Map<String, Value> = given.map(|(key, value)| (key.to_owned(), value)).collect();
    if let Some(features) = settings.remove("features") {
        settings.insert("enabled_features".to_owned(), features);
    }
    let id = installation.add_account(&name, settings);
    app(installation, token)?.accounts.insert(id);
    Ok(Answer::Json(views::platform_account(installation.account(id)?)))
}

fn join(installation: &mut Installation, id: u64, call: &Call) -> Result<Answer, Refusal> {
    let user = call.number("user_id").filter(|user| installation.users.contains_key(user));
    let user = user.ok_or_else(|| Refusal::invalid("User must exist", &["user"]))?;
    // An unknown role is an argument the enum does not take, which nobody rescues.
    let role = call.text("role").map(|role| Role::named(&role).ok_or_else(Refusal::crash)).transpose()?;
    let now = installation.stamp();
    let members = &mut installation.account_mut(id)?.members;
    match members.iter_mut().find(|membership| membership.user == user) {
        Some(membership) => {
            membership.role = role.unwrap_or(membership.role);
            membership.updated = now;
        }
        None => installation.add_membership(id, user, role.unwrap_or(Role::Agent), None)?,
    }
    let account = installation.account(id)?;
    let membership = account.members.iter().find(|membership| membership.user == user);
    Ok(Answer::Json(json!(membership.map(|membership| views::account_user(account, membership)))))
}

fn create_user(installation: &mut Installation, token: &str, call: &Call) -> Result<Answer, Refusal> {
    let email = call.text("email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| Refusal::invalid("Email is invalid", &["email"]))?.to_lowercase();
    let known = installation.user_of_email.get(&email).copied();
    let id = if let Some(id) = known {
        id
    } else {
        check_password(&call.text("password").unwrap_or_default())?;
        installation.add_user(&call.text("name").unwrap_or_default(), &email, true)
    };
    if let Some(user) = installation.users.get_mut(&id) {
        user.confirmed = true;
        if known.is_none() {
            user.display_name = call.text("display_name");
            user.custom_attributes = call.object("custom_attributes");
        }
    }
    app(installation, token)?.users.insert(id);
    let user = installation.users.get(&id).ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(views::user(installation, user)))
}

/// Devise's rule, as Chatwoot configures it.
fn check_password(password: &str) -> Result<(), Refusal> {
    let has = |what: fn(char) -> bool| password.chars().any(what);
    let rules = [
        (!password.is_empty(), "Password can't be blank"),
        (password.len() >= 6, "Password is too short (minimum is 6 characters)"),
        (has(|c| c.is_ascii_uppercase()), "Password must contain at least 1 uppercase character"),
        (has(|c| c.is_ascii_lowercase()), "Password must contain at least 1 lowercase character"),
        (has(|c| c.is_ascii_digit()), "Password must contain at least 1 number"),
        (has(|c| c.is_ascii_punctuation()), "Password must contain at least 1 special character"),
    ];
    match rules.into_iter().find(|(kept, _)| !kept) {
        Some((_, broken)) => Err(Refusal::invalid(broken, &["password"])),
        None => Ok(()),
    }
}

fn show_token(installation: &mut Installation, token: &str, id: &str) -> Result<Answer, Refusal> {
    let id = id.parse().map_err(|_| Refusal::not_found())?;
    let mine = app(installation, token)?.users.contains(&id);
    let user = installation.users.get(&id).ok_or_else(Refusal::not_found)?;
    if !mine {
        return Err(not_permissible());
    }
    Ok(Answer::Json(json!({
        "access_token": user.access_token, "expiry": null,
        "user": {
            "id": user.id, "name": user.name, "display_name": user.display_name, "email": user.email,
            "pubsub_token": user.pubsub_token,
        },
    })))
}
