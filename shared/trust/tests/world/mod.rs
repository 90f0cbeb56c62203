//! One provider of a made-up marketplace: what happened to him, in the events and messages of the real one, and what the
//! domain makes of it. Nothing here decides what counts.

#![allow(dead_code, unreachable_pub, reason = "each test and example uses its own part")]
#![allow(clippy::unwrap_used, reason = "made for tests, where what can not go on fails")]

pub mod draw;

use std::collections::{BTreeMap, BTreeSet};

use trust::{
    chat::{Channel, ConversationSighting, ConversationStatus, Direction, Identity, Mark, Message, Sender},
    claims::{
        Figure,
        measured::{ClaimDelta, Measurements, Rented, Run, RunId},
    },
    contract::{Contract, ContractDelta, Worth},
    conversation::Conversation,
    feedback::{Answer, Answers, Deal, FeedbackDelta, Parties, Refused, Votes},
    id::{
        AccountId, ContractId, ConversationId, ConversationNumber, InboxId, MessageId, ProviderId, RenterId,
    },
    marketplace::{AcceptedBy, CancelledBy, Happened, InVain, Money, Profile, Terms},
    policy::Policy,
    provider::Provider,
    renter_week::{Changes, RenterWeek},
    renters::{Renters, Served},
    replies::{self, ReplyDelta, View},
    signal::Delta,
    summary::{Days, Siblings, Signals, Summary, summarise},
    time::{Day, Moment},
    uptime::{
        count::{UptimeCount, UptimeDelta},
        day::Tally,
    },
    wait::Turn,
};

/// What a conversation's messages can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    Renter,
    RenterDeleted,
    Person,
    PersonDeleted,
    Echo,
    Note,
    Bot,
    Automation,
    Campaign,
    Template,
    Activity,
}

/// A conversation with the provider.
#[derive(Debug, Clone)]
pub struct Talk {
    /// The contract that is claimed for it.
    pub contract: Option<ContractId>,
    /// Whether the marketplace named it for that contract.
    pub named: Named,
    /// How it is led.
    pub channel: Channel,
    /// Whether the contact was verified.
    pub identity: Identity,
    /// Who the contact says he is.
    pub contact: RenterId,
    /// What was said, in order.
    pub messages: Vec<(Moment, Spoken)>,
}

/// Who says that a conversation belongs to a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    ByTheMarketplace,
    ByTheContact,
}

/// What was seen of a service of one contract on one day.
#[derive(Debug, Clone)]
pub struct Service {
    pub contract: ContractId,
    pub tally: Tally,
}

/// What one provider did.
pub struct World {
    pub provider: ProviderId,
    pub known: Provider,
    pub contracts: BTreeMap<ContractId, Contract>,
    pub talks: Vec<Talk>,
    pub services: BTreeMap<Day, Vec<Service>>,
    pub votes: BTreeMap<RenterId, Votes>,
    /// The answers that were taken, by the contract they are about.
    pub said: BTreeMap<ContractId, Vec<(Moment, Answers)>>,
    /// What renters measured.
    pub measured: BTreeMap<RenterId, Measurements>,
    /// The machines they measured: when first, how many claims held and how many were contradicted.
    pub machines: BTreeMap<ContractId, (Moment, usize, usize)>,
    /// Who else is known as a provider.
    pub others: BTreeMap<RenterId, Provider>,
    /// The other providers of his operator.
    pub siblings: Option<Siblings>,
}

/// What is agreed.
#[derive(Debug, Clone)]
pub struct Agreed {
    pub renter: RenterId,
    pub price: u64,
    pub term: u32,
    pub promise: Option<u32>,
    pub silent_after: Option<u32>,
}

impl World {
    /// A provider of whom nothing is known.
    pub fn new(provider: &str) -> Self {
        Self {
            provider: provider.parse().unwrap(),
            known: Provider::default(),
            contracts: BTreeMap::new(),
            talks: Vec::new(),
            services: BTreeMap::new(),
            votes: BTreeMap::new(),
            said: BTreeMap::new(),
            measured: BTreeMap::new(),
            machines: BTreeMap::new(),
            others: BTreeMap::new(),
            siblings: None,
        }
    }

    /// His operator is this one.
    pub fn operated_by(&mut self, operator: &str) {
        self.known = operated(self.provider.as_str(), operator);
    }

