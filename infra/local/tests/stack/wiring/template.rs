//! The project's template as the local stack sees it, and templates that are wrong: each is refused at the line that is.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use local_stack::{
    Options, Stack, Storage, TEMPLATE,
    template::{TemplateError, read},
    tokens::Keys,
    wiring::{Failures, Wiring},
};
use proptest::prelude::*;
use serde_json::json;

/// One function with each kind of trigger; a row of a table below breaks one line of it.
const SMALL: &str = r#"
Parameters:
  Stage: { Type: String, Default: dev }
  Free: { Type: String, Default: "" }
  Places: { Type: CommaDelimitedList, Default: "eu, us" }
Globals:
  Function:
    Timeout: 10
    Environment: { Variables: { RUST_LOG: info } }
Resources:
  Api: { Type: AWS::Serverless::HttpApi }
  Bus: { Type: AWS::Events::EventBus, Properties: { Name: !Sub "${Stage}-bus" } }
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: { source: [chat] }
      Targets: [{ Id: queue, Arn: !GetAtt Queue.Arn }]
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 60
      RedrivePolicy:
        deadLetterTargetArn: { Fn::GetAtt: [Dead, Arn] }
        maxReceiveCount: 3
  Dead: { Type: AWS::SQS::Queue, Properties: { QueueName: { Fn::Sub: "${Stage}-dead" } } }
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: { Ref: Stage }
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      StreamSpecification: { StreamViewType: KEYS_ONLY }
      TimeToLiveSpecification: { AttributeName: expires_at, Enabled: true }
  Work:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: work } }
    Properties:
      FunctionUrlConfig: { AuthType: NONE }
      Environment: { Variables: { TABLE: !Ref Table } }
      Events:
        Web: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: "/v1/{id}" } }
        Taken:
          Type: SQS
          Properties: { Queue: !GetAtt Queue.Arn }
        Seen:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BisectBatchOnFunctionError: true
            DestinationConfig:
              OnFailure: { Type: SQS, Destination: !GetAtt Dead.Arn }
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"]}'
        Often:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(5 minutes)
            Input: '{"refresh":"due"}'
"#;

fn with(parameters: &[(&str, &str)], text: &str) -> Result<Wiring, TemplateError> {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(text, &parameters)
}

/// Breaks one piece of the small template: the error must be on that line and begin with these words.
fn refused(rows: &[(&str, &str, &str)]) {
    for (from, to, expected) in rows {
        let at = SMALL.find(from).unwrap_or_else(|| panic!("{from} is not in the template"));
        let line = 1 + SMALL[..at].matches('\n').count();
        let broken = format!("{}{to}{}", &SMALL[..at], &SMALL[at + from.len()..]);
        match read(&broken, &BTreeMap::new()) {
            Ok(_) => panic!("{from} -> {to} was taken"),
            Err(error) => {
                assert!(error.what.starts_with(expected), "{from} -> {to}: {error}");
                assert_eq!(error.line, line, "{from} -> {to}: {error}");
                assert!(error.to_string().starts_with(&format!("template.yaml:{line}: ")), "{error}");
            }
        }
    }
}

