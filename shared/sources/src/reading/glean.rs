//! What of a benchmark site's page is a price, and what was seen of a machine.
//!
//! Only what a site measures itself, on a day that it names, is evidence, and only of what it measures: the specifications it lists are the
//! provider's word. What anybody may upload ranks below it.

use std::num::NonZeroU16;

use trust::{
    claims::{Evidence, Figure, Source},
    offering::{Class, Label, PriceKind},
    price::{Amount, Basis, Billing, Disk, Machine as PricedMachine, Offer, Place, Seller, Slug, Term},
    source::Subject,
    time::Day,
};
use url::Url;

use super::{About, Offers, kept_under};
use crate::{
    page::Said,
    published::{Grades, Machine, Prices},
    rated::{Kind, Rated},
    serververify::Benchmark,
    text::Allowance,
    vpsbenchmarks::{Address, HosterPage, Plan, Trial, YabsRun},
    yabs,
};

/// The plans of a page that state enough to be compared: a list price without a commitment, CPUs and memory.
///
/// A site does not say where a plan is, so that it is compared as one whose place is not said. `others` is how many plans of the page
/// are left out, because they are another provider's.
pub(super) fn offers(plans: &[Plan], others: u32, about: &About<'_>) -> Option<Offers> {
    let source = kept_under(about)?;
    let subject = about.subject.map_or("", Subject::as_str);
    let hoster = subject.split_once('.').map_or(subject, |(hoster, _)| hoster);
    let offer = |plan: &Plan| {
        let said = plan.provider.as_ref().and_then(Said::value).map_or(hoster, Label::as_str);
        offer(plan, Slug::of(if hoster.is_empty() { said } else { hoster })?, &source, about.on)
    };
    let offers: Vec<Offer> = plans.iter().filter_map(offer).collect();
    let left_out = u32::try_from(plans.len() - offers.len()).unwrap_or(u32::MAX).saturating_add(others);
    (!offers.is_empty()).then_some(Offers { source, offers, left_out })
}

fn offer(plan: &Plan, seller: Slug, source: &Slug, on: Day) -> Option<Offer> {
    let Machine { cores, memory, disk, disk_kind, traffic, dedicated_cpu, .. } = &plan.machine;
    let (money, tariff) = plan.prices.list(traffic.as_ref())?;
    let class = match dedicated_cpu.as_ref().and_then(Said::value) {
        Some(true) => Class::Dedicated,
        Some(false) => Class::Shared,
        None => return None,
    };
    let vcpus: NonZeroU16 = *cores.as_ref()?.value()?;
    let disk = match disk.as_ref().and_then(Said::value) {
        Some(size) => Disk::Included(*size, disk_kind.as_ref().and_then(Said::value).copied()),
        None => Disk::NotSaid,
    };
    let traffic = match traffic.as_ref().and_then(Said::value) {
        Some(Allowance::Upto(size)) => Some(*size),
        _ => None,
    };
    Some(Offer {
        seller: Seller::Elsewhere(seller),
        name: plan.name.as_ref()?.value()?.clone(),
        machine: PricedMachine { class, vcpus, memory: *memory.as_ref()?.value()?, disk, traffic },
        place: Place::NotSaid,
        basis: Basis { billing: Billing::Prepaid, term: Term::Monthly, kind: PriceKind::List },
        monthly: Amount::of(&money)?.a_month(&tariff)?,
        priced_on: on,
        source: source.clone(),
    })
}

/// A plan as people are shown it.
pub(super) fn plan(plan: &Plan) -> Rated {
    Rated::of(Kind::Plan, plan.name.as_ref(), &plan.grades, &plan.prices)
}

/// A trial as people are shown it.
pub(super) fn trial(trial: &Trial) -> Rated {
    let Plan { name, grades, prices, .. } = &trial.plan;
    Rated::of(Kind::Trial, name.as_ref(), grades, prices).on(trial.date.as_ref())
}

/// The plans and trials of a provider's page, each at its own address.
pub(super) fn hoster(page: &HosterPage, about: &About<'_>) -> Vec<Rated> {
    let base = Url::parse(about.address).ok();
    let address = |of: Address| Some(base.as_ref()?.join(&of.to_string()).ok()?.into());
    let plans = page.plans.iter().map(|(slug, found)| plan(found).at(address(Address::Plan(slug.clone()))));
    let trials =
        page.trials.iter().map(|(slug, found)| trial(found).at(address(Address::Trial(slug.clone()))));
    trials.chain(plans).collect()
}

/// An uploaded run as people are shown it. It has no grades.
pub(super) fn run(run: &YabsRun) -> Rated {
    Rated::of(Kind::Upload, run.plan.as_ref(), &Grades::default(), &Prices::default()).on(run.date.as_ref())
}

/// A result as people are shown it.
pub(super) fn result(result: &Benchmark) -> Rated {
    Rated::of(Kind::Upload, result.plan.as_ref(), &result.grades, &result.prices).on(result.date.as_ref())
}

/// A trial: the site rented the machine and saw its CPU. The network's speed that a trial lists is its port's.
pub(super) fn of_trial(trial: &Trial, about: &About<'_>) -> Vec<Evidence> {
    let by = Source::Benchmark { site: about.source.to_string(), url: about.address.to_owned() };
    let model = trial.plan.machine.cpu_model.as_ref().and_then(Said::value).cloned();
    on_the_day(trial.date.as_ref(), &by, [model.map(Figure::CpuModel)])
}

/// An uploaded run. The memory in it is rounded down to whole GiB, so that it is no evidence; nor is a disk faster than any.
pub(super) fn of_run(run: &YabsRun, about: &About<'_>) -> Vec<Evidence> {
    let rates = [&run.disk_rate_4k, &run.disk_rate_1m];
    let rates = rates.into_iter().filter_map(|rate| rate.as_ref()?.value().copied());
    let fastest = rates.filter(|rate| *rate <= yabs::fastest_disk()).max();
    let figures = of_machine(&run.machine).into_iter().chain([fastest.map(Figure::DiskRate)]);
    on_the_day(run.date.as_ref(), &uploaded(about), figures)
}

/// A result, which a registered user uploaded.
pub(super) fn of_result(result: &Benchmark, about: &About<'_>) -> Vec<Evidence> {
    on_the_day(result.date.as_ref(), &uploaded(about), of_machine(&result.machine))
}

fn of_machine(machine: &Machine) -> [Option<Figure>; 3] {
    [
        machine.cores.as_ref().and_then(Said::value).map(|cores| Figure::Vcpus(u32::from(cores.get()))),
        machine.cpu_model.as_ref().and_then(Said::value).cloned().map(Figure::CpuModel),
        machine.virtualisation.as_ref().and_then(Said::value).copied().map(Figure::Virtualisation),
    ]
}

fn uploaded(about: &About<'_>) -> Source {
    Source::Upload { site: about.source.to_string(), url: about.address.to_owned() }
}

/// Without a day it is nothing that could grow old, so it is no evidence.
fn on_the_day(
    day: Option<&Said<Day>>,
    source: &Source,
    figures: impl IntoIterator<Item = Option<Figure>>,
) -> Vec<Evidence> {
    let Some(seen_on) = day.and_then(Said::value).copied() else { return Vec::new() };
    let evidence = |figure| Evidence { source: source.clone(), seen_on, figure };
    figures.into_iter().flatten().map(evidence).collect()
}