    /// A contract is requested.
    pub fn request(&mut self, at: Moment, agreed: Agreed) -> ContractId {
        let contract_id: ContractId = format!("c-{}", self.contracts.len() + 1).parse().unwrap();
        let terms = Terms {
            contract_id: contract_id.clone(),
            provider_id: self.provider.clone(),
            renter_id: agreed.renter,
            offering_id: "o-1".parse().unwrap(),
            term_seconds: agreed.term.try_into().unwrap(),
            price: Money { minor_units: agreed.price, currency: "EUR".to_owned().try_into().unwrap() },
            reply_within_seconds: agreed.promise.map(replies::Promise),
            silent_after_seconds: agreed.silent_after.map(replies::SilentAfter),
            conversation: None,
        };
        self.contracts.entry(contract_id.clone()).or_default().join(at, &Happened::ContractRequested(terms));
        contract_id
    }

    fn happen(&mut self, at: Moment, contract: &ContractId, happened: &Happened) {
        self.contracts.entry(contract.clone()).or_default().join(at, happened);
    }

    pub fn accept(&mut self, at: Moment, contract: &ContractId) {
        let accepted = Happened::ContractAccepted {
            contract_id: contract.clone(),
            by: AcceptedBy::Provider,
            conversation: None,
        };
        self.happen(at, contract, &accepted);
    }

    pub fn decline(&mut self, at: Moment, contract: &ContractId) {
        self.happen(at, contract, &Happened::ContractRejected { contract_id: contract.clone() });
    }

    pub fn hand_over(&mut self, at: Moment, contract: &ContractId) {
        let provisioned = Happened::ContractProvisioned {
            contract_id: contract.clone(),
            conversation: None,
            endpoints: Vec::new(),
            sla: None,
        };
        self.happen(at, contract, &provisioned);
    }

    pub fn fail(&mut self, at: Moment, contract: &ContractId) {
        self.happen(at, contract, &Happened::ContractProvisioningFailed { contract_id: contract.clone() });
    }

    pub fn complete(&mut self, at: Moment, contract: &ContractId) {
        self.happen(at, contract, &Happened::ContractCompleted { contract_id: contract.clone() });
    }

    pub fn cancel(&mut self, at: Moment, contract: &ContractId, by: CancelledBy) {
        let cancelled = Happened::ContractCancelled { contract_id: contract.clone(), by, reason: None };
        self.happen(at, contract, &cancelled);
    }

    /// The marketplace ends it, because the provider was waited for in vain.
    pub fn clear_away(&mut self, at: Moment, contract: &ContractId, reason: InVain) {
        let (by, reason) = (CancelledBy::Marketplace, Some(reason));
        self.happen(at, contract, &Happened::ContractCancelled { contract_id: contract.clone(), by, reason });
    }

    /// A contract from its request to its end at term, without anything going wrong.
    pub fn serve(&mut self, at: Moment, agreed: Agreed) -> ContractId {
        let term = i64::from(agreed.term);
        let contract = self.request(at, agreed);
        self.accept(at.plus(600), &contract);
        self.hand_over(at.plus(1200), &contract);
        self.complete(at.plus(1200 + term), &contract);
        contract
    }

    /// Its renter answers the two questions, as the survey would let him.
    pub fn vote(&mut self, at: Moment, contract: &ContractId, answers: Answers) -> Result<(), Refused> {
        let terms = self.contracts[contract].terms().unwrap();
        let (renter, deal) = (terms.renter_id.clone(), Deal::of(&self.contracts[contract]).unwrap());
        let nobody = Provider::default();
        let as_provider = self.others.get(&renter).unwrap_or(&nobody);
        let parties = Parties::of((&self.provider, &self.known), (&renter, as_provider));
        let votes = self.votes.entry(renter).or_default();
        *votes = votes.known(parties, contract, deal).cast(contract, deal, (at, answers))?;
        self.said.entry(contract.clone()).or_default().push((at, answers));
        Ok(())
    }