#[test]
fn a_template_becomes_what_runs() {
    let wiring = with(&[], SMALL).unwrap();
    let work = &wiring.functions[0];
    assert_eq!(
        (work.logical_name.as_str(), work.binary.as_str(), work.timeout),
        ("Work", "work", Duration::from_secs(10))
    );
    assert_eq!(
        work.environment,
        BTreeMap::from([("RUST_LOG", "info"), ("TABLE", "dev")].map(|(n, v)| (n.to_owned(), v.to_owned())))
    );
    assert_eq!(wiring.function_urls, ["Work"]);
    assert_eq!((wiring.routes[0].method.as_str(), wiring.routes[0].path.as_str()), ("GET", "/v1/{id}"));
    assert_eq!(wiring.buses, ["dev-bus"]);
    assert_eq!(
        (wiring.rules[0].bus.as_str(), wiring.rules[0].queues.as_slice()),
        ("dev-bus", ["Queue".to_owned()].as_slice())
    );
    assert!(wiring.rules[0].pattern.matches(&json!({"source": "chat"})));
    let queue = &wiring.queues[0];
    assert_eq!(
        (queue.name.as_str(), queue.visibility, queue.retention),
        ("Queue", Duration::from_mins(1), Duration::from_hours(96))
    );
    let redrive = queue.redrive.as_ref().unwrap();
    assert_eq!((redrive.dead_letter.as_str(), redrive.max_receives), ("dev-dead", 3));
    let taken = &wiring.queue_triggers[0];
    assert_eq!((taken.queue.as_str(), taken.batch_size, taken.failures), ("Queue", 10, Failures::WholeBatch));
    assert_eq!(
        (wiring.tables[0].name.as_str(), wiring.tables[0].expiry.as_deref()),
        ("dev", Some("expires_at"))
    );
    assert_eq!(
        wiring.tables[0].create["StreamSpecification"],
        json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"})
    );
    let seen = &wiring.stream_triggers[0];
    assert_eq!(
        (seen.table.as_str(), seen.batch_size, seen.retries, seen.on_failure.as_deref()),
        ("dev", 100, None, Some("dev-dead"))
    );
    assert_eq!(wiring.schedule_triggers[0].input, json!({"refresh": "due"}));
}

#[test]
fn short_and_long_intrinsics_say_the_same() {
    for (short, long) in [
        ("!Ref Bus", "{ Ref: Bus }"),
        ("!GetAtt Queue.Arn", "{ Fn::GetAtt: [Queue, Arn] }"),
        ("!GetAtt Queue.Arn", "{ Fn::GetAtt: Queue.Arn }"),
        ("!GetAtt Queue.Arn", "!GetAtt [Queue, Arn]"),
        ("!Sub \"${Stage}-bus\"", "{ Fn::Sub: \"${Stage}-bus\" }"),
        ("!Ref Table }", "!Sub \"${Table}\" }"),
        ("!GetAtt Table.StreamArn", "!Sub \"${Table.StreamArn}\""),
    ] {
        assert!(SMALL.contains(short), "{short}");
        let other = with(&[], &SMALL.replace(short, long)).unwrap_or_else(|error| panic!("{long}: {error}"));
        assert_eq!(format!("{other:?}"), format!("{:?}", with(&[], SMALL).unwrap()), "{long}");
    }
}

#[test]
fn a_list_of_places_can_be_joined_and_given() {
    let place = |text: &str, given: &[(&str, &str)]| {
        let text = SMALL.replacen("TABLE: !Ref Table", &format!("TABLE: {text}"), 1);
        with(given, &text).unwrap().functions[0].environment["TABLE"].clone()
    };
    assert_eq!(place("!Join [\",\", !Ref Places]", &[]), "eu,us");
    assert_eq!(place("!Join [\",\", !Ref Places]", &[("Places", "ap,eu,us")]), "ap,eu,us");
    assert_eq!(place("{ Fn::Join: [\"/\", [a, !Ref Table, { Ref: Stage }]] }", &[]), "a/dev/dev");
}

#[test]
fn a_queue_is_known_by_its_url_its_arn_and_its_name() {
    let known_as = |text: &str| {
        let text = SMALL.replacen("TABLE: !Ref Table", &format!("TABLE: {text}"), 1);
        with(&[], &text).unwrap().functions[0].environment["TABLE"].clone()
    };
    for text in ["!Ref Dead", "!Sub \"${Dead}\"", "!GetAtt Dead.QueueUrl"] {
        assert_eq!(known_as(text), "https://sqs.us-east-1.localhost/000000000000/dev-dead", "{text}");
    }
    assert_eq!(known_as("!GetAtt Dead.Arn"), "arn:aws:sqs:us-east-1:000000000000:dev-dead");
    assert_eq!(known_as("!GetAtt Dead.QueueName"), "dev-dead");
}

