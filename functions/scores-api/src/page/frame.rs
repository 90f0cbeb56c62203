//! The frame of every page: head, styles, header and footer.

use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLES: &str = include_str!("styles.css");

pub(crate) fn frame(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Provider Trust" }
                style { (PreEscaped(STYLES)) }
            }
            body {
                header.top { a href="/" { "Provider Trust" } span { "what providers do, not what they say" } }
                main { (body) }
                footer {
                    "Every number says how many observations it rests on and where the true value may lie (90 % interval). "
                    "Silence counts: a message without an answer is a wait that goes on."
                }
            }
        }
    }
}
