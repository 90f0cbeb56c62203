//! Provider Trust and the operator's Chatwoot: connecting them, and finding out what is wrong between them.
//!
//! * [`bootstrap()`] is given Chatwoot's address and the operator's two tokens. It looks whether they will do, makes in Chatwoot what is
//!   to be there before a provider comes, and puts what functions need to know into the secret document. A second run changes nothing.
//! * [`doctor()`] looks at everything a message passes through, from Chatwoot's version to the receiver of its webhooks, changes
//!   nothing, and says of each thing that is wrong how to mend it.
//!
//! Tokens come from files, from the environment, from standard input or from the secret document, never from arguments, which everybody
//! on a machine can list. Nothing here prints a secret: what is printed is made of types that hold none.

pub mod bootstrap;
pub mod command;
pub mod doctor;
pub mod document;
pub mod place;
pub mod tokens;
pub mod vault;
pub mod version;
pub mod wire;

pub use bootstrap::bootstrap;
pub use doctor::doctor;
