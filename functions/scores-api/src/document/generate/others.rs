//! What other functions answer under the same API. Functions do not depend on each other, so this is written down here; the flows
//! hold it against what they answer.

use serde_json::{Map, Value, json};

use super::{ID, paged, path_parameter};

/// The marketplace's events, with the schemas of their data.
const EVENTS: [(&str, &str); 14] = [
    ("provider.registered", include_str!("../../../../../events/schemas/provider.registered.json")),
    ("provider.updated", include_str!("../../../../../events/schemas/provider.updated.json")),
    ("provider.checked-in", include_str!("../../../../../events/schemas/provider.checked-in.json")),
    ("offering.published", include_str!("../../../../../events/schemas/offering.published.json")),
    ("offering.withdrawn", include_str!("../../../../../events/schemas/offering.withdrawn.json")),
    ("contract.requested", include_str!("../../../../../events/schemas/contract.requested.json")),
    ("contract.accepted", include_str!("../../../../../events/schemas/contract.accepted.json")),
    ("contract.rejected", include_str!("../../../../../events/schemas/contract.rejected.json")),
    ("contract.provisioned", include_str!("../../../../../events/schemas/contract.provisioned.json")),
    ("contract.monitors-set", include_str!("../../../../../events/schemas/contract.monitors-set.json")),
    (
        "contract.provisioning-failed",
        include_str!("../../../../../events/schemas/contract.provisioning-failed.json"),
    ),
    ("contract.completed", include_str!("../../../../../events/schemas/contract.completed.json")),
    ("contract.cancelled", include_str!("../../../../../events/schemas/contract.cancelled.json")),
    ("contract.extended", include_str!("../../../../../events/schemas/contract.extended.json")),
];

const ENVELOPE: &str = include_str!("../../../../../events/schemas/cloudevent.json");

fn read(schema: &str) -> Value {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    schema.as_object_mut().unwrap().remove("$schema");
    schema
}

