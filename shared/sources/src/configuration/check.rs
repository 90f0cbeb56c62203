//! What a configuration has to be beside its form.

use std::ops::RangeInclusive;

use trust::source::Subject;
use url::Url;

use super::{
    About, Configuration, Found, InvalidConfiguration, PARTS, Pace, Pages, SUBJECT, Source, ToolCall, form,
};
use crate::reading::Asking;

/// The most pages of a kind that can be listed: more belong to what is discovered, not to configuration.
const MOST_SUBJECTS: usize = 1_000;

/// The most patterns for one name. Each is tried on every tool of a server.
const MOST_PATTERNS: usize = 16;

/// The longest pattern, in bytes.
const LONGEST_PATTERN: usize = 64;

pub(super) fn check(configuration: &Configuration) -> Result<(), InvalidConfiguration> {
    check_pace("defaults", &configuration.defaults)?;
    for (name, source) in &configuration.sources {
        check_source(&format!("sources.{name}"), source)?;
    }
    Ok(())
}

fn check_source(at: &str, source: &Source) -> Result<(), InvalidConfiguration> {
    for (field, text) in [("title", &source.title), ("attribution", &source.attribution)] {
        if text.trim().is_empty() || text.chars().count() > 200 {
            return Err(form(&format!("{at}.{field}"), "1 to 200 characters"));
        }
    }
    check_web(&format!("{at}.home"), &source.home)?;
    check_base(&format!("{at}.base"), &source.base)?;
    if let Some(pace) = &source.pace {
        check_pace(&format!("{at}.pace"), pace)?;
    }
    for (name, pages) in &source.pages {
        check_pages(&format!("{at}.pages.{name}"), source, pages)?;
    }
    check_prices(at, source)
}

/// Prices are kept under their source and whom they are about, so that those of two pages about the same would replace each other by
/// turns; of a page and its second best, that is meant.
fn check_prices(at: &str, source: &Source) -> Result<(), InvalidConfiguration> {
    let with_prices: Vec<_> = source.pages.iter().filter(|(_, pages)| pages.reader.reads_prices()).collect();
    for (index, (name, pages)) in with_prices.iter().enumerate() {
        let clash = with_prices.iter().skip(index + 1).find(|(other, others)| {
            let is_second_best =
                pages.instead_of.as_ref() == Some(*other) || others.instead_of.as_ref() == Some(*name);
            !is_second_best && may_be_about_the_same(pages.about.as_ref(), others.about.as_ref())
        });
        if let Some((other, _)) = clash {
            let cause =
                format!("has prices about the same as {other}: one of them belongs into another source");
            return Err(form(&format!("{at}.pages.{name}"), cause));
        }
    }
    Ok(())
}

fn may_be_about_the_same(one: Option<&About>, other: Option<&About>) -> bool {
    match (one, other) {
        (Some(About::These(one)), Some(About::These(other))) => !one.is_disjoint(other),
        _ => one == other,
    }
}

fn check_base(at: &str, base: &Url) -> Result<(), InvalidConfiguration> {
    check_web(at, base)?;
    if base.path() != "/" || base.query().is_some() || base.fragment().is_some() {
        return Err(form(at, "scheme, host and port only; paths go into the pages"));
    }
    Ok(())
}

fn check_web(at: &str, url: &Url) -> Result<(), InvalidConfiguration> {
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || !url.username().is_empty() || url.password().is_some() {
        return Err(form(at, "a URL of http or https without a user"));
    }
    Ok(())
}

