//! The QR code: how much damage it bears, its modules, and their outline.
//!
//! Invariant: a code has its quiet zone of four modules (ISO/IEC 18004, 6.3.8) wherever it is
//! drawn. Never here: where on the sheet it stands.

use std::fmt::Write as _;

use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, EcLevel, QrCode, Version};

/// Modules that stay light around a code.
pub(super) const QUIET: u32 = 4;

/// The largest version that is still easily read from across a lift; up to it, a printed code bears
/// the loss of a quarter instead of 15 percent.
const VERSION_WITH_Q_MAX: i16 = 6;

/// Colours that no theme changes: the first and the last of xterm's cube, black on white.
const DARK_ON_LIGHT: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Paper, which is torn, bent and written on.
    Print,
    /// A screen, where only size matters.
    Screen,
}

/// A code that holds an address.
pub(super) struct Code(QrCode);

impl Code {
    /// The code of an address; none if it is too long for any.
    pub(super) fn of(url: &str, use_: Use) -> Option<Self> {
        let at = |level| QrCode::with_error_correction_level(url, level).ok();
        let code = match use_ {
            Use::Print => at(EcLevel::Q)
                .filter(|code| match code.version() {
                    Version::Normal(version) => version <= VERSION_WITH_Q_MAX,
                    Version::Micro(_) => false,
                })
                .or_else(|| at(EcLevel::M)),
            Use::Screen => None,
        };
        code.or_else(|| at(EcLevel::L)).map(Self)
    }

    /// Modules of a side.
    pub(super) fn width(&self) -> u32 {
        u32::try_from(self.0.width()).expect("the largest code has 177 modules a side")
    }

    /// The dark modules as one path in modules, so that no seam shows between two of them.
    pub(super) fn path(&self) -> String {
        let colors = self.0.to_colors();
        let mut path = String::new();
        for (y, row) in colors.chunks(self.0.width()).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                let length = run.len();
                if run[0] == Color::Dark {
                    write!(path, "M{x} {y}h{length}v1h-{length}z").expect("a String takes all");
                }
                x += length;
            }
        }
        path
    }

    /// Lines for a terminal, two modules a character, each line ended.
    pub(super) fn lines(&self) -> String {
        let picture = self.0.render::<Dense1x2>().quiet_zone(true).module_dimensions(1, 1).build();
        let line = |line: &str| format!("{DARK_ON_LIGHT}{line}{RESET}\n");
        picture.lines().map(line).collect()
    }

    #[cfg(test)]
    pub(super) fn level(&self) -> EcLevel {
        self.0.error_correction_level()
    }

    #[cfg(test)]
    pub(super) fn is_dark(&self, x: u32, y: u32) -> bool {
        let at = |n: u32| usize::try_from(n).unwrap();
        self.0[(at(x), at(y))] == Color::Dark
    }
}
