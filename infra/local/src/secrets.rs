//! Secrets: the operator's document, given as a file or made up and kept in the data directory, and what functions keep beside it.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::{Rng, RngExt, distr::Alphanumeric};
use serde_json::json;

/// The local end of Secrets Manager.
#[derive(Debug)]
pub struct Vault {
    kept: Mutex<BTreeMap<String, String>>,
    file: Option<PathBuf>,
}

impl Vault {
    /// The operator's secrets, each with this document, and what functions have kept in the file, if there is one.
    pub fn open(operators: &[String], document: &str, file: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut kept: BTreeMap<String, String> = match &file {
            Some(file) if file.exists() => serde_json::from_str(&fs::read_to_string(file)?)
                .with_context(|| format!("{} can not be read", file.display()))?,
            _ => BTreeMap::new(),
        };
        kept.extend(operators.iter().map(|name| (name.clone(), document.to_owned())));
        Ok(Self { kept: Mutex::new(kept), file })
    }

    /// The text of a secret.
    pub fn get(&self, name: &str) -> Option<String> {
        self.kept().get(name).cloned()
    }

    /// Keeps a secret, on disk where there is a file.
    pub fn keep(&self, name: &str, text: &str) -> io::Result<()> {
        let mut kept = self.kept();
        kept.insert(name.to_owned(), text.to_owned());
        match &self.file {
            // Functions keep theirs under names with a slash; the operator's document has its own file.
            Some(file) => {
                let own: BTreeMap<_, _> = kept.iter().filter(|(name, _)| name.contains('/')).collect();
                write(file, json!(own).to_string())
            }
            None => Ok(()),
        }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
pub(crate) fn write(file: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    let part = file.with_extension("part");
    // What an interrupted start left would keep its own permissions.
    if part.exists() {
        fs::remove_file(&part)?;
    }
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    written.write_all(text.as_ref())?;
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
    let mut bytes = || {
        let mut bytes = [0_u8; 32];
        random.fill_bytes(&mut bytes);
        STANDARD.encode(bytes)
    };
    let (seed, reports, feedback) = (bytes(), bytes(), bytes());
    let webhook: String = random.sample_iter(Alphanumeric).take(24).map(char::from).collect();
    let document = json!({
        "events": [events],
        "marketplace": [marketplace],
        "chatwoot": { "1": { "webhook": [webhook] } },
        "log": { "origin": "localhost/uptime", "seeds": [seed] },
        "reports": [reports],
        "feedback": [feedback],
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
    fn what_a_function_keeps_is_there_after_a_restart_and_the_operators_document_is_his_own() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("kept.json");
        let open = || Vault::open(&["main".to_owned()], "{}", Some(file.clone())).unwrap();
        let vault = open();
        vault.keep("main/chatwoot/7", "x").unwrap();
        assert_eq!(vault.get("main/chatwoot/8"), None);
        let again = open();
        assert_eq!(
            (again.get("main/chatwoot/7").as_deref(), again.get("main").as_deref()),
            (Some("x"), Some("{}"))
        );
        assert!(!fs::read_to_string(&file).unwrap().contains("\"main\""));
    }

    #[test]
    fn a_file_that_is_no_secret_document_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.json");
        fs::write(&file, "{\"events\": 3}").unwrap();
        assert!(read_or_make(&file).is_err());
    }
}