#[test]
fn delays_and_limits_of_concurrency_are_read() {
    let text = SMALL
        .replacen("VisibilityTimeout: 60", "VisibilityTimeout: 60\n      DelaySeconds: 15", 1)
        .replacen("      FunctionUrlConfig:", "      ReservedConcurrentExecutions: 1\n      FunctionUrlConfig:", 1)
        .replacen(
            "{ Queue: !GetAtt Queue.Arn }",
            "{ Queue: !GetAtt Queue.Arn, BatchSize: 100, MaximumBatchingWindowInSeconds: 5, ScalingConfig: { MaximumConcurrency: 8 } }",
            1,
        );
    let wiring = with(&[], &text).unwrap();
    let delays: Vec<Duration> = wiring.queues.iter().map(|queue| queue.delay).collect();
    assert_eq!(delays, [Duration::from_secs(15), Duration::ZERO]);
    assert_eq!(wiring.functions[0].at_most, Some(1));
    let taken = &wiring.queue_triggers[0];
    assert_eq!((taken.batch_size, taken.window, taken.at_most), (100, Duration::from_secs(5), Some(8)));
    let plain = with(&[], SMALL).unwrap();
    assert_eq!((plain.functions[0].at_most, plain.queue_triggers[0].at_most), (None, None));
}

#[tokio::test]
async fn a_parameter_that_the_template_does_not_have_stops_the_start_and_is_named() {
    let error = with(&[("Stge", "prod")], SMALL).unwrap_err();
    assert_eq!(error.what, "there is no parameter Stge");
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        storage: Storage::Memory,
        secrets: "{}".to_owned(),
        parameters: BTreeMap::new(),
        keys: Keys::default(),
    };
    let start = Stack::start(options.with_parameter("Stage", "test").with_parameter("Stge", "prod"));
    assert!(start.await.unwrap_err().to_string().ends_with("there is no parameter Stge"));
}

#[test]
fn pseudo_parameters_have_local_values() {
    let text = SMALL.replacen("!Ref Table", "!Sub \"${AWS::Region} ${AWS::AccountId} ${AWS::Partition}\"", 1);
    assert_eq!(with(&[], &text).unwrap().functions[0].environment["TABLE"], "us-east-1 000000000000 aws");
}

#[test]
fn given_parameters_win_over_defaults() {
    let wiring = with(&[("Stage", "prod")], SMALL).unwrap();
    assert_eq!((wiring.tables[0].name.as_str(), wiring.buses[0].as_str()), ("prod", "prod-bus"));
}

#[test]
fn a_parameter_is_held_to_what_the_template_allows() {
    for (rule, good, bad, why) in [
        ("AllowedPattern: \"[a-z]{1,4}\"", "prod", "prod1", "does not match [a-z]{1,4}"),
        ("AllowedPattern: \"a|b\"", "b", "ab", "does not match a|b"),
        ("AllowedValues: [dev, prod]", "prod", "test", "is none of dev, prod"),
        ("MinLength: 4", "prod", "pro", "has fewer than 4 characters"),
        ("MaxLength: 4", "prod", "produ", "has more than 4 characters"),
    ] {
        let text = SMALL.replacen("Default: dev }", &format!("Default: dev, {rule} }}"), 1);
        let text = text.replacen("Default: dev,", &format!("Default: {good},"), 1);
        assert!(with(&[("Stage", good)], &text).is_ok(), "{rule}");
        let error = with(&[("Stage", bad)], &text).unwrap_err();
        assert_eq!((error.line, error.what), (3, format!("the parameter Stage {why}")), "{rule}");
    }
    let of_list = SMALL.replacen("\"eu, us\" }", "\"eu, us\", AllowedPattern: \"[a-z]{2}\" }", 1);
    assert!(with(&[("Places", "ap,eu")], &of_list).is_ok());
    assert!(with(&[("Places", "ap,europe")], &of_list).is_err());
    let number = SMALL.replacen(
        "Free: { Type: String, Default: \"\" }",
        "Free: { Type: Number, Default: 3, MinValue: 1, MaxValue: 9.5 }",
        1,
    );
    for (given, fits) in
        [("1", true), ("9.5", true), ("0", false), ("10", false), ("one", false), ("", false), ("NaN", false)]
    {
        assert_eq!(with(&[("Free", given)], &number).is_ok(), fits, "{given}");
    }
    let unreadable = SMALL.replacen("Default: dev }", "Default: dev, AllowedPattern: \"(?=a)\" }", 1);
    assert_eq!(with(&[], &unreadable).unwrap_err().what, "the local stack can not read this pattern");
}

