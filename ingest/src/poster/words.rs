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
    let zone = zone(&campaign.zone, lang);
    let ((first, from), (last, to)) =
        ((opens.short(lang), opens.time()), (closes.short(lang), closes.time()));
    match lang {
        Lang::Chinese => vec![format!("{first} {from}"), format!("至 {last} {to}"), zone],
        Lang::English => vec![format!("{first}, {from}"), format!("to {last}, {to}"), zone],
    }
}

fn rules(campaign: &Campaign, lang: Lang) -> Vec<String> {
    let mut rules = follow(campaign, lang);
    let is_one_day = campaign.days().len() == 1;
    rules.push(match (lang, campaign.identity.mode.is_wechat(), is_one_day) {
        (Lang::Chinese, true, false) => "每个微信号每天投一次".to_owned(),
        (Lang::Chinese, true, true) => "每个微信号只投一次".to_owned(),
        (Lang::Chinese, false, false) => "每人每天投一次".to_owned(),
        (Lang::Chinese, false, true) => "每人只投一次".to_owned(),
        (Lang::English, true, false) => "Once a day per WeChat account".to_owned(),
        (Lang::English, true, true) => "Once per WeChat account".to_owned(),
        (Lang::English, false, false) => "Once a day per person".to_owned(),
        (Lang::English, false, true) => "Once per person".to_owned(),
    });
    let (all, count) = (campaign.choices.len(), count(campaign, lang));
    rules.push(match lang {
        Lang::Chinese => format!("共{all}项，每次{count}"),
        Lang::English => format!("{count} of {all} choices"),
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
fn follow(campaign: &Campaign, lang: Lang) -> Vec<String> {
    let identity = &campaign.identity;
    // The account gives the way in only to those who write to it.
    let keyword = identity.keyword.as_deref().filter(|_| identity.mode == Mode::Link).map(seen);
    let is_asked = campaign.followers_only && identity.mode != Mode::Demo;
    if !is_asked && keyword.is_none() {
        return Vec::new();
    }
    let account = identity.account.as_deref().map(seen);
    let mut rules = vec![match (account, lang) {
        (Some(account), Lang::Chinese) => format!("先关注微信公众号“{account}”"),
        (Some(account), Lang::English) => format!("First follow “{account}” on WeChat"),
        (None, Lang::Chinese) => "先关注主办方的微信公众号".to_owned(),
        (None, Lang::English) => "First follow the organiser on WeChat".to_owned(),
    }];
    rules.extend(keyword.map(|keyword| match lang {
        Lang::Chinese => format!("再给它发送“{keyword}”"),
        Lang::English => format!("and send it “{keyword}”"),
    }));
    rules
}

fn steps(campaign: &Campaign, lang: Lang) -> [(&'static str, String); 3] {
    let is_wechat = campaign.identity.mode.is_wechat();
    let count = count(campaign, lang);
    match lang {
        Lang::Chinese => {
            let with = if is_wechat { "打开微信，" } else { "用手机" };
            [
                ("扫码", format!("{with}扫一扫上面的二维码")),
                ("选择", format!("在页面上勾选，{count}")),
                ("完成", "提交后看到回执，就投好了".to_owned()),
            ]
        }
        Lang::English => {
            let with = if is_wechat { "with WeChat" } else { "with your phone" };
            let count = match count.strip_prefix("Up to ") {
                Some(max) => format!("up to {max}"),
                None => count,
            };
            [
                ("Scan", format!("Scan the code {with}")),
                ("Choose", format!("Tick {count} on the page")),
                ("Done", "Submit and see your receipt".to_owned()),
            ]
        }
    }
}

/// A text without what nobody sees: line ends and controls become spaces, and what changes the
/// direction of writing goes, so that a text cannot rearrange what stands next to it.
fn seen(text: &str) -> String {
    let turns = |c: char| {
        ('\u{200e}'..='\u{200f}').contains(&c)
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let text: String = text.chars().filter(|c| !turns(*c)).collect();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
