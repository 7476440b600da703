//! The poster as a reader of its SVG has it: well formed, on the sheet, and its code with the
//! level, the quiet zone and the size that make it readable.
//!
//! Everything is reckoned from the document, not from what drew it. Whether a camera reads the code
//! is tried in a browser, with another implementation.

use qrcode::{EcLevel, QrCode};
use roxmltree::{Document, Node};

use super::code::{Code, Use};
use super::text::em;
use super::*;

const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");
const URL: &str = "https://vote.example.org";
const HOSTILE: &str = "</text></svg><script>alert(1)</script><!-- ]]> & \" ' &#60; 票";

fn campaign() -> Campaign {
    Campaign::parse(HUBEI).unwrap()
}

/// Left, top, right and bottom, in mm.
type Area = [f64; 4];

fn number(node: Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap().parse().unwrap()
}

fn element<'a>(document: &'a Document<'a>, name: &str) -> Node<'a, 'a> {
    document.descendants().find(|node| node.has_tag_name(name)).unwrap()
}

/// What each text covers, by generous estimates.
fn texts(document: &Document<'_>) -> Vec<Vec<Area>> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let lines = |text: Node<'_, '_>| {
        let size = number(text, "font-size");
        let is_at_end = text.attribute("class").is_some_and(|class| class.contains("end"));
        let line = |line: Node<'_, '_>| {
            let (x, y) = (number(line, "x"), number(line, "y"));
            let width = em(line.text().unwrap_or_default()) * size;
            let left = if is_at_end { x - width } else { x };
            [left, y - 0.88 * size, left + width, y + 0.12 * size]
        };
        text.children().filter(|node| node.has_tag_name("tspan")).map(line).collect()
    };
    texts.map(lines).collect()
}

fn rules(document: &Document<'_>) -> Vec<Area> {
    let rects = document.descendants().filter(|node| node.has_tag_name("rect")).skip(1);
    let rule = |rect: Node<'_, '_>| {
        let (x, y) = (number(rect, "x"), number(rect, "y"));
        [x, y, x + number(rect, "width"), y + number(rect, "height")]
    };
    rects.map(rule).collect()
}

/// The code's dark area, and the side of a module.
fn code(document: &Document<'_>, modules: u32) -> (Area, f64) {
    let transform = element(document, "path").attribute("transform").unwrap();
    let numbers: Vec<f64> = transform
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .filter_map(|number| number.parse().ok())
        .collect();
    let [x, y, module] = numbers[..] else { panic!("{transform}") };
    let side = module * f64::from(modules);
    ([x, y, x + side, y + side], module)
}

fn meet(a: &Area, b: &Area) -> bool {
    const SLACK: f64 = 0.03;
    a[0] + SLACK < b[2] && b[0] + SLACK < a[2] && a[1] + SLACK < b[3] && b[1] + SLACK < a[3]
}

/// Checks the layout of a poster; answers its code's modules per side.
fn check(campaign: &Campaign, url: &str, channel: Option<&str>, lang: Lang) -> u32 {
    let svg = poster(campaign, url, channel, lang);
    let document = Document::parse(&svg).unwrap();
    let target =
        address(campaign, url) + &channel.map_or(String::new(), |name| format!("?c={name}"));
    let modules = Code::of(&target, Use::Print).unwrap().width();
    let (dark, module) = code(&document, modules);
    assert!(dark[2] - dark[0] >= 90.0, "{dark:?}");
    let quiet = [dark[0] - 4.0 * module, dark[1] - 4.0 * module, dark[2] + 4.0 * module];
    let quiet = [quiet[0], quiet[1], quiet[2], dark[3] + 4.0 * module];
    let (texts, rules) = (texts(&document), rules(&document));
    assert!(quiet[0] > 0.0 && texts.len() > 10 && rules.len() > 4, "{svg}");
    let all: Vec<Area> = texts.iter().flatten().chain(&rules).copied().collect();
    for area in &all {
        // What printers leave white.
        assert!(area[0] > 5.0 && area[1] > 5.0 && area[2] < 205.0 && area[3] < 292.0, "{area:?}");
        assert!(!meet(area, &quiet), "{area:?} is in the quiet zone {quiet:?}");
    }
    for (i, text) in texts.iter().enumerate() {
        for other in &texts[i + 1..] {
            let apart = !text.iter().any(|line| other.iter().any(|other| meet(line, other)));
            assert!(apart, "{text:?} {other:?}");
        }
        assert!(!text.iter().any(|line| rules.iter().any(|rule| meet(line, rule))), "{text:?}");
    }
    modules
}

