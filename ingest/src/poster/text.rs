//! Setting text without a font: how wide a line may become, where it may break, how large it can
//! be.
//!
//! Widths are estimates in em, on the wide side of the common fonts. Invariant: no line opens with
//! punctuation that closes, as long as there is another place to break; and what does not fit is
//! made smaller, in the end cut, but never left to overlap. Never here: a place on the sheet.

/// Below this, in mm, nobody reads it: what still does not fit is cut.
pub(super) const SIZE_MIN: f64 = 1.8;

/// Words that often stand in titles of votes, and in our own sentences: a headline should not break
/// within one. Where words end in Chinese, only a dictionary knows; this one is enough for most.
const WORDS: &str = "社区 治理 创新 案例 活动 征集 展示 宣传 投票 评选 评比 推选 推荐 典型 城乡 基层 乡村 \
    全国 全省 全市 全区 全县 年度 优秀 先进 最美 人物 文明 志愿 服务 网络 公众 中国 新闻 媒体 作品 大赛 \
    公众号 微信号 微信 扫一扫 二维码 页面 勾选 提交 回执 关注 发送";

/// A longer name in quotes may break.
const QUOTED_CHARS_MAX: usize = 10;

/// Lines of one size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Set {
    pub(super) size: f64,
    pub(super) lines: Vec<String>,
}

/// The largest setting that fits into a width and a height, all in mm.
pub(super) fn fit(text: &str, (width, height): (f64, f64), size_max: f64, leading: f64) -> Set {
    let text = Text::of(text);
    let mut size = size_max;
    while size > SIZE_MIN && text.rows(width / size) * leading * size > height {
        size = (size * 0.97).max(SIZE_MIN);
    }
    Set { size, lines: cut(text.balanced(width / size), height / (leading * size)) }
}

/// How many lines there are, to reckon with.
pub(super) fn rows(lines: &[String]) -> f64 {
    f64::from(u32::try_from(lines.len()).unwrap_or(u32::MAX))
}

/// The first lines, as many as there is room for; the last one shows if there were more.
fn cut(mut lines: Vec<String>, room: f64) -> Vec<String> {
    let all = lines.len();
    // What fits exactly must not fail by a rounding.
    while lines.len() > 1 && rows(&lines) > room + 1e-9 {
        lines.pop();
    }
    let is_cut = lines.len() < all;
    if let Some(last) = lines.last_mut().filter(|_| is_cut) {
        last.pop();
        last.push('…');
    }
    lines
}

/// A text in the pieces that should not break, each with its width in em without spaces at its end.
pub(super) struct Text<'a>(Vec<(&'a str, f64)>);

impl<'a> Text<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(atoms(text).into_iter().map(|atom| (atom, em(atom.trim_end()))).collect())
    }

    /// How many lines there are at least, of a width in em.
    pub(super) fn rows(&self, width: f64) -> f64 {
        rows(&self.wrap(width))
    }

    /// The lines, as few as a width in em allows and of about equal length.
    pub(super) fn balanced(&self, width: f64) -> Vec<String> {
        let mut best = self.wrap(width);
        let widest = self.0.iter().map(|(_, em)| *em).fold(0.0, f64::max);
        let (mut narrow, mut wide) = (widest.min(width), width);
        for _ in 0..8 {
            let middle = f64::midpoint(narrow, wide);
            let lines = self.wrap(middle);
            if lines.len() <= best.len() {
                (wide, best) = (middle, lines);
            } else {
                narrow = middle;
            }
        }
        best
    }

    /// The lines, each as full as a width in em allows.
    fn wrap(&self, width: f64) -> Vec<String> {
        let mut lines = Vec::new();
        let (mut line, mut used) = (String::new(), 0.0);
        for (atom, em) in &self.0 {
            if !line.is_empty() && used + em > width {
                lines.push(std::mem::take(&mut line));
                used = 0.0;
            }
            // A piece that is wider than a line breaks where it must.
            for c in atom.chars() {
                let advance = advance(c);
                if !line.is_empty() && c != ' ' && advance > 0.0 && used + advance > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push(c);
                used += advance;
            }
        }
        lines.push(line);
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }
}

/// The pieces of a text that should not break.
fn atoms(text: &str) -> Vec<&str> {
    let mut atoms = Vec::new();
    let (mut start, mut whole) = (0, 0);
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| may_break(before, c)) && at >= whole {
            atoms.push(&text[start..at]);
            start = at;
        }
        if at >= whole {
            whole = at + kept(&text[at..]);
        }
        before = Some(c);
    }
    atoms.push(&text[start..]);
    atoms
}

