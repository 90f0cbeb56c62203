//! That a name has the record it should have, as our name server sees it.
//!
//! Asked is always our own name server, so the guard has nothing to say about where the question goes; but it has about the
//! answer: a check of addresses would otherwise tell which names of a private network there are.

use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_resolver::proto::rr::{Name, RData, RecordType, rdata::TXT};

use crate::{
    connect::not_public,
    guard::{Host, Refusal},
    outcome::{Miss, Reason},
    prober::Prober,
};

/// What is asked about a name, and the answer that must be among the answers; any will do where none is given.
///
/// Names are compared without regard to case and to a dot at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// An address of version 4.
    A(Option<Ipv4Addr>),
    /// An address of version 6.
    Aaaa(Option<Ipv6Addr>),
    /// The name it stands for.
    Cname(Option<String>),
    /// A mail server's name, of whatever preference.
    Mx(Option<String>),
    /// A name server's name.
    Ns(Option<String>),
    /// A text, its parts joined (RFC 7208, section 3.3).
    Txt(Option<String>),
}

impl Prober {
    pub(crate) async fn dns(&self, name: &str, question: &Question) -> Result<(), Miss> {
        let name = name_to_ask(name)?;
        let records = self.names.records(&name, question.kind()).await?;
        for record in &records {
            if let Some(address) = record.data.ip_addr() {
                self.guard.check_address(address).map_err(not_public)?;
            }
        }
        if records.iter().any(|record| question.is_answered_by(&record.data)) {
            Ok(())
        } else {
            Err(Reason::Dns.into())
        }
    }
}

/// The name to ask about, which an address is not.
pub(crate) fn name_to_ask(text: &str) -> Result<String, Refusal> {
    match Host::read(text)? {
        Host::Name(name) => Ok(name),
        Host::Address(_) => Err(Refusal::Host),
    }
}

impl Question {
    fn kind(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::AAAA,
            Self::Cname(_) => RecordType::CNAME,
            Self::Mx(_) => RecordType::MX,
            Self::Ns(_) => RecordType::NS,
            Self::Txt(_) => RecordType::TXT,
        }
    }

    fn is_answered_by(&self, data: &RData) -> bool {
        match (self, data) {
            (Self::A(expected), RData::A(found)) => expected.is_none_or(|expected| expected == found.0),
            (Self::Aaaa(expected), RData::AAAA(found)) => expected.is_none_or(|expected| expected == found.0),
            (Self::Cname(expected), RData::CNAME(found)) => is_name(expected.as_deref(), &found.0),
            (Self::Mx(expected), RData::MX(found)) => is_name(expected.as_deref(), &found.exchange),
            (Self::Ns(expected), RData::NS(found)) => is_name(expected.as_deref(), &found.0),
            (Self::Txt(expected), RData::TXT(found)) => {
                expected.as_ref().is_none_or(|expected| text(found) == expected.as_bytes())
            }
            _ => false,
        }
    }
}

fn is_name(expected: Option<&str>, found: &Name) -> bool {
    let Some(expected) = expected else { return true };
    let bare = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    bare(expected) == bare(&found.to_ascii())
}

fn text(found: &TXT) -> Vec<u8> {
    found.txt_data.concat()
}
