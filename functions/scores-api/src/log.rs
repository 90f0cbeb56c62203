//! The uptime log as its specification has it (C2SP tlog-tiles): checkpoint, tiles, and the keys that sign.

use axum::{extract::State, http::HeaderMap, response::Response};
use transparency::Tile;

use crate::{Refusal, Shared, answer, asked::Id};

/// The last checkpoint: whoever follows the log wants it soon.
pub(crate) async fn checkpoint(State(table): Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    let head = table.log_head().await?.value;
    if head.checkpoint.is_empty() {
        return Err(Refusal::NoLog);
    }
    Ok(answer::text_of_a_moment(&headers, head.checkpoint))
}

/// A tile, which never changes.
pub(crate) async fn tile(
    State(table): Shared,
    Id(path): Id,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let tile: Tile = format!("tile/{path}").parse().map_err(|_| Refusal::NoSuchTile)?;
    let found = table.tiles(&[tile.to_string()]).await?.into_iter().next().flatten();
    Ok(answer::forever(&headers, found.ok_or(Refusal::NoSuchTile)?))
}

/// The keys that the log was ever signed with, one a line, the current one last.
pub(crate) async fn keys(State(table): Shared, headers: HeaderMap) -> Result<Response, Refusal> {
    let known = table.log_keys().await?.value.keys;
    if known.is_empty() {
        return Err(Refusal::NoLog);
    }
    let lines: Vec<String> = known.into_iter().map(|(_, key)| key).collect();
    Ok(answer::text(&headers, lines.join("\n") + "\n"))
}
