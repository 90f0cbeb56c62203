//! The picture that stands beside a shared link to a provider's page: 1200 by 630 pixels, drawn here.
//!
//! Only text and rectangles, so that it costs the function a font of 20 KB and an encoder, and no vector renderer.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use axum::{extract::State, http::HeaderMap, response::Response};
use trust::{
    score::{Points, Score},
    summary::{Severity, Summary},
};

use crate::{Refusal, Shared, answer, asked::Id, page::words, registered};

const WIDTH: usize = 1200;
const HEIGHT: usize = 630;
const MARGIN: usize = 80;

/// `DejaVu` Sans Bold with the letters of Latin scripts alone; its licence lies beside it.
const FONT: &[u8] = include_bytes!("preview/DejaVuSans-Bold.subset.ttf");

/// Red, green, blue.
type Colour = [u8; 3];

const PAPER: Colour = [0xfb, 0xfa, 0xf8];
const INK: Colour = [0x1c, 0x1b, 0x19];
const SOFT: Colour = [0x5d, 0x5a, 0x54];
const LINE: Colour = [0xdd, 0xd8, 0xcf];
const BAND: Colour = [0xb9, 0xc9, 0xe2];
const ACCENT: Colour = [0x24, 0x50, 0x8f];
const BAD: Colour = [0xa3, 0x24, 0x1c];

pub(crate) async fn image(State(table): Shared, Id(id): Id, headers: HeaderMap) -> Result<Response, Refusal> {
    let summary = registered(&table, &id).await?;
    match draw(&summary) {
        Ok(png) => Ok(answer::png(&headers, png)),
        Err(error) => {
            tracing::error!(%error, "no picture");
            Ok(answer::problem(crate::unavailable()))
        }
    }
}

/// What the picture says, for those who do not see it.
pub(crate) fn said(summary: &Summary) -> String {
    let name = name(summary);
    match &summary.score {
        None => format!("{name}: no trust score yet"),
        Some(score) => {
            format!("{name}: trust score {} of 100, {}", words::points(score.points.value()), interval(score))
        }
    }
}

fn name(summary: &Summary) -> &str {
    summary.profile.as_ref().map_or(summary.provider.as_str(), |profile| profile.name.as_str())
}

