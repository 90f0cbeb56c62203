//! Reads `infra/template.yaml` into the [`Wiring`] that the local stack runs.
//!
//! Strict: what the template says and this machine can not do is an error that names the line, so that nothing works here that
//! would be something else when deployed. What has no meaning on one machine (policies, alarms, memory) is listed as such.

mod api;
mod node;
mod parameter;
mod resolve;

pub use resolve::ADDRESS;
pub(crate) use resolve::{ACCOUNT, REGION, queue_of_url};

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use crate::{
    pattern::Pattern,
    schedule::Schedule,
    wiring::{
        Failures, Function, MOST_DELAY, Queue, QueueTrigger, Redrive, Route, Rule, ScheduleTrigger,
        StreamTrigger, Table, Wiring,
    },
};
use api::Api;
use node::Node;
use resolve::{Names, QUEUE};

/// Something in the template that is wrong, or that this machine can not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template.yaml:{line}: {what}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Resources that mean nothing on one machine.
const WITHOUT_LOCAL_MEANING: [&str; 3] =
    ["AWS::CloudWatch::Alarm", "AWS::SNS::Topic", "AWS::SQS::QueuePolicy"];

const HTTP_API: &str = "AWS::Serverless::HttpApi";

/// Reads a template with these parameters; others have their defaults.
pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Wiring, TemplateError> {
    let template = Node::parse(text)?;
    only(
        &template,
        &[
            "AWSTemplateFormatVersion",
            "Transform",
            "Description",
            "Parameters",
            "Globals",
            "Resources",
            "Outputs",
        ],
    )?;
    let names = Names::read(&template, parameters)?;
    let globals = match template.get("Globals") {
        Some(globals) => {
            only(globals, &["Function"])?;
            globals.get("Function").map(|function| names.resolve(function)).transpose()?
        }
        None => None,
    };
    let resources = template.required("Resources")?.map()?;
    let apis = apis(&names, resources)?;
    let mut wiring = Wiring::default();
    for (logical, resource) in resources {
        let kind = resource.required("Type")?;
        only(
            resource,
            &["Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy"],
        )?;
        let properties = properties(&names, resource)?;
        let name = names.physical(logical);
        match kind.text()? {
            "AWS::Serverless::Function" => {
                let around = Around { names: &names, apis: &apis, globals: globals.as_ref() };
                function(&mut wiring, &around, (logical, resource), &properties)?;
            }
            "AWS::Events::EventBus" => {
                only(&properties, &["Name"])?;
                wiring.buses.push(name);
            }
            "AWS::Events::Rule" => wiring.rules.push(rule(&names, logical, &properties)?),
            QUEUE => wiring.queues.push(queue(&names, name, &properties)?),
            "AWS::SecretsManager::Secret" => {
                only(&properties, &["Name", "Description"])?;
                wiring.secrets.push(name);
            }
            "AWS::DynamoDB::Table" => wiring.tables.push(table(name, &properties)?),
            // Routes are read from the functions, and what an API says for them has been read before. Stages in paths are not known here.
            HTTP_API => {}
            known if WITHOUT_LOCAL_MEANING.contains(&known) => {}
            other => return Err(kind.error(format!("the local stack has no {other}"))),
        }
    }
    Ok(wiring)
}

/// The HTTP APIs, by name.
fn apis(names: &Names, resources: &[(String, Node)]) -> Result<BTreeMap<String, Api>, TemplateError> {
    let mut apis = BTreeMap::new();
    for (logical, resource) in resources {
        if resource.required("Type")?.text()? == HTTP_API {
            apis.insert(names.physical(logical), Api::read(&properties(names, resource)?)?);
        }
    }
    Ok(apis)
}

fn properties(names: &Names, resource: &Node) -> Result<Node, TemplateError> {
    match resource.get("Properties") {
        Some(properties) => names.resolve(properties),
        None => {
            Ok(Node { line: resource.line, key_line: resource.key_line, kind: node::Kind::Map(Vec::new()) })
        }
    }
}

/// What of the template a function may refer to.
struct Around<'a> {
    names: &'a Names,
    apis: &'a BTreeMap<String, Api>,
    globals: Option<&'a Node>,
}

/// Refuses what is not listed.
fn only(node: &Node, known: &[&str]) -> Result<(), TemplateError> {
    for (name, value) in node.map()? {
        if !known.contains(&name.as_str()) {
            return Err(value.key_error(format!("the local stack does not know {name} here")));
        }
    }
    Ok(())
}

fn seconds(node: Option<&Node>, default: u64) -> Result<Duration, TemplateError> {
    node.map_or(Ok(default), Node::number).map(Duration::from_secs)
}

