//! Rows as the REST API shows them.

use serde_json::{Map, Value, json};

use super::{
    clock::{iso_or_null, seconds_or_zero},
    installation::{Caller, Installation},
    payloads,
    rows::{
        Account, ChannelKind, Contact, ContactInbox, Conversation, Definition, Hook, Inbox, Membership,
        Message, Role, User, Webhook,
    },
};

/// What nobody here is, as nobody has a browser open.
const OFFLINE: &str = "offline";

pub(super) fn platform_account(account: &Account) -> Value {
    let set = |key: &str| account.settings.get(key).cloned().unwrap_or_default();
    let or = |key: &str, default: Value| account.settings.get(key).cloned().unwrap_or(default);
    json!({
        "id": account.id, "name": account.name, "locale": or("locale", json!("en")), "domain": set("domain"),
        "support_email": set("support_email"), "enabled_features": or("features", json!({})),
        "custom_attributes": or("custom_attributes", json!({})), "limits": or("limits", json!({})),
        "status": or("status", json!("active")),
    })
}

/// The row itself: this endpoint has no view.
pub(super) fn account_user(account: &Account, membership: &Membership) -> Value {
    json!({
        "id": membership.id, "account_id": account.id, "user_id": membership.user, "role": membership.role.name(),
        "inviter_id": membership.inviter, "created_at": membership.created.iso(),
        "updated_at": membership.updated.iso(), "active_at": null, "availability": "online", "auto_offline": true,
        "custom_role_id": null, "agent_capacity_policy_id": null,
    })
}

pub(super) fn user(installation: &Installation, user: &User) -> Value {
    let memberships = installation.accounts.values().flat_map(|account| {
        account.members.iter().filter(|membership| membership.user == user.id).map(move |it| (account, it))
    });
    let memberships: Vec<_> = memberships.collect();
    let active = memberships.first();
    let accounts: Vec<Value> = memberships
        .iter()
        .map(|(account, membership)| {
            json!({
                "id": account.id, "name": account.name,
                "status": account.settings.get("status").cloned().unwrap_or(json!("active")),
                "active_at": null, "role": membership.role.name(), "permissions": [membership.role.name()],
                "availability": "online", "availability_status": OFFLINE, "auto_offline": true,
            })
        })
        .collect();
    let mut view = json!({
        "access_token": user.access_token, "account_id": active.map(|(account, _)| account.id),
        "available_name": available_name(user), "avatar_url": "", "confirmed": user.confirmed,
        "display_name": user.display_name, "message_signature": null, "email": user.email, "id": user.id,
        "inviter_id": active.and_then(|(_, membership)| membership.inviter), "name": user.name, "provider": "email",
        "pubsub_token": user.pubsub_token, "role": active.map(|(_, membership)| membership.role.name()),
        "ui_settings": {}, "uid": user.email, "type": null, "accounts": accounts,
    });
    if !user.custom_attributes.is_empty() {
        view["custom_attributes"] = json!(user.custom_attributes);
    }
    view
}

fn available_name(user: &User) -> &str {
    user.display_name.as_deref().unwrap_or(&user.name)
}

pub(super) fn agent(account: &Account, user: &User, role: Role) -> Value {
    let mut view = json!({
        "id": user.id, "account_id": account.id, "availability_status": OFFLINE, "auto_offline": true,
        "confirmed": user.confirmed, "email": user.email, "provider": "email",
        "available_name": available_name(user), "name": user.name, "role": role.name(), "thumbnail": "",
    });
    if !user.custom_attributes.is_empty() {
        view["custom_attributes"] = json!(user.custom_attributes);
    }
    view
}

/// A user who has left the account has no view as an agent of it.
pub(super) fn agent_of(installation: &Installation, account: &Account, user: u64) -> Option<Value> {
    let membership = account.members.iter().find(|membership| membership.user == user)?;
    Some(agent(account, installation.users.get(&user)?, membership.role))
}

pub(super) fn inbox(caller: &Caller, inbox: &Inbox) -> Value {
    let channel = &inbox.channel;
    let mut view = inbox.settings.clone();
    view.extend(channel.settings.clone());
    let mut put = |key: &str, value: Value| drop(view.insert(key.to_owned(), value));
    put("id", json!(inbox.id));
    put("avatar_url", json!(""));
    put("channel_id", json!(channel.id));
    put("name", json!(inbox.name));
    put("channel_type", json!(channel.kind.class()));
    put("working_hours", weekly_schedule());
    put("hmac_mandatory", json!(channel.hmac_mandatory));
    put("callback_webhook_url", Value::Null);
    put("messaging_service_sid", Value::Null);
    put("phone_number", Value::Null);
    put("provider", Value::Null);
    let administrator = caller.role == Role::Administrator;
    match channel.kind {
        ChannelKind::WebWidget => {
            put("website_token", json!(channel.identifier));
            put("web_widget_script", json!(script(&channel.identifier)));
        }
        ChannelKind::Api => {
            for of_widgets in OF_WIDGETS {
                put(of_widgets, Value::Null);
            }
            put("inbox_identifier", json!(channel.identifier));
            if administrator {
                put("secret", json!(channel.secret));
            }
        }
    }
    if administrator {
        put("hmac_token", json!(channel.hmac_token));
    }
    Value::Object(view)
}

