//! Makes the OpenAPI document from the types of the answers, and holds the file that is served against it.
//!
//! `UPDATE_OPENAPI=1 cargo nextest run -p scores-api -E 'test(document)'` writes the file anew.

#![expect(clippy::too_many_lines, reason = "lists of what there is, an entry a path")]
#![expect(clippy::needless_pass_by_value, reason = "schemas are made where they are passed")]

mod others;

use std::collections::BTreeSet;

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value, json};
use table::Sort;
use trust::summary::Concern;

use crate::{
    asked::{LIMIT, MOST},
    badge::ShieldsBadge,
    document::{
        DOCUMENT,
        page::{self, Schemas},
    },
    listing::PARAMETERS,
    overview::Window,
    view::{
        claims::Claims,
        feedback::Feedback,
        figures::Listed,
        price::Prices,
        provider::{Chat, ListedProvider, Named, Provider},
        replies::Replies,
        score::{HistoryDay, Scored},
        sources::Source,
        uptime::{Outages, Uptime},
    },
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

const ID: &str = "^[A-Za-z0-9._-]{1,128}$";

/// One path that is read with `GET`.
struct Read {
    path: &'static str,
    id: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    parameters: Vec<Value>,
    answer: Value,
    example: Option<&'static str>,
}

pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().into_generator();
    let reads = reads(&mut generator);
    let mut schemas: Map<String, Value> = generator.take_definitions(true);
    schemas.extend(others::schemas());
    let mut paths: Map<String, Value> = Map::new();
    for read in reads {
        paths.insert(read.path.to_owned(), json!({ "get": read.operation() }));
    }
    for (path, method, operation) in others::operations() {
        paths.entry(path).or_insert_with(|| json!({}))[method] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Provider Trust",
            "version": "1",
            "description": "What providers on a compute marketplace really do, with evidence. Times are RFC 3339 UTC, durations \
                seconds, shares 0 to 1, ids strings. Errors are RFC 9457 problems. Lists go on with a cursor, and reads carry an ETag.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": [
            { "name": "Providers", "description": "What is known of providers, for everybody." },
            { "name": "Sources", "description": "Independent sites, and how far what they say is up to date." },
            { "name": "Log", "description": "The uptime log, as C2SP tlog-tiles has it." },
            { "name": "Marketplace", "description": "What the marketplace and monitoring tools tell us." },
            { "name": "Parties", "description": "What concerns a contract's renter and provider alone." },
            { "name": "Feedback", "description": "A renter's two answers, by his own link." },
            { "name": "Benchmarks", "description": "What a renter measures on his machine, by his own link." },
            { "name": "Pages", "description": "The same for people." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": others::responses(),
            "securitySchemes": others::security_schemes(),
        },
    })
}

