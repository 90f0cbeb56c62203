//! Keys. Times and numbers are padded, so that text order is their order.

use trust::{
    id::{
        AccountId, CallerId, ContractId, ConversationId, InboxId, OfferingId, OperatorId, ProviderId,
        RenterId,
    },
    offering::Class,
    price::Slug,
    replies::{OpenWait, Scope},
    source::{PageId, SourceName, Subject, mapping::Domain},
    time::{Day, Moment},
    uptime::{
        names::{MonitorId, Vantage},
        shard::ShardId,
    },
};
use uuid::Uuid;

use crate::{LeafName, MessageKey, RunKind};

/// A partition and sort key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

pub(crate) const PROFILE: &str = "profile";
pub(crate) const PAST: &str = "past";
pub(crate) const PRICE: &str = "price";
pub(crate) const PRICES: &str = "prices";
pub(crate) const RATES: &str = "rates";
pub(crate) const MARKET: &str = "market";
pub(crate) const SUMMARY: &str = "summary";
pub(crate) const CONVERSATION: &str = "conversation";
pub(crate) const CONTRACT: &str = "contract";
pub(crate) const RENTERS: &str = "renters";
pub(crate) const SIGNAL: &str = "signal#";
pub(crate) const WAITING: &str = "waiting#";
pub(crate) const RECORD: &str = "record#";
pub(crate) const LINK: &str = "link#";
pub(crate) const CHAT: &str = "chat#";
pub(crate) const MESSAGE: &str = "message#";
pub(crate) const CONVERSATIONS: &str = "conversation#";

pub(crate) const SHARDS: &str = "shards";
pub(crate) const PENDING: &str = "pending";
pub(crate) const LOG: &str = "log";
pub(crate) const REVIEWS: &str = "reviews";

/// Ends the key of what is known now of a monitor.
pub(crate) const NOW: &str = "#now";

/// Sorts after every key with the same prefix: no key holds `~`.
pub(crate) const END: &str = "~";

pub(crate) fn provider(provider: &ProviderId) -> String {
    format!("provider#{provider}")
}

pub(crate) fn history(provider: &ProviderId) -> String {
    format!("history#{provider}")
}

pub(crate) fn contract(contract: &ContractId) -> String {
    format!("contract#{contract}")
}

pub(crate) fn account(account: AccountId) -> String {
    format!("account#{account}")
}

pub(crate) fn chat(conversation: ConversationId) -> String {
    format!("chat#{}#{}", conversation.account, conversation.number)
}

pub(crate) fn profile(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: PROFILE.to_owned() }
}

pub(crate) fn summary(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: SUMMARY.to_owned() }
}

pub(crate) fn past(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: PAST.to_owned() }
}

pub(crate) fn operator(of: &OperatorId) -> String {
    format!("operator#{of}")
}

pub(crate) fn member(of: &OperatorId, provider: &ProviderId) -> Key {
    Key { pk: operator(of), sk: provider.to_string() }
}

pub(crate) fn renters(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: RENTERS.to_owned() }
}

/// Begins the key of a renter who was served very often.
pub(crate) const LARGE_RENTER: &str = "renters#";

/// In how many contracts a renter was served who was in very many. Beside the classes, so that it is read with them.
pub(crate) fn large_renter(of: &ProviderId, renter: &RenterId) -> Key {
    Key { pk: provider(of), sk: format!("{LARGE_RENTER}{renter}") }
}

pub(crate) fn renter(of: &ProviderId, renter: &RenterId) -> Key {
    Key { pk: format!("renters#{of}"), sk: renter.to_string() }
}

/// Counters of a day. `rest` begins with the letter of what is counted.
pub(crate) fn signal(of: &ProviderId, day: Day, rest: &str) -> Key {
    Key { pk: provider(of), sk: format!("{SIGNAL}{day}#{rest}") }
}

pub(crate) fn history_day(of: &ProviderId, day: Day) -> Key {
    Key { pk: history(of), sk: day.to_string() }
}

pub(crate) fn offerings(of: &ProviderId) -> String {
    format!("offerings#{of}")
}

/// What the price list of a source is read by.
pub(crate) fn price_list(source: &Slug) -> Key {
    Key { pk: PRICES.to_owned(), sk: source.to_string() }
}

pub(crate) fn price_list_parts(source: &Slug) -> String {
    format!("{PRICES}#{source}")
}

pub(crate) fn rates_of(day: Day) -> Key {
    Key { pk: RATES.to_owned(), sk: day.to_string() }
}

