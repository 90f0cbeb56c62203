//! The secret document: given as a file, or made up and kept in the data directory.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{Rng, RngExt, distr::Alphanumeric};
use serde_json::json;

/// Reads the document from a file, and checks that it is one.
pub fn read(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_json::from_str::<lambda::secrets::SecretDocument>(&text)
        .with_context(|| format!("{} is not a secret document", file.display()))?;
    Ok(text)
}

/// The document in this file, made up if there is none.
pub fn read_or_make(file: &Path) -> anyhow::Result<String> {
    if !file.exists() {
        let text = make(&mut rand::rng());
        write(file, &text).with_context(|| format!("writing {}", file.display()))?;
    }
    read(file)
}

/// Under another name first: whoever is interrupted leaves no half document behind.
fn write(file: &Path, text: &str) -> io::Result<()> {
    let part = file.with_extension("part");
    // What an interrupted start left would keep its own permissions.
    if part.exists() {
        fs::remove_file(&part)?;
    }
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    written.write_all(text.as_bytes())?;
    written.sync_all()?;
    fs::rename(part, file)
}

fn make(random: &mut impl Rng) -> String {
    let mut standard_webhooks = || {
        let mut key = [0_u8; 32];
        random.fill_bytes(&mut key);
        format!("whsec_{}", STANDARD.encode(key))
    };
    let (events, marketplace) = (standard_webhooks(), standard_webhooks());
    let webhook: String = random.sample_iter(Alphanumeric).take(24).map(char::from).collect();
    let document = json!({
        "events": [events],
        "marketplace": [marketplace],
        "chatwoot": { "1": { "webhook": [webhook] } },
    });
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_made_once_for_their_owner_only_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.json");
        let made = read_or_make(&file).unwrap();
        assert_eq!(read_or_make(&file).unwrap(), made);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "and nothing else is left");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let document: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert!(document["events"][0].as_str().unwrap().starts_with("whsec_"));
        assert_eq!(document["chatwoot"]["1"]["webhook"][0].as_str().unwrap().len(), 24);
    }

    #[test]
    fn a_file_that_is_no_secret_document_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.json");
        fs::write(&file, "{\"events\": 3}").unwrap();
        assert!(read_or_make(&file).is_err());
    }
}
