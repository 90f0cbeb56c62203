//! What a page looks like, and whether it is a page at all or a question put in its place.

use std::collections::BTreeSet;

use super::Page;
use super::build::Name;
use crate::outcome::{Fingerprint, Unrecognised};

/// Titles of pages that stand before the page that was asked for. Compared in lower case, at the start.
const CHALLENGE_TITLES: [&str; 10] = [
    "just a moment",
    "attention required",
    "access denied",
    "ddos-guard",
    "checking your browser",
    "verify you are human",
    "verifying you are human",
    "security check",
    "please verify",
    "are you a robot",
];

/// What such pages say, in lower case.
const CHALLENGE_TEXTS: [&str; 6] = [
    "verify you are human",
    "verifying you are human",
    "enable javascript and cookies to continue",
    "checking your browser",
    "checking if the site connection is secure",
    "unusual traffic from your",
];

/// Pages that only ask a question are short; a long page that mentions one is an article.
const SHORT: usize = 4_096;

impl Page {
    pub(super) fn has_challenge_title(&self) -> bool {
        let title = self.title().to_lowercase();
        CHALLENGE_TITLES.iter().any(|challenge| title.starts_with(challenge))
    }

    /// Why a whole page has nothing that is looked for.
    pub(super) fn why_nothing_was_found(&self) -> Unrecognised {
        let is_question = self.text.len() <= SHORT && {
            let text = self.text.to_lowercase();
            self.asks_for_a_password || CHALLENGE_TEXTS.iter().any(|challenge| text.contains(challenge))
        };
        if is_question { Unrecognised::Challenge } else { Unrecognised::Layout }
    }

    /// Which elements stand in which, and which labels head columns and definitions. Neither how often nor with what in them, so that a
    /// list of fifty and one of sixty look the same.
    pub(super) fn shape(&self) -> Fingerprint {
        let mut paths: BTreeSet<[Option<Name>; 3]> = BTreeSet::new();
        let mut labels: BTreeSet<String> = BTreeSet::new();
        for element in &self.elements {
            let parent = self.element(element.parent);
            let above = parent.and_then(|parent| self.element(parent.parent));
            paths.insert([
                above.map(|above| above.name),
                parent.map(|parent| parent.name),
                Some(element.name),
            ]);
            if matches!(element.name, Name::HeadCell | Name::Term) {
                let label = self.slice(&element.text);
                if label.len() <= 40 && !label.contains(|character: char| character.is_ascii_digit()) {
                    labels.insert(label.to_lowercase());
                }
            }
        }
        let paths: BTreeSet<[&str; 3]> =
            paths.iter().map(|path| path.map(|of| of.map_or("", name))).collect();
        Fingerprint::of(paths.iter().flatten().copied().chain(labels.iter().map(String::as_str)))
    }
}

fn name(name: Name) -> &'static str {
    match name {
        Name::Html => "html",
        Name::Head => "head",
        Name::Body => "body",
        Name::Title => "title",
        Name::Heading => "h",
        Name::Table => "table",
        Name::TableHead => "thead",
        Name::TableBody => "tbody",
        Name::Row => "tr",
        Name::HeadCell => "th",
        Name::Cell => "td",
        Name::Definitions => "dl",
        Name::Term => "dt",
        Name::Meaning => "dd",
        Name::List => "ul",
        Name::ListItem => "li",
        Name::Paragraph => "p",
        Name::Choice => "option",
        Name::Link => "a",
        Name::Inline => "span",
        Name::Block => "div",
    }
}