/// What the market of a class is read by.
pub(crate) fn market(of: Class) -> Key {
    Key { pk: MARKET.to_owned(), sk: class_name(of).to_owned() }
}

pub(crate) fn market_parts(of: Class) -> String {
    format!("{MARKET}#{}", class_name(of))
}

fn class_name(of: Class) -> &'static str {
    match of {
        Class::Shared => "shared",
        Class::Dedicated => "dedicated",
        Class::BareMetal => "bare-metal",
        Class::Storage => "storage",
        Class::Gpu => "gpu",
    }
}

/// A provider's offerings against the market.
pub(crate) fn priced_of(provider: &ProviderId) -> String {
    format!("price#{provider}")
}

pub(crate) fn priced(of: &ProviderId, offering: &OfferingId) -> Key {
    Key { pk: priced_of(of), sk: offering.to_string() }
}

/// What they come to, among his signals.
pub(crate) fn price_fact(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: PRICE.to_owned() }
}

/// The provider of an `offerings#P` key, as the table's stream has it.
pub fn offerer_of(key: &str) -> Option<ProviderId> {
    key.strip_prefix("offerings#")?.parse().ok()
}

pub(crate) fn offering(of: &ProviderId, offering: &OfferingId) -> Key {
    Key { pk: offerings(of), sk: offering.to_string() }
}

pub(crate) fn claims(of: &ProviderId) -> String {
    format!("claims#{of}")
}

pub(crate) const SEEN: &str = "offering#";

/// What renters found of an offering.
pub(crate) fn seen(of: &ProviderId, offering: &OfferingId) -> Key {
    Key { pk: claims(of), sk: format!("{SEEN}{offering}") }
}

pub(crate) const RATED: &str = "rated#";

/// What a page of a source says of a provider's machines, to be shown.
pub(crate) fn rated(provider: &ProviderId, page: &PageId) -> Key {
    Key { pk: claims(provider), sk: format!("{RATED}{}#{}", page.source, page_sort(page)) }
}

/// The page of a `rated#SOURCE#PAGE#SUBJECT` key.
pub(crate) fn rated_page(key: &str) -> Option<PageId> {
    let (source, page) = key.strip_prefix(RATED)?.split_once('#')?;
    page_of(&source.parse().ok()?, &format!("{PAGE}{page}"))
}

pub(crate) const PUBLISHED: &str = "published#";

/// What a page of an independent site says of an offering's machine.
pub(crate) fn published(of: &ProviderId, offering: &OfferingId, page: &PageId) -> Key {
    Key { pk: claims(of), sk: format!("{PUBLISHED}{offering}#{page}") }
}

/// The offering and the page of a `published#OFFERING#SOURCE/PAGE/SUBJECT` key.
pub(crate) fn published_page(key: &str) -> Option<(&str, PageId)> {
    let (offering, page) = key.strip_prefix(PUBLISHED)?.split_once('#')?;
    let mut parts = page.split('/');
    let (source, page, subject) = (parts.next()?, parts.next()?, parts.next());
    let subject = subject.map(str::parse).transpose().ok()?;
    Some((offering, PageId { source: source.parse().ok()?, page: page.parse().ok()?, subject }))
}

pub(crate) const MEASURED: &str = "renter#";

/// What a renter has measured at a provider.
pub(crate) fn measurements(at: &ProviderId, of: &RenterId) -> Key {
    Key { pk: claims(at), sk: format!("{MEASURED}{of}") }
}

/// What an offering has claimed since a moment.
pub(crate) fn claimed(of: &ProviderId, offering: &OfferingId, since: Moment) -> Key {
    Key { pk: claims(of), sk: format!("claimed#{offering}#{}", padded(since)) }
}

pub(crate) fn contract_itself(of: &ContractId) -> Key {
    Key { pk: contract(of), sk: CONTRACT.to_owned() }
}

/// The contracts in which somebody is one side.
pub(crate) fn deals(of: &str) -> String {
    format!("deals#{of}")
}

pub(crate) fn deal(of: &str, contract: &ContractId) -> Key {
    Key { pk: deals(of), sk: contract.to_string() }
}

pub(crate) fn claimant(of: &ContractId, conversation: ConversationId) -> Key {
    Key { pk: contract(of), sk: chat(conversation) }
}

pub(crate) fn link(of: AccountId, inbox: Option<InboxId>) -> Key {
    let inbox = inbox.map(|inbox| inbox.to_string()).unwrap_or_default();
    Key { pk: account(of), sk: format!("{LINK}{inbox}") }
}

