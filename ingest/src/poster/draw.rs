//! A sheet as SVG.
//!
//! Invariant: every text is escaped, and the style is one constant, so that a policy may allow it
//! by its hash and nothing else. Never here: a place or a sentence.

use std::fmt::Write as _;

use super::Lang;
use super::sheet::{Block, HEIGHT, Look, Placed, Rule, Sheet, WIDTH};
use super::words::Words;

/// The content of the poster's `style` element, whatever the campaign.
///
/// The fonts are those of phones, Windows, macOS and Linux; a printer without colours prints the
/// accent as a dark grey.
pub const STYLE: &str = "\
@page{size:A4;margin:0}\
svg{background:#fff}\
text{font-family:'PingFang SC','Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC',\
'Noto Sans SC','Source Han Sans SC','WenQuanYi Micro Hei',Arial,sans-serif;fill:#111}\
svg:lang(en) text{font-family:'Helvetica Neue',Arial,'Noto Sans','PingFang SC','Microsoft YaHei',\
'Noto Sans CJK SC',sans-serif}\
.title,.numeral{font-family:'Songti SC',STSong,'Noto Serif CJK SC','Noto Serif SC',\
'Source Han Serif SC',SimSun,'Times New Roman',serif;font-weight:700}\
svg:lang(en) .title,svg:lang(en) .numeral{font-family:Georgia,'Times New Roman','Noto Serif',\
'Songti SC','Noto Serif CJK SC','Source Han Serif SC',SimSun,serif;\
font-variant-numeric:lining-nums}\
.kicker,.heading{font-weight:700}\
.kicker,.numeral,.part{fill:#9b1c1f}\
.small{fill:#444}\
.end{text-anchor:end}";

/// The document.
pub(super) fn svg(sheet: &Sheet, words: &Words, lang: Lang) -> String {
    let mut svg = String::with_capacity(16_384);
    let tag = lang.tag();
    let (name, description) = (escaped(&words.name), escaped(&words.description));
    writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}mm\" height=\"{HEIGHT}mm\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" lang=\"{tag}\" xml:lang=\"{tag}\" \
         aria-labelledby=\"name\" aria-describedby=\"description\">\
         <title id=\"name\">{name}</title><desc id=\"description\">{description}</desc>\
         <style>{STYLE}</style>\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>"
    )
    .expect("a String takes all");
    for rule in &sheet.rules {
        self::rule(&mut svg, rule);
    }
    for block in &sheet.blocks {
        self::block(&mut svg, block);
    }
    if let Some(placed) = &sheet.code {
        code(&mut svg, placed, &words.code);
    }
    svg.push_str("</svg>\n");
    svg
}

fn rule(svg: &mut String, Rule { x, y, width, height }: &Rule) {
    let [x, y, width, height] = [x, y, width, height].map(|mm| short(*mm));
    writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"#111\"/>"
    )
    .expect("a String takes all");
}

fn block(svg: &mut String, block: &Block) {
    let (class, is_at_end) = match block.look {
        Look::Plain => ("", false),
        Look::Right => ("", true),
        Look::Kicker => ("kicker", false),
        Look::Title => ("title", false),
        Look::Heading => ("heading", false),
        Look::Part => ("heading part", false),
        Look::Numeral => ("numeral", false),
        Look::Small => ("small", false),
        Look::SmallRight => ("small", true),
    };
    let end = if is_at_end { " end" } else { "" };
    let class = format!("{class}{end}");
    let class = match class.trim_start() {
        "" => String::new(),
        class => format!(" class=\"{class}\""),
    };
    let x = short(if is_at_end { block.x + block.width } else { block.x });
    write!(svg, "<text{class} font-size=\"{}\">", short(block.set.size))
        .expect("a String takes all");
    let mut y = block.baseline();
    for line in &block.set.lines {
        let line = escaped(line);
        write!(svg, "<tspan x=\"{x}\" y=\"{}\">{line}</tspan>", short(y))
            .expect("a String takes all");
        y += block.set.size * block.leading;
    }
    svg.push_str("</text>\n");
}

fn code(svg: &mut String, placed: &Placed, label: &str) {
    let (x, y) = (short(placed.x), short(placed.y));
    let label = escaped(label);
    writeln!(
        svg,
        "<path id=\"code\" role=\"img\" aria-label=\"{label}\" fill=\"#000\" \
         shape-rendering=\"crispEdges\" transform=\"translate({x} {y}) scale({:.5})\" d=\"{}\"/>",
        placed.module,
        placed.code.path()
    )
    .expect("a String takes all");
}

/// A hundredth of a millimetre is finer than any printer's dot.
fn short(mm: f64) -> String {
    let text = format!("{mm:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text for XML, in content and in attributes; what XML cannot hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