/// What the view says of every inbox, though only widgets have it.
const OF_WIDGETS: [&str; 8] = [
    "widget_color",
    "website_url",
    "welcome_title",
    "welcome_tagline",
    "web_widget_script",
    "website_token",
    "selected_feature_flags",
    "reply_time",
];

fn script(website_token: &str) -> String {
    format!(
        "<script>(function(d,t){{var g=d.createElement(t);g.src='/packs/js/sdk.js';g.onload=function(){{\
         window.chatwootSDK.run({{websiteToken:'{website_token}'}})}}}})(document,'script');</script>"
    )
}

fn weekly_schedule() -> Value {
    let day = |day: u8| match day {
        0 | 6 => json!({
            "day_of_week": day, "closed_all_day": true, "open_hour": null, "open_minutes": null, "close_hour": null,
            "close_minutes": null, "open_all_day": false,
        }),
        day => json!({
            "day_of_week": day, "closed_all_day": false, "open_hour": 9, "open_minutes": 0, "close_hour": 17,
            "close_minutes": 0, "open_all_day": false,
        }),
    };
    (0..7).map(day).collect()
}

/// The row itself, which the answer to a new contact holds instead of a view.
pub(super) fn inbox_row(account: &Account, inbox: &Inbox) -> Value {
    let mut row = inbox.settings.clone();
    let mut put = |key: &str, value: Value| drop(row.insert(key.to_owned(), value));
    put("id", json!(inbox.id));
    put("account_id", json!(account.id));
    put("channel_id", json!(inbox.channel.id));
    put("channel_type", json!(inbox.channel.kind.class()));
    put("name", json!(inbox.name));
    put("created_at", json!(inbox.created.iso()));
    put("updated_at", json!(inbox.updated.iso()));
    Value::Object(row)
}

pub(super) fn contact_inbox(account: &Account, session: &ContactInbox) -> Value {
    let inbox = account.inboxes.get(&session.inbox).map(|inbox| {
        json!({
            "id": inbox.id, "avatar_url": "", "channel_id": inbox.channel.id, "name": inbox.name,
            "channel_type": inbox.channel.kind.class(), "provider": null,
        })
    });
    json!({ "source_id": session.source_id, "inbox": inbox })
}

pub(super) fn contact(contact: &Contact) -> Value {
    let mut view = json!({
        "additional_attributes": contact.additional_attributes, "availability_status": OFFLINE,
        "email": contact.email, "id": contact.id, "name": contact.name, "phone_number": contact.phone_number,
        "blocked": contact.blocked, "identifier": contact.identifier, "thumbnail": "",
        "custom_attributes": contact.custom_attributes, "created_at": contact.created.seconds(),
    });
    if let Some(last) = contact.last_activity {
        view["last_activity_at"] = json!(last.seconds());
    }
    view
}

pub(super) fn contact_with_inboxes(account: &Account, row: &Contact) -> Value {
    let sessions = row.inboxes.iter().filter_map(|id| account.contact_inboxes.get(id));
    let sessions: Vec<Value> = sessions.map(|session| contact_inbox(account, session)).collect();
    let mut view = contact(row);
    view["contact_inboxes"] = json!(sessions);
    view
}

pub(super) fn webhook(account: &Account, webhook: &Webhook) -> Value {
    let mut view = json!({
        "id": webhook.id, "name": webhook.name, "url": webhook.url, "account_id": account.id,
        "subscriptions": webhook.subscriptions, "secret": webhook.secret,
    });
    if let Some(inbox) = webhook.inbox.and_then(|inbox| account.inboxes.get(&inbox)) {
        view["inbox"] = json!({ "id": inbox.id, "name": inbox.name });
    }
    view
}

pub(super) fn definition(row: &Definition) -> Value {
    let given = |key: &str| row.given.get(key).cloned().unwrap_or_default();
    json!({
        "id": row.id, "attribute_display_name": row.display_name, "attribute_display_type": row.display_type,
        "attribute_description": given("attribute_description"), "attribute_key": row.key,
        "regex_pattern": given("regex_pattern"), "regex_cue": given("regex_cue"),
        "attribute_values": row.given.get("attribute_values").cloned().unwrap_or(json!([])),
        "attribute_model": row.model, "default_value": null, "created_at": row.created.iso(),
        "updated_at": row.updated.iso(),
    })
}

