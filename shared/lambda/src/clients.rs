//! AWS clients, built straight from the function's environment.
//!
//! Lambda puts region and credentials there for the lifetime of the process, so the SDK's provider chain (profiles, SSO, instance
//! metadata) would only cost start-up time and binary size. `AWS_ENDPOINT_URL_<SERVICE>` points a client elsewhere: at the
//! local stack, or at another emulator. Answers are small and come whole, so nothing watches over how fast they stream.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};

use crate::{Environment, StartError};

fn region(environment: &Environment) -> Result<Region, StartError> {
    Ok(Region::new(environment.required("AWS_REGION")?.to_owned()))
}

fn credentials(environment: &Environment) -> Result<Credentials, StartError> {
    Ok(Credentials::new(
        environment.required("AWS_ACCESS_KEY_ID")?,
        environment.required("AWS_SECRET_ACCESS_KEY")?,
        environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
        None,
        "environment",
    ))
}

fn endpoint(environment: &Environment, service: &str) -> Option<String> {
    environment
        .optional(&format!("AWS_ENDPOINT_URL_{service}"))
        .or_else(|| environment.optional("AWS_ENDPOINT_URL"))
        .map(str::to_owned)
}

/// A DynamoDB client.
pub fn dynamodb(environment: &Environment) -> Result<aws_sdk_dynamodb::Client, StartError> {
    let mut config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region(environment)?)
        .credentials_provider(credentials(environment)?)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint(environment, "DYNAMODB"));
    Ok(aws_sdk_dynamodb::Client::from_conf(config.build()))
}

/// An EventBridge client.
pub fn eventbridge(environment: &Environment) -> Result<aws_sdk_eventbridge::Client, StartError> {
    let mut config = aws_sdk_eventbridge::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region(environment)?)
        .credentials_provider(credentials(environment)?)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint(environment, "EVENTBRIDGE"));
    Ok(aws_sdk_eventbridge::Client::from_conf(config.build()))
}

/// A Secrets Manager client.
pub fn secrets_manager(environment: &Environment) -> Result<aws_sdk_secretsmanager::Client, StartError> {
    let mut config = aws_sdk_secretsmanager::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region(environment)?)
        .credentials_provider(credentials(environment)?)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(endpoint(environment, "SECRETS_MANAGER"));
    Ok(aws_sdk_secretsmanager::Client::from_conf(config.build()))
}
