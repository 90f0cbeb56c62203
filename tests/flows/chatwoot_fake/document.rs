//! Chatwoot's own OpenAPI document as a judge of the fake.
//!
//! The document requires no property and forbids none, so that as it stands it would take almost any answer. Here every property it
//! names is required and every other one forbidden, after [`DEVIATIONS`] has set right where document and server are known to differ.

use std::{cell::RefCell, collections::BTreeSet, path::Path};

use serde_json::{Map, Value, json};

/// How the server differs from the document at one place.
#[derive(Debug, Clone, Copy)]
enum Deviation {
    /// It sends a property the document does not have, of this kind.
    Undocumented(&'static str),
    /// It sends a property only where there is something to say, whether or not the document has it.
    Sometimes(&'static str),
    /// It does not send the property.
    NeverSent,
    /// What it sends is of this kind.
    Is(&'static str),
}

use Deviation::{Is, NeverSent, Sometimes, Undocumented};

const OBJECT: &str = r#"{"type":"object"}"#;
const STRING: &str = r#"{"type":"string"}"#;
const BOOLEAN: &str = r#"{"type":"boolean"}"#;
const INTEGER: &str = r#"{"type":"integer"}"#;
const NULL: &str = r#"{"type":"null"}"#;
const STRING_OR_NULL: &str = r#"{"type":["string","null"]}"#;
const INTEGER_OR_NULL: &str = r#"{"type":["integer","null"]}"#;
const ATTRIBUTES_OF_A_BROWSER: &str =
    "an example of what a widget sends; what is there comes from the client";
const ENTERPRISE: &str = "the Community Edition does not have it";
const NO_VIEW: &str = "the endpoint answers the row itself";
const BY_INBOX: &str = "the properties of other channels are sent for these alone";

/// The places where the document describes a conversation's `meta`, each time anew.
const META: [&str; 3] = [
    "conversation_list/data/payload/items/meta",
    "conversation_show/meta",
    "contact_conversations_response/payload/items/meta",
];

/// Each deviation: where, which, and why it is right. A place is a schema or an operation, and the way from there through properties
/// and `items`.
const DEVIATIONS: &[(&str, Deviation, &str)] = &[
    // Errors.
    (
        "bad_request_error",
        Is(r#"{"anyOf":[
            {"type":"object","properties":{"error":{"type":"string"}}},
            {"type":"object","properties":{"message":{"type":"string"},"attributes":{"type":"array","items":{"type":"string"}}}}
        ]}"#),
        "errors are {error} from controllers and {message, attributes} from models (reference 4.1)",
    ),
    // Accounts and users.
    ("platform_account/locale", Undocumented(STRING), "the view sends the account's settings"),
    ("platform_account/domain", Undocumented(STRING_OR_NULL), "the view sends the account's settings"),
    ("platform_account/support_email", Undocumented(STRING_OR_NULL), "the view sends the account's settings"),
    ("platform_account/enabled_features", Undocumented(OBJECT), "the view sends the account's settings"),
    ("platform_account/custom_attributes", Undocumented(OBJECT), "the view sends the account's settings"),
    ("platform_account/limits", Undocumented(OBJECT), "the view sends the account's settings"),
    ("platform_account/status", Undocumented(STRING), "the view sends the account's settings"),
    ("account_user/items/id", Undocumented(INTEGER), NO_VIEW),
    ("account_user/items/inviter_id", Undocumented(INTEGER_OR_NULL), NO_VIEW),
    ("account_user/items/created_at", Undocumented(STRING), NO_VIEW),
    ("account_user/items/updated_at", Undocumented(STRING), NO_VIEW),
    ("account_user/items/active_at", Undocumented(STRING_OR_NULL), NO_VIEW),
    ("account_user/items/availability", Undocumented(STRING), NO_VIEW),
    ("account_user/items/auto_offline", Undocumented(BOOLEAN), NO_VIEW),
    ("account_user/items/custom_role_id", Undocumented(INTEGER_OR_NULL), NO_VIEW),
    ("account_user/items/agent_capacity_policy_id", Undocumented(INTEGER_OR_NULL), NO_VIEW),
    (
        "POST /platform/api/v1/accounts/{account_id}/account_users",
        Is(r##"{"$ref":"#/components/schemas/account_user/items"}"##),
        NO_VIEW,
    ),
    ("user/account_id", Is(INTEGER_OR_NULL), "a user need not be in an account yet"),
    ("user/role", Is(r#"{"enum":["agent","administrator",null]}"#), "a user need not be in an account yet"),
    ("user/hmac_identifier", NeverSent, "sent only where the installation has a key of its own for it"),
    ("user/custom_attributes", Sometimes(OBJECT), "sent only where there are some"),
    ("user/accounts/items/custom_role_id", NeverSent, ENTERPRISE),
    ("user/accounts/items/custom_role", NeverSent, ENTERPRISE),
    ("agent/provider", Undocumented(STRING), "reference 4.2"),
    ("agent/custom_attributes", Sometimes(OBJECT), "reference 4.2: sent only where there are some"),
    ("agent/custom_role_id", NeverSent, ENTERPRISE),
    // Inboxes.
    ("inbox/hmac_token", Sometimes(STRING), "reference 3.1: to administrators"),
    ("inbox/pre_chat_form_enabled", Undocumented(BOOLEAN), "the view sends the widget's settings"),
    ("inbox/pre_chat_form_options", Undocumented(OBJECT), "the view sends the widget's settings"),
    ("inbox/continuity_via_email", Undocumented(BOOLEAN), "the view sends the widget's settings"),
    ("inbox/allowed_domains", Undocumented(STRING), "the view sends the widget's settings"),
    ("inbox/csat_config", Undocumented(OBJECT), "reference 4.2: settable, and shown"),
    ("inbox/branded_email_layout", NeverSent, BY_INBOX),
    ("inbox/medium", NeverSent, BY_INBOX),
    ("inbox_contact/provider", Is(STRING_OR_NULL), "a widget has no provider"),
    // Webhooks.
    ("webhook/name", Is(STRING_OR_NULL), "a webhook need not have a name"),
    ("webhook/inbox", Sometimes(OBJECT), "reference 4.2: sent where the webhook names one"),
    (
        "webhook/subscriptions",
        Is(r#"{"type":"array","minItems":1,"items":{"enum":[
            "conversation_status_changed","conversation_updated","conversation_created","contact_created","contact_updated",
            "message_created","message_updated","webwidget_triggered","inbox_created","inbox_updated",
            "conversation_typing_on","conversation_typing_off"]}}"#),
        "reference 1.2 and 4.8: the document lacks the inboxes' events",
    ),
    (
        "GET /api/v1/accounts/{account_id}/webhooks",
        Is(r##"{"type":"object","properties":{"payload":{"type":"object","properties":{
            "webhooks":{"type":"array","items":{"$ref":"#/components/schemas/webhook"}}}}}}"##),
        "reference 4.8: the list has an envelope",
    ),
    (
        "POST /api/v1/accounts/{account_id}/webhooks",
        Is(r##"{"type":"object","properties":{"payload":{"type":"object","properties":{
            "webhook":{"$ref":"#/components/schemas/webhook"}}}}}"##),
        "reference 4.2: so has one",
    ),
    (
        "PATCH /api/v1/accounts/{account_id}/webhooks/{webhook_id}",
        Is(r##"{"type":"object","properties":{"payload":{"type":"object","properties":{
            "webhook":{"$ref":"#/components/schemas/webhook"}}}}}"##),
        "reference 4.2: so has one",
    ),
    // Attributes and integrations.
    ("custom_attribute/attribute_description", Is(STRING_OR_NULL), "what nobody gave is null"),
    ("custom_attribute/regex_pattern", Is(STRING_OR_NULL), "what nobody gave is null"),
    ("custom_attribute/regex_cue", Is(STRING_OR_NULL), "what nobody gave is null"),
    ("custom_attribute/attribute_values", Is(r#"{"type":"array"}"#), "the column holds a list"),
    ("custom_attribute/default_value", Is(NULL), "no endpoint sets it"),
    ("integrations_hook/id", Is(INTEGER), "the view sends the row's id"),
    ("integrations_hook/account_id", Is(INTEGER), "the view sends the row's id"),
    ("integrations_hook/inbox_id", NeverSent, "the view sends the inbox instead"),
    (
        "integrations_hook/inbox",
        Undocumented(r#"{"type":["object","null"]}"#),
        "the view sends the inbox instead",
    ),
    ("integrations_hook/hook_type", Is(r#"{"enum":["account","inbox"]}"#), "it is an enum"),
    ("integrations_hook/reference_id", Undocumented(STRING_OR_NULL), "to administrators"),
    ("integrations_app/short_description", Undocumented(STRING_OR_NULL), "the view sends it"),
    // Contacts.
    (
        "POST /api/v1/accounts/{account_id}/contacts",
        Is(r##"{"type":"object","properties":{"payload":{"type":"object","properties":{
            "contact":{"$ref":"#/components/schemas/contact_list_item"},
            "contact_inbox":{"type":"object","properties":{"inbox":{"type":["object","null"]},"source_id":{"type":["string","null"]}}}
        }}}}"##),
        "reference 4.2 and 4.8: contact and session have an envelope, and the session's inbox is the row itself",
    ),
    ("contact_list_item/additional_attributes", Is(OBJECT), ATTRIBUTES_OF_A_BROWSER),
    ("contact_list_item/last_activity_at", Sometimes(INTEGER), "sent once the contact has done something"),
    ("contact_meta/has_more", Sometimes(BOOLEAN), "reference 4.2: sent by search"),
    ("contact_detail/additional_attributes", Is(OBJECT), ATTRIBUTES_OF_A_BROWSER),
    ("contact_detail/email", Is(STRING_OR_NULL), "a contact need not have an address"),
    // Conversations.
    (
        "conversation/status",
        Is(r#"{"enum":["open","resolved","pending","snoozed"]}"#),
        "reference 4.8: the document forgets snoozed",
    ),
    ("conversation/snoozed_until", Is(STRING_OR_NULL), "reference 4.8: an ISO time"),
    ("conversation/applied_sla", NeverSent, ENTERPRISE),
    ("conversation/sla_events", NeverSent, ENTERPRISE),
    (
        "POST /api/v1/accounts/{account_id}/conversations",
        Is(r##"{"$ref":"#/components/schemas/conversation_show"}"##),
        "reference 4.2: the whole conversation is answered",
    ),
    ("SENDER/last_activity_at", Sometimes(INTEGER), "sent once the contact has done something"),
    (
        "META/assignee",
        Sometimes(r##"{"$ref":"#/components/schemas/agent"}"##),
        "sent where there is one, as an agent",
    ),
    (
        "META/assignee_type",
        Sometimes(STRING),
        "reference 2: newer than the document; sent where there is one",
    ),
    (
        "POST /api/v1/accounts/{account_id}/conversations/{conversation_id}/toggle_status/payload/snoozed_until",
        Undocumented(STRING_OR_NULL),
        "reference 4.2",
    ),
    // Messages.
    ("message/content", Is(STRING_OR_NULL), "a message may have no text"),
    ("message/attachment", NeverSent, "sent where there is one, and then as attachments"),
    ("message/sender", Sometimes(OBJECT), "sent where there is one; the forms differ by kind"),
    ("message_detailed/content", Is(STRING_OR_NULL), "a message may have no text"),
    ("message_detailed/content_attributes", Is(OBJECT), "reference 2.3: many keys, and in_reply_to is an id"),
    ("message_detailed/echo_id", Sometimes(STRING), "sent where there is one"),
    ("message_detailed/sender", Sometimes(OBJECT), "sent where there is one; the forms differ by kind"),
    ("message_detailed/attachments", NeverSent, "sent where there are some, and the fake has none"),
    ("conversation_meta/additional_attributes", Is(OBJECT), ATTRIBUTES_OF_A_BROWSER),
    ("conversation_meta/assignee", Sometimes(OBJECT), "sent where there is one"),
    (
        "GET /api/v1/accounts/{account_id}/conversations/{conversation_id}/messages",
        Is(r##"{"$ref":"#/components/schemas/conversation_messages"}"##),
        "the document has this list twice, and the other one (without /api/v1) describes it",
    ),
    (
        "POST /api/v1/accounts/{account_id}/conversations/{conversation_id}/messages",
        Is(r##"{"$ref":"#/components/schemas/message_detailed"}"##),
        "a new message is shown as lists show it",
    ),
    (
        "DELETE /api/v1/accounts/{account_id}/conversations/{conversation_id}/messages/{message_id}",
        Is(r##"{"$ref":"#/components/schemas/message_detailed"}"##),
        "what is left of the message is answered; the document has no content",
    ),
];

/// Statuses the server answers and the document does not have, and why.
const STATUSES: &[(u16, &str)] = &[
    (401, "reference 4.1: also for a role that is not enough, where the document says 403"),
    (404, "a record that is not there, in every endpoint"),
    (422, "reference 4.1: every validation; the document has it almost nowhere"),
];

/// Endpoints the server has and the document has not.
pub(super) const UNDOCUMENTED: &[(&str, &str)] = &[
    ("GET /api", "status of the installation"),
    ("GET /health", "reference 6"),
    ("GET /platform/api/v1/accounts", "reference 4.4"),
    ("POST /platform/api/v1/users/{id}/token", "reference 4.4"),
    ("POST /api/v1/profile/reset_access_token", "reference 4.2"),
];

/// The document, where it is at hand.
#[derive(Debug)]
pub(super) struct Document {
    document: Value,
    used: RefCell<BTreeSet<&'static str>>,
}

impl Document {
    /// Reads it from beside the project. It is not part of the project, so it may be absent.
    pub(super) fn read() -> Option<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/chatwoot/openapi.json");
        let text = std::fs::read_to_string(file).ok()?;
        Some(Self { document: serde_json::from_str(&text).unwrap(), used: RefCell::default() })
    }

    /// What is wrong with this answer to this operation.
    pub(super) fn errors(&self, operation: &str, status: u16, body: &Value) -> Vec<String> {
        let Some(responses) = self.responses(operation) else {
            let known = UNDOCUMENTED.iter().any(|(undocumented, _)| *undocumented == operation);
            return if known { Vec::new() } else { vec![format!("{operation} is not in the document")] };
        };
        let schema = if status == 200 {
            let content = &responses["200"]["content"]["application/json"]["schema"];
            self.complete(&deviation(operation).map_or_else(|| content.clone(), |(_, is)| is), operation)
        } else if responses.get(status.to_string()).is_some()
            || STATUSES.iter().any(|(known, _)| *known == status)
        {
            self.complete(&json!({ "$ref": "#/components/schemas/bad_request_error" }), operation)
        } else {
            return vec![format!("{operation} answers {status}, which the document does not have")];
        };
        if deviation(operation).is_some() && status == 200 {
            self.used.borrow_mut().extend(deviation(operation).map(|(place, _)| place));
        }
        if schema.is_null() {
            let silent = body.is_null();
            return if silent {
                Vec::new()
            } else {
                vec![format!("{operation} answers {body}, unexpectedly")]
            };
        }
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors = validator.iter_errors(body);
        errors.map(|error| format!("{operation} {status} {}: {error}", error.instance_path())).collect()
    }

    /// The deviations nobody has met.
    pub(super) fn unused(&self) -> Vec<&'static str> {
        let used = self.used.borrow();
        DEVIATIONS.iter().map(|(place, ..)| *place).filter(|place| !used.contains(place)).collect()
    }

    fn responses(&self, operation: &str) -> Option<&Value> {
        let (method, path) = operation.split_once(' ').unwrap();
        self.document["paths"].get(path)?.get(method.to_lowercase())?.get("responses")
    }

    /// A schema without references, in which everything is as the document and the deviations say and nothing else is.
    fn complete(&self, schema: &Value, place: &str) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let way = reference.trim_start_matches("#/components/schemas/");
            let referred = way.split('/').fold(&self.document["components"]["schemas"], |at, key| &at[key]);
            return match self.deviation_at(way) {
                Some(Is(kind)) => self.complete(&parsed(kind), way),
                _ => self.complete(referred, way),
            };
        }
        let Some(object) = schema.as_object() else { return schema.clone() };
        let mut complete: Map<String, Value> =
            object.iter().filter(|(key, _)| *key != "allOf" && *key != "nullable").map(own).collect();
        for list in ["anyOf", "oneOf"] {
            if let Some(options) = complete.get_mut(list).and_then(Value::as_array_mut) {
                for option in options {
                    *option = self.complete(option, place);
                }
            }
        }
        if let Some(items) = complete.get("items") {
            let items = self.complete(items, &format!("{place}/items"));
            complete.insert("items".to_owned(), items);
        }
        if complete.contains_key("properties") {
            self.close(&mut complete, place);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            merge(&mut complete, &self.complete(part, place));
        }
        if schema["nullable"] == json!(true) {
            json!({ "anyOf": [complete, parsed(NULL)] })
        } else {
            json!(complete)
        }
    }

    /// Requires each property, and forbids others.
    fn close(&self, schema: &mut Map<String, Value>, place: &str) {
        let documented = schema["properties"].as_object().unwrap().clone();
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, kind) in &documented {
            let place = format!("{place}/{name}");
            let kind = match self.deviation_at(&place) {
                Some(NeverSent) => continue,
                Some(Is(kind) | Undocumented(kind)) => {
                    required.push(json!(name));
                    parsed(kind)
                }
                Some(Sometimes(kind)) => parsed(kind),
                None => {
                    required.push(json!(name));
                    kind.clone()
                }
            };
            properties.insert(name.clone(), self.complete(&kind, &place));
        }
        for (added, deviation, name) in self.additions(place) {
            if documented.contains_key(name) {
                continue;
            }
            let (Undocumented(kind) | Sometimes(kind)) = deviation else {
                panic!("{added} is not in the document");
            };
            if matches!(deviation, Undocumented(_)) {
                required.push(json!(name));
            }
            properties.insert(name.to_owned(), self.complete(&parsed(kind), &added));
        }
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("required".to_owned(), Value::Array(required));
        schema.insert("additionalProperties".to_owned(), json!(false));
    }

    fn deviation_at(&self, place: &str) -> Option<Deviation> {
        let (known, deviation, _) =
            DEVIATIONS.iter().find(|(known, ..)| expanded(known).iter().any(|known| known == place))?;
        self.used.borrow_mut().insert(known);
        Some(*deviation)
    }

    /// The deviations of properties right below this place.
    fn additions(&self, place: &str) -> Vec<(String, Deviation, &'static str)> {
        let mut additions = Vec::new();
        for (known, deviation, _) in DEVIATIONS {
            let name = known.rsplit('/').next().unwrap();
            if expanded(known).iter().any(|known| *known == format!("{place}/{name}")) {
                self.used.borrow_mut().insert(known);
                additions.push((format!("{place}/{name}"), *deviation, name));
            }
        }
        additions
    }
}

/// The answer the server gives to this operation instead of the documented one.
fn deviation(operation: &str) -> Option<(&'static str, Value)> {
    DEVIATIONS.iter().find_map(|(place, deviation, _)| match deviation {
        Is(kind) if *place == operation => Some((*place, parsed(kind))),
        _ => None,
    })
}

fn expanded(place: &str) -> Vec<String> {
    match place.split_once('/') {
        Some(("META", rest)) => META.iter().map(|meta| format!("{meta}/{rest}")).collect(),
        Some(("SENDER", rest)) => META.iter().map(|meta| format!("{meta}/sender/{rest}")).collect(),
        _ => vec![place.to_owned()],
    }
}

fn parsed(kind: &str) -> Value {
    serde_json::from_str(kind).unwrap()
}

fn own((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

/// Takes a part of an `allOf` into the whole: the parts describe one object together.
fn merge(whole: &mut Map<String, Value>, part: &Value) {
    for (key, value) in part.as_object().unwrap() {
        match (whole.get_mut(key), value) {
            (Some(Value::Object(whole)), Value::Object(part)) => whole.extend(part.clone()),
            (Some(Value::Array(whole)), Value::Array(part)) => whole.extend(part.clone()),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
    if let Some(Value::Array(required)) = whole.get_mut("required") {
        required.sort_by_key(Value::to_string);
        required.dedup();
    }
}
