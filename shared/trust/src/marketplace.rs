//! What the marketplace tells us: CloudEvents 1.0 about providers, offerings and contracts.
//!
//! The JSON Schemas in `events/schemas/` say the same for senders; these types are what the code reads.

use std::{collections::BTreeSet, num::NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::{
    id::{
        AccountId, ContractId, ConversationId, InboxId, OfferingId, OperatorId, ProviderId, Region, RenterId,
    },
    offering::{Specification, Tariff},
    replies::{Promise, SilentAfter},
    source::mapping::Domain,
    text::{Name, Website},
    time::Moment,
    uptime::{monitor::Endpoint, sla::Sla, span::Span},
};

/// The `source` of marketplace events on the bus.
pub const SOURCE: &str = "marketplace";

/// One marketplace event: a CloudEvent whose `type` and `data` are among those we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketplaceEvent {
    /// The sender's id of the event; with `source` it is unique.
    pub id: String,
    /// Which part of the marketplace says so.
    pub source: String,
    /// Always `1.0`.
    pub specversion: String,
    /// When it happened. Facts are dated by this, never by arrival.
    pub time: Moment,
    /// What happened.
    #[serde(flatten)]
    pub happened: Happened,
}

/// What happened: the CloudEvent's `type` and `data`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Happened {
    /// A provider joined.
    #[serde(rename = "provider.registered")]
    ProviderRegistered(Profile),
    /// A provider's profile changed; carries the whole profile.
    #[serde(rename = "provider.updated")]
    ProviderUpdated(Profile),
    /// A provider proved to be around.
    #[serde(rename = "provider.checked-in")]
    ProviderCheckedIn {
        /// The provider.
        provider_id: ProviderId,
    },
    /// An offering can be rented.
    #[serde(rename = "offering.published")]
    OfferingPublished(Offering),
    /// An offering can no longer be rented.
    #[serde(rename = "offering.withdrawn")]
    OfferingWithdrawn {
        /// The provider.
        provider_id: ProviderId,
        /// The offering.
        offering_id: OfferingId,
    },
    /// A renter asked for a contract, and paid or committed to pay. A request never paid for is no contract and is not sent.
    #[serde(rename = "contract.requested")]
    ContractRequested(Terms),
    /// The contract was accepted.
    #[serde(rename = "contract.accepted")]
    ContractAccepted {
        /// The contract.
        contract_id: ContractId,
        /// By a person of the provider, or by rule.
        by: AcceptedBy,
        /// The conversation the marketplace opened for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
    },
    /// The provider declined.
    #[serde(rename = "contract.rejected")]
    ContractRejected {
        /// The contract.
        contract_id: ContractId,
    },
    /// The service was handed over.
    #[serde(rename = "contract.provisioned")]
    ContractProvisioned {
        /// The contract.
        contract_id: ContractId,
        /// The conversation the marketplace opened for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationId>,
        /// What of the service is to be watched.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        endpoints: Vec<Endpoint>,
        /// The uptime it promises.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sla: Option<Sla>,
    },
    /// What of the service is to be watched from now on, in place of what was.
    #[serde(rename = "contract.monitors-set")]
    ContractMonitorsSet {
        /// The contract.
        contract_id: ContractId,
        /// All endpoints.
        monitors: Vec<Endpoint>,
        /// Work that is announced for all of them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        maintenance: Vec<Span>,
    },
    /// The service could not be handed over.
    #[serde(rename = "contract.provisioning-failed")]
    ContractProvisioningFailed {
        /// The contract.
        contract_id: ContractId,
    },
    /// The contract ran its term.
    #[serde(rename = "contract.completed")]
    ContractCompleted {
        /// The contract.
        contract_id: ContractId,
    },
    /// The contract ended before its term.
    #[serde(rename = "contract.cancelled")]
    ContractCancelled {
        /// The contract.
        contract_id: ContractId,
        /// Who ended it.
        by: CancelledBy,
        /// What the provider was waited for in vain, where the marketplace ended it for that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<InVain>,
    },
    /// The contract's end moved.
    #[serde(rename = "contract.extended")]
    ContractExtended {
        /// The contract.
        contract_id: ContractId,
        /// The new end.
        ends_at: Moment,
    },
}

/// A provider's profile, as the marketplace shows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Profile {
    /// The provider.
    pub provider_id: ProviderId,
    /// His name.
    pub name: Name,
    /// The account behind several providers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<OperatorId>,
    /// His website.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
    /// Where renters talk to him, where the marketplace has set that up itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatPlace>,
    /// Who answers renters for him.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub agents: BTreeSet<Agent>,
}