#[test]
fn everything_has_its_place_however_long_the_texts_are() {
    let long = "城乡社区治理创新典型案例征集，2023 (Community)".repeat(10);
    let long: String = long.chars().take(200).collect();
    let wide = "W".repeat(200);
    let mut sizes = Vec::new();
    for title in ["票", "Vote", &campaign().title, HOSTILE, &long, &wide] {
        for organiser in [None, Some("A"), Some(&*long), Some(&*wide)] {
            for account in ["极目新闻", &"极目 W".repeat(16)] {
                let mut campaign = campaign();
                campaign.title = title.to_owned();
                campaign.organiser = organiser.map(str::to_owned);
                campaign.identity.account = Some(account.to_owned());
                let name = "a-channel-of-32-characters-at-it";
                sizes.push(check(&campaign, URL, None, Lang::Chinese));
                sizes.push(check(&campaign, "http://a.cn", Some("x"), Lang::English));
                let host = format!("https://{}.example", "very-long-host.".repeat(15));
                sizes.push(check(&campaign, &host, Some(name), Lang::Chinese));
                campaign.id = "a".to_owned();
                sizes.push(check(&campaign, "http://a", None, Lang::English));
            }
        }
    }
    sizes.sort_unstable();
    assert_eq!((sizes.first(), sizes.last()), (Some(&25), Some(&69)));
}

#[test]
fn texts_are_escaped_and_nothing_in_the_sheet_is_active() {
    let mut campaign = campaign();
    campaign.title = HOSTILE.to_owned();
    campaign.organiser = Some(format!("{HOSTILE}\u{1}\u{202e}"));
    campaign.identity.account = Some(HOSTILE.to_owned());
    let svg = poster(&campaign, "http://x\"><script>", Some("<&\"'>"), Lang::Chinese);
    let document = Document::parse(&svg).unwrap();
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let expected = ["svg", "title", "desc", "style", "rect", "text", "tspan", "path"];
        assert!(expected.contains(&name), "{name}");
        for attribute in node.attributes() {
            let name = attribute.name();
            assert!(!name.starts_with("on") && name != "style" && name != "href", "{name}");
        }
    }
    assert!(element(&document, "title").text().unwrap().ends_with(HOSTILE));
    let title = document.descendants().find(|node| node.attribute("class") == Some("title"));
    let lines: String =
        title.unwrap().descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
    assert_eq!(lines.replace(' ', ""), HOSTILE.replace(' ', ""));
    assert!(!svg.contains(['\u{1}', '\u{202e}']));
    // The style is what a policy's hash is of: the bytes of the constant, which need no escape.
    assert_eq!(element(&document, "style").text(), Some(STYLE));
    assert!(!STYLE.contains(['<', '&', '>']) && !STYLE.contains("url"), "{STYLE}");
}

#[test]
fn a_sheet_says_when_how_and_where_in_both_languages() {
    let mut campaign = campaign();
    campaign.identity.account = Some("极目新闻".to_owned());
    campaign.identity.mode = ballot::Mode::Service;
    for (lang, tag, said) in [
        (
            Lang::Chinese,
            "zh-CN",
            [
                "2023年12月18日至12月24日",
                "12月18日 周一 10:00",
                "每次最多选10项",
                "海报：metro",
                "微信",
            ],
        ),
        (
            Lang::English,
            "en",
            [
                "18 December to 24 December 2023",
                "Mon 18 Dec, 10:00",
                "Up to 10 of 20",
                "Poster: metro",
                "WeChat",
            ],
        ),
    ] {
        let svg = poster(&campaign, &format!("{URL}/"), Some("metro"), lang);
        let document = Document::parse(&svg).unwrap();
        let root = document.root_element();
        assert_eq!((root.attribute("lang"), root.attribute("width")), (Some(tag), Some("210mm")));
        let text: String = document.descendants().filter_map(|node| node.text()).collect();
        for said in said.into_iter().chain([&*campaign.title, "极目新闻"]) {
            assert!(text.contains(said), "{said} is not in {text}");
        }
        let description = element(&document, "desc").text().unwrap();
        assert!(description.contains("vote.example.org/campaigns/hubei-2023"), "{description}");
        let label = element(&document, "path").attribute("aria-label").unwrap();
        assert!(
            label.ends_with("https://vote.example.org/campaigns/hubei-2023?c=metro"),
            "{label}"
        );
    }
    // Whoever tries it out follows nobody.
    campaign.identity.mode = ballot::Mode::Demo;
    let svg = poster(&campaign, URL, None, Lang::Chinese);
    assert!(!svg.contains("微信") && svg.contains("演示活动"), "{svg}");
    campaign.identity.mode = ballot::Mode::Link;
    campaign.identity.keyword = Some("点赞".to_owned());
    assert!(poster(&campaign, URL, None, Lang::Chinese).contains("发送“点赞”"));
}

