//! Where a part keeps its files, and the campaign it votes in: the real one, open now.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

/// An empty folder of this name under `target/rehearsal/`.
pub(crate) fn folder(name: &str) -> Result<PathBuf, Error> {
    let folder = deploy::path("target/rehearsal").join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// A program of the release build.
pub(crate) fn built(name: &str) -> Result<String, Error> {
    let path = deploy::path("target/release").join(name);
    if path.exists() {
        return Ok(text(&path));
    }
    Err(format!("{} is missing: cargo build --release -p {name}", path.display()).into())
}

/// Writes the real campaign under another name, open since yesterday and for so long from now, and
/// answers its path.
pub(crate) fn campaign(folder: &Path, id: &str, open_for: Duration) -> Result<String, Error> {
    campaign_in("Asia/Shanghai", folder, id, open_for)
}

/// The same with days of another zone.
pub(crate) fn campaign_in(
    zone: &str,
    folder: &Path,
    id: &str,
    open_for: Duration,
) -> Result<String, Error> {
    let real = deploy::text("campaigns/hubei-2023.toml");
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::get(zone)?);
    let opens = now.checked_sub(jiff::Span::new().days(1))?.date();
    let closes = now.checked_add(open_for)?.strftime("%Y-%m-%dT%H:%M:00").to_string();
    let lines = real.lines().map(|line| match line.split(" =").next() {
        Some("id") => format!("id = \"{id}\""),
        Some("zone") => format!("zone = \"{zone}\""),
        Some("opens_at") => format!("opens_at = {opens}T00:00:00"),
        Some("closes_at") => format!("closes_at = {closes}"),
        Some(_) | None => line.to_owned(),
    });
    let path = folder.join(format!("{id}.toml"));
    fs::write(&path, lines.collect::<Vec<_>>().join("\n"))?;
    Ok(text(&path))
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