pub(super) fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    let mut kinds = Vec::new();
    for (kind, schema) in EVENTS {
        let data = json!({ "$ref": format!("#/components/schemas/{kind}") });
        kinds.push(json!({ "properties": { "type": { "const": kind }, "data": data } }));
        schemas.insert(kind.to_owned(), read(schema));
    }
    let mut envelope = read(ENVELOPE);
    envelope["oneOf"] = json!(kinds);
    schemas.insert("CloudEvent".to_owned(), envelope);
    let monitors = read(EVENTS[9].1);
    schemas.insert("Monitors".to_owned(), json!({
        "type": "object", "required": ["monitors"],
        "description": "What of a contract's service is watched from now on, in place of what was.",
        "properties": { "monitors": monitors["properties"]["monitors"], "maintenance": monitors["properties"]["maintenance"] },
    }));
    let text = || json!({ "type": "string" });
    let time = || json!({ "type": "string", "format": "date-time" });
    let time_or_null = || json!({ "type": ["string", "null"], "format": "date-time" });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let more: [(&str, Value); 11] = [
        (
            "Problem",
            object(
                "What is wrong (RFC 9457). `type` is stable.",
                &["type", "title", "status"],
                &json!({
                    "type": { "type": "string", "format": "uri" }, "title": text(), "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                    "detail": text(), "field": text(),
                    "errors": { "type": "array", "items": object("", &["pointer", "detail"], &json!({ "pointer": text(), "detail": text() })) },
                }),
            ),
        ),
        (
            "Unauthorized",
            object(
                "What the API itself answers to a token that does not do.",
                &["message"],
                &json!({ "message": text() }),
            ),
        ),
        ("Accepted", object("Taken, and durable.", &["id"], &json!({ "id": text() }))),
        (
            "AcceptedBatch",
            object(
                "What became of each event of a batch.",
                &["items"],
                &json!({
                    "items": { "type": "array", "items": object("", &["index", "id", "status"], &json!({
                        "index": whole(), "id": { "type": ["string", "null"] }, "status": { "type": "integer" }, "problem": reference("Problem"),
                    })) },
                }),
            ),
        ),
        (
            "Statements",
            object(
                "How many statements were read, and are durable.",
                &["statements"],
                &json!({ "statements": whole() }),
            ),
        ),
        (
            "AboutChat",
            json!({
                "type": "object", "description": "Exactly one of the two.", "maxProperties": 1, "minProperties": 1,
                "properties": { "contract_id": id(), "provider_id": id() },
            }),
        ),
        (
            "ChatIdentity",
            object(
                "The caller's identity for the widget of one provider.",
                &["base_url", "website_token", "identifier", "identifier_hash", "expires_hint"],
                &json!({
                    "base_url": text(), "website_token": text(), "identifier": text(), "identifier_hash": text(), "expires_hint": time(),
                }),
            ),
        ),
        (
            "MessagePage",
            page(
                &object(
                    "Who wrote when, and how; never what.",
                    &[
                        "message_id",
                        "conversation",
                        "at",
                        "side",
                        "class",
                        "deleted",
                        "content_sha256",
                        "content_seen",
                    ],
                    &json!({
                        "message_id": text(),
                        "conversation": object("", &["account", "number"], &json!({ "account": whole(), "number": whole() })),
                        "at": time(), "side": { "enum": ["renter", "provider", "neither"] }, "class": text(), "deleted": { "type": "boolean" },
                        "content_sha256": { "type": ["string", "null"] }, "content_seen": { "enum": ["original", "later", null] },
                    }),
                ),
                &json!({}),
            ),
        ),
        (
            "MonitorPage",
            page(
                &object(
                    "What is watched, and where.",
                    &[
                        "id",
                        "name",
                        "check",
                        "interval_seconds",
                        "running",
                        "ended",
                        "maintenance",
                        "versions",
                    ],
                    &json!({
                        "id": text(), "name": text(), "check": text(), "interval_seconds": whole(),
                        "running": { "type": "array", "items": object("", &["from", "until"], &json!({ "from": time(), "until": time_or_null() })) },
                        "ended": time_or_null(),
                        "maintenance": { "type": "array", "items": object("", &["announced_at", "from", "until"], &json!({
                            "announced_at": time(), "from": time(), "until": time() })) },
                        "versions": { "type": "array", "items": object("", &["version", "since", "check", "target", "salt", "commitment"], &json!({
                            "version": whole(), "since": time(), "check": { "type": "object" }, "target": text(), "salt": text(), "commitment": text() })) },
                        "reports": object("For the provider only.", &["path", "key"], &json!({ "path": text(), "key": text() })),
                    }),
                ),
                &json!({ "contract_id": id() }),
            ),
        ),
        (
            "Answers",
            object(
                "The two answers.",
                &["matched_description", "rent_again"],
                &json!({
                    "matched_description": yes_or_no("Did the service match its description?"),
                    "rent_again": yes_or_no("Would you rent from this provider again?"),
                }),
            ),
        ),
        (
            "Survey",
            object(
                "How a survey stands.",
                &["state", "contract_id", "provider_id", "answers", "until"],
                &json!({
                    "state": text(), "contract_id": id(), "provider_id": id(),
                    "answers": { "anyOf": [reference("Answers"), { "type": "null" }] }, "until": time_or_null(),
                }),
            ),
        ),
    ];
    schemas.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
    schemas
}

fn object(description: &str, required: &[&str], properties: &Value) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !description.is_empty() {
        schema["description"] = json!(description);
    }
    schema
}

fn yes_or_no(question: &str) -> Value {
    json!({ "type": "string", "enum": ["yes", "no"], "description": question })
}