pub(crate) fn listed_conversation(of: ConversationId) -> Key {
    Key { pk: account(of.account), sk: format!("{CONVERSATIONS}{:020}", of.number.0) }
}

pub(crate) fn conversation(of: ConversationId) -> Key {
    Key { pk: chat(of), sk: CONVERSATION.to_owned() }
}

pub(crate) fn record(of: ConversationId, contract: &ContractId) -> Key {
    Key { pk: chat(of), sk: format!("{RECORD}{contract}") }
}

pub(crate) fn message(of: ConversationId, message: MessageKey) -> Key {
    Key { pk: chat(of), sk: message_sort(message) }
}

pub(crate) fn message_sort(message: MessageKey) -> String {
    format!("{MESSAGE}{:012}#{:020}", message.at.unix(), message.id.0)
}

pub(crate) fn waiting(of: &ProviderId, wait: &OpenWait) -> Key {
    let OpenWait { scope, opened_at, conversation, .. } = wait;
    let (account, number) = (conversation.account, conversation.number);
    Key {
        pk: provider(of),
        sk: format!("{WAITING}{}#{}#{account}#{number}", scope_letter(*scope), padded(*opened_at)),
    }
}

pub(crate) fn watch(of: &ProviderId, wait: &OpenWait) -> Key {
    let OpenWait { opened_at, conversation, .. } = wait;
    let (account, number) = (conversation.account, conversation.number);
    Key { pk: provider(of), sk: format!("watch#{}#{account}#{number}", padded(*opened_at)) }
}

pub(crate) fn renter_week(of: &ProviderId, renter: &RenterId, monday: Day) -> Key {
    Key { pk: format!("waits#{of}"), sk: format!("{renter}#{monday}") }
}

pub(crate) fn padded(moment: Moment) -> String {
    format!("{:012}", moment.unix())
}

/// The scored scope sorts first: where a read is cut short, it is the others that are missing.
pub(crate) fn scope_letter(scope: Scope) -> char {
    match scope {
        Scope::Contract => 'a',
        Scope::PreSales => 'p',
        Scope::SelfDealing => 's',
        Scope::Unverified => 'u',
        Scope::Minimal => 'm',
        Scope::Excess => 'x',
    }
}

pub(crate) fn scope_of(letter: char) -> Option<Scope> {
    let scopes = [Scope::Contract, Scope::PreSales, Scope::SelfDealing, Scope::Unverified];
    scopes.into_iter().chain([Scope::Minimal, Scope::Excess]).find(|&scope| scope_letter(scope) == letter)
}

pub(crate) fn provider_chat(of: &ProviderId) -> Key {
    Key { pk: provider(of), sk: "chat".to_owned() }
}

pub(crate) fn contract_chat(of: &ContractId) -> Key {
    Key { pk: contract(of), sk: "setup".to_owned() }
}

pub(crate) fn survey(of: &ContractId) -> Key {
    Key { pk: contract(of), sk: "survey".to_owned() }
}

pub(crate) fn votes_about(provider: &ProviderId) -> String {
    format!("votes#{provider}")
}

pub(crate) fn votes(about: &ProviderId, of: &RenterId) -> Key {
    Key { pk: votes_about(about), sk: of.to_string() }
}

pub(crate) fn nonce(of: &CallerId, nonce: Uuid) -> Key {
    Key { pk: caller(of), sk: format!("nonce#{nonce}") }
}

/// The minute of the clock, counted from 1970.
pub(crate) fn minute(of: &CallerId, now: Moment) -> Key {
    Key { pk: caller(of), sk: format!("minute#{}", now.unix() / 60) }
}

pub(crate) fn monitoring(of: &ContractId) -> Key {
    Key { pk: contract(of), sk: "monitoring".to_owned() }
}

pub(crate) fn monitor(monitor: &MonitorId) -> String {
    format!("monitor#{monitor}")
}

pub(crate) fn monitor_itself(of: &MonitorId) -> Key {
    Key { pk: monitor(of), sk: "monitor".to_owned() }
}

pub(crate) fn record_of(of: &MonitorId, day: Day) -> Key {
    Key { pk: monitor(of), sk: format!("record#{day}") }
}

pub(crate) fn version_of(of: &MonitorId, number: u32) -> Key {
    Key { pk: monitor(of), sk: format!("version#{number:010}") }
}

pub(crate) fn correction_of(of: &MonitorId, day: Day, number: u32) -> Key {
    Key { pk: monitor(of), sk: format!("correction#{day}#{number:010}") }
}