#[test]
fn a_printed_code_bears_the_loss_of_a_quarter_where_it_can() {
    let level = |length: usize| {
        let code = Code::of(&format!("https://{}", "a".repeat(length - 8)), Use::Print);
        code.map(|code| (code.level(), code.width()))
    };
    // ISO/IEC 18004, table 7: bytes in 6-Q, in 5-M, and in the largest code of all.
    assert_eq!(level(74), Some((EcLevel::Q, 41)));
    assert_eq!(level(75), Some((EcLevel::M, 37)));
    assert_eq!(level(2_953), Some((EcLevel::L, 177)));
    assert_eq!(level(2_954), None);
    assert_eq!(terminal(&"a".repeat(2_954)), "");
    let svg = poster(&campaign(), &format!("https://{}", "a".repeat(3_000)), None, Lang::English);
    assert!(Document::parse(&svg).is_ok() && !svg.contains("<path"));
}

#[test]
fn the_path_covers_the_dark_modules_and_no_others() {
    let target = format!("{URL}/campaigns/hubei-2023?c=metro");
    let code = Code::of(&target, Use::Print).unwrap();
    let mut drawn = vec![vec![false; 64]; 64];
    for run in code.path().split('z').filter(|run| !run.is_empty()) {
        let (x, rest) = run.strip_prefix('M').unwrap().split_once(' ').unwrap();
        let (y, rest) = rest.split_once('h').unwrap();
        let (length, back) = rest.split_once("v1h-").unwrap();
        assert_eq!(length, back);
        let [x, y, length] = [x, y, length].map(|number| number.parse::<usize>().unwrap());
        drawn[y][x..x + length].fill(true);
    }
    for (y, row) in (0..).zip(&drawn) {
        for (x, drawn) in (0..).zip(row) {
            let expected = x < code.width() && y < code.width() && code.is_dark(x, y);
            assert_eq!(*drawn, expected, "{x} {y}");
        }
    }
}

#[test]
fn a_terminal_shows_the_same_modules_with_their_quiet_zone() {
    let url = "http://127.0.0.1:8080/campaigns/hubei-2023";
    let code = QrCode::with_error_correction_level(url, EcLevel::L).unwrap();
    let shown = terminal(url);
    let (mut modules, side) = (Vec::new(), code.width() + 8);
    for line in shown.lines() {
        let line = line.strip_prefix("\x1b[38;5;16;48;5;231m").unwrap();
        let line: Vec<char> = line.strip_suffix("\x1b[0m").unwrap().chars().collect();
        assert_eq!(line.len(), side);
        modules.push(line.iter().map(|c| "▀█".contains(*c)).collect::<Vec<_>>());
        modules.push(line.iter().map(|c| "▄█".contains(*c)).collect());
    }
    // A terminal of 80 × 24 shows all of it.
    assert!(side <= 80 && modules.len() == side.next_multiple_of(2) && modules.len() <= 44);
    for (y, row) in modules.iter().enumerate() {
        for (x, dark) in row.iter().enumerate() {
            let is_inside = (4..side - 4).contains(&x) && (4..side - 4).contains(&y);
            let expected = is_inside && code[(x - 4, y - 4)] == qrcode::Color::Dark;
            assert_eq!(*dark, expected, "{x} {y}");
        }
    }
}
