//! AWS clients, built straight from the function's environment.
//!
//! Lambda puts region and credentials there for the lifetime of the process, so the SDK's provider chain (profiles, SSO, instance
//! metadata) would only cost start-up time and binary size. `AWS_ENDPOINT_URL_<SERVICE>` points a client elsewhere: at the
//! local stack, or at another emulator. `TABLE_REGION` and `QUEUE_REGION` are the regions of table and queue where those are not the
//! function's own: a vantage writes what it sees where everything is kept. Answers are small and come whole, so nothing watches over how fast they stream.
//!
//! AWS's own endpoints are certified by [Amazon Trust Services](https://www.amazontrust.com/repository/) alone. Its five roots are compiled
//! in: reading the hundred and more of the system is most of what a start would take. `AWS_CA_BUNDLE` names a file to trust instead.

use std::fs;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedHttpClient, StalledStreamProtectionConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};

use crate::{Environment, StartError};

/// The roots of Amazon Trust Services, of which the last expires in 2040 and the first in 2037.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-trust-services.pem");

/// What clients of all services share: connections, credentials, region.
#[derive(Debug, Clone)]
pub struct Clients {
    environment: Environment,
    region: Region,
    credentials: Credentials,
    http: SharedHttpClient,
}

macro_rules! client {
    ($clients:ident, $sdk:ident, $service:literal) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region($clients.region($service))
            .credentials_provider($clients.credentials.clone())
            .http_client($clients.http.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_endpoint_url($clients.endpoint($service));
        $sdk::Client::from_conf(config.build())
    }};
}

impl Clients {
    /// Clients with the region and credentials of this environment.
    pub fn new(environment: &Environment) -> Result<Self, StartError> {
        let credentials = Credentials::new(
            environment.required("AWS_ACCESS_KEY_ID")?,
            environment.required("AWS_SECRET_ACCESS_KEY")?,
            environment.optional("AWS_SESSION_TOKEN").map(str::to_owned),
            None,
            "environment",
        );
        Ok(Self {
            region: Region::new(environment.required("AWS_REGION")?.to_owned()),
            credentials,
            http: http(environment)?,
            environment: environment.clone(),
        })
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        client!(self, aws_sdk_dynamodb, "DYNAMODB")
    }

    /// An EventBridge client.
    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        client!(self, aws_sdk_eventbridge, "EVENTBRIDGE")
    }

    /// A Secrets Manager client.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        client!(self, aws_sdk_secretsmanager, "SECRETS_MANAGER")
    }

    /// An SQS client.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        client!(self, aws_sdk_sqs, "SQS")
    }

    fn region(&self, service: &str) -> Region {
        let elsewhere = match service {
            "DYNAMODB" => self.environment.optional("TABLE_REGION"),
            "SQS" => self.environment.optional("QUEUE_REGION"),
            _ => None,
        };
        elsewhere.map_or_else(|| self.region.clone(), |region| Region::new(region.to_owned()))
    }

    fn endpoint(&self, service: &str) -> Option<String> {
        let environment = &self.environment;
        let own = environment.optional(&format!("AWS_ENDPOINT_URL_{service}"));
        own.or_else(|| environment.optional("AWS_ENDPOINT_URL")).map(str::to_owned)
    }
}

fn http(environment: &Environment) -> Result<SharedHttpClient, StartError> {
    let trusted = match environment.optional("AWS_CA_BUNDLE") {
        Some(file) => fs::read(file)
            .map_err(|error| StartError::Unavailable(format!("the certificates in {file}: {error}")))?,
        None => AMAZON_ROOTS.to_vec(),
    };
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(trusted))
        .build()
        .map_err(|error| StartError::Unavailable(error.to_string()))?;
    Ok(Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vantage_asks_the_table_and_the_queue_of_its_home_region() {
        let settings = |more: &[(&str, &str)]| {
            let own =
                [("AWS_REGION", "eu-north-1"), ("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "s")];
            let all = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Clients::new(&Environment::from_pairs(all.collect::<Vec<_>>())).unwrap()
        };
        let regions = |clients: &Clients| {
            let (table, queue, bus) = (clients.dynamodb(), clients.sqs(), clients.eventbridge());
            let named = [table.config().region(), queue.config().region(), bus.config().region()];
            named.map(|region| region.unwrap().to_string())
        };
        assert_eq!(regions(&settings(&[])), ["eu-north-1"; 3]);
        let away = settings(&[("TABLE_REGION", "us-east-1"), ("QUEUE_REGION", "us-west-2")]);
        assert_eq!(regions(&away), ["us-east-1", "us-west-2", "eu-north-1"]);
    }
}
