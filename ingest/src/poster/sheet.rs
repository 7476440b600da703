//! Where everything stands on the sheet, in mm from its upper left corner.
//!
//! From the top: the dateline, the title and the organiser; the code with when and how beside it
//! and the address below; three steps; the foot. What the title does not need becomes white space.
//! Invariant: every box is on the sheet, no two overlap, and none reaches into the code's quiet
//! zone; the tests reckon it anew from the boxes.

use super::code::{Code, QUIET};
use super::text::{SIZE_MIN, Set, Text, fit, rows};
use super::words::Words;

pub(super) const WIDTH: f64 = 210.0;
pub(super) const HEIGHT: f64 = 297.0;
/// Most printers leave the outer 5 mm of a sheet white; a frame or a pin takes more.
const MARGIN: f64 = 16.0;
const INNER: f64 = WIDTH - 2.0 * MARGIN;
/// The code and one quiet zone beside it. The zone on its left is in the margin: at most 14.9 mm,
/// with the 25 modules of the shortest address.
const CODE: f64 = 108.0;
const COLUMN_X: f64 = MARGIN + CODE + 6.0;
const COLUMN: f64 = WIDTH - MARGIN - COLUMN_X;
const HEAD_END: f64 = 27.0;
const STEPS: f64 = 239.0;
const FOOT: f64 = 280.0;
/// The address's line, and air below it.
const ADDRESS: f64 = 9.0;
const STEP_GAP: f64 = 6.0;
const STEP: f64 = (INNER - 2.0 * STEP_GAP) / 3.0;
/// A part's heading, and how far below it the part's text begins.
const PART_SIZE: f64 = 5.0;
const PART_HEAD: f64 = PART_SIZE * LINE + 2.0;
const PART_GAP: f64 = 8.0;
const PARAGRAPH_GAP: f64 = 1.6;
/// From line to line, in sizes: of text, of titles, and of what stands alone.
const LEADING: f64 = 1.4;
const LEADING_TITLE: f64 = 1.22;
const LINE: f64 = 1.25;
const HAIRLINE: f64 = 0.25;
/// Of a character's square, how much is above the line it stands on; Chinese fonts: 0.88.
const ASCENT: f64 = 0.88;

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Kicker,
    Plain,
    /// At the right end of its box.
    Right,
    Title,
    Heading,
    /// The heading of a part of the column.
    Part,
    Numeral,
    Small,
    SmallRight,
}

/// A text in its box.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) look: Look,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) leading: f64,
    pub(super) set: Set,
}

/// A filled rectangle.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// The code in its place.
pub(super) struct Placed {
    pub(super) code: Code,
    pub(super) x: f64,
    pub(super) y: f64,
    /// The side of a module.
    pub(super) module: f64,
}

/// A poster whose parts all have their places.
pub(super) struct Sheet {
    pub(super) blocks: Vec<Block>,
    pub(super) rules: Vec<Rule>,
    pub(super) code: Option<Placed>,
}

impl Block {
    pub(super) fn height(&self) -> f64 {
        rows(&self.set.lines) * self.set.size * self.leading
    }

    /// The line that the characters of its first line stand on.
    pub(super) fn baseline(&self) -> f64 {
        self.y + self.set.size * (ASCENT + (self.leading - 1.0) / 2.0)
    }
}

impl Sheet {
    pub(super) fn new(words: &Words, code: Option<Code>) -> Self {
        let mut sheet = Self { blocks: Vec::new(), rules: Vec::new(), code: None };
        sheet.dateline(words);
        let modules = f64::from(code.as_ref().map_or(25, Code::width));
        let quiet = CODE * f64::from(QUIET) / (modules + f64::from(QUIET));
        let side = CODE - quiet;
        let block = HAIRLINE + quiet + side + quiet + ADDRESS;
        let begin = sheet.head(words, STEPS - block);
        sheet.rule((MARGIN, begin), (INNER, HAIRLINE));
        let top = begin + HAIRLINE + quiet;
        sheet.column(words, (top, top + side));
        let at = (MARGIN, top + side + quiet);
        sheet.line(Look::Plain, &words.address, at, (INNER, 5.8));
        sheet.steps(words);
        sheet.foot(words);
        let module = side / modules;
        sheet.code = code.map(|code| Placed { code, x: MARGIN, y: top, module });
        sheet
    }

    fn dateline(&mut self, words: &Words) {
        self.rule((MARGIN, 13.0), (INNER, 1.6));
        let half = INNER / 2.0;
        self.line(Look::Kicker, words.kicker, (MARGIN, 16.0), (half, 6.4));
        // So that both stand on one line.
        self.line(Look::Right, &words.span, (MARGIN + half, 17.4), (half, 5.0));
        self.rule((MARGIN, HEAD_END - 2.0), (INNER, HAIRLINE));
    }