fn page(item: &Value, beside: &Value) -> Value {
    let mut schema = object("", &["items", "next_cursor"], beside);
    schema["properties"]["items"] = json!({ "type": "array", "items": item });
    schema["properties"]["next_cursor"] = json!({ "type": ["string", "null"] });
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn id() -> Value {
    json!({ "type": "string", "pattern": ID })
}

pub(super) fn responses() -> Value {
    let problem = |description: &str| json!({ "description": description, "content": { "application/problem+json": { "schema": reference("Problem") } } });
    json!({
        "BadParameter": problem("`bad-parameter`: `detail` begins with the parameter's name."),
        "NotFound": problem("There is nothing of this name, or not yet."),
        "TooLong": problem("`proof-too-long`: ask with `monitor`, or for fewer days."),
        "Invalid": problem("`invalid-body`, or another kind that says which field: `errors[].pointer` or `field` names it."),
        "Unsigned": problem("`invalid-signature`, `nonce-used` or `unauthenticated`."),
        "NotYours": problem("`not-your-contract`: no contract of this id is known to be the caller's."),
        "NotReady": problem("`chat-not-ready`: this provider has no chat, and nobody is at work on one."),
        "TooLarge": problem("`body-too-large`."),
        "UnknownType": problem("`unknown-event-type`."),
        "TooMany": problem("`too-many-requests`: see `Retry-After`."),
        "Closed": problem("The link can not be answered any more, or not yet."),
        "Unavailable": problem("`unavailable`: please try again."),
        "Unauthenticated": {
            "description": "The token does not do: `WWW-Authenticate` has the reason.",
            "content": {
                "application/json": { "schema": reference("Unauthorized") },
                "application/problem+json": { "schema": reference("Problem") },
            },
        },
    })
}

pub(super) fn security_schemes() -> Value {
    let header = |name: &str, description: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": description });
    json!({
        "token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "A token of the marketplace's OIDC issuer." },
        "signedRequest": header("X-Signature", "decent-cloud's signed requests: Ed25519ph over time, nonce, method, path and body, with \
            X-Public-Key, X-Timestamp and X-Nonce."),
        "standardWebhook": header("webhook-signature", "Standard Webhooks: HMAC-SHA256 over id, timestamp and body, with webhook-id and \
            webhook-timestamp."),
        "monitorKey": { "type": "http", "scheme": "bearer", "description": "The monitor's key, which its provider reads." },
        "monitorSignature": header("X-Signature", "HMAC-SHA256 under the monitor's key over X-Timestamp, a dot and the body."),
    })
}

/// Path, method and operation.
pub(super) fn operations() -> Vec<(String, &'static str, Value)> {
    let listed = || [vec![path_parameter("id", ID, "The contract's id.")], paged()].concat();
    let contract = || path_parameter("id", ID, "The contract's id.");
    let answered = |status: &str, description: &str, schema: &str, others: &[(&str, &str)]| {
        let mut answers = json!({ status: { "description": description,
            "content": { "application/json": { "schema": reference(schema) } } } });
        for (status, name) in others {
            answers[*status] = json!({ "$ref": format!("#/components/responses/{name}") });
        }
        answers
    };
    let body = |media: &[&str], schema: &Value| {
        let content: Map<String, Value> =
            media.iter().map(|media| ((*media).to_owned(), json!({ "schema": schema }))).collect();
        json!({ "required": true, "content": content })
    };
    let one_or_many = json!({ "oneOf": [
        reference("CloudEvent"),
        { "type": "array", "minItems": 1, "maxItems": 500, "items": reference("CloudEvent") },
    ] });
    let mut taken = answered(
        "202",
        "Taken, and durable.",
        "Accepted",
        &[
            ("400", "Invalid"),
            ("401", "Unsigned"),
            ("413", "TooLarge"),
            ("422", "UnknownType"),
            ("503", "Unavailable"),
        ],
    );
    taken["202"]["content"]["application/json"]["schema"] =
        json!({ "anyOf": [reference("Accepted"), reference("AcceptedBatch")] });
    taken["207"] = json!({ "description": "A batch of which some were not taken.",
        "content": { "application/json": { "schema": reference("AcceptedBatch") } } });
    let mut operations = vec![
        (
            "/v1/events".to_owned(),
            "post",
            json!({
                "operationId": "postEvents", "tags": ["Marketplace"], "summary": "What happened on the marketplace.",
                "description": "CloudEvents 1.0. The same event twice changes nothing, and order does not matter.",
                "security": [{ "standardWebhook": [] }],
                "requestBody": body(&["application/cloudevents+json", "application/cloudevents-batch+json", "application/json"], &one_or_many),
                "responses": taken,
            }),
        ),
        (
            "/v1/contracts/{id}/monitors".to_owned(),
            "put",
            json!({
                "operationId": "putMonitors", "tags": ["Marketplace"], "summary": "What of a contract's service is watched.",
                "security": [{ "standardWebhook": [] }], "parameters": [contract()],
                "requestBody": body(&["application/json"], &reference("Monitors")),
                "responses": answered("202", "Taken, and durable.", "Accepted", &[
                    ("400", "Invalid"), ("401", "Unsigned"), ("413", "TooLarge"), ("503", "Unavailable")]),
            }),
        ),
        (
            "/v1/monitors/{id}/reports".to_owned(),
            "post",
            json!({
                "operationId": "postReports", "tags": ["Marketplace"], "summary": "What a provider's own monitoring says of a monitor.",
                "description": "An agent's heartbeat, or the webhook of Uptime Kuma, Gatus or Alertmanager. It is a claim, and scores nothing.",
                "security": [{ "monitorKey": [] }, { "monitorSignature": [] }],
                "parameters": [path_parameter("id", "^[A-Za-z0-9._-]{1,64}$", "The monitor's id.")],
                "requestBody": body(&["application/json"], &json!({ "type": "object" })),
                "responses": answered("202", "Read, and durable.", "Statements", &[
                    ("400", "Invalid"), ("401", "Unsigned"), ("413", "TooLarge"), ("503", "Unavailable")]),
            }),
        ),
    ];
    for (prefix, suffix, scheme, refused) in
        [("/v1", "", "token", "Unauthenticated"), ("/v1/signed", "Signed", "signedRequest", "Unsigned")]
    {
        let security = json!([{ scheme: [] }]);
        operations.extend([
            (format!("{prefix}/chat/identity"), "post", json!({
                "operationId": format!("postChatIdentity{suffix}"), "tags": ["Parties"],
                "summary": "The caller's identity for a provider's chat.", "security": security,
                "requestBody": body(&["application/json"], &reference("AboutChat")),
                "responses": answered("200", "The identity.", "ChatIdentity", &[
                    ("400", "Invalid"), ("401", refused), ("403", "NotYours"), ("404", "NotFound"), ("409", "NotReady"),
                    ("413", "TooLarge"), ("429", "TooMany"), ("503", "Unavailable")]),
            })),
            (format!("{prefix}/contracts/{{id}}/messages"), "get", json!({
                "operationId": format!("getMessages{suffix}"), "tags": ["Parties"],
                "summary": "Who wrote when in a contract; never what.", "security": security,
                "parameters": listed(),
                "responses": answered("200", "A page, the earliest first.", "MessagePage", &[
                    ("400", "BadParameter"), ("401", refused), ("403", "NotYours"), ("413", "TooLarge"), ("429", "TooMany"),
                    ("503", "Unavailable")]),
            })),
            (format!("{prefix}/contracts/{{id}}/monitors"), "get", json!({
                "operationId": format!("getMonitors{suffix}"), "tags": ["Parties"],
                "summary": "What is watched for a contract, and where.", "security": security,
                "parameters": listed(),
                "responses": answered("200", "A page, by id.", "MonitorPage", &[
                    ("400", "BadParameter"), ("401", refused), ("403", "NotYours"), ("413", "TooLarge"), ("429", "TooMany"),
                    ("503", "Unavailable")]),
            })),
        ]);
    }
    operations.extend(feedback());
    operations.push(benchmark());
    operations
}

fn benchmark() -> (String, &'static str, Value) {
    let refused = |description: &str| json!({ "description": description, "content": { "application/problem+json": { "schema": reference("Problem") } } });
    let taken = json!({ "type": "object", "required": ["contract_id", "provider_id", "repaired", "left_out", "claims", "counts", "see"],
        "properties": {
            "contract_id": { "type": "string" }, "provider_id": { "type": "string" },
            "repaired": { "type": "boolean", "description": "Whether it could only be read after a repair." },
            "left_out": { "type": "array", "items": { "type": "string" }, "description": "Why parts of the run were left out: figures that no machine can have, and what does not read." },
            "claims": { "type": "object", "additionalProperties": { "type": "string" }, "description": "What each claim turned out to be." },
            "counts": { "type": ["string", "null"], "description": "Whether it counts, and why not." },
            "see": { "type": "string", "description": "Where all of them are." },
        } });
    (
        "/v1/contracts/{id}/yabs".to_owned(),
        "post",
        json!({
            "operationId": "postYabs", "tags": ["Benchmarks"], "summary": "A run of yabs.sh, as its option -s sends it.",
            "parameters": [
                { "name": "id", "in": "path", "required": true, "description": "The contract.",
                    "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$" } },
                { "name": "token", "in": "query", "required": true, "description": "The token of the renter's link.",
                    "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,512}$" } }],
            "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object" } } } },
            "responses": { "200": { "description": "Taken.", "content": { "application/json": { "schema": taken } } },
                "400": refused("Not JSON, nor after the known repairs."), "404": refused("No link of ours, or for another contract."),
                "409": refused("There is no machine yet or any more, or enough runs are known."), "410": refused("The link has expired."),
                "413": refused("More than 64 KiB."), "422": refused("Not a run of yabs.sh."), "503": refused("Please send it again.") },
        }),
    )
}