const FUNCTION: [&str; 15] = [
    "CodeUri",
    "Description",
    "FunctionUrlConfig",
    "Events",
    "Environment",
    "Policies",
    "Timeout",
    "MemorySize",
    "Runtime",
    "Architectures",
    "Handler",
    "Tracing",
    "FunctionName",
    "LoggingConfig",
    "ReservedConcurrentExecutions",
];

/// What functions may have in common. SAM takes `FunctionUrlConfig` here, too, and no `Events`; both are read from the function alone.
const COMMON: [&str; 10] = [
    "CodeUri",
    "Description",
    "Environment",
    "Timeout",
    "MemorySize",
    "Runtime",
    "Architectures",
    "Handler",
    "Tracing",
    "ReservedConcurrentExecutions",
];

fn function(
    wiring: &mut Wiring,
    around: &Around<'_>,
    (logical, resource): (&str, &Node),
    properties: &Node,
) -> Result<(), TemplateError> {
    let globals = around.globals;
    only(properties, &FUNCTION)?;
    if let Some(globals) = globals {
        only(globals, &COMMON)?;
    }
    let binary = resource
        .get("Metadata")
        .and_then(|metadata| metadata.get("BuildProperties")?.get("Binary"))
        .ok_or_else(|| resource.error("Metadata.BuildProperties.Binary is missing"))?
        .text()?;
    let mut environment = BTreeMap::new();
    for settings in [globals, Some(properties)].into_iter().flatten() {
        let variables = settings.get("Environment").and_then(|environment| environment.get("Variables"));
        for (name, value) in variables.map(Node::map).transpose()?.unwrap_or_default() {
            environment.insert(name.clone(), value.text()?.to_owned());
        }
    }
    let setting = |name| properties.get(name).or_else(|| globals?.get(name));
    let timeout = setting("Timeout");
    wiring.functions.push(Function {
        logical_name: logical.to_owned(),
        binary: binary.to_owned(),
        environment,
        timeout: seconds(timeout, 3)?,
        at_most: setting("ReservedConcurrentExecutions").map(reserved).transpose()?,
    });
    if let Some(url) = properties.get("FunctionUrlConfig") {
        only(url, &["AuthType"])?;
        let authorisation = url.required("AuthType")?;
        if authorisation.text()? != "NONE" {
            return Err(authorisation.error("the local stack knows Function URLs with AuthType NONE only"));
        }
        wiring.function_urls.push(logical.to_owned());
    }
    for (name, event) in properties.get("Events").map(Node::map).transpose()?.unwrap_or_default() {
        trigger(wiring, around, logical, (name, event))?;
    }
    Ok(())
}

fn trigger(
    wiring: &mut Wiring,
    around: &Around<'_>,
    function: &str,
    (name, event): (&str, &Node),
) -> Result<(), TemplateError> {
    only(event, &["Type", "Properties"])?;
    let kind = event.required("Type")?;
    let properties = event.required("Properties")?;
    let names = around.names;
    let function = function.to_owned();
    match kind.text()? {
        "HttpApi" => wiring.routes.push(route(around.apis, function, properties)?),
        "SQS" => {
            only(
                properties,
                &[
                    "Queue",
                    "BatchSize",
                    "MaximumBatchingWindowInSeconds",
                    "FunctionResponseTypes",
                    "ScalingConfig",
                ],
            )?;
            let batch_size = batch_size(properties, 10)?;
            let window = window(properties)?;
            if batch_size > 10 && window.is_zero() {
                return Err(properties.required("BatchSize")?.error(
                    "a queue's batch of more than 10 needs MaximumBatchingWindowInSeconds of 1 or more",
                ));
            }
            wiring.queue_triggers.push(QueueTrigger {
                function,
                queue: names.named(properties.required("Queue")?, QUEUE)?.to_owned(),
                batch_size,
                window,
                failures: failures(properties)?,
                at_most: properties.get("ScalingConfig").map(at_most).transpose()?,
            });
        }
        "DynamoDB" => wiring.stream_triggers.push(stream(names, function, properties)?),
        "ScheduleV2" => {
            only(properties, &["Description", "ScheduleExpression", "Input", "Name"])?;
            let expression = properties.required("ScheduleExpression")?;
            let schedule =
                Schedule::parse(expression.text()?).map_err(|error| expression.error(error.to_string()))?;
            let input = properties.get("Input").map_or(Ok(json!({})), inline_json)?;
            wiring.schedule_triggers.push(ScheduleTrigger {
                function,
                name: name.to_owned(),
                schedule,
                input,
            });
        }
        other => return Err(kind.error(format!("the local stack has no {other} events"))),
    }
    Ok(())
}