fn interval(score: &Score) -> String {
    let points = |points: Points| words::points(points.value());
    match score.capped_from {
        Some(free) => format!("capped by a critical warning, {} without it", points(free)),
        None => format!("90 % interval {} to {}", points(score.low), points(score.high)),
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
enum NotDrawn {
    #[error("the font can not be read: {0}")]
    Font(#[from] ab_glyph::InvalidFont),
    #[error("the picture can not be encoded: {0}")]
    Encoding(#[from] png::EncodingError),
}

fn draw(summary: &Summary) -> Result<Vec<u8>, NotDrawn> {
    let mut canvas = Canvas { font: FontRef::try_from_slice(FONT)?, pixels: PAPER.repeat(WIDTH * HEIGHT) };
    canvas.rectangle(0, 0, WIDTH, 16, ACCENT);
    canvas.text(MARGIN, 110, 30.0, SOFT, "Provider Trust");
    canvas.text(MARGIN, 200, 60.0, INK, name(summary));
    canvas.text(MARGIN, 250, 30.0, SOFT, summary.track.name());
    match &summary.score {
        None => {
            canvas.text(MARGIN, 390, 72.0, INK, "no score yet");
            canvas.text(MARGIN, 440, 30.0, SOFT, "Not enough is known of him.");
        }
        Some(score) => score_on(&mut canvas, score),
    }
    let critical = summary.flags.iter().any(|flag| flag.severity == Severity::Critical);
    let (colour, line) = match summary.flags.len() {
        0 => (SOFT, "No warnings.".to_owned()),
        1 => (BAD, format!("1 warning{}", if critical { ", critical" } else { "" })),
        count => (BAD, format!("{count} warnings{}", if critical { ", one critical at least" } else { "" })),
    };
    canvas.text(MARGIN, 580, 30.0, colour, &line);
    canvas.encode()
}

fn score_on(canvas: &mut Canvas<'_>, score: &Score) {
    let end = canvas.text(MARGIN, 395, 120.0, INK, &words::points(score.points.value()));
    canvas.text(end + 24, 395, 40.0, SOFT, "of 100");
    let x = |points: Points| {
        MARGIN + (points.value().clamp(0.0, 100.0) / 100.0 * (WIDTH - 2 * MARGIN) as f64) as usize
    };
    canvas.rectangle(MARGIN, 442, WIDTH - 2 * MARGIN, 16, LINE);
    canvas.rectangle(x(score.low), 432, x(score.high) - x(score.low), 36, BAND);
    canvas.rectangle(x(score.points).saturating_sub(4), 426, 8, 48, ACCENT);
    canvas.text(MARGIN, 520, 30.0, SOFT, &interval(score));
}

struct Canvas<'a> {
    font: FontRef<'a>,
    pixels: Vec<u8>,
}

impl Canvas<'_> {
    fn rectangle(&mut self, x: usize, y: usize, width: usize, height: usize, colour: Colour) {
        for y in y..(y + height).min(HEIGHT) {
            for x in x..(x + width).min(WIDTH) {
                self.mix(x, y, colour, 1.0);
            }
        }
    }

    /// Writes a line from a point on its base line, and says where it ends. What does not fit within the margin is cut, with an
    /// ellipsis; what the font does not have is a box.
    fn text(&mut self, x: usize, y: usize, size: f32, colour: Colour, text: &str) -> usize {
        let font = self.font.clone();
        let scaled = font.as_scaled(PxScale::from(size));
        let advance = |c: char| scaled.h_advance(font.glyph_id(c));
        let end = (WIDTH - MARGIN) as f32;
        let whole: f32 = text.chars().map(advance).sum();
        let fits = x as f32 + whole <= end;
        let room = if fits { end } else { end - advance('…') };
        let mut at = x as f32;
        let visible = text.chars().filter(|c| !c.is_control());
        for c in visible.chain((!fits).then_some('…')) {
            let is_ellipsis = c == '…' && !fits;
            if !is_ellipsis && at + advance(c) > room {
                continue;
            }
            let glyph = font.glyph_id(c).with_scale_and_position(size, ab_glyph::point(at, y as f32));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|dx, dy, coverage| {
                    let (x, y) = (bounds.min.x + dx as f32, bounds.min.y + dy as f32);
                    if x >= 0.0 && y >= 0.0 {
                        self.mix(x as usize, y as usize, colour, coverage);
                    }
                });
            }
            at += advance(c);
        }
        at as usize
    }

    fn mix(&mut self, x: usize, y: usize, colour: Colour, share: f32) {
        if x >= WIDTH {
            return;
        }
        let start = (y * WIDTH + x) * 3;
        if let Some(pixel) = self.pixels.get_mut(start..start + 3) {
            for (there, wanted) in pixel.iter_mut().zip(colour) {
                *there = (f32::from(*there) * (1.0 - share) + f32::from(wanted) * share) as u8;
            }
        }
    }

    fn encode(self) -> Result<Vec<u8>, NotDrawn> {
        let mut png = Vec::new();
        let mut encoder = png::Encoder::new(&mut png, WIDTH as u32, HEIGHT as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(png)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn size(png: &[u8]) -> (u32, u32) {
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    #[test]
    fn a_picture_is_a_small_png_of_the_size_that_links_are_shown_with() {
        let long = "Ünbelievably long names of providers that go on and on 日本語 ".repeat(3);
        for summary in [
            samples::summary("good", 30, None),
            samples::summary("silent", 30, Some(96)),
            samples::summary("new", 0, None),
            {
                let mut summary = samples::summary("long", 3, None);
                summary.profile.as_mut().unwrap().name = long.clone().try_into().unwrap();
                summary
            },
        ] {
            let png = draw(&summary).unwrap();
            assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
            assert_eq!(size(&png), (1200, 630));
            assert!(png.len() < 100_000, "{} bytes", png.len());
        }
    }

    #[test]
    fn what_the_picture_shows_is_said_in_words() {
        assert_eq!(said(&samples::summary("new", 0, None)), "Provider new: no trust score yet");
        assert!(
            said(&samples::summary("silent", 30, Some(96)))
                .contains("49.0 of 100, capped by a critical warning")
        );
    }
}
