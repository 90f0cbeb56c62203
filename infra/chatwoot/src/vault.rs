//! Where the secret document is kept: in a file, for the local stack, or in Secrets Manager. Nothing is written that was not read
//! before: a document that can not be read is left alone.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use aws_sdk_secretsmanager::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
};
use lambda::secrets::ChatwootAccount;
use trust::id::{AccountId, InboxId};

use crate::document::{Document, NotOne};

/// What only a file's owner may do: read and write it.
const OWNER_ONLY: u32 = 0o600;

/// Where the local stack keeps what functions keep, beside its document.
const KEPT: &str = "kept-secrets.json";

/// Where the secret document is kept.
#[derive(Debug, Clone)]
pub enum Vault {
    /// In this file.
    File(PathBuf),
    /// In Secrets Manager, under this name.
    Manager(Client, String),
}

/// The document can not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// There is no such file.
    #[error("there is no file {}; `cargo run` makes one when it starts, or write {{}} into it", .0.display())]
    NoFile(PathBuf),
    /// The file can not be read or written.
    #[error("{}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What is there is no document. It is not overwritten.
    #[error("what is there is {0}; it is left as it is")]
    Unreadable(#[from] NotOne),
    /// There is no such secret.
    #[error("there is no secret {0}: deploy the stack first, which makes an empty one")]
    NoSecret(String),
    /// Secrets Manager did not do it.
    #[error("Secrets Manager: {0}")]
    Manager(String),
}

impl fmt::Display for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Manager(_, name) => write!(f, "the secret {name}"),
        }
    }
}

impl Vault {
    /// The document. A secret that was made and not filled yet is an empty one.
    pub async fn document(&self) -> Result<Document, VaultError> {
        let text = match self {
            Self::File(file) => read(file)?.ok_or_else(|| VaultError::NoFile(file.clone()))?,
            Self::Manager(client, name) => fetch(client, name).await?.unwrap_or_default(),
        };
        Ok(Document::read(&text)?)
    }

    /// Replaces the document.
    pub async fn write(&self, document: &Document) -> Result<(), VaultError> {
        match self {
            Self::File(file) => write(file, &document.text())
                .map_err(|source| VaultError::File { file: file.clone(), source }),
            Self::Manager(client, name) => {
                let put = client.put_secret_value().secret_id(name).secret_string(document.text()).send();
                match put.await {
                    Ok(_) => Ok(()),
                    Err(error) if is_missing(&error) => Err(VaultError::NoSecret(name.clone())),
                    Err(error) => Err(failed(&error)),
                }
            }
        }
    }

    /// What functions keep of an account and its inboxes beside the document. In Secrets Manager only what is kept of these inboxes
    /// is found.
    pub async fn of_account(
        &self,
        account: AccountId,
        inboxes: &[InboxId],
    ) -> Result<Option<ChatwootAccount>, VaultError> {
        let texts = match self {
            Self::File(file) => kept_of(account, &file.with_file_name(KEPT))?,
            Self::Manager(client, name) => {
                let itself = format!("{name}/chatwoot/{account}");
                let inboxes = inboxes.iter().map(|inbox| format!("{itself}/{inbox}"));
                let mut texts = Vec::new();
                for place in std::iter::once(itself.clone()).chain(inboxes) {
                    texts.extend(fetch(client, &place).await?);
                }
                texts
            }
        };
        let mut whole: Option<ChatwootAccount> = None;
        for text in texts {
            let part: ChatwootAccount = serde_json::from_str(&text)
                .map_err(|error| VaultError::Manager(format!("account {account}: {}", at_line(&error))))?;
            let whole = whole.get_or_insert_default();
            whole.webhook.extend(part.webhook);
            whole.identity.extend(part.identity);
        }
        Ok(whole)
    }

    /// Whether others on this machine may read it.
    pub fn is_open_to_others(&self) -> bool {
        match self {
            Self::File(file) => {
                fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
            }
            Self::Manager(..) => false,
        }
    }