#[test]
fn a_parameter_without_any_value_is_refused() {
    let text = SMALL.replacen(", Default: dev", "", 1);
    assert_eq!(with(&[], &text).unwrap_err().line, 3);
    assert!(with(&[("Stage", "test")], &text).is_ok());
}

#[test]
fn what_is_not_known_is_refused_at_its_line() {
    refused(&[
        ("Globals:", "Conditions: { A: b }\nGlobals:", "the local stack does not know Conditions here"),
        (
            "Api: { Type: AWS::Serverless::HttpApi }",
            "Api: { Type: AWS::Serverless::Api }",
            "the local stack has no AWS::Serverless::Api",
        ),
        (
            "Api: { Type: AWS::Serverless::HttpApi }",
            "Api: { Type: AWS::Serverless::HttpApi, Condition: A }",
            "the local stack does not know Condition here",
        ),
        (
            "Name: !Sub \"${Stage}-bus\"",
            "EventSourceName: x",
            "the local stack does not know EventSourceName here",
        ),
        (
            "EventPattern: {",
            "ScheduleExpression: rate(1 day)\n      EventPattern: {",
            "the local stack does not know ScheduleExpression here",
        ),
        ("Id: queue,", "Id: queue, InputPath: $.detail,", "the local stack does not know InputPath here"),
        ("VisibilityTimeout: 60", "ContentBasedDeduplication: true", "the local stack does not know Content"),
        ("maxReceiveCount: 3", "maxReceiveCounts: 3", "the local stack does not know maxReceiveCounts here"),
        (
            "KeySchema: [",
            "LocalSecondaryIndexes: []\n      KeySchema: [",
            "the local stack does not know LocalSecondaryIndexes here",
        ),
        (
            "FunctionUrlConfig: { AuthType: NONE }",
            "FunctionUrlConfig: { AuthType: NONE, Cors: true }",
            "the local stack does not know Cors here",
        ),
        (
            "FunctionUrlConfig:",
            "VpcConfig: x\n      FunctionUrlConfig:",
            "the local stack does not know VpcConfig here",
        ),
        ("Timeout: 10", "Layers: []", "the local stack does not know Layers here"),
        // Read from the function alone, so in common they would be taken and do nothing.
        ("Timeout: 10", "FunctionUrlConfig: { AuthType: NONE }", "the local stack does not know FunctionUrl"),
        ("Timeout: 10", "Events: {}", "the local stack does not know Events here"),
        ("Default: dev }", "Default: dev, Pattern: x }", "the local stack does not know Pattern here"),
        (
            "Method: get,",
            "Method: get, TimeoutInMillis: 1,",
            "the local stack does not know TimeoutInMillis here",
        ),
        (
            "Queue: !GetAtt Queue.Arn }",
            "Queue: !GetAtt Queue.Arn, Enabled: false }",
            "the local stack does not know Enabled here",
        ),
        (
            "StartingPosition: TRIM_HORIZON",
            "ParallelizationFactor: 2",
            "the local stack does not know ParallelizationFactor here",
        ),
        (
            "Input: '{\"refresh\":\"due\"}'",
            "ScheduleExpressionTimezone: Europe/Paris",
            "the local stack does not know ScheduleExpressionTimezone here",
        ),
    ]);
}

