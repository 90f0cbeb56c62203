//! The frame of every page: head, styles, header and footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLES: &str = include_str!("styles.css");

/// What the head of a page says.
#[derive(Debug, Default)]
pub(crate) struct Head<'a> {
    /// The page's title.
    pub(crate) title: &'a str,
    /// What a shared link shows of it.
    pub(crate) shared: Option<Shared<'a>>,
}

/// What a shared link shows (Open Graph). Addresses are absolute: they are read far from here.
#[derive(Debug)]
pub(crate) struct Shared<'a> {
    /// The page.
    pub(crate) url: String,
    /// What it says in a sentence.
    pub(crate) description: &'a str,
    /// Its picture, 1200 by 630 pixels.
    pub(crate) image: String,
    /// Its feed.
    pub(crate) feed: String,
}

impl<'a> Head<'a> {
    /// A page that nothing is to be said of but its title.
    pub(crate) fn titled(title: &'a str) -> Self {
        Self { title, shared: None }
    }
}

pub(crate) fn frame(head: &Head<'_>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) " · Provider Trust" }
                @if let Some(shared) = &head.shared { (shared_head(head.title, shared)) }
                style { (PreEscaped(STYLES)) }
            }
            body {
                header.top {
                    a href="/" { "Provider Trust" } span { "what providers do, not what they say" }
                    a.aside href="/docs" { "API" }
                }
                main { (body) }
                footer {
                    "Every number says how many observations it rests on and where the true value may lie (90 % interval). "
                    "Silence counts: a message without an answer is a wait that goes on."
                }
            }
        }
    }
}

fn shared_head(title: &str, shared: &Shared<'_>) -> Markup {
    html! {
        meta name="description" content=(shared.description);
        meta property="og:type" content="website";
        meta property="og:site_name" content="Provider Trust";
        meta property="og:title" content=(title);
        meta property="og:description" content=(shared.description);
        meta property="og:url" content=(shared.url);
        meta property="og:image" content=(shared.image);
        meta property="og:image:type" content="image/png";
        meta property="og:image:width" content="1200";
        meta property="og:image:height" content="630";
        meta property="og:image:alt" content=(shared.description);
        meta name="twitter:card" content="summary_large_image";
        link rel="alternate" type="application/atom+xml" title="Outages" href=(shared.feed);
    }
}