    /// Lets nobody but its owner read it.
    pub fn close_to_others(&self) -> io::Result<()> {
        match self {
            Self::File(file) => fs::set_permissions(file, fs::Permissions::from_mode(OWNER_ONLY)),
            Self::Manager(..) => Ok(()),
        }
    }
}

/// What the local stack keeps of an account, in the file in which it keeps all that.
fn kept_of(account: AccountId, file: &Path) -> Result<Vec<String>, VaultError> {
    let Some(text) = read(file)? else { return Ok(Vec::new()) };
    let kept: BTreeMap<String, String> = serde_json::from_str(&text)
        .map_err(|error| VaultError::File { file: file.to_owned(), source: at_line(&error) })?;
    let itself = format!("/chatwoot/{account}");
    let its_inboxes = format!("{itself}/");
    let of_it = |name: &String| name.ends_with(&itself) || name.contains(&its_inboxes);
    Ok(kept.into_iter().filter(|(name, _)| of_it(name)).map(|(_, text)| text).collect())
}

/// The parser's own words could quote the document.
fn at_line(error: &serde_json::Error) -> io::Error {
    io::Error::other(format!("not the expected JSON (line {})", error.line()))
}

fn read(file: &Path) -> Result<Option<String>, VaultError> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(VaultError::File { file: file.to_owned(), source }),
    }
}

/// Under another name first, which only its owner may read: whoever is interrupted leaves the document as it was.
fn write(file: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let file = fs::canonicalize(file)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut written = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(OWNER_ONLY))
        .prefix(".secrets")
        .tempfile_in(folder)?;
    written.write_all(text.as_bytes())?;
    written.as_file().sync_all()?;
    written.persist(&file)?;
    Ok(())
}

async fn fetch(client: &Client, name: &str) -> Result<Option<String>, VaultError> {
    match client.get_secret_value().secret_id(name).send().await {
        Ok(output) => Ok(Some(output.secret_string().unwrap_or_default().to_owned())),
        // One that was never filled is answered like one that is not there.
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(failed(&error)),
    }
}

fn is_missing<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ResourceNotFoundException")
}

fn failed<E, R>(error: &SdkError<E, R>) -> VaultError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: fmt::Debug + 'static,
{
    let said = error.code().map(|code| format!("{code}: {}", error.message().unwrap_or_default()));
    VaultError::Manager(said.unwrap_or_else(|| DisplayErrorContext(error).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_replaced_as_a_whole_and_only_its_owner_may_read_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.json");
        fs::write(&file, r#"{"events": ["whsec_e"]}"#).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let link = directory.path().join("link.json");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let vault = Vault::File(link.clone());
        assert!(vault.is_open_to_others());
        let document = vault.document().await.unwrap();
        vault.write(&document).await.unwrap();
        assert!(!vault.is_open_to_others());
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link stays a link");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(vault.document().await.unwrap() == document);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_or_no_document_is_not_made_one() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("secrets.json");
        let vault = Vault::File(file.clone());
        assert!(matches!(vault.document().await, Err(VaultError::NoFile(_))));
        fs::write(&file, "[]").unwrap();
        assert!(matches!(vault.document().await, Err(VaultError::Unreadable(_))));
    }

    #[tokio::test]
    async fn what_the_local_stack_keeps_of_an_account_is_found_beside_the_document() {
        let directory = tempfile::tempdir().unwrap();
        let kept = r#"{"provider-trust-dev/chatwoot/17": "{\"webhook\": [\"x\"]}", "provider-trust-dev/chatwoot/7": "{\"webhook\": [\"y\"]}",
            "provider-trust-dev/chatwoot/7/3": "{\"identity\": {\"3\": \"z\"}}"}"#;
        fs::write(directory.path().join(KEPT), kept).unwrap();
        let vault = Vault::File(directory.path().join("secrets.json"));
        let own = vault.of_account(AccountId(7), &[]).await.unwrap().unwrap();
        assert_eq!((own.webhook.len(), own.webhook[0].expose()), (1, "y"));
        assert_eq!(own.identity[&InboxId(3)].expose(), "z");
        assert!(vault.of_account(AccountId(1), &[]).await.unwrap().is_none());
    }
}