#[test]
fn what_can_not_be_is_refused_at_its_line() {
    refused(&[
        ("!Sub \"${Stage}-bus\"", "!Select [0, [b]]", "the intrinsic function Select is not known here"),
        ("!Sub \"${Stage}-bus\"", "!Join [a]", "Join takes what goes between and a list"),
        ("!Sub \"${Stage}-bus\"", "!Join [a, b]", "a list is expected here"),
        ("!Sub \"${Stage}-bus\"", "!Join [a, [[b]]]", "a plain value is expected here"),
        ("!Sub \"${Stage}-bus\"", "!Sub \"${Places}\"", "Places is not in this template"),
        ("!Ref Table }", "!Ref Places }", "a plain value is expected here"),
        ("Type: CommaDelimitedList", "Type: List<Number>", "the local stack has no parameters of type List"),
        (
            "!Sub \"${Stage}-bus\"",
            "{ Fn::ImportValue: x }",
            "the intrinsic function ImportValue is not known here",
        ),
        ("!Sub \"${Stage}-bus\"", "!Sub \"${Stage\"", "${ without }"),
        ("!Sub \"${Stage}-bus\"", "!Sub \"${Age}-bus\"", "Age is not in this template"),
        ("!Ref Table }", "!Ref Chair }", "Chair is not in this template"),
        ("!Ref Table }", "!GetAtt Table.Colour }", "Table.Colour is not in this template"),
        ("!Ref Table }", "!Ref AWS::NoValue }", "AWS::NoValue is not in this template"),
        ("{ source: [chat] }", "{ source: chat }", "$.source: a field holds a list"),
        (
            "{ source: [chat] }",
            "{ source: [{ cidr: 10.0.0.0/8 }] }",
            "$.source: the operator \"cidr\" is not known",
        ),
        ("'{\"eventName\":[\"INSERT\"]}'", "'{\"eventName\":'", "not JSON: "),
        (
            "'{\"eventName\":[\"INSERT\"]}'",
            "'{\"eventName\":[{\"is\":1}]}'",
            "$.eventName: the operator \"is\" is not known",
        ),
        ("'{\"refresh\":\"due\"}'", "due", "not JSON: "),
        ("rate(5 minutes)", "rate(5 fortnights)", "\"rate(5 fortnights)\""),
        ("rate(5 minutes)", "cron(0 10 L * ? *)", "\"cron(0 10 L * ? *)\""),
        ("VisibilityTimeout: 60", "VisibilityTimeout: soon", "a whole number is expected here"),
        ("VisibilityTimeout: 60", "VisibilityTimeout: -1", "a whole number is expected here"),
        ("VisibilityTimeout: 60", "VisibilityTimeout: [60]", "a plain value is expected here"),
        ("Timeout: 10", "Timeout: 1.5", "a whole number is expected here"),
        ("Type: SQS\n", "Type: SNS\n", "the local stack has no SNS events"),
        (
            "AuthType: NONE",
            "AuthType: AWS_IAM",
            "the local stack knows Function URLs with AuthType NONE only",
        ),
        (
            "StartingPosition: TRIM_HORIZON",
            "StartingPosition: LATEST",
            "the local stack reads streams from TRIM_HORIZON only",
        ),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !GetAtt Queue.Arn, BatchSize: 0 }",
            "a batch has 1 to 10000 items",
        ),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !GetAtt Queue.Arn, FunctionResponseTypes: [All] }",
            "ReportBatchItemFailures is the only response type",
        ),
        ("Properties: { Queue: !GetAtt Queue.Arn }", "Properties: { BatchSize: 1 }", "Queue is missing"),
        ("Arn: !GetAtt Queue.Arn }]", "Arn: !GetAtt Work.Arn }]", "the "),
        (
            "    VisibilityTimeout: 60",
            "    VisibilityTimeout: 60, VisibilityTimeout: 60",
            "mapping values are not allowed",
        ),
        ("Type: String, Default: dev", "Type: String, Default: dev, Default: x", "Default stands here twice"),
    ]);
}

