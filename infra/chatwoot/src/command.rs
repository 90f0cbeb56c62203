//! The command line.

use std::{collections::BTreeSet, io::BufRead, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use lambda::{Clients, Environment};
use reqwest::Url;
use trust::{id::AccountId, time::Moment};

use crate::{
    bootstrap::{Request, bootstrap},
    doctor::{Finding, Severity, doctor},
    place::{Place, Receiver},
    tokens::{Given, Token, read},
    vault::Vault,
};

/// Connects Provider Trust with a Chatwoot of yours, and says what is wrong with the connection.
#[derive(Debug, Parser)]
#[command(name = "chatwoot-setup")]
pub struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Look whether Chatwoot and the tokens will do, make what is to be there, and keep the tokens in the secret document. A second run
    /// changes nothing.
    Bootstrap(Inputs),
    /// Look at everything a message passes through, change nothing, and say how to mend what is wrong.
    Doctor(Inputs),
}

#[derive(Debug, Args)]
struct Inputs {
    /// Where Chatwoot is, such as <https://chat.example.com>.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    url: Url,
    /// Where Chatwoot's webhooks go: the stack's output `ChatwootWebhookUrl`; locally <http://127.0.0.1:8787/lambda-url/chatwoot-webhook>.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    webhook_url: Option<Url>,
    /// The account that all providers share. Without it each provider gets an account of his own.
    #[arg(long, value_name = "NUMBER", value_parser = account)]
    shared_account: Option<AccountId>,
    /// A further account, such as one the marketplace has made itself, or one whose webhook is to be made again. May be given several times.
    #[arg(long = "account", value_name = "NUMBER", value_parser = account)]
    accounts: Vec<AccountId>,
    #[command(flatten)]
    document: DocumentPlace,
    /// A file with the access token of the operator's user; - is the next line of standard input. Else the variable
    /// `CHATWOOT_USER_TOKEN`, else what the secret document has.
    #[arg(long, value_name = "FILE")]
    user_token_file: Option<PathBuf>,
    /// The same for the token of the operator's platform app; the variable is `CHATWOOT_PLATFORM_TOKEN`.
    #[arg(long, value_name = "FILE")]
    platform_token_file: Option<PathBuf>,
    /// The same for an OpenAI key, with which agents have replies suggested; the variable is `CHATWOOT_OPENAI_KEY`. It goes to Chatwoot
    /// and is kept nowhere else.
    #[arg(long, value_name = "FILE")]
    openai_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct DocumentPlace {
    /// The secret document of the local stack, such as .local/secrets.json.
    #[arg(long, value_name = "FILE")]
    secrets: Option<PathBuf>,
    /// The name of the secret document in Secrets Manager, such as provider-trust-dev. Needs `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and, where there is one, `AWS_SESSION_TOKEN`.
    #[arg(long, value_name = "NAME")]
    secret_id: Option<String>,
}

impl Command {
    /// Does it, prints a line for each thing, and answers whether all is well.
    pub async fn run(
        self,
        environment: &Environment,
        standard_input: &mut dyn BufRead,
        clock: fn() -> Moment,
        print: &mut dyn FnMut(&str),
    ) -> bool {
        let (Task::Bootstrap(inputs) | Task::Doctor(inputs)) = &self.task;
        let request = match inputs.request(environment, standard_input) {
            Ok(request) => request,
            Err(why) => {
                print(&format!("failed   {why}"));
                return false;
            }
        };
        match self.task {
            Task::Bootstrap(_) => bootstrap(&request, &mut |step| print(&step.to_string())).await,
            Task::Doctor(_) => {
                let mut counts = (0, 0);
                let mut told = |finding: Finding| {
                    counts.0 += usize::from(finding.severity == Severity::Wrong);
                    counts.1 += usize::from(finding.severity == Severity::Warning);
                    print(&finding.to_string());
                };
                doctor(&request, clock, &mut told).await;
                print(&format!("\n{} wrong, {} to look at", counts.0, counts.1));
                print(NOT_SEEN);
                counts.0 == 0
            }
        }
    }
}

/// What no request from outside can tell.
const NOT_SEEN: &str = "Not seen from here: whether Chatwoot's mail goes out (have it invite somebody), whether its worker works off its \
                        queue (docker compose ps), and backups.";

impl Inputs {
    fn request(
        &self,
        environment: &Environment,
        standard_input: &mut dyn BufRead,
    ) -> Result<Request, Box<dyn std::error::Error>> {
        let mut token =
            |token, file: &Option<PathBuf>| read(token, file.as_deref(), environment, standard_input);
        let given = Given {
            user: token(Token::User, &self.user_token_file)?,
            platform: token(Token::Platform, &self.platform_token_file)?,
            openai: token(Token::OpenAi, &self.openai_key_file)?,
        };
        let place = Place {
            chatwoot: self.url.clone(),
            receiver: self.webhook_url.clone().map(Receiver::at),
            shared: self.shared_account,
            others: self.accounts.iter().copied().collect::<BTreeSet<_>>(),
        };
        let vault = match (&self.document.secrets, &self.document.secret_id) {
            (Some(file), _) => Vault::File(file.clone()),
            (None, Some(name)) => Vault::Manager(Clients::new(environment)?.secrets_manager(), name.clone()),
            (None, None) => return Err("the secret document is named by --secrets or --secret-id".into()),
        };
        Ok(Request { place, given, vault })
    }
}

fn web_address(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let usable = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
    if usable {
        Ok(url)
    } else {
        Err("an address that begins with https:// or http:// is expected".to_owned())
    }
}

fn account(text: &str) -> Result<AccountId, String> {
    text.parse()
        .ok()
        .filter(|account: &AccountId| account.0 > 0)
        .ok_or_else(|| "an account's number is expected".to_owned())
}