/// How much of a text's beginning stays together: one of our words, or a short name in quotes.
fn kept(text: &str) -> usize {
    if text.starts_with('“') {
        let quoted = text.char_indices().take(QUOTED_CHARS_MAX).find(|(_, c)| *c == '”');
        return quoted.map_or(0, |(at, _)| at);
    }
    let words = WORDS.split_ascii_whitespace().filter(|word| text.starts_with(word));
    words.map(str::len).max().unwrap_or(0)
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' || advance(after) == 0.0 || closes(after) || opens(before) {
        return false;
    }
    // A number stays with its unit, as in 2023年.
    let is_quantity = before.is_ascii_digit() && is_wide(after);
    let is_wide = is_wide(before) || is_wide(after);
    before == ' ' || (is_wide && !is_quantity) || (before == '-' && after != '-')
}

fn closes(c: char) -> bool {
    "、。，．：；？！”’）〕】》〉」』〗｝］%％‰…—～·・,.:;?!)]}'\"".contains(c)
}

fn opens(c: char) -> bool {
    "“‘（〔【《〈「『〖｛［([{#￥$".contains(c)
}

/// Whether a character fills a square, as Chinese ones do.
fn is_wide(c: char) -> bool {
    c >= '\u{1100}' && advance(c) >= 1.0
}

/// The width of a text in em.
pub(super) fn em(text: &str) -> f64 {
    text.chars().map(advance).sum()
}

/// The width of a character in em: that of wide and bold fonts, for nobody knows the reader's.
fn advance(c: char) -> f64 {
    match c {
        ' ' | '.' | ',' | ':' | ';' | '\'' | '!' | '|' | 'i' | 'j' | 'l' => 0.36,
        'f' | 'r' | 't' | 'I' | '(' | ')' | '[' | ']' | '-' | '/' | '"' => 0.48,
        'm' | 'w' | '&' => 1.0,
        'M' | 'W' | '@' | '%' => 1.15,
        'A'..='Z' => 0.8,
        '0'..='9' => 0.64,
        '\0'..='\u{7f}' => 0.62,
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        '\u{80}'..='\u{2ff}' => 0.8,
        '\u{1f000}'.. => 1.4,
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrapped(text: &str, width: f64) -> Vec<String> {
        Text::of(text).wrap(width)
    }

    #[test]
    fn chinese_breaks_between_any_two_characters_but_before_what_closes() {
        assert_eq!(wrapped("一二三四五", 2.0), ["一二", "三四", "五"]);
        assert_eq!(wrapped("一二，三四", 2.0), ["一", "二，", "三四"]);
        assert_eq!(wrapped("一二“三”四", 3.0), ["一二", "“三”", "四"]);
        assert_eq!(wrapped("在2023年办", 3.6), ["在", "2023年", "办"]);
    }

    #[test]
    fn words_stay_whole_unless_one_is_wider_than_a_line() {
        assert_eq!(wrapped("one two", 3.0), ["one", "two"]);
        assert_eq!(wrapped("the end.", 2.4), ["the", "end."]);
        let lines = wrapped("http://example.org/campaigns", 5.0);
        assert_eq!(lines.concat(), "http://example.org/campaigns");
        assert!(lines.len() > 2 && lines.iter().all(|line| em(line) <= 5.0), "{lines:?}");
    }

    #[test]
    fn lines_are_of_about_equal_length() {
        assert_eq!(wrapped("一二三四五六七", 5.0), ["一二三四五", "六七"]);
        assert_eq!(Text::of("一二三四五六七").balanced(5.0), ["一二三四", "五六七"]);
    }

    #[test]
    fn a_text_is_as_large_as_it_fits_and_cut_only_where_it_would_be_unreadable() {
        let large = fit("投票", (178.0, 54.0), 24.0, 1.2);
        assert_eq!(large, Set { size: 24.0, lines: vec!["投票".to_owned()] });
        let small = fit(&"票".repeat(200), (178.0, 54.0), 24.0, 1.2);
        assert!(small.size > 6.0 && small.lines.concat().chars().count() == 200, "{small:?}");
        let cut = fit(&"票".repeat(2_000), (20.0, 4.0), 5.0, 1.2);
        assert!(cut.lines.len() == 1 && cut.lines[0].ends_with('…'), "{cut:?}");
    }

    proptest! {
        #[test]
        fn whatever_is_set_keeps_its_characters_and_its_width(
            text in "[a-zA-Z0-9 一-龥，。“”、（）!-]{1,200}",
            width in 2.0..40.0_f64,
        ) {
            let whole = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            let set = Text::of(&text);
            for lines in [set.wrap(width), set.balanced(width)] {
                prop_assert_eq!(whole(&lines.concat()), whole(&text));
                for line in &lines {
                    prop_assert!(em(line) <= width + 1e-9, "{}", line);
                }
            }
            prop_assert_eq!(set.balanced(width).len(), set.wrap(width).len());
        }
    }
}