#[test]
fn what_would_be_something_else_when_deployed_is_refused_at_its_line() {
    refused(&[
        ("EventBusName: !Ref Bus", "EventBusName: other", "no bus of this template is named other"),
        (
            "Arn: !GetAtt Queue.Arn }]",
            "Arn: !GetAtt Table.Arn }]",
            "the ARN of an AWS::SQS::Queue of this template is expected here",
        ),
        (
            "Arn: !GetAtt Queue.Arn }]",
            "Arn: \"arn:aws:sqs:us-east-1:1:other\" }]",
            "the ARN of an AWS::SQS::Queue of this template is expected here",
        ),
        (
            "deadLetterTargetArn: { Fn::GetAtt: [Dead, Arn] }",
            "deadLetterTargetArn: !Ref Dead",
            "the ARN of an AWS::SQS::Queue",
        ),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !Ref Queue }",
            "the ARN of an AWS::SQS::Queue",
        ),
        ("Stream: !GetAtt Table.StreamArn", "Stream: !Ref Table", "the ARN of an AWS::DynamoDB::Table"),
        ("OnFailure: { Type: SQS,", "OnFailure: { Type: SNS,", "the local stack has no SNS destinations"),
        ("Destination: !GetAtt Dead.Arn", "Destination: !GetAtt Bus.Arn", "the ARN of an AWS::SQS::Queue"),
        ("OnFailure: {", "OnSuccess: {", "the local stack does not know OnSuccess here"),
        ("Filters:", "Filter:", "the local stack does not know Filter here"),
        ("Enabled: true", "Enabled: false", "a table without expiry has no TimeToLiveSpecification here"),
        (
            "{ StreamViewType: KEYS_ONLY }",
            "{ StreamViewType: KEYS_ONLY, ResourcePolicy: x }",
            "the local stack does not know ResourcePolicy here",
        ),
        (
            "BisectBatchOnFunctionError: true",
            "BisectBatchOnFunctionError: false",
            "the local stack halves a stream's batch that fails",
        ),
        ("EventPattern:", "State: DISABLED\n      EventPattern:", "the local stack does not know State here"),
        (
            "Type: AWS::Serverless::HttpApi }",
            "Type: AWS::Serverless::HttpApi, Properties: { StageName: v2 } }",
            "the local stack does not know StageName here",
        ),
        (
            "{ AuthType: NONE }",
            "{ AuthType: NONE, InvokeMode: RESPONSE_STREAM }",
            "the local stack does not know InvokeMode here",
        ),
        (
            "FunctionUrlConfig:",
            "ReservedConcurrentExecutions: 0\n      FunctionUrlConfig:",
            "a function that may run 0 times at once never runs",
        ),
        ("VisibilityTimeout: 60", "DelaySeconds: 901", "a message is delayed by 0 to 900 seconds"),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !GetAtt Queue.Arn, ScalingConfig: { MaximumConcurrency: 1 } }",
            "a queue's function runs 2 to 1000 times at once",
        ),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !GetAtt Queue.Arn, BatchSize: 11 }",
            "a queue's batch of more than 10 needs MaximumBatchingWindowInSeconds",
        ),
        (
            "Properties: { Queue: !GetAtt Queue.Arn }",
            "Properties: { Queue: !GetAtt Queue.Arn, MaximumBatchingWindowInSeconds: 301 }",
            "a batch is gathered for 0 to 300 seconds",
        ),
        ("VisibilityTimeout: 60", "Tags:\n        - Key: a", "the local stack does not know Tags here"),
    ]);
}

#[test]
fn the_same_property_twice_is_refused_at_the_second() {
    let text = SMALL.replacen(
        "      VisibilityTimeout: 60\n",
        "      VisibilityTimeout: 60\n      VisibilityTimeout: 90\n",
        1,
    );
    let error = with(&[], &text).unwrap_err();
    let line = 1 + text[..text.find("VisibilityTimeout: 90").unwrap()].matches('\n').count();
    assert_eq!((error.line, error.what.as_str()), (line, "VisibilityTimeout stands here twice"));
}

#[test]
fn the_projects_functions_are_the_crates_of_the_functions_folder() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    let folders: BTreeSet<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let binaries: BTreeSet<String> =
        with(&[], TEMPLATE).unwrap().functions.into_iter().map(|function| function.binary).collect();
    assert_eq!(binaries, folders);
}

#[test]
fn the_projects_queues_keep_what_nobody_could_handle() {
    let wiring = with(&[], TEMPLATE).unwrap();
    for trigger in &wiring.queue_triggers {
        let queue = wiring.queues.iter().find(|queue| queue.name == trigger.queue).unwrap();
        let redrive = queue.redrive.as_ref().unwrap();
        let dead = wiring.queues.iter().find(|queue| queue.name == redrive.dead_letter).unwrap();
        assert!(dead.retention > queue.retention, "{}: time to look at what died", dead.name);
        // A minute that is over is not seen by trying for longer.
        let least = if queue.name.ends_with("-probe") { 2 } else { 3 };
        assert!(redrive.max_receives >= least, "{}", queue.name);
        assert_eq!(trigger.failures, Failures::Reported);
    }
    for trigger in &wiring.stream_triggers {
        assert!(wiring.queues.iter().any(|queue| Some(&queue.name) == trigger.on_failure.as_ref()));
        assert!(trigger.retries.is_some(), "a record nobody can handle must not stop the stream for good");
        assert_eq!(trigger.failures, Failures::Reported);
    }
}