fn feedback() -> [(String, &'static str, Value); 2] {
    let token = || {
        json!([{ "name": "token", "in": "path", "required": true, "description": "The token of the renter's link.",
        "schema": { "type": "string", "pattern": "^[A-Za-z0-9._-]{1,512}$" } }])
    };
    let survey = json!({ "application/json": { "schema": reference("Survey") }, "text/html": { "schema": { "type": "string" } } });
    let refused = |description: &str| {
        json!({ "description": description, "content": {
        "application/problem+json": { "schema": reference("Problem") }, "text/html": { "schema": { "type": "string" } } } })
    };
    let answers = reference("Answers");
    [
        (
            "/v1/feedback/{token}".to_owned(),
            "get",
            json!({
                "operationId": "getSurvey", "tags": ["Feedback"], "summary": "A survey: a page, or JSON where that is asked for.",
                "parameters": token(),
                "responses": { "200": { "description": "How it stands.", "content": survey }, "404": refused("No link of ours."),
                    "409": refused("The contract goes on."), "410": refused("It is closed."), "503": refused("Please try again.") },
            }),
        ),
        (
            "/v1/feedback/{token}".to_owned(),
            "post",
            json!({
                "operationId": "answerSurvey", "tags": ["Feedback"], "summary": "The two answers.", "parameters": token(),
                "requestBody": { "required": true, "content": { "application/json": { "schema": answers },
                    "application/x-www-form-urlencoded": { "schema": answers } } },
                "responses": { "200": { "description": "Taken.", "content": survey }, "303": { "description": "Taken: back to the page." },
                    "400": refused("Not understood."), "404": refused("No link of ours."), "409": refused("Final, or the contract goes on."),
                    "410": refused("It is closed."), "413": refused("Too large."), "415": refused("Another media type."),
                    "422": refused("An answer is missing, or neither yes nor no."), "503": refused("Please try again.") },
            }),
        ),
    ]
}