    /// Its renter measures the machine: so many claims hold, and so many are contradicted, of seven.
    pub fn measure(&mut self, at: Moment, contract: &ContractId, held: usize, contradicted: usize) {
        let claim = serde_json::json!({
            "vcpus": 4, "memory_mib": 4096, "disk_gb": 80, "disk_kind": "ssd", "virtualisation": "kvm",
            "network_mbit_per_second": 1000, "cpu_model": "AMD EPYC 9354P",
        });
        let text = |json: &str| serde_json::from_str::<Figure>(json).unwrap();
        let figures = [
            (r#"{"vcpus":4}"#, r#"{"vcpus":2}"#),
            (r#"{"memory":4294967296}"#, r#"{"memory":2147483648}"#),
            (r#"{"virtualisation":"kvm"}"#, r#"{"virtualisation":"lxc"}"#),
            (r#"{"disk-operations":20000}"#, r#"{"disk-operations":90}"#),
            (r#"{"cpu-model":"AMD EPYC 9354P 32-Core Processor"}"#, r#"{"cpu-model":"AMD EPYC 7402P"}"#),
            (r#"{"disk":80000000000}"#, ""),
            (r#"{"network-rate":1000000000}"#, ""),
        ];
        let bad = figures.iter().take(contradicted).map(|(_, bad)| text(bad));
        let good = figures.iter().skip(contradicted).take(held).map(|(good, _)| text(good));
        let findings = bad.chain(good).collect();
        let known = &self.contracts[contract];
        let rented = Rented::of(known, Some(serde_json::from_value(claim).unwrap())).unwrap();
        let renter = known.terms().unwrap().renter_id.clone();
        let nobody = Provider::default();
        let as_provider = self.others.get(&renter).unwrap_or(&nobody);
        let parties = Parties::of((&self.provider, &self.known), (&renter, as_provider));
        let measured = self.measured.entry(renter).or_default();
        let run = Run { id: RunId::of(contract.as_str().as_bytes()), at, findings };
        let with = measured.with(contract, rented.clone(), &run).unwrap();
        *measured = with.known(parties, contract, rented);
        self.machines.insert(contract.clone(), (at, held, contradicted));
    }

    /// Talks about a contract in the provider's widget, by its verified renter.
    pub fn talk(&mut self, contract: &ContractId, messages: Vec<(Moment, Spoken)>) {
        let contact = self.contracts[contract].terms().unwrap().renter_id.clone();
        self.talks.push(Talk {
            contract: Some(contract.clone()),
            named: Named::ByTheMarketplace,
            channel: Channel::WebWidget,
            identity: Identity::Verified,
            contact,
            messages,
        });
    }

    /// The contracts, with what is known of their parties.
    fn reckoned(&self) -> BTreeMap<ContractId, Contract> {
        let nobody = Provider::default();
        let reckoned = |(id, contract): (&ContractId, &Contract)| {
            let renter = &contract.terms().unwrap().renter_id;
            let as_provider = self.others.get(renter).unwrap_or(&nobody);
            let parties = Parties::of((&self.provider, &self.known), (renter, as_provider));
            (id.clone(), contract.clone().between(parties))
        };
        self.contracts.iter().map(reckoned).collect()
    }

    /// What is stored of all this.
    pub fn signals(&self) -> Signals {
        let known = self.reckoned();
        let mut contracts = ContractDelta::default();
        for contract in known.values() {
            Contract::default().difference(contract, &mut contracts);
        }
        let mut served: BTreeMap<Served, u64> = BTreeMap::new();
        for &times in contracts.served.values() {
            *served.entry(Served::of(times.unsigned_abs()).unwrap()).or_default() += 1;
        }
        let mut uptime = UptimeDelta::default();
        for (day, service) in
            self.services.iter().flat_map(|(day, of_day)| of_day.iter().map(|one| (*day, one)))
        {
            let tells = known[&service.contract].worth() == Worth::Full;
            if let Some(class) = UptimeCount::of(&service.tally).filter(|_| tells) {
                uptime.gain(&self.provider, day, class);
            }
        }
        let mut feedback = FeedbackDelta::default();
        for votes in self.votes.values() {
            Votes::default().difference(votes, &self.provider, &mut feedback);
        }
        let mut claims = ClaimDelta::default();
        for measured in self.measured.values() {
            Measurements::default().difference(measured, &self.provider, &mut claims);
        }
        let mut waits = BTreeSet::new();
        let mut closed = BTreeMap::new();
        let mut of_renters: BTreeMap<_, Changes> = BTreeMap::new();
        let mut count = |delta: ReplyDelta| {
            waits.extend(delta.opened.into_iter().map(|(_, wait)| wait));
            for (day, classes) in days(&delta.closed) {
                let of_day: &mut BTreeMap<_, u64> = closed.entry(day).or_default();
                for (class, count) in classes {
                    *of_day.entry(class).or_default() += count;
                }
            }
        };
        for (number, talk) in self.talks.iter().enumerate() {
            let mut delta = self.waits(number as u64 + 1, talk, &known);
            for (key, changes) in std::mem::take(&mut delta.of_renters) {
                of_renters.entry(key).or_default().come.extend(changes.come);
            }
            count(delta);
        }
        for ((provider, ..), changes) in &of_renters {
            let mut delta = ReplyDelta::default();
            let _ = RenterWeek::default().change(provider, changes, &mut delta);
            count(delta);
        }
        Signals {
            provider: self.known.clone(),
            days: Days {
                replies: closed,
                contracts: days(&contracts.counts),
                uptime: days(&uptime),
                feedback: days(&feedback),
                claims: days(&claims),
            },
            past: None,
            renters: Renters::new(served),
            waiting: waits.into_iter().collect(),
            siblings: self.siblings.clone(),
            price: None,
        }
    }

    /// What is published of all this.
    pub fn summary(&self, now: Moment) -> Summary {
        summarise(Policy::current(), &self.provider, &self.signals(), now)
    }

    fn waits(&self, number: u64, talk: &Talk, known: &BTreeMap<ContractId, Contract>) -> ReplyDelta {
        let conversation = ConversationId { account: AccountId(1), number: ConversationNumber(number) };
        let mut seen = Conversation::default();
        seen.join(&ConversationSighting {
            number: conversation.number,
            inbox: InboxId(1),
            channel: talk.channel,
            identity: talk.identity,
            identifier: Some(talk.contact.clone()),
            claimed_contract: talk.contract.clone(),
            status: ConversationStatus::Resolved,
        });
        let records =
            talk.contract.iter().filter(|_| talk.named == Named::ByTheMarketplace).cloned().collect();
        let standing = seen.standing(Some(&self.provider), &records, known);
        let mut turns: Vec<Turn> = talk
            .messages
            .iter()
            .enumerate()
            .filter_map(|(index, &(at, spoken))| message(index as u64, at, spoken).turn())
            .collect();
        turns.sort();
        let first = turns.iter().find(|turn| turn.side == trust::wait::Side::Renter).copied();
        let nothing = View { conversation, turns: &[], first: None, standing: None };
        let all = View { conversation, turns: &turns, first, standing: standing.as_ref() };
        replies::difference(&nothing, &all)
    }
}

/// What is known of a provider of whom only the operator is said.
pub fn operated(provider: &str, operator: &str) -> Provider {
    let profile = Profile {
        provider_id: provider.parse().unwrap(),
        name: provider.to_owned().try_into().unwrap(),
        operator_id: Some(operator.parse().unwrap()),
        website: None,
        chat: None,
        agents: BTreeSet::new(),
    };
    let mut known = Provider::default();
    known.join(Moment::EPOCH, &Happened::ProviderRegistered(profile));
    known
}

/// Both answers the same.
pub fn both(answer: Answer) -> Answers {
    Answers { matched_description: answer, rent_again: answer }
}

fn message(id: u64, at: Moment, spoken: Spoken) -> Message {
    let (direction, sender, mark) = match spoken {
        Spoken::Renter => (Direction::Incoming, Some(Sender::Contact(1)), None),
        Spoken::RenterDeleted => (Direction::Incoming, Some(Sender::Contact(1)), Some(Mark::Deleted)),
        Spoken::Person => (Direction::Outgoing, Some(Sender::Agent(1)), None),
        Spoken::PersonDeleted => (Direction::Outgoing, Some(Sender::Agent(1)), Some(Mark::Deleted)),
        Spoken::Echo => (Direction::Outgoing, None, Some(Mark::ExternalEcho)),
        Spoken::Note => (Direction::Outgoing, Some(Sender::Agent(1)), Some(Mark::Private)),
        Spoken::Bot => (Direction::Outgoing, Some(Sender::Bot(1)), None),
        Spoken::Automation => (Direction::Outgoing, Some(Sender::Agent(1)), Some(Mark::Automation)),
        Spoken::Campaign => (Direction::Outgoing, Some(Sender::Agent(1)), Some(Mark::Campaign)),
        Spoken::Template => (Direction::Template, None, None),
        Spoken::Activity => (Direction::Activity, None, None),
    };
    Message {
        id: MessageId(id),
        created_at: at,
        direction,
        sender,
        marks: mark.into_iter().collect(),
        content: None,
    }
}

fn days<C: Ord + Copy>(delta: &Delta<C>) -> BTreeMap<Day, BTreeMap<C, u64>> {
    delta
        .iter()
        .map(|(_, day, classes)| {
            (day, classes.iter().map(|(&class, &count)| (class, count.unsigned_abs())).collect())
        })
        .collect()
}
