//! Connecting a Chatwoot, and finding out what is wrong with a connection: what an operator's two commands do, say and leave alone.

mod bootstrap;
mod command;
mod damage;
mod doctor;
mod front;
mod world;

use std::{collections::BTreeSet, os::unix::fs::PermissionsExt, path::PathBuf};

use chatwoot_setup::{
    bootstrap::{Outcome, Request, Step},
    doctor::{Finding, Severity},
    place::{Place, Receiver},
    tokens::Given,
    vault::Vault,
};
use end_to_end::{
    chatwoot::{Clock, Counts},
    operator::Operator,
};
use lambda::{clock, secrets::Secret};
use serde_json::{Value, json};

/// Where webhooks go while nobody listens.
const WEBHOOKS: &str = "http://127.0.0.1:9";
const OPENAI_KEY: &str = "sk-of-the-operator-0123456789";

/// A Chatwoot that nobody has connected yet, and a local stack's secret document.
struct Fresh {
    operator: Operator,
    directory: tempfile::TempDir,
}

impl Fresh {
    async fn start() -> Self {
        let operator = Operator::start(Clock::wall()).await.unwrap();
        let fresh = Self { operator, directory: tempfile::tempdir().unwrap() };
        fresh.write(
            &json!({ "events": ["whsec_e"], "marketplace": ["whsec_m"], "somebody's": { "own": 1 } })
                .to_string(),
        );
        fresh
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("secrets.json")
    }

    fn write(&self, text: &str) {
        std::fs::write(self.file(), text).unwrap();
        std::fs::set_permissions(self.file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap()
    }

    fn document(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// All that is asked for, with the operator's two tokens.
    fn request(&self) -> Request {
        let place = Place {
            chatwoot: self.operator.chatwoot.base_url().parse().unwrap(),
            receiver: Some(Receiver::at(WEBHOOKS.parse().unwrap())),
            shared: None,
            others: BTreeSet::new(),
        };
        let given = Given {
            user: Some(Secret::new(self.token())),
            platform: Some(Secret::new(self.operator.chatwoot.platform_token())),
            openai: None,
        };
        Request { place, given, vault: Vault::File(self.file()) }
    }

    fn token(&self) -> String {
        token_of(&self.operator)
    }

    fn counts(&self) -> Counts {
        self.operator.chatwoot.counts()
    }

    /// What was asked of Chatwoot that changes something.
    fn changes(&self) -> Vec<String> {
        let requests = self.operator.chatwoot.requests();
        let changes = requests.iter().filter(|request| request.method != "GET");
        changes.map(|request| format!("{} {}", request.method, request.path)).collect()
    }
}

fn token_of(operator: &Operator) -> String {
    operator.secrets()["operator"]["token"].as_str().unwrap().to_owned()
}

async fn bootstrap(request: &Request) -> (bool, Vec<Step>) {
    let mut steps = Vec::new();
    let well = chatwoot_setup::bootstrap(request, &mut |step| steps.push(step)).await;
    (well, steps)
}

fn of(outcome: Outcome, steps: &[Step]) -> Vec<&str> {
    steps.iter().filter(|step| step.outcome == outcome).map(|step| step.what.as_str()).collect()
}

async fn doctor(request: &Request) -> Vec<Finding> {
    let mut findings = Vec::new();
    chatwoot_setup::doctor(request, clock::now, &mut |finding| findings.push(finding)).await;
    findings
}

fn complaints(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity != Severity::Ok).collect()
}