fn check_pages(at: &str, source: &Source, pages: &Pages) -> Result<(), InvalidConfiguration> {
    if let Some(base) = &pages.base {
        check_base(&format!("{at}.base"), base)?;
    }
    let path = format!("{at}.path");
    // Two slashes would begin another host.
    if !pages.path.starts_with('/') || pages.path.starts_with("//") || pages.path.contains('\\') {
        return Err(form(&path, "begins with one /"));
    }
    let places = |placeholder| pages.path.matches(placeholder).count();
    match (&pages.about, &pages.tool, [places(SUBJECT), places(PARTS[0]), places(PARTS[1])]) {
        (None, _, [0, 0, 0]) | (Some(_), None, [1, 0, 0] | [0, 1, 1]) | (Some(_), Some(_), [0, 0, 0]) => {}
        (None, ..) => {
            return Err(form(&path, format!("has {SUBJECT}, but nothing says about what there is a page")));
        }
        (Some(_), Some(_), _) => {
            return Err(form(&path, format!("has {SUBJECT}, but it is the tool that is told the subject")));
        }
        (Some(_), None, _) => {
            let parts = PARTS.join(" and ");
            return Err(form(&path, format!("needs {SUBJECT}, once, or {parts}")));
        }
    }
    check_reader(at, source, pages)?;
    if let Some(About::These(subjects)) = &pages.about {
        let about = format!("{at}.about");
        if !(1..=MOST_SUBJECTS).contains(&subjects.len()) {
            return Err(form(&about, format!("1 to {MOST_SUBJECTS} subjects")));
        }
        if let Some(other) = subjects.iter().find(|subject| !pages.reader.takes(Some(subject))) {
            return Err(form(&about, format!("there is no such page about {other}")));
        }
    }
    let sample: Option<Subject> = pages.about.as_ref().and_then(|_| "x.y".parse().ok());
    let found = Found { source, pages };
    match found.address(sample.as_ref()) {
        Ok(address) if address.origin() == found.base().origin() && address.fragment().is_none() => Ok(()),
        _ => Err(form(&path, "not a path on that host")),
    }
}

/// What reads a page has to be able to: by its labels, its subject and how it is asked.
fn check_reader(at: &str, source: &Source, pages: &Pages) -> Result<(), InvalidConfiguration> {
    if pages.about.is_none() && !pages.reader.takes(None) {
        return Err(form(&format!("{at}.about"), "such a page is about something"));
    }
    if (pages.reader.asking() == Asking::Tool) != pages.tool.is_some() {
        return Err(form(&format!("{at}.tool"), "is for what reads the answers of tools, and needed there"));
    }
    if let Some(ToolCall { name, subject }) = &pages.tool {
        // Without a subject there is nothing to tell the tool.
        let subjects = if pages.about.is_some() { 1..=MOST_PATTERNS } else { 0..=0 };
        for (field, patterns, count) in [("name", name, 1..=MOST_PATTERNS), ("subject", subject, subjects)] {
            if !count.contains(&patterns.len())
                || patterns.iter().any(|pattern| !(1..=LONGEST_PATTERN).contains(&pattern.len()))
            {
                let (least, most) = count.into_inner();
                let cause = format!("{least} to {most} patterns of 1 to {LONGEST_PATTERN} bytes");
                return Err(form(&format!("{at}.tool.{field}"), cause));
            }
        }
    }
    if let Some(other) = &pages.instead_of
        && !source
            .pages
            .get(other)
            .is_some_and(|other| other.about == pages.about && other.instead_of.is_none())
    {
        return Err(form(
            &format!("{at}.instead_of"),
            "names another page about the same, which is instead of none",
        ));
    }
    pages
        .reader
        .synonyms(&source.labels)
        .map_err(|invalid| form(&format!("{at}.reader"), invalid.to_string()))?;
    Ok(())
}

fn check_pace(at: &str, pace: &Pace) -> Result<(), InvalidConfiguration> {
    let Pace { delay_seconds, jitter_seconds, requests_a_day, refresh_seconds, robots_seconds, most_bytes } =
        *pace;
    let limits: [(&str, u32, RangeInclusive<u32>); 6] = [
        ("delay_seconds", delay_seconds, 1..=43_200),
        ("jitter_seconds", jitter_seconds, 0..=3_600),
        ("requests_a_day", requests_a_day, 1..=10_000),
        ("refresh_seconds", refresh_seconds, 3_600..=30 * 86_400),
        ("robots_seconds", robots_seconds, 60..=86_400),
        ("most_bytes", most_bytes, 1_024..=8 * 1024 * 1024),
    ];
    for (field, value, limit) in limits {
        if !limit.contains(&value) {
            let cause = format!("{value} is not from {} to {}", limit.start(), limit.end());
            return Err(form(&format!("{at}.{field}"), cause));
        }
    }
    let two_requests = 2 * (delay_seconds + jitter_seconds);
    if robots_seconds < two_requests {
        // By the time a page may be asked for, the rules would have to be read once more.
        let cause = format!("{robots_seconds} is less than two delays with their jitter ({two_requests})");
        return Err(form(&format!("{at}.robots_seconds"), cause));
    }
    Ok(())
}