    /// Title and organiser, above the line at which the next part has to begin at the latest.
    /// Answers where it begins.
    fn head(&mut self, words: &Words, end: f64) -> f64 {
        let organiser = words.organiser.as_deref();
        let organiser = organiser.map(|text| fit(text, (INNER, 14.0), 5.6, LEADING));
        let height = |set: &Set, leading: f64| rows(&set.lines) * set.size * leading;
        let below = organiser.as_ref().map_or(0.0, |set| 3.0 + height(set, LEADING));
        let room = end - HEAD_END - below - 6.0;
        let set = fit(&words.title, (INNER, room), 30.0, LEADING_TITLE);
        let used = height(&set, LEADING_TITLE) + below;
        let spare = (end - HEAD_END - used).max(0.0);
        let y = HEAD_END + spare * 0.35;
        let y = y + self.text(Look::Title, (MARGIN, y), INNER, (set, LEADING_TITLE)) + 3.0;
        if let Some(set) = organiser {
            self.text(Look::Plain, (MARGIN, y), INNER, (set, LEADING));
        }
        HEAD_END + used + spare * 0.8
    }

    /// When and how, beside the code: all of one size, the largest at which both fit.
    fn column(&mut self, words: &Words, (top, end): (f64, f64)) {
        self.rule((COLUMN_X - 3.5, top), (HAIRLINE, end - top));
        let texts = words
            .columns
            .each_ref()
            .map(|(_, lines)| lines.iter().map(|line| Text::of(line)).collect::<Vec<_>>());
        let mut size = 6.4;
        let height = |size: f64| {
            let rows = |text: &Text<'_>| text.rows(COLUMN / size) * size * LEADING + PARAGRAPH_GAP;
            let paragraphs: f64 = texts.iter().flatten().map(rows).sum();
            paragraphs + 2.0 * PART_HEAD + PART_GAP
        };
        while size > SIZE_MIN && height(size) > end - top {
            size = (size * 0.97).max(SIZE_MIN);
        }
        let mut y = top;
        for ((heading, _), texts) in words.columns.iter().zip(&texts) {
            self.line(Look::Part, heading, (COLUMN_X, y), (COLUMN, PART_SIZE));
            y += PART_HEAD;
            for text in texts {
                let set = Set { size, lines: text.balanced(COLUMN / size) };
                let set = (set, LEADING);
                y += self.text(Look::Plain, (COLUMN_X, y), COLUMN, set) + PARAGRAPH_GAP;
            }
            y += PART_GAP;
        }
    }

    fn steps(&mut self, words: &Words) {
        self.rule((MARGIN, STEPS), (INNER, 0.8));
        let mut x = MARGIN;
        for ((heading, text), number) in words.steps.iter().zip(["1", "2", "3"]) {
            self.line(Look::Numeral, number, (x, STEPS + 3.0), (11.0, 15.0));
            let (text_x, width) = (x + 12.0, STEP - 12.0);
            self.line(Look::Heading, heading, (text_x, STEPS + 4.5), (width, 6.4));
            let set = fit(text, (width, FOOT - STEPS - 17.0), 4.9, LEADING);
            self.text(Look::Plain, (text_x, STEPS + 14.0), width, (set, LEADING));
            x += STEP + STEP_GAP;
        }
    }

    fn foot(&mut self, words: &Words) {
        self.rule((MARGIN, FOOT), (INNER, HAIRLINE));
        let half = INNER / 2.0;
        let [channel, note] = &words.foot;
        self.line(Look::Small, channel, (MARGIN, FOOT + 1.5), (half, 3.4));
        self.line(Look::SmallRight, note, (MARGIN + half, FOOT + 1.5), (half, 3.4));
    }

    fn rule(&mut self, (x, y): (f64, f64), (width, height): (f64, f64)) {
        self.rules.push(Rule { x, y, width, height });
    }

    /// A text that should stay in one line, in a box of a width, no larger than a size.
    fn line(&mut self, look: Look, text: &str, (x, y): (f64, f64), (width, size): (f64, f64)) {
        if !text.is_empty() {
            let set = fit(text, (width, size * LINE), size, LINE);
            self.text(look, (x, y), width, (set, LINE));
        }
    }

    /// Puts a text into its place; answers how high it is.
    fn text(
        &mut self,
        look: Look,
        (x, y): (f64, f64),
        width: f64,
        (set, leading): (Set, f64),
    ) -> f64 {
        let block = Block { look, x, y, width, leading, set };
        let height = block.height();
        self.blocks.push(block);
        height
    }
}