pub(crate) fn review(of: &MonitorId) -> Key {
    Key { pk: REVIEWS.to_owned(), sk: of.to_string() }
}

pub(crate) fn shard_itself(shard: ShardId) -> Key {
    Key { pk: SHARDS.to_owned(), sk: shard.to_string() }
}

pub(crate) fn panels() -> Key {
    Key { pk: SHARDS.to_owned(), sk: "panels".to_owned() }
}

pub(crate) const ROOM: &str = "room#";

/// That a shard has room for new monitors.
pub(crate) fn room(shard: ShardId) -> Key {
    Key { pk: SHARDS.to_owned(), sk: format!("{ROOM}{shard}") }
}

pub(crate) fn planned(from: &Vantage) -> Key {
    Key { pk: SHARDS.to_owned(), sk: format!("planned#{from}") }
}

pub(crate) fn shard(shard: ShardId) -> String {
    format!("shard#{shard}")
}

pub(crate) fn asked(of: ShardId, monitor: &MonitorId) -> Key {
    Key { pk: shard(of), sk: monitor.to_string() }
}

pub(crate) fn segments(shard: ShardId, day: Day) -> String {
    format!("seen#{shard}#{day}")
}

pub(crate) fn segment(shard: ShardId, minute: Moment, vantage: &Vantage, run: &str) -> Key {
    let sk = format!("{}#{vantage}#{run}", padded(minute));
    Key { pk: segments(shard, minute.day()), sk }
}

pub(crate) fn uptime(provider: &ProviderId) -> String {
    format!("uptime#{provider}")
}

pub(crate) fn sealed_facts(of: &ProviderId, monitor: &MonitorId) -> Key {
    Key { pk: uptime(of), sk: monitor.to_string() }
}

pub(crate) fn current_facts(of: &ProviderId, monitor: &MonitorId) -> Key {
    Key { pk: uptime(of), sk: format!("{monitor}{NOW}") }
}

/// The statements on a monitor of the hour that begins at this Unix second.
pub(crate) fn statements(on: &MonitorId, hour: i64) -> Key {
    Key { pk: format!("reports#{on}"), sk: format!("{hour:012}") }
}

pub(crate) fn reported_of(provider: &ProviderId) -> String {
    format!("reported#{provider}")
}

pub(crate) fn reported(of: &ProviderId, monitor: &MonitorId) -> Key {
    Key { pk: reported_of(of), sk: monitor.to_string() }
}

pub(crate) fn pending(leaf: &LeafName) -> Key {
    Key { pk: PENDING.to_owned(), sk: leaf.as_str().to_owned() }
}

pub(crate) fn log_head() -> Key {
    Key { pk: LOG.to_owned(), sk: "head".to_owned() }
}

pub(crate) fn log_keys() -> Key {
    Key { pk: LOG.to_owned(), sk: "keys".to_owned() }
}

pub(crate) const PARTIAL: &str = "partial#";

/// That a partial tile is stored.
pub(crate) fn partial(path: &str) -> Key {
    Key { pk: LOG.to_owned(), sk: format!("{PARTIAL}{path}") }
}

pub(crate) fn tile(path: &str, part: u64) -> Key {
    Key { pk: format!("log#{path}"), sk: format!("tile#{part:03}") }
}

fn caller(caller: &CallerId) -> String {
    format!("caller#{caller}")
}

/// The contract of a `contract#C` key.
pub(crate) fn contract_of(key: &str) -> Option<ContractId> {
    key.strip_prefix("contract#")?.parse().ok()
}

pub(crate) fn watermark(of: AccountId) -> Key {
    Key { pk: account(of), sk: "watermark".to_owned() }
}

pub(crate) fn checked(of: ConversationId) -> Key {
    Key { pk: chat(of), sk: "checked".to_owned() }
}

/// The account of an `account#A` key.
pub(crate) fn account_of(key: &str) -> Option<AccountId> {
    key.strip_prefix("account#")?.parse().ok()
}

pub(crate) fn candidates(policy: &str) -> String {
    format!("candidates#{policy}")
}

pub(crate) fn candidate(policy: &str, of: &ProviderId) -> Key {
    Key { pk: candidates(policy), sk: of.to_string() }
}

pub(crate) fn run(kind: RunKind, policy: &str) -> Key {
    let kind = match kind {
        RunKind::Compute => "compute",
        RunKind::Switch => "switch",
    };
    Key { pk: "runs".to_owned(), sk: format!("{kind}#{policy}") }
}