pub(super) fn hook(account: &Account, hook: &Hook) -> Value {
    let inbox = hook.inbox.and_then(|inbox| account.inboxes.get(&inbox));
    json!({
        "id": hook.id, "app_id": hook.app, "status": hook.enabled,
        "inbox": inbox.map(|inbox| json!({ "id": inbox.id, "name": inbox.name })), "account_id": account.id,
        "hook_type": if hook.inbox.is_some() { "inbox" } else { "account" }, "settings": hook.settings,
        "reference_id": null,
    })
}

pub(super) fn conversation(installation: &Installation, account: &Account, row: &Conversation) -> Value {
    let session = account.contact_inboxes.get(&row.contact_inbox);
    let inbox = account.inboxes.get(&row.inbox);
    let pushed = |message| payloads::pushed_message(installation, account, row, message);
    let mut meta = json!({
        "sender": account.contacts.get(&row.contact).map(contact),
        "channel": inbox.map(|inbox| inbox.channel.kind.class()),
        "hmac_verified": session.map(|session| session.hmac_verified),
    });
    if let Some(assignee) = row.assignee.and_then(|user| agent_of(installation, account, user)) {
        meta["assignee"] = assignee;
        meta["assignee_type"] = json!("User");
    }
    json!({
        "meta": meta, "id": row.id.number, "messages": row.messages.last().map(pushed).into_iter().collect::<Vec<_>>(),
        "account_id": account.id, "uuid": row.uuid, "additional_attributes": row.additional_attributes,
        "agent_last_seen_at": seconds_or_zero(row.agent_last_seen), "assignee_last_seen_at": 0, "can_reply": true,
        "contact_last_seen_at": seconds_or_zero(row.contact_last_seen), "custom_attributes": row.custom_attributes,
        "inbox_id": row.inbox, "labels": [], "muted": false, "snoozed_until": iso_or_null(row.snoozed_until),
        "status": row.status.name(), "created_at": row.created.seconds(), "updated_at": row.updated.float(),
        "timestamp": row.last_activity.seconds(), "first_reply_created_at": seconds_or_zero(row.first_reply),
        "unread_count": row.unread(), "last_non_activity_message": row.last_non_activity().map(pushed),
        "last_activity_at": row.last_activity.seconds(), "priority": null,
        "waiting_since": seconds_or_zero(row.waiting_since), "sla_policy_id": null,
    })
}

pub(super) fn message(
    installation: &Installation,
    account: &Account,
    row: &Conversation,
    message: &Message,
) -> Value {
    let mut view = json!({
        "id": message.id, "content": message.content, "inbox_id": row.inbox, "conversation_id": row.id.number,
        "message_type": message.kind.number(), "content_type": message.content_type, "status": "sent",
        "content_attributes": message.content_attributes, "created_at": message.created.seconds(),
        "private": message.private, "source_id": message.source_id,
    });
    if let Some(sender) = payloads::pushed_sender(installation, account, message.sender) {
        view["sender"] = sender;
    }
    view
}

/// An inbox's settings and their defaults: what a request may set, and what the view shows.
pub(super) fn inbox_defaults() -> Map<String, Value> {
    let defaults = json!({
        "greeting_enabled": false, "greeting_message": null, "working_hours_enabled": false, "enable_email_collect": true,
        "csat_survey_enabled": false, "csat_config": {}, "enable_auto_assignment": true, "auto_assignment_config": {},
        "out_of_office_message": null, "timezone": "UTC", "allow_messages_after_resolved": true,
        "lock_to_single_conversation": false, "sender_name_type": "friendly", "business_name": null,
    });
    defaults.as_object().cloned().unwrap_or_default()
}

/// A channel's settings and their defaults.
pub(super) fn channel_defaults(kind: ChannelKind) -> Map<String, Value> {
    let defaults = match kind {
        ChannelKind::WebWidget => json!({
            "website_url": null, "widget_color": "#1f93ff", "welcome_title": null, "welcome_tagline": null,
            "selected_feature_flags": ["attachments", "emoji_picker", "end_conversation"],
            "reply_time": "in_a_few_minutes", "pre_chat_form_enabled": false, "pre_chat_form_options": {},
            "continuity_via_email": true, "allowed_domains": "",
        }),
        ChannelKind::Api => json!({ "webhook_url": null, "additional_attributes": {} }),
    };
    defaults.as_object().cloned().unwrap_or_default()
}
