//! The command as a user runs it.

use std::path::Path;

use end_to_end::function::binary;

use super::{Fresh, OPENAI_KEY, front::Front};

/// The command as a user runs it.
struct Run {
    well: bool,
    output: String,
}

async fn run(arguments: &[&str], directory: &Path, environment: &[(&str, &str)]) -> Run {
    let mut command = tokio::process::Command::new(binary("chatwoot-setup").unwrap());
    let command =
        command.args(arguments).current_dir(directory).env_clear().envs(environment.iter().copied());
    let output = command.output().await.unwrap();
    let output_text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Run { well: output.status.success(), output: output_text }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_connects_and_looks_says_so_and_shows_no_secret() {
    let fresh = Fresh::start().await;
    let shared = fresh.operator.chatwoot.furnish("Marketplace").unwrap();
    fresh.operator.join(shared.account, &shared.administrator_token).await.unwrap();
    let (_, url) = Front::start(fresh.operator.chatwoot.base_url()).await;
    let directory = fresh.directory.path();
    std::fs::write(directory.join("token"), format!("{}\n", fresh.token())).unwrap();
    let account = shared.account.to_string();
    let common = [
        "--url",
        &url,
        "--secrets",
        "secrets.json",
        "--webhook-url",
        "http://127.0.0.1:9",
        "--shared-account",
        &account,
    ];
    let environment = [
        ("CHATWOOT_PLATFORM_TOKEN", fresh.operator.chatwoot.platform_token()),
        ("CHATWOOT_OPENAI_KEY", OPENAI_KEY),
    ];
    let arguments = [&["bootstrap", "--user-token-file", "token"][..], &common[..]].concat();
    let first = run(&arguments, directory, &environment).await;
    assert!(first.well, "{}", first.output);
    for words in [
        "done     account 1: attributes contract_id, offering_id, contract_url\n",
        "done     account 1: webhook 1 to http://127.0.0.1:9/1\n",
        "done     secrets.json: the operator and the webhook's secret of account 1 kept\n",
        "left     then: doctor, with the same options\n",
    ] {
        assert!(first.output.contains(words), "{}", first.output);
    }
    let second = run(&arguments, directory, &environment).await;
    assert!(
        second.well && second.output.contains("already  secrets.json has all of it\n"),
        "{}",
        second.output
    );
    assert!(!second.output.contains("done "), "{}", second.output);

    let looked = run(&[&["doctor"][..], &common[..]].concat(), directory, &[]).await;
    assert!(!looked.well);
    for words in [
        "ok       Chatwoot 4.18.0\n",
        "wrong    account 1: http://127.0.0.1:9/1 does not answer: ",
        "\n         mend: ",
        "\n1 wrong, 1 to look at\n",
    ] {
        assert!(looked.output.contains(words), "{words}: {}", looked.output);
    }

    let token = fresh.token();
    let document = fresh.document();
    let secret = document["chatwoot"]["1"]["webhook"][0].as_str().unwrap();
    for output in [&first.output, &second.output, &looked.output] {
        for hidden in
            [&token, fresh.operator.chatwoot.platform_token(), OPENAI_KEY, secret, &shared.hmac_token]
        {
            assert!(!output.contains(hidden), "{output}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_no_argument() {
    let directory = tempfile::tempdir().unwrap();
    for option in ["--user-token", "--platform-token", "--openai-key"] {
        let arguments = ["bootstrap", "--url", "http://127.0.0.1:9", "--secrets", "x", option, "s3cret"];
        let refused = run(&arguments, directory.path(), &[]).await;
        assert!(!refused.well && !refused.output.contains("s3cret"), "{}", refused.output);
    }
    let both = ["doctor", "--url", "http://127.0.0.1:9", "--secrets", "x", "--secret-id", "y"];
    assert!(!run(&both, directory.path(), &[]).await.well);
}