impl Profile {
    /// Where his website is, as he says; `None` where he names none that others could name as well.
    pub fn domain(&self) -> Option<Domain> {
        Domain::of_website(self.website.as_ref()?.as_str())
    }
}

/// A person who answers renters. Never published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Agent {
    /// Where Chatwoot sends the invitation.
    pub email: Email,
    /// Under which name renters see him.
    pub name: String,
}

/// A mail address, in lower case, as Chatwoot keeps it. It is checked for its form only: the mail that goes there is the proof.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

/// A text that is no mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address")]
pub struct InvalidEmail;

impl Email {
    /// The longest address (RFC 5321, 4.5.3.1.3, less the brackets).
    const LONGEST: usize = 254;

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;
    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        let printable = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        let sides = text.rsplit_once('@');
        let sound = sides.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
        if printable && sound && text.len() <= Self::LONGEST {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(InvalidEmail)
        }
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

/// Hides the address, so that no log line can hold it.
impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(…)")
    }
}

/// Where in Chatwoot a provider's conversations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChatPlace {
    /// The Chatwoot account.
    pub account: AccountId,
    /// The inbox, where several providers share the account; the whole account where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<InboxId>,
}

/// What can be rented.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Offering {
    /// The provider.
    pub provider_id: ProviderId,
    /// The offering.
    pub offering_id: OfferingId,
    /// Its name.
    pub name: Name,
    /// What it costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The machine it is said to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<Specification>,
    /// The terms of its price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Tariff>,
}

/// The terms of a contract, as requested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Terms {
    /// The contract.
    pub contract_id: ContractId,
    /// Who offers.
    pub provider_id: ProviderId,
    /// Who rents.
    pub renter_id: RenterId,
    /// What is rented.
    pub offering_id: OfferingId,
    /// For how long, in seconds.
    pub term_seconds: NonZeroU32,
    /// For how much.
    pub price: Money,
    /// Within which time the provider promises to reply; 4 h where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_within_seconds: Option<Promise>,
    /// Without a reply for how long he counts as silent; 24 h where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_after_seconds: Option<SilentAfter>,
    /// The conversation the marketplace opened for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
}

/// An amount of money in minor units: cents, or whatever part of its unit a currency counts in (ISO 4217).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub minor_units: u64,
    /// ISO 4217.
    pub currency: Currency,
}

/// An ISO 4217 code: three capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EURO: Self = Self(*b"EUR");
    /// The US dollar.
    pub const US_DOLLAR: Self = Self(*b"USD");
}

/// A text that is no ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three capital letters (ISO 4217)")]
pub struct InvalidCurrency;

impl TryFrom<String> for Currency {
    type Error = InvalidCurrency;
    fn try_from(text: String) -> Result<Self, InvalidCurrency> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Self(code)),
            _ => Err(InvalidCurrency),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.0.iter().map(|&letter| char::from(letter)).collect()
    }
}

/// Who accepted a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AcceptedBy {
    /// A person of the provider.
    Provider,
    /// A rule: says nothing of how fast the provider responds.
    Auto,
}

/// Who cancelled a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelledBy {
    /// The renter: no fault of the provider in itself.
    Renter,
    /// The provider.
    Provider,
    /// The marketplace: fraud, chargeback, takedown, or because the provider was waited for in vain.
    Marketplace,
}

/// What a provider was waited for in vain: why a marketplace with a shorter patience than ours ends a contract. Only the marketplace can say
/// so; a renter who could would harm whomever he likes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InVain {
    /// For an answer to the request.
    NoResponse,
    /// For the handover of what was accepted.
    NotDelivered,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cloud_event_reads_into_what_happened_and_writes_back_the_same() {
        let json = json!({
            "specversion": "1.0", "id": "e1", "source": "/contracts", "time": "2026-11-01T10:00:00Z",
            "type": "contract.cancelled", "data": {"contract_id": "c1", "by": "provider"}
        });
        let event: MarketplaceEvent = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(
            event.happened,
            Happened::ContractCancelled {
                contract_id: "c1".parse().unwrap(),
                by: CancelledBy::Provider,
                reason: None
            }
        );
        assert_eq!(serde_json::to_value(&event).unwrap(), json);
    }

    #[test]
    fn money_needs_a_currency_of_three_capitals() {
        for bad in ["eur", "EURO", "", "€€€"] {
            assert!(serde_json::from_value::<Money>(json!({"minor_units": 1, "currency": bad})).is_err());
        }
    }
}