fn reads(schemas: &mut SchemaGenerator) -> Vec<Read> {
    let provider = |path, id, summary, description, parameters: Vec<Value>, answer| Read {
        path,
        id,
        tag: "Providers",
        summary,
        description,
        parameters: [vec![provider_id()], parameters].concat(),
        answer,
        example: None,
    };
    let text = |media: &str| json!({ media: { "schema": { "type": "string" } } });
    let page = |path, id, summary, description, parameters| Read {
        path,
        id,
        tag: "Pages",
        summary,
        description,
        parameters,
        answer: json!({ "text/html": { "schema": { "type": "string" } } }),
        example: None,
    };
    let log = |path, id, summary, description, parameters, media: &str| Read {
        path,
        id,
        tag: "Log",
        summary,
        description,
        parameters,
        answer: json!({ media: { "schema": { "type": "string" } } }),
        example: None,
    };
    let of_provider = || vec![provider_id()];
    let metric = json!({
        "name": "metric", "in": "query", "description": "What the badge shows.",
        "schema": { "enum": ["score", "uptime", "replies"], "type": "string", "default": "score" },
    });
    let monitor = query(
        "monitor",
        json!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$" }),
        "Only this service.",
    );
    let either =
        json!({ "anyOf": [schema::<Listed<ListedProvider<'_>>>(schemas), schema::<Named<'_>>(schemas)] });
    let mut reads = vec![
        Read {
            path: "/v1/providers",
            id: "listProviders",
            tag: "Providers",
            summary: "Providers, in some order, by filters; or those of some ids.",
            description: "A page may hold fewer than asked for, or none, while `next_cursor` says that there is more: what a filter \
                leaves out is read, too, and no request reads without end. With `ids` no other parameter is taken.",
            parameters: list_parameters(),
            answer: json!({ "application/json": { "schema": either } }),
            example: Some("/v1/providers?sort=score&flags=none&min_replies=0.8"),
        },
        Read {
            path: "/v1/openapi.json",
            id: "getDocument",
            tag: "Providers",
            summary: "This document.",
            description: "",
            parameters: Vec::new(),
            answer: json!({ "application/json": { "schema": { "type": "object" } } }),
            example: None,
        },
        provider(
            "/v1/providers/{id}",
            "getProvider",
            "Everything about a provider.",
            "",
            vec![],
            answer::<Provider<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/replies",
            "getReplies",
            "How a provider replies, with the survival curve.",
            "",
            vec![],
            answer::<Replies<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/feedback",
            "getFeedback",
            "What renters said of a provider, as far as it is revealed.",
            "Two questions, asked once a contract. Answers are revealed on Mondays; those that do not count are counted apart, by the \
                reason.",
            vec![],
            answer::<Feedback<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/price",
            "getPrice",
            "What a provider asks beside what others ask, offering by offering.",
            "Against the median of comparable offers, one vote a provider, with an interval, the peers, and what was left out; or why \
                nothing can be said. Worked out once a day and when an offering changes. It informs and is not scored.",
            vec![],
            answer::<Prices<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/claims",
            "getClaims",
            "What a provider's offerings claim, each with its verdict.",
            "With what was seen, by whom, when, and the tolerance it was judged within. Renters are not named.",
            vec![],
            answer::<Claims<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/score",
            "getScore",
            "A provider's score, and what it is made of.",
            "",
            vec![query(
                "explain",
                json!({ "type": "boolean", "default": false }),
                "Whether to take it apart.",
            )],
            answer::<Scored<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/score/history",
            "getScoreHistory",
            "The score day by day, the latest first, with the reason of each jump of more than three points.",
            "",
            paged(),
            answer::<Listed<HistoryDay<'_>>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/chat",
            "getChat",
            "How far a provider's chat is set up.",
            "",
            vec![],
            answer::<Chat<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/uptime",
            "getUptime",
            "Uptime of all services and of each, with coverage and bounds.",
            "",
            vec![days(30), monitor.clone()],
            answer::<Uptime<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/outages",
            "getOutages",
            "Incidents, the latest first.",
            "",
            [vec![days(90)], paged()].concat(),
            answer::<Outages<'_>>(schemas),
        ),
        provider(
            "/v1/providers/{id}/incidents.atom",
            "getIncidentFeed",
            "The incidents of 90 days as an Atom feed.",
            "An entry's id stays while the incident goes on; its `updated` moves.",
            vec![],
            text("application/atom+xml"),
        ),
        provider(
            "/v1/providers/{id}/proof",
            "getProof",
            "The proof of an uptime: one bundle, to be checked offline.",
            "",
            vec![days(30), monitor],
            text("text/plain"),
        ),
        provider(
            "/v1/providers/{id}/badge.svg",
            "getBadge",
            "One figure as a picture.",
            "",
            vec![metric.clone()],
            text("image/svg+xml"),
        ),
        provider(
            "/v1/providers/{id}/badge.json",
            "getShieldsBadge",
            "The same for shields.io's endpoint badge.",
            "",
            vec![metric],
            answer::<ShieldsBadge>(schemas),
        ),
        Read {
            path: "/v1/sources",
            id: "listSources",
            tag: "Sources",
            summary: "Independent sources: what was read of them last, when, and what failed.",
            description: "A source that breaks makes what it said old, never wrong and never gone.",
            parameters: Vec::new(),
            answer: answer::<Listed<Source<'_>>>(schemas),
            example: Some("/v1/sources"),
        },
        log(
            "/v1/log/checkpoint",
            "getCheckpoint",
            "The last checkpoint, a signed note.",
            "",
            vec![],
            "text/plain",
        ),
        log(
            "/v1/log/keys",
            "getLogKeys",
            "The keys that ever signed, one a line, the current one last.",
            "",
            vec![],
            "text/plain",
        ),
        log(
            "/v1/log/tile/{level}/{index}",
            "getTile",
            "A tile, which never changes.",
            "Levels are 0 to 63, or `entries`. An index of 1000 or more is in groups of three digits with slashes between them, and a \
                partial tile ends in `.p/<width>`, as the specification has it.",
            vec![
                path_parameter("level", "^([0-9]|[1-5][0-9]|6[0-3]|entries)$", "The tile's level."),
                path_parameter("index", "^[0-9]{3}$", "The tile's index."),
            ],
            "application/octet-stream",
        ),
        page(
            "/",
            "pageProviders",
            "Search, filters and order of providers.",
            "Takes the parameters of the list.",
            vec![],
        ),
        page(
            "/compare",
            "pageCompare",
            "Up to four providers side by side.",
            "`ids` may be given several times, or with commas.",
            vec![
                json!({ "name": "ids", "in": "query", "description": "Up to four ids.", "style": "form", "explode": true,
                "schema": { "type": "array", "maxItems": 4, "items": { "type": "string", "pattern": ID } } }),
            ],
        ),
        page(
            "/docs",
            "pageDocs",
            "This document for people.",
            "",
            vec![query(
                "part",
                json!({ "type": "string", "enum": ["operations", "schemas", "more-schemas", "events"], "default": "operations" }),
                "Which part of it.",
            )],
        ),
        page("/providers/{id}", "pageProvider", "Everything about a provider.", "", of_provider()),
        page("/providers/{id}/proof", "pageProof", "A proof, checked in the browser.", "", of_provider()),
        Read {
            answer: text("image/png"),
            ..page(
                "/providers/{id}/og.png",
                "pagePreview",
                "The picture of a shared link, 1200 by 630.",
                "",
                of_provider(),
            )
        },
    ];
    for read in &mut reads {
        if read.example.is_none() && read.tag == "Providers" {
            read.example = Some(read.path);
        }
    }
    reads
}

