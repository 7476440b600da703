//! The static files of the pages: embedded, under names that carry a hash of their content.
//!
//! Invariant: what is served is a row of the table below, found by its whole name; a name means the
//! same bytes for ever. Never here: a file system, or a path made of what was asked for.

use std::sync::LazyLock;

use bytes::Bytes;
use hyper::Response;
use hyper::header::HeaderMap;

use super::document::Document;
use crate::server::Body;

/// Characters of a content's hash in its name: 32 bits tell the versions of one file apart.
const HASH_CHARS: usize = 8;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Later parts have the last word.
pub(super) const BOARD_CSS: &str = concat!(
    include_str!("../../pages/board/frame.css"),
    include_str!("../../pages/board/ranking.css"),
    include_str!("../../pages/board/tables.css"),
    include_str!("../../pages/board/big.css"),
    include_str!("../../pages/board/print.css"),
);

/// In the order in which each needs those before it.
pub(super) const BOARD_JS: &str = concat!(
    include_str!("../../pages/board/count.js"),
    include_str!("../../pages/board/tools.js"),
    include_str!("../../pages/board/ranking.js"),
    include_str!("../../pages/board/tables.js"),
    include_str!("../../pages/board/pace.js"),
    include_str!("../../pages/board/feed.js"),
    include_str!("../../pages/board/main.js"),
);

/// In the order in which each needs those before it.
pub(super) const PAGE_JS: &str = concat!(
    include_str!("../../pages/page/tools.js"),
    include_str!("../../pages/page/store.js"),
    include_str!("../../pages/page/server.js"),
    include_str!("../../pages/page/insist.js"),
    include_str!("../../pages/page/state.js"),
    include_str!("../../pages/page/choices.js"),
    include_str!("../../pages/page/view.js"),
    include_str!("../../pages/page/challenge.js"),
    include_str!("../../pages/page/send.js"),
    include_str!("../../pages/page/receipt.js"),
    include_str!("../../pages/page/sign_in.js"),
    include_str!("../../pages/page/main.js"),
);

/// Alone: few ever need it.
pub(super) const WORK_JS: &str = include_str!("../../pages/work.js");

/// A static file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// Colours, type and layout that the pages share.
    BaseCss,
    /// Of the board.
    BoardCss,
    /// Of the board.
    BoardJs,
    /// The icon of a tab.
    Icon,
    /// Of the voting page.
    PageCss,
    /// Of the voting page.
    PageJs,
    /// What a phone works with where a campaign has it work.
    WorkJs,
}

struct Asset {
    file: File,
    name: String,
    document: Document,
}

/// In the order of [`File::ALL`].
static TABLE: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |file: File| {
        let (stem, extension, content_type, bytes) = file.embedded();
        let hash = blake3::hash(bytes).to_hex();
        let name = format!("{stem}.{}.{extension}", &hash[..HASH_CHARS]);
        Asset { file, name, document: Document::file(Bytes::from_static(bytes), content_type) }
    };
    File::ALL.map(asset).into()
});

impl File {
    const ALL: [Self; 7] = [
        Self::BaseCss,
        Self::BoardCss,
        Self::BoardJs,
        Self::Icon,
        Self::PageCss,
        Self::PageJs,
        Self::WorkJs,
    ];

    /// Stem, extension, type and bytes.
    fn embedded(self) -> (&'static str, &'static str, &'static str, &'static [u8]) {
        match self {
            Self::BaseCss => ("base", "css", CSS, include_bytes!("../../pages/base.css")),
            Self::BoardCss => ("board", "css", CSS, BOARD_CSS.as_bytes()),
            Self::BoardJs => ("board", "js", JS, BOARD_JS.as_bytes()),
            Self::Icon => ("icon", "svg", SVG, include_bytes!("../../pages/icon.svg")),
            Self::PageCss => ("page", "css", CSS, include_bytes!("../../pages/page.css")),
            Self::PageJs => ("page", "js", JS, PAGE_JS.as_bytes()),
            Self::WorkJs => ("work", "js", JS, WORK_JS.as_bytes()),
        }
    }

    /// Its address, for a page that is served from this origin.
    pub(crate) fn href(self) -> String {
        let asset = TABLE.iter().find(|asset| asset.file == self);
        format!("/assets/{}", asset.expect("every file is in the table").name)
    }
}

/// Answers with the file of this name, if there is one.
pub(crate) fn asset(name: &str, asked: &HeaderMap) -> Option<Response<Body>> {
    let asset = TABLE.iter().find(|asset| asset.name == name)?;
    Some(asset.document.answer(asked))
}

/// The compressed bytes of the file of this name.
#[cfg(test)]
pub(super) fn gzip(name: &str) -> Option<Bytes> {
    TABLE.iter().find(|asset| asset.name == name).map(|asset| asset.document.gzip().clone())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};

    use super::*;

    #[test]
    fn every_file_is_found_under_its_name_and_kept_for_a_year() {
        for file in File::ALL {
            let href = file.href();
            let name = href.strip_prefix("/assets/").unwrap();
            let answer = asset(name, &HeaderMap::new()).unwrap();
            let headers = answer.headers();
            assert!(headers[CACHE_CONTROL].to_str().unwrap().ends_with("immutable"), "{name}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert!(headers.contains_key(CONTENT_TYPE));
        }
    }

    #[test]
    fn the_work_of_a_challenge_passes_its_own_tests() {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/work.test.js");
        let ran = Command::new("node").args(["--test", tests]).output();
        let ran = ran.expect("this test runs node: install Node 20 or later");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }

    #[test]
    fn any_other_name_is_none() {
        let href = File::PageJs.href();
        let name = href.strip_prefix("/assets/").unwrap();
        let tricks = [
            "",
            ".",
            "..",
            "page.js",
            "../Cargo.toml",
            "..%2fCargo.toml",
            "/etc/passwd",
            "page.00000000.js",
            "page.js\0",
            &name.to_uppercase(),
            &format!("./{name}"),
            &format!("{name}/"),
            &format!("{name}?x"),
            &format!("x/../{name}"),
            &name.replace('.', "%2e"),
        ];
        for trick in tricks {
            assert!(asset(trick, &HeaderMap::new()).is_none(), "{trick:?}");
        }
    }
}