fn route(apis: &BTreeMap<String, Api>, function: String, properties: &Node) -> Result<Route, TemplateError> {
    only(properties, &["ApiId", "Method", "Path", "Auth"])?;
    // Without one, SAM makes an API that has nothing of its own.
    let implicit = Api::default();
    let api = match properties.get("ApiId") {
        Some(id) => apis.get(id.text()?).ok_or_else(|| {
            id.error(format!("no HttpApi of this template is named {}", id.text().unwrap_or_default()))
        })?,
        None => &implicit,
    };
    Ok(Route {
        method: properties.required("Method")?.text()?.to_uppercase(),
        path: properties.required("Path")?.text()?.to_owned(),
        function,
        authorizer: properties.get("Auth").map(|auth| api.authorizer(auth)).transpose()?,
        cors: api.cors.clone(),
    })
}

fn stream(names: &Names, function: String, properties: &Node) -> Result<StreamTrigger, TemplateError> {
    only(
        properties,
        &[
            "Stream",
            "StartingPosition",
            "BatchSize",
            "MaximumBatchingWindowInSeconds",
            "MaximumRetryAttempts",
            "BisectBatchOnFunctionError",
            "FunctionResponseTypes",
            "DestinationConfig",
            "FilterCriteria",
        ],
    )?;
    let start = properties.required("StartingPosition")?;
    if start.text()? != "TRIM_HORIZON" {
        return Err(start.error("the local stack reads streams from TRIM_HORIZON only"));
    }
    let halving = properties.get("BisectBatchOnFunctionError");
    if halving.map(Node::text).transpose()? != Some("true") {
        return Err(halving.unwrap_or(start).error(
            "the local stack halves a stream's batch that fails: say BisectBatchOnFunctionError: true",
        ));
    }
    let filters = match properties.get("FilterCriteria") {
        Some(criteria) => {
            only(criteria, &["Filters"])?;
            criteria.required("Filters")?.list()?
        }
        None => &[],
    };
    let filters = filters.iter().map(|filter| {
        only(filter, &["Pattern"])?;
        let pattern = filter.required("Pattern")?;
        Pattern::parse(&inline_json(pattern)?).map_err(|error| pattern.error(error.to_string()))
    });
    let on_failure = properties.get("DestinationConfig").map(|config| {
        only(config, &["OnFailure"])?;
        let on_failure = config.required("OnFailure")?;
        only(on_failure, &["Type", "Destination"])?;
        let kind = on_failure.required("Type")?;
        match kind.text()? {
            "SQS" => Ok(names.named(on_failure.required("Destination")?, QUEUE)?.to_owned()),
            other => Err(kind.error(format!("the local stack has no {other} destinations"))),
        }
    });
    Ok(StreamTrigger {
        function,
        table: names.named(properties.required("Stream")?, "AWS::DynamoDB::Table")?.to_owned(),
        batch_size: batch_size(properties, 100)?,
        window: window(properties)?,
        filters: filters.collect::<Result<_, _>>()?,
        failures: failures(properties)?,
        retries: properties
            .get("MaximumRetryAttempts")
            .map(Node::number)
            .transpose()?
            .map(|retries| retries as u32),
        on_failure: on_failure.transpose()?,
    })
}

fn inline_json(node: &Node) -> Result<Value, TemplateError> {
    serde_json::from_str(node.text()?).map_err(|error| node.error(format!("not JSON: {error}")))
}

fn batch_size(properties: &Node, default: usize) -> Result<usize, TemplateError> {
    let Some(node) = properties.get("BatchSize") else { return Ok(default) };
    match node.number()? {
        size @ 1..=10_000 => Ok(size as usize),
        _ => Err(node.error("a batch has 1 to 10000 items")),
    }
}

fn window(properties: &Node) -> Result<Duration, TemplateError> {
    let Some(node) = properties.get("MaximumBatchingWindowInSeconds") else { return Ok(Duration::ZERO) };
    match node.number()? {
        seconds @ 0..=300 => Ok(Duration::from_secs(seconds)),
        _ => Err(node.error("a batch is gathered for 0 to 300 seconds")),
    }
}

fn at_most(scaling: &Node) -> Result<usize, TemplateError> {
    only(scaling, &["MaximumConcurrency"])?;
    let most = scaling.required("MaximumConcurrency")?;
    match most.number()? {
        number @ 2..=1000 => Ok(number as usize),
        _ => Err(most.error("a queue's function runs 2 to 1000 times at once")),
    }
}