#[test]
fn every_dead_letter_queue_of_the_project_has_an_alarm() {
    let dead = TEMPLATE
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix("DeadLetters:"))
        .collect::<Vec<_>>();
    assert!(!dead.is_empty());
    for name in dead {
        assert!(TEMPLATE.contains(&format!("Value: !GetAtt {name}DeadLetters.QueueName")), "{name}");
    }
}

#[test]
fn the_projects_rules_part_the_events() {
    let wiring = with(&[], TEMPLATE).unwrap();
    let takers = |source: &str, kind: &str| {
        let event = json!({"source": source, "detail-type": kind, "detail": {}});
        wiring
            .rules
            .iter()
            .filter(|rule| rule.pattern.matches(&event))
            .flat_map(|rule| rule.queues.clone())
            .collect::<Vec<_>>()
    };
    for kind in [
        "provider.registered",
        "offering.published",
        "contract.requested",
        "contract.provisioning-failed",
        "provider.checked-in",
    ] {
        assert_eq!(takers("marketplace", kind), ["provider-trust-dev-marketplace"], "{kind}");
        assert!(takers("chat", kind).is_empty(), "{kind}");
    }
    for kind in ["message.created", "message.updated", "conversation.created", "conversation.status-changed"]
    {
        assert_eq!(takers("chat", kind), ["provider-trust-dev-chat"], "{kind}");
        assert!(takers("marketplace", kind).is_empty(), "{kind}");
    }
    for kind in ["provider.reply-due", "provider.reply-overdue"] {
        assert_eq!(takers("trust", kind), ["provider-trust-dev-notes"], "{kind}");
    }
    for kind in ["provider.went-silent", "provider.silence-critical", "provider.responded"] {
        assert_eq!(takers("trust", kind), ["provider-trust-dev-notify"], "{kind}");
        assert!(
            takers("marketplace", kind).iter().all(|queue| queue != "provider-trust-dev-notify"),
            "{kind}"
        );
    }
    for kind in ["provider.chat-wanted", "contract.chat-wanted", "account.linked"] {
        assert_eq!(takers("trust", kind), ["provider-trust-dev-setup"], "{kind}");
    }
}

#[test]
fn only_what_a_score_is_made_of_wakes_the_score() {
    let wiring = with(&[], TEMPLATE).unwrap();
    let wakes = |pk: &str, sk: &str| {
        let record = json!({"eventName": "MODIFY", "dynamodb": {"Keys": {"pk": {"S": pk}, "sk": {"S": sk}}}});
        wiring.stream_triggers[0].filters.iter().any(|filter| filter.matches(&record))
    };
    for sk in ["profile", "renters", "signal#2026-11-23#c"] {
        assert!(wakes("provider#alpha", sk), "{sk}");
        assert!(!wakes("chat#1#7", sk), "{sk}");
    }
    // Or the score's own writes would wake it for ever.
    assert!(!wakes("provider#alpha", "summary"));
    assert!(!wakes("provider#alpha", "profiles"));
    assert!(!wakes("history#alpha", "2026-11-23"));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(at in 0..SMALL.len(), length in 0_usize..40, instead in "[-:{}\\[\\]!&*#'\"a-z0-9 \n]{0,12}") {
        let (from, to) = (SMALL.floor_char_boundary(at), SMALL.floor_char_boundary((at + length).min(SMALL.len())));
        let broken = format!("{}{instead}{}", &SMALL[..from], &SMALL[to..]);
        if let Err(error) = read(&broken, &BTreeMap::new()) {
            prop_assert!(error.line <= 2 + broken.matches('\n').count(), "{}", error);
        }
    }
}