impl Read {
    fn operation(&self) -> Value {
        let mut answers = json!({
            "200": { "description": "The answer.", "content": self.answer,
                "headers": { "ETag": { "schema": { "type": "string" } }, "Cache-Control": { "schema": { "type": "string" } } } },
            "304": { "description": "You have it: its ETag is the one you sent." },
            "503": { "$ref": "#/components/responses/Unavailable" },
        });
        if self.path == "/v1/openapi.json" || self.tag == "Pages" && self.path == "/docs" {
            answers.as_object_mut().unwrap().remove("503");
        }
        let is_paged = self.parameters.iter().any(|parameter| parameter["name"] == "cursor");
        if is_paged {
            answers["200"]["headers"]["Link"] =
                json!({ "description": "The next page, with rel=\"next\".", "schema": { "type": "string" } });
        }
        let is_page = self.tag == "Pages" && !self.answer["text/html"].is_null();
        if ["Providers", "Sources"].contains(&self.tag) && self.path != "/v1/openapi.json"
            || self.path == "/docs"
        {
            answers["400"] = json!({ "$ref": "#/components/responses/BadParameter" });
        }
        if ["/", "/compare"].contains(&self.path) {
            answers["400"] =
                json!({ "description": "The page, which says what is wrong.", "content": self.answer });
        }
        if self.path.contains('{') || self.tag == "Log" {
            answers["404"] = if is_page {
                json!({ "description": "There is no such provider.", "content": {
                    "text/html": { "schema": { "type": "string" } }, "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } } })
            } else {
                json!({ "$ref": "#/components/responses/NotFound" })
            };
        }
        if self.path.ends_with("/v1/providers/{id}/proof") {
            answers["422"] = json!({ "$ref": "#/components/responses/TooLong" });
        }
        let mut operation = json!({
            "operationId": self.id, "tags": [self.tag], "summary": self.summary, "parameters": self.parameters, "responses": answers,
        });
        if !self.description.is_empty() {
            operation["description"] = json!(self.description);
        }
        if let Some(example) = self.example {
            operation["x-example"] = json!(example.replace("{id}", "steady-compute"));
        }
        operation
    }
}

fn schema<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

fn answer<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    json!({ "application/json": { "schema": schema::<T>(schemas) } })
}

fn path_parameter(name: &str, pattern: &str, description: &str) -> Value {
    json!({
        "name": name, "in": "path", "required": true, "description": description,
        "schema": { "type": "string", "pattern": pattern },
    })
}

/// With an id of the local stack's sample, so that examples are answered.
fn provider_id() -> Value {
    let mut parameter = path_parameter("id", ID, "The provider's id.");
    parameter["example"] = json!("steady-compute");
    parameter
}

fn query(name: &str, schema: Value, description: &str) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

fn days(default: u16) -> Value {
    let schema = json!({ "type": "integer", "enum": Window::LENGTHS, "default": default });
    query("days", schema, "So many UTC days before today.")
}

fn paged() -> Vec<Value> {
    let limit = json!({ "type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT });
    let cursor = json!({ "type": "string", "pattern": "^[0-9a-f]{2,400}$" });
    vec![
        query("limit", limit, "Most items of a page."),
        query(
            "cursor",
            cursor,
            "Where the page begins: `next_cursor` of the one before, with the same other parameters.",
        ),
    ]
}

fn list_parameters() -> Vec<Value> {
    let share = || json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let listed = |name: &str, most: usize, items: Value, description: &str| {
        json!({ "name": name, "in": "query", "description": description, "style": "form", "explode": false,
            "schema": { "type": "array", "minItems": 1, "maxItems": most, "items": items } })
    };
    let family = |name: &str, of: &str| {
        query(name, share(), &format!("Least share of {of}, and some evidence of it."))
    };
    let sorts = Sort::ALL.map(Sort::name);
    let mut all = vec![query(
        "sort",
        json!({ "type": "string", "enum": sorts, "default": Sort::default().name() }),
        "By score, uptime and replies the best lower bound comes first; by name A to Z; newest first.",
    )];
    all.extend(paged());
    all.extend([
        query("q", json!({ "type": "string", "minLength": 1, "maxLength": 64 }), "A part of the name, or how the id begins; case does not matter."),
        query("track", json!({ "type": "string", "enum": ["new", "vetting", "established"] }), "How far they have come."),
        query("flags", json!({ "type": "string", "enum": ["none"] }), "`none`: without any warning."),
        listed("without", 16, json!({ "type": "string", "enum": Concern::ALL }), "Without warnings of these, with commas between them."),
        query("min_score", json!({ "type": "number", "minimum": 0, "maximum": 100 }), "Least lower bound of the score."),
        family("min_uptime", "uptime"),
        family("min_replies", "replies in time"),
        family("min_contracts", "contracts kept"),
        family("min_feedback", "yes of renters"),
        family("min_claims", "claims that hold"),
        query("region", json!({ "type": "string", "pattern": ID }), "Those known to offer in this region."),
        query("max_price", json!({ "type": "number", "minimum": 0, "maximum": 100 }), "Most that is asked, as a share of the median of comparable offers, where that is known."),
        listed("ids", 100, json!({ "type": "string", "pattern": ID }), "Those of these ids, in this order, with commas between them; unknown ones are named in `unknown`."),
        query("operator", json!({ "type": "string", "pattern": ID }), "The providers of this operator, by their ids; a hundred at most."),
    ]);
    all
}

#[test]
fn the_document_that_is_served_is_what_the_types_say() {
    let mut made = Vec::new();
    // Indented for whoever reads its changes, by as little as that takes.
    let indented = serde_json::ser::PrettyFormatter::with_indent(b" ");
    document().serialize(&mut serde_json::Serializer::with_formatter(&mut made, indented)).unwrap();
    let made = String::from_utf8(made).unwrap() + "\n";
    if std::env::vars().any(|(name, _)| name == "UPDATE_OPENAPI") {
        std::fs::write(FILE, &made).unwrap();
        return;
    }
    assert!(made == DOCUMENT, "openapi.json is not what the types say: make it anew with UPDATE_OPENAPI=1");
}

#[test]
fn each_path_that_is_answered_here_is_in_the_document_and_the_other_way_round() {
    let documented: Value = serde_json::from_str(DOCUMENT).unwrap();
    let ours = ["Providers", "Sources", "Log", "Pages"];
    let documented: BTreeSet<String> = documented["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, methods)| ours.iter().any(|tag| methods["get"]["tags"][0] == *tag))
        .map(|(path, _)| path.replace("{level}/{index}", "{*path}"))
        .collect();
    let routed = crate::routes().into_iter().map(|(path, _)| path.to_owned());
    let routed: BTreeSet<String> = routed.filter(|path| !path.starts_with("/assets/")).collect();
    assert_eq!(documented, routed);
}

#[test]
fn the_list_documents_the_parameters_it_takes() {
    let documented = list_parameters();
    let documented: BTreeSet<&str> =
        documented.iter().filter_map(|parameter| parameter["name"].as_str()).collect();
    assert_eq!(documented, PARAMETERS.into_iter().collect());
}

#[test]
fn no_two_operations_have_the_same_id() {
    let document = document();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let ids: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
}

#[test]
fn a_list_can_be_asked_without_every_concern_that_there_is() {
    let names: Vec<Value> = Concern::ALL.iter().map(|concern| json!(concern)).collect();
    let parameters = list_parameters();
    let without = parameters.iter().find(|parameter| parameter["name"] == "without").unwrap();
    assert_eq!(without["schema"]["items"]["enum"], json!(names));
    assert!(names.len() <= 16 && names.contains(&json!("feedback-far-from-measured")));
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    let place = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(place).is_some(), "{reference}");
                }
                members.values().for_each(|member| check(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = document();
    check(&document, &document);
}

#[test]
fn the_pages_show_each_operation_and_schema_below_60_kilobytes() {
    let page = page::operations(DOCUMENT).into_string();
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{path}");
        }
    }
    let schemas = page::schemas(DOCUMENT, Schemas::Answers).into_string();
    let more = page::schemas(DOCUMENT, Schemas::MoreAnswers).into_string();
    let events = page::schemas(DOCUMENT, Schemas::Events).into_string();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let is_on = |page: &&String| page.contains(&format!("id=\"schema-{name}\""));
        assert_eq!([&schemas, &more, &events].into_iter().filter(is_on).count(), 1, "{name}");
    }
    for (name, page) in [("operations", page), ("schemas", schemas), ("more", more), ("events", events)] {
        assert!(!page.contains("<script"));
        assert!(page.len() < 60_000, "{name}: {} bytes", page.len());
    }
}
