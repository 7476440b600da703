//! The voting page of a campaign in one language.
//!
//! Invariant: everything to read is in the HTML itself, before any script and any sign-in. Never
//! here: markup, which is in `pages/page.html`; or the words for what happens later, which the
//! script finds in `pages/page_words.html`.

use askama::Template;
use ballot::{Campaign, Challenge, Mode, Results};

use super::assets::File;
use super::dates::{Moment, moment};
use super::texts;
use crate::language::Language;

#[derive(Template)]
#[template(path = "page.html", whitespace = "minimize")]
struct Page<'a> {
    campaign: &'a Campaign,
    mode: Mode,
    language: Language,
    /// That of the campaign's texts.
    texts: &'static str,
    opens: Moment,
    closes: Moment,
    base_css: String,
    page_css: String,
    page_js: String,
    /// Fetched only by whoever has to work.
    work_js: Option<String>,
    icon: String,
}

impl Page<'_> {
    /// One of two sentences: both stand side by side in the template.
    const fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    const fn other(&self) -> &'static str {
        self.say("en", "zh")
    }

    fn account(&self) -> &str {
        self.campaign.identity.account.as_deref().unwrap_or_default()
    }

    fn keyword(&self) -> &str {
        self.campaign.identity.keyword.as_deref().unwrap_or_default()
    }

    /// The zone whose clocks and days the page speaks of, as its readers call it.
    fn zone(&self) -> &str {
        match self.campaign.zone.as_str() {
            "Asia/Shanghai" => self.say("北京时间", "Beijing time"),
            other => other,
        }
    }

    const fn results(&self) -> &'static str {
        match self.campaign.results {
            Results::Live => "live",
            Results::Hidden => "hidden",
        }
    }

    fn is_demo(&self) -> bool {
        self.mode == Mode::Demo
    }

    fn is_link(&self) -> bool {
        self.mode == Mode::Link
    }

    /// Who may vote, in a few words.
    fn who(&self) -> String {
        let account = self.account();
        match (self.language, self.mode) {
            (Language::Chinese, Mode::Demo) => "演示：任何人".to_owned(),
            (Language::English, Mode::Demo) => "Anybody: a demonstration".to_owned(),
            (Language::Chinese, _) if self.campaign.followers_only && !account.is_empty() => {
                format!("关注公众号「{account}」")
            }
            (Language::English, _) if self.campaign.followers_only && !account.is_empty() => {
                format!("Followers of 「{account}」")
            }
            (Language::Chinese, mode) if mode.is_wechat() => "微信用户".to_owned(),
            (Language::English, mode) if mode.is_wechat() => "Anybody with WeChat".to_owned(),
            (Language::Chinese, _) => "主办方的用户".to_owned(),
            (Language::English, _) => "The organiser’s users".to_owned(),
        }
    }

    /// Where a voter may have to solve a captcha: somebody else's then sees them.
    fn captcha_host(&self) -> Option<&str> {
        let Some(Challenge::Captcha { page_url, .. }) = &self.campaign.challenge else {
            return None;
        };
        page_url.strip_prefix("https://")?.split(['/', '?', '#']).next()
    }

    /// What is kept of a voter, and for how long.
    const fn privacy(&self) -> &'static str {
        match self.mode {
            Mode::Demo => self.say(
                "演示只在本浏览器里存放一个匿名身份（Cookie）和您的选择，活动结束一天后失效。",
                "The demonstration keeps an anonymous identity (a cookie) and your choices in this \
                 browser; it ends a day after the vote.",
            ),
            Mode::Token => self.say(
                "主办方的应用只交给我们一个编号。选票存为假名：由本活动专用的密钥算出，\
                 活动结束后密钥销毁，选票便再也无法对应到您。",
                "The organiser’s app hands us a number and nothing else. Your ballot is kept under \
                 a pseudonym made with a key of this campaign only; the key is destroyed after it, \
                 and nobody can trace the ballot to you any more.",
            ),
            Mode::Service | Mode::Unionid | Mode::Link => self.say(
                "为了做到每人每天一次，我们只用微信给出的编号算出一个假名，选票存在假名之下。\
                 算假名的密钥只属于本活动，活动结束后销毁，选票便再也无法对应到您；\
                 取消关注时，您的关注记录随即删除。",
                "So that everybody votes once a day, we make a pseudonym of the number that WeChat \
                 gives us for you, and keep your ballots under it. Its key belongs to this \
                 campaign only and is destroyed after it: then nobody can trace a ballot to you \
                 any more. If you stop following, the record that you followed is deleted at once.",
            ),
        }
    }
}

/// The page as HTML.
pub(crate) fn html(campaign: &Campaign, mode: Mode, language: Language) -> String {
    let works = matches!(campaign.challenge, Some(Challenge::Work { .. }));
    let page = Page {
        campaign,
        mode,
        language,
        texts: texts(campaign),
        opens: moment(campaign, campaign.opens_at_ms, language, true),
        closes: moment(campaign, campaign.closes_at_ms, language, false),
        base_css: File::BaseCss.href(),
        page_css: File::PageCss.href(),
        page_js: File::PageJs.href(),
        work_js: works.then(|| File::WorkJs.href()),
        icon: File::Icon.href(),
    };
    page.render().expect("a template of texts always renders")
}