pub(crate) const SOURCES: &str = "sources";
pub(crate) const STATE: &str = "state#";
pub(crate) const STOP: &str = "stop#";
pub(crate) const PAGE: &str = "page#";
pub(crate) const NAME: &str = "name#";

pub(crate) fn source(source: &SourceName) -> String {
    format!("source#{source}")
}

pub(crate) fn source_state(of: &SourceName) -> Key {
    Key { pk: SOURCES.to_owned(), sk: format!("{STATE}{of}") }
}

pub(crate) fn source_stop(of: &SourceName) -> Key {
    Key { pk: SOURCES.to_owned(), sk: format!("{STOP}{of}") }
}

pub(crate) fn page(of: &PageId) -> Key {
    Key { pk: source(&of.source), sk: format!("{PAGE}{}", page_sort(of)) }
}

pub(crate) fn page_facts(of: &PageId) -> Key {
    Key { pk: source(&of.source), sk: format!("facts#{}", page_sort(of)) }
}

/// A page's name, and behind a second `#` its subject, which may be none.
fn page_sort(of: &PageId) -> String {
    let subject = of.subject.as_ref().map_or("", Subject::as_str);
    format!("{}#{subject}", of.page)
}

/// The page of a `page#PAGE#SUBJECT` key.
pub(crate) fn page_of(source: &SourceName, key: &str) -> Option<PageId> {
    let (page, subject) = key.strip_prefix(PAGE)?.split_once('#')?;
    let subject = if subject.is_empty() { None } else { Some(subject.parse().ok()?) };
    Some(PageId { source: source.clone(), page: page.parse().ok()?, subject })
}

/// That a source's name is a provider's, where the source is looked at.
pub(crate) fn source_name(of: &SourceName, subject: &Subject) -> Key {
    Key { pk: source(of), sk: format!("{NAME}{subject}") }
}

pub(crate) fn names_of(provider: &ProviderId) -> String {
    format!("names#{provider}")
}

/// The same, where the provider is.
pub(crate) fn provider_name(of: &ProviderId, source: &SourceName, subject: &Subject) -> Key {
    Key { pk: names_of(of), sk: format!("{source}#{subject}") }
}

pub(crate) fn domain(of: &Domain) -> String {
    format!("domain#{of}")
}

/// That a provider has said his website is at a domain.
pub(crate) fn at_domain(of: &Domain, provider: &ProviderId) -> Key {
    Key { pk: domain(of), sk: provider.to_string() }
}

pub(crate) fn turn(of: &str) -> Key {
    Key { pk: format!("host#{of}"), sk: "turn".to_owned() }
}

pub(crate) fn rules(of: &str) -> Key {
    Key { pk: format!("host#{of}"), sk: "robots".to_owned() }
}

/// The provider of a `provider#P` key, as the table's stream has it.
pub fn provider_of(key: &str) -> Option<ProviderId> {
    key.strip_prefix("provider#")?.parse().ok()
}

/// The day of a `signal#DAY#…` key, as the table's stream has it, and what it counts.
pub fn signal_of(key: &str) -> Option<(Day, SignalKind)> {
    signal_parts(key).map(|(day, kind, _)| (day, kind))
}

/// The same, and in which item of that kind.
pub(crate) fn signal_parts(key: &str) -> Option<(Day, SignalKind, &str)> {
    let (day, rest) = key.strip_prefix(SIGNAL)?.split_once('#')?;
    let (kind, rest) = rest.split_at_checked(1)?;
    let kind = match kind {
        "c" => SignalKind::Contracts,
        "f" => SignalKind::Feedback,
        "m" => SignalKind::Claims,
        "r" => SignalKind::Replies,
        "u" => SignalKind::Uptime,
        _ => return None,
    };
    Some((Day::parse(day).ok()?, kind, rest))
}

/// What a day's counters count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalKind {
    /// Machines that renters measured, in one item.
    Claims,
    /// Contracts, in one item for their outcomes and one for each doubling of how long handovers took.
    Contracts,
    /// What renters said, in one item.
    Feedback,
    /// Closed waits, in one item for each scope, rank and doubling of how long they lasted.
    Replies,
    /// Sealed days of monitors, in one item.
    Uptime,
}

/// The number at the end of a `chat#A#N` key.
pub(crate) fn conversation_of(key: &str) -> Option<ConversationId> {
    let (account, number) = key.strip_prefix(CHAT)?.split_once('#')?;
    Some(ConversationId { account: account.parse().ok()?, number: number.parse().ok()? })
}
