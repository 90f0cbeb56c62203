//! What a configuration has to be beside its form.

use std::ops::RangeInclusive;

use trust::source::Subject;
use url::Url;

use super::{Configuration, Found, InvalidConfiguration, Pace, Pages, SUBJECT, Source, form};

/// The most pages of a kind that can be listed: more belong to what is discovered, not to configuration.
const MOST_SUBJECTS: usize = 1_000;

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
    check_web(&format!("{at}.base"), &source.base)?;
    if source.base.path() != "/" || source.base.query().is_some() || source.base.fragment().is_some() {
        return Err(form(&format!("{at}.base"), "scheme, host and port only; paths go into the pages"));
    }
    if let Some(pace) = &source.pace {
        check_pace(&format!("{at}.pace"), pace)?;
    }
    for (name, pages) in &source.pages {
        check_pages(&format!("{at}.pages.{name}"), source, pages)?;
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
    let path = format!("{at}.path");
    // Two slashes would begin another host.
    if !pages.path.starts_with('/') || pages.path.starts_with("//") || pages.path.contains('\\') {
        return Err(form(&path, "begins with one /"));
    }
    let places = pages.path.matches(SUBJECT).count();
    match (&pages.about, places) {
        (None, 0) | (Some(_), 1) => {}
        (None, _) => {
            return Err(form(&path, format!("has {SUBJECT}, but nothing says about what there is a page")));
        }
        (Some(_), _) => return Err(form(&path, format!("needs {SUBJECT}, once"))),
    }
    if let Some(super::About::These(subjects)) = &pages.about
        && !(1..=MOST_SUBJECTS).contains(&subjects.len())
    {
        return Err(form(&format!("{at}.about"), format!("1 to {MOST_SUBJECTS} subjects")));
    }
    let sample: Option<Subject> = pages.about.as_ref().and_then(|_| "x".parse().ok());
    let address = Found { source, pages }.address(sample.as_ref());
    match address {
        Ok(address) if address.origin() == source.base.origin() && address.fragment().is_none() => Ok(()),
        _ => Err(form(&path, "not a path on that host")),
    }
}

fn check_pace(at: &str, pace: &Pace) -> Result<(), InvalidConfiguration> {
    let Pace { delay_seconds, jitter_seconds, requests_a_day, refresh_seconds, robots_seconds, most_bytes } =
        *pace;
    let limits: [(&str, u32, RangeInclusive<u32>); 6] = [
        ("delay_seconds", delay_seconds, 1..=86_400),
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
    Ok(())
}