fn reserved(node: &Node) -> Result<usize, TemplateError> {
    match node.number()? {
        0 => Err(node.error("a function that may run 0 times at once never runs")),
        number => Ok(number as usize),
    }
}

fn failures(properties: &Node) -> Result<Failures, TemplateError> {
    let Some(types) = properties.get("FunctionResponseTypes") else { return Ok(Failures::WholeBatch) };
    match types.list()? {
        [only] if only.text()? == "ReportBatchItemFailures" => Ok(Failures::Reported),
        _ => Err(types.error("ReportBatchItemFailures is the only response type there is")),
    }
}

fn rule(names: &Names, name: &str, properties: &Node) -> Result<Rule, TemplateError> {
    only(properties, &["EventBusName", "Description", "EventPattern", "Targets", "Name"])?;
    let pattern = properties.required("EventPattern")?;
    let targets = properties.required("Targets")?.list()?.iter().map(|target| {
        only(target, &["Id", "Arn", "DeadLetterConfig"])?;
        Ok(names.named(target.required("Arn")?, QUEUE)?.to_owned())
    });
    let bus = properties.required("EventBusName")?;
    if !names.is("AWS::Events::EventBus", bus.text()?) {
        return Err(bus.error(format!("no bus of this template is named {}", bus.text()?)));
    }
    Ok(Rule {
        name: name.to_owned(),
        bus: bus.text()?.to_owned(),
        pattern: Pattern::parse(&pattern.to_json()).map_err(|error| pattern.error(error.to_string()))?,
        queues: targets.collect::<Result<_, _>>()?,
    })
}

fn queue(names: &Names, name: String, properties: &Node) -> Result<Queue, TemplateError> {
    only(
        properties,
        &[
            "QueueName",
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "SqsManagedSseEnabled",
            "RedrivePolicy",
            "DelaySeconds",
        ],
    )?;
    let redrive = properties.get("RedrivePolicy").map(|policy| {
        only(policy, &["deadLetterTargetArn", "maxReceiveCount"])?;
        Ok(Redrive {
            dead_letter: names.named(policy.required("deadLetterTargetArn")?, QUEUE)?.to_owned(),
            max_receives: policy.required("maxReceiveCount")?.number()? as u32,
        })
    });
    Ok(Queue {
        name,
        visibility: seconds(properties.get("VisibilityTimeout"), 30)?,
        retention: seconds(properties.get("MessageRetentionPeriod"), 345_600)?,
        delay: properties.get("DelaySeconds").map_or(Ok(Duration::ZERO), delay)?,
        redrive: redrive.transpose()?,
    })
}

fn delay(node: &Node) -> Result<Duration, TemplateError> {
    match node.number()? {
        seconds @ 0..=MOST_DELAY => Ok(Duration::from_secs(seconds)),
        _ => Err(node.error("a message is delayed by 0 to 900 seconds")),
    }
}

