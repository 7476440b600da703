//! What a poster says, in Chinese and in English: when, by which rules, and how to vote.
//!
//! All of it follows from the campaign; the organiser's own texts come as they are, but for
//! characters that a reader cannot see. Never here: an offer for following or sharing, which WeChat
//! forbids, or a place on the sheet.

use ballot::{Campaign, Mode};

use super::Lang;
use super::when::{Moment, window, zone};

/// The sentences of a poster.
#[derive(Debug)]
pub(super) struct Words {
    /// What it is about: a headline above the title.
    pub(super) kicker: &'static str,
    /// From which day to which.
    pub(super) span: String,
    pub(super) title: String,
    pub(super) organiser: Option<String>,
    /// Headings, each with its lines.
    pub(super) columns: [(&'static str, Vec<String>); 2],
    /// What to do, in three steps.
    pub(super) steps: [(&'static str, String); 3],
    /// The address to type.
    pub(super) address: String,
    /// The channel, and what else is small at the foot.
    pub(super) foot: [String; 2],
    /// For those who do not see the sheet.
    pub(super) name: String,
    pub(super) description: String,
    pub(super) code: String,
}

impl Words {
    /// `address` is the page's, `target` the one in the code.
    pub(super) fn new(
        campaign: &Campaign,
        (address, target): (&str, &str),
        channel: Option<&str>,
        lang: Lang,
    ) -> Self {
        let say = |chinese, english| pick(lang, chinese, english);
        let title = seen(&campaign.title);
        let organiser = campaign.organiser.as_deref().map(seen).filter(|name| !name.is_empty());
        let (times, rules) = (times(campaign, lang), rules(campaign, lang));
        let colon = say("：", ": ");
        let label = |channel| format!("{}{colon}{channel}", say("海报", "Poster"));
        let demo = match campaign.identity.mode {
            Mode::Demo => say("演示活动，结果不作数", "A demonstration: it decides nothing"),
            Mode::Service | Mode::Unionid | Mode::Link | Mode::Token => "",
        };
        let mut description: Vec<String> = organiser.iter().cloned().collect();
        description.push(times.join(say(" ", ", ")));
        description.extend(rules.iter().cloned());
        description.push(address.to_owned());
        Self {
            kicker: say("扫码投票", "Scan to vote"),
            span: window(campaign).map(|both| Moment::span(both, lang)).unwrap_or_default(),
            name: format!("{}{colon}{title}", say("投票海报", "Poster for a vote")),
            description: description.join(say("；", "; ")),
            code: format!("{}{colon}{target}", say("二维码", "QR code")),
            columns: [(say("投票时间", "When"), times), (say("投票规则", "Rules"), rules)],
            steps: steps(campaign, lang),
            address: address.strip_prefix("https://").unwrap_or(address).to_owned(),
            foot: [channel.map(label).unwrap_or_default(), demo.to_owned()],
            title,
            organiser,
        }
    }
}

fn pick<'a>(lang: Lang, chinese: &'a str, english: &'a str) -> &'a str {
    match lang {
        Lang::Chinese => chinese,
        Lang::English => english,
    }
}

fn times(campaign: &Campaign, lang: Lang) -> Vec<String> {
    let Some([opens, closes]) = window(campaign) else { return Vec::new() };
    let of = |moment: Moment| (moment.date_of_year(lang), moment.weekday(lang), moment.time());
    let ((first, first_weekday, from), (last, last_weekday, to)) = (of(opens), of(closes));
    let zone = zone(&campaign.zone, lang);
    match lang {
        Lang::Chinese => vec![
            format!("{first} {first_weekday} {from}"),
            format!("至 {last} {last_weekday} {to}"),
            zone,
        ],
        Lang::English => vec![
            format!("from {from} on {first_weekday} {first}"),
            format!("until {to} on {last_weekday} {last}"),
            zone,
        ],
    }
}

fn rules(campaign: &Campaign, lang: Lang) -> Vec<String> {
    let mut rules: Vec<String> = first_step(campaign, lang).into_iter().collect();
    let is_one_day = campaign.days().len() == 1;
    rules.push(match (lang, campaign.identity.mode.is_wechat(), is_one_day) {
        (Lang::Chinese, true, false) => "每个微信号每天投一次".to_owned(),
        (Lang::Chinese, true, true) => "每个微信号只投一次".to_owned(),
        (Lang::Chinese, false, false) => "每人每天投一次".to_owned(),
        (Lang::Chinese, false, true) => "每人只投一次".to_owned(),
        (Lang::English, true, false) => "Once a day for each WeChat account".to_owned(),
        (Lang::English, true, true) => "Once for each WeChat account".to_owned(),
        (Lang::English, false, false) => "Once a day for each person".to_owned(),
        (Lang::English, false, true) => "Once for each person".to_owned(),
    });
    let (all, count) = (campaign.choices.len(), count(campaign, lang));
    rules.push(match lang {
        Lang::Chinese => format!("共{all}项，每次{count}"),
        Lang::English => format!("{count} of {all} choices each time"),
    });
    rules
}

/// How many choices a ballot may name, to be put into a sentence.
fn count(campaign: &Campaign, lang: Lang) -> String {
    let (min, max) = (campaign.choices_per_ballot_min, campaign.choices_per_ballot_max);
    match lang {
        Lang::Chinese if min == max => format!("选{max}项"),
        Lang::Chinese if min == 1 => format!("最多选{max}项"),
        Lang::Chinese => format!("选{min}至{max}项"),
        Lang::English if min == max => format!("{max}"),
        Lang::English if min == 1 => format!("Up to {max}"),
        Lang::English => format!("{min} to {max}"),
    }
}

/// What a voter has to do before anything else, if so.
fn first_step(campaign: &Campaign, lang: Lang) -> Option<String> {
    let identity = &campaign.identity;
    let account = identity.account.as_deref().map(seen);
    let keyword = identity.keyword.as_deref().map(seen);
    match (account, keyword, lang) {
        // The account gives the way in only to those who write to it.
        (Some(account), Some(keyword), Lang::Chinese) if identity.mode == Mode::Link => {
            Some(format!("先关注微信公众号“{account}”，并发送“{keyword}”"))
        }
        (Some(account), Some(keyword), Lang::English) if identity.mode == Mode::Link => Some(
            format!("First follow the WeChat account “{account}” and send it “{keyword}”"),
        ),
        (_, _, _) if !campaign.followers_only => None,
        (Some(account), _, Lang::Chinese) => Some(format!("先关注微信公众号“{account}”")),
        (Some(account), _, Lang::English) => {
            Some(format!("First follow the WeChat account “{account}”"))
        }
        (None, _, Lang::Chinese) => Some("先关注主办方的微信公众号".to_owned()),
        (None, _, Lang::English) => Some("First follow the organiser’s WeChat account".to_owned()),
    }
}

fn steps(campaign: &Campaign, lang: Lang) -> [(&'static str, String); 3] {
    let is_wechat = campaign.identity.mode.is_wechat();
    let count = count(campaign, lang);
    match lang {
        Lang::Chinese => {
            let scan = if is_wechat { "打开微信，扫一扫上面的二维码" } else { "用手机扫一扫上面的二维码" };
            [
                ("扫码", scan.to_owned()),
                ("选择", format!("在页面上勾选，{count}")),
                ("完成", "提交后看到回执，就投好了".to_owned()),
            ]
        }
        Lang::English => {
            let scan = if is_wechat { "with WeChat" } else { "with your phone" };
            let count = match count.strip_prefix("Up to ") {
                Some(max) => format!("up to {max}"),
                None => count,
            };
            [
                ("Scan", format!("Scan the code above {scan}")),
                ("Choose", format!("Tick {count} on the page")),
                ("Done", "Submit. A receipt says that your vote is in".to_owned()),
            ]
        }
    }
}

/// A text without what nobody sees: line ends and controls become spaces, and what changes the
/// direction of writing goes, so that a text cannot rearrange what stands next to it.
fn seen(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let text: String = text.chars().filter(|c| !turns(*c)).collect();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
