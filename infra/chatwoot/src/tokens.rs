//! Where tokens come from: a file, standard input, or the environment. Never from arguments.

use std::{
    fmt, fs,
    io::BufRead,
    path::{Path, PathBuf},
};

use lambda::{Environment, secrets::Secret};

/// What the operator has given us.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The access token of his user.
    pub user: Option<Secret>,
    /// The token of his platform app.
    pub platform: Option<Secret>,
    /// His OpenAI key.
    pub openai: Option<Secret>,
}

/// A token that may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// The access token of the operator's user.
    User,
    /// The token of his platform app.
    Platform,
    /// His OpenAI key.
    OpenAi,
}

impl Token {
    /// The option that names its file.
    pub fn option(self) -> &'static str {
        match self {
            Self::User => "--user-token-file",
            Self::Platform => "--platform-token-file",
            Self::OpenAi => "--openai-key-file",
        }
    }

    /// The variable that may hold it instead.
    pub fn variable(self) -> &'static str {
        match self {
            Self::User => "CHATWOOT_USER_TOKEN",
            Self::Platform => "CHATWOOT_PLATFORM_TOKEN",
            // Not OPENAI_API_KEY: that one is often there for something else.
            Self::OpenAi => "CHATWOOT_OPENAI_KEY",
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "the user's token",
            Self::Platform => "the platform token",
            Self::OpenAi => "the OpenAI key",
        })
    }
}

/// Why a token can not be had. Never says what was read.
#[derive(Debug, thiserror::Error)]
pub enum NoToken {
    /// The file can not be read.
    #[error("{token}: {} can not be read: {source}", .file.display())]
    Unreadable {
        /// Which token.
        token: Token,
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is there can not be sent as one.
    #[error("{0}: what is given is empty, or has spaces or other characters that no token has")]
    NotOne(Token),
}

/// Reads a token from its file if one is named (`-`: the next line of standard input), else from the environment.
pub fn read(
    token: Token,
    file: Option<&Path>,
    environment: &Environment,
    standard_input: &mut dyn BufRead,
) -> Result<Option<Secret>, NoToken> {
    let unreadable = |file: &Path, source| NoToken::Unreadable { token, file: file.to_owned(), source };
    let text = match file {
        Some(file) if file == Path::new("-") => {
            let mut line = String::new();
            standard_input.read_line(&mut line).map_err(|source| unreadable(file, source))?;
            line
        }
        Some(file) => fs::read_to_string(file).map_err(|source| unreadable(file, source))?,
        None => match environment.optional(token.variable()) {
            Some(text) => text.to_owned(),
            None => return Ok(None),
        },
    };
    let text = text.trim();
    let is_one = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_one { Ok(Some(Secret::new(text))) } else { Err(NoToken::NotOne(token)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variable: &str, value: &str) -> Environment {
        Environment::from_pairs([(variable.to_owned(), value.to_owned())])
    }

    #[test]
    fn a_file_comes_before_the_environment_and_a_dash_is_the_next_line_of_standard_input() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, "from-file\n").unwrap();
        let environment = with("CHATWOOT_USER_TOKEN", "from-environment");
        let mut lines: &[u8] = b"first\nsecond\n";
        let mut read = |file: Option<&Path>| {
            let read = read(Token::User, file, &environment, &mut lines).unwrap();
            read.map(|secret| secret.expose().to_owned())
        };
        assert_eq!(read(Some(&file)).as_deref(), Some("from-file"));
        assert_eq!(read(None).as_deref(), Some("from-environment"));
        let dash = Some(Path::new("-"));
        assert_eq!((read(dash).as_deref(), read(dash).as_deref()), (Some("first"), Some("second")));
    }

    #[test]
    fn what_is_no_token_is_refused_without_being_shown() {
        let nothing = Environment::default();
        assert!(read(Token::Platform, None, &nothing, &mut &b""[..]).unwrap().is_none());
        for text in ["two words", "", " ", "a\u{e9}", "a\nb"] {
            let directory = tempfile::tempdir().unwrap();
            let file = directory.path().join("token");
            fs::write(&file, text).unwrap();
            let error = read(Token::Platform, Some(&file), &nothing, &mut &b""[..]).unwrap_err().to_string();
            assert!(error.starts_with("the platform token: what is given is empty"), "{error}");
            assert!(!error.contains("words"));
        }
        let missing = read(Token::User, Some(Path::new("/nowhere/token")), &nothing, &mut &b""[..]);
        assert!(
            missing.unwrap_err().to_string().starts_with("the user's token: /nowhere/token can not be read")
        );
    }
}