fn table(name: String, properties: &Node) -> Result<Table, TemplateError> {
    only(
        properties,
        &[
            "TableName",
            "BillingMode",
            "AttributeDefinitions",
            "KeySchema",
            "GlobalSecondaryIndexes",
            "StreamSpecification",
            "TimeToLiveSpecification",
            "PointInTimeRecoverySpecification",
            "SSESpecification",
        ],
    )?;
    let mut create = json!({ "TableName": name });
    for property in ["BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
        if let Some(value) = properties.get(property) {
            create[property] = value.to_json();
        }
    }
    if let Some(stream) = properties.get("StreamSpecification") {
        only(stream, &["StreamViewType"])?;
        create["StreamSpecification"] =
            json!({ "StreamEnabled": true, "StreamViewType": stream.required("StreamViewType")?.text()? });
    }
    let expiry = properties.get("TimeToLiveSpecification").map(|expiry| {
        only(expiry, &["AttributeName", "Enabled"])?;
        let enabled = expiry.required("Enabled")?;
        match enabled.text()? {
            "true" => expiry.required("AttributeName")?.text(),
            _ => Err(enabled.error("a table without expiry has no TimeToLiveSpecification here")),
        }
    });
    Ok(Table { name, create, expiry: expiry.transpose()?.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_the_project() -> Wiring {
        read(crate::TEMPLATE, &BTreeMap::new()).unwrap()
    }

    #[test]
    fn the_projects_template_is_understood_whole() {
        let wiring = of_the_project();
        let mut binaries: Vec<_> = wiring.functions.iter().map(|function| function.binary.as_str()).collect();
        binaries.sort_unstable();
        assert_eq!(
            binaries,
            [
                "chat-identity",
                "chat-ledger",
                "chat-sweep",
                "chatwoot-webhook",
                "event-ingress",
                "feedback",
                "lifecycle",
                "notify",
                "price",
                "probe",
                "probe-plan",
                "score",
                "scores-api",
                "scrape",
                "scrape-plan",
                "uptime-seal",
                "yabs"
            ]
        );
        assert_eq!(wiring.function_urls, ["ChatwootWebhook"]);
        assert_eq!(
            (wiring.rules.len(), wiring.queue_triggers.len(), wiring.stream_triggers.len()),
            (5, 8, 2)
        );
        let chat = wiring.queues.iter().find(|queue| queue.name == "provider-trust-dev-chat").unwrap();
        assert_eq!(chat.redrive.as_ref().unwrap().dead_letter, "provider-trust-dev-chat-dead");
        assert!(wiring.routes.iter().any(|route| route.method == "POST" && route.path == "/v1/events"));
        let ledger = wiring.functions.iter().find(|function| function.binary == "chat-ledger").unwrap();
        assert_eq!(ledger.environment["TABLE_NAME"], "provider-trust-dev");
        let address = BTreeMap::from([(ADDRESS.to_owned(), "http://127.0.0.1:8787".to_owned())]);
        let here = read(crate::TEMPLATE, &address).unwrap();
        let lifecycle = here.functions.iter().find(|function| function.binary == "lifecycle").unwrap();
        assert_eq!(lifecycle.environment["API_URL"], "http://127.0.0.1:8787");
        assert_eq!(wiring.tables[0].create["StreamSpecification"]["StreamViewType"], "KEYS_ONLY");
    }

    #[test]
    fn every_queue_that_is_read_has_six_times_its_functions_time() {
        let wiring = of_the_project();
        for trigger in &wiring.queue_triggers {
            let function =
                wiring.functions.iter().find(|function| function.logical_name == trigger.function).unwrap();
            let queue = wiring.queues.iter().find(|queue| queue.name == trigger.queue).unwrap();
            assert!(queue.visibility >= function.timeout * 6, "{}", queue.name);
            assert!(queue.redrive.is_some(), "{}", queue.name);
        }
    }

    #[test]
    fn parameters_reach_the_names() {
        let parameters = BTreeMap::from([("Stage".to_owned(), "prod".to_owned())]);
        let wiring = read(crate::TEMPLATE, &parameters).unwrap();
        assert_eq!(wiring.tables[0].name, "provider-trust-prod");
    }

    #[test]
    fn what_the_stack_can_not_do_is_an_error_that_names_the_line() {
        let text = crate::TEMPLATE;
        for (from, to, what) in [
            ("Type: AWS::SNS::Topic", "Type: AWS::S3::Bucket", "the local stack has no AWS::S3::Bucket"),
            ("Type: SQS\n", "Type: Kinesis\n", "the local stack has no Kinesis events"),
            (
                "            BatchSize: 10\n",
                "            BatchSize: many\n",
                "a whole number is expected here",
            ),
            (
                "      VisibilityTimeout: 90\n",
                "      FifoQueue: true\n",
                "the local stack does not know FifoQueue here",
            ),
            ("rate(1 minute)", "rate(1 second)", "\"rate(1 second)\": a rate is"),
            (
                "source: [marketplace]",
                "source: [{ cidr: 10.0.0.0/8 }]",
                "$.source: the operator \"cidr\" is not known",
            ),
            (
                "AuthType: NONE",
                "AuthType: AWS_IAM",
                "the local stack knows Function URLs with AuthType NONE only",
            ),
            (
                "StartingPosition: TRIM_HORIZON",
                "StartingPosition: LATEST",
                "the local stack reads streams from",
            ),
            ("BUS_NAME: !Ref Bus", "BUS_NAME: !Ref Tram", "Tram is not in this template"),
            (
                "!Sub provider-trust-${Stage}\n      Description",
                "!Split [a]\n      Description",
                "the intrinsic function Split",
            ),
        ] {
            let broken = text.replacen(from, to, 1);
            assert_ne!(broken, text, "{from}");
            let line = 1 + broken[..broken.find(to).unwrap()].matches('\n').count();
            let error = read(&broken, &BTreeMap::new()).unwrap_err();
            assert!(error.what.starts_with(what), "{error}");
            assert_eq!(error.line, line, "{error}");
        }
    }

    #[test]
    fn what_is_no_yaml_is_an_error_that_names_the_line() {
        let error = read("Resources:\n  A: [1,\n", &BTreeMap::new()).unwrap_err();
        assert!(error.line >= 2, "{error}");
        assert!(read("", &BTreeMap::new()).is_err());
    }
}
