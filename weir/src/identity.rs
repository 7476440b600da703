//! How a campaign's voters sign in at this process: of its file, its keys, and what was asked for.
//!
//! Invariant: voters that nobody has checked are taken only where somebody asked for that by name,
//! or tries the built-in campaign. Never here: a secret in a message.

use ballot::{Campaign, Challenge, Identity, Mode, TokenKeys};
use ingest::Captcha;

use crate::args::{SiteArgs, Way};
use crate::config::{Keys, WeChatSecrets};
use crate::exit::Failure;

/// What the imitation of WeChat is called, wherever a name is shown.
const IMITATION: &str = "微信（模拟）";
/// Its AppIDs.
pub(crate) const IMITATION_APP_ID: &str = "wx00000000imitated";
pub(crate) const IMITATION_SUBSCRIPTION_APP_ID: &str = "wx00000001imitated";
/// What to send to it where links are sent.
const IMITATION_KEYWORD: &str = "点赞";

/// Where a campaign comes from and goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The one inside the program, to try out.
    BuiltIn,
    /// A file, served alone on this machine.
    File,
    /// A file, served by one of several processes.
    Cluster,
}

/// The campaign with the way of signing in that it has here.
pub(crate) fn chosen(
    args: &SiteArgs,
    origin: Origin,
    mut campaign: Campaign,
) -> Result<Campaign, Failure> {
    let mode = campaign.identity.mode;
    let identity = match (args.identity, origin) {
        (Some(Way::Demo), _) | (None, Origin::BuiltIn) => campaign.identity.with_mode(Mode::Demo),
        (Some(Way::WechatImitation), _) => imitated(&campaign.identity),
        (None, Origin::Cluster) if mode == Mode::Demo => {
            return Err(Failure::configuration(format!(
                "{}: identity.mode: is \"demo\": anybody could vote again and again; give another \
                 mode, or ask for it by name with --identity demo",
                campaign.id
            )));
        }
        (None, Origin::File | Origin::Cluster) => campaign.identity.clone(),
    };
    // Links are sent where there is an address for them; the imitation is nowhere without one.
    let is_needed = identity.mode.authorizes() || args.imitates();
    if is_needed && args.public_url.is_none() && origin == Origin::Cluster {
        return Err(Failure::configuration(format!(
            "{}: --public-url: is missing, and WeChat sends voters back to it in mode {:?}; give \
             the origin that voters see, such as https://vote.example.org",
            campaign.id,
            identity.mode.name()
        )));
    }
    if identity.mode == Mode::Unionid && args.identity_data.is_none() && origin == Origin::Cluster {
        return Err(Failure::configuration(format!(
            "{}: --identity-data: is missing, and in mode \"unionid\" it must be kept who follows: \
             WeChat cannot be asked; give a directory",
            campaign.id
        )));
    }
    campaign.identity = identity;
    Ok(campaign)
}

/// The same way of signing in, with all that the imitation needs of it.
fn imitated(identity: &Identity) -> Identity {
    let mode = if identity.mode.is_wechat() { identity.mode } else { Mode::Service };
    let account = identity.account.clone().unwrap_or_else(|| IMITATION.to_owned());
    let id = |wanted: bool, id: &str| wanted.then(|| id.to_owned());
    let keyword = identity.keyword.clone().unwrap_or_else(|| IMITATION_KEYWORD.to_owned());
    Identity {
        mode,
        account: Some(account),
        app_id: id(mode.authorizes(), IMITATION_APP_ID),
        subscription_app_id: id(mode == Mode::Unionid, IMITATION_SUBSCRIPTION_APP_ID),
        keyword: Some(keyword).filter(|_| mode == Mode::Link),
    }
}

/// The secrets that the campaign's way of signing in needs, all of them.
pub(crate) fn secrets<'a>(
    campaign: &Campaign,
    keys: &'a Keys,
) -> Result<&'a WeChatSecrets, Failure> {
    let secrets = keys.wechat();
    let mode = campaign.identity.mode;
    for (key, given, wanted) in [
        ("app_secret", &secrets.app_secret, mode.authorizes()),
        ("event_token", &secrets.event_token, mode.is_wechat()),
        ("subscription_app_secret", &secrets.subscription_app_secret, mode == Mode::Unionid),
    ] {
        if wanted && given.is_none() {
            return Err(Failure::configuration(format!(
                "{}: the keys have no [wechat] {key}, which mode {:?} needs; copy it from the \
                 account's settings",
                campaign.id,
                mode.name()
            )));
        }
    }
    Ok(secrets)
}

/// What signs and checks the tokens of a campaign here. Where nobody checks who a voter is, the
/// tokens say so: they are worth nothing once somebody does.
pub(crate) fn token_keys(
    campaign: &Campaign,
    keys: &Keys,
    imitates: bool,
) -> Result<TokenKeys, Failure> {
    let tokens = keys.token_keys(&campaign.id)?;
    let is_trial = imitates || campaign.identity.mode == Mode::Demo;
    Ok(if is_trial { tokens.for_trial() } else { tokens })
}

/// The provider of the campaign's captcha, if voters may have to solve one.
pub(crate) fn captcha(campaign: &Campaign, keys: &Keys) -> Result<Option<Captcha>, Failure> {
    let Some(Challenge::Captcha { verify_url, .. }) = &campaign.challenge else { return Ok(None) };
    let wrong = |what: String| Failure::configuration(format!("{}: {what}", campaign.id));
    let secret = keys.captcha().secret().ok_or_else(|| {
        wrong(
            "the keys have no [captcha] secret, which a challenge of kind \"captcha\" needs; copy \
             it from the provider's settings"
                .to_owned(),
        )
    })?;
    let captcha = Captcha::new(verify_url, secret.to_owned());
    captcha.map(Some).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::read_campaign;

    fn args(identity: Option<Way>) -> SiteArgs {
        SiteArgs {
            public_url: None,
            identity,
            identity_data: None,
            trusted_proxies: Vec::new(),
            prefix_rate_max: None,
            tls_cert: None,
            tls_key: None,
        }
    }

    fn campaign(mode: Mode) -> Campaign {
        let mut campaign = read_campaign(None).unwrap();
        campaign.identity.mode = mode;
        campaign
    }

    #[test]
    fn demo_voters_are_taken_only_by_name_or_of_the_built_in_campaign() {
        let mode = |way, origin, mode| {
            chosen(&args(way), origin, campaign(mode)).map(|chosen| chosen.identity.mode)
        };
        assert_eq!(mode(None, Origin::BuiltIn, Mode::Token).unwrap(), Mode::Demo);
        assert_eq!(mode(None, Origin::File, Mode::Token).unwrap(), Mode::Token);
        assert_eq!(mode(Some(Way::Demo), Origin::Cluster, Mode::Token).unwrap(), Mode::Demo);
        let refused = mode(None, Origin::Cluster, Mode::Demo).unwrap_err().sentence;
        assert!(refused.contains("identity.mode: is \"demo\""), "{refused}");
    }

    #[test]
    fn the_imitation_keeps_the_way_that_a_file_has_and_else_takes_the_first() {
        let imitated = |mode| {
            let way = args(Some(Way::WechatImitation));
            chosen(&way, Origin::File, campaign(mode)).unwrap().identity
        };
        assert_eq!(imitated(Mode::Token).mode, Mode::Service);
        let unionid = imitated(Mode::Unionid);
        assert_eq!(unionid.mode, Mode::Unionid);
        assert!(unionid.subscription_app_id.is_some() && unionid.keyword.is_none());
        assert_eq!(imitated(Mode::Link).keyword.as_deref(), Some(IMITATION_KEYWORD));
    }

    #[test]
    fn an_edge_without_an_address_cannot_send_voters_to_wechat() {
        let imitation = Some(Way::WechatImitation);
        for (way, mode) in [(None, Mode::Service), (imitation, Mode::Link)] {
            let refused = chosen(&args(way), Origin::Cluster, campaign(mode)).unwrap_err();
            assert!(refused.sentence.contains("--public-url: is missing"), "{}", refused.sentence);
        }
    }

    #[test]
    fn a_captcha_needs_its_secret_and_work_needs_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.keys.toml");
        let (keys, _) = Keys::make(&path).unwrap();
        let with = |challenge| {
            let mut campaign = campaign(Mode::Token);
            campaign.challenge = challenge;
            campaign
        };
        for challenge in [None, Some(Challenge::Work { bits: 18 })] {
            assert!(captcha(&with(challenge), &keys).unwrap().is_none());
        }
        let (page_url, verify_url) = ("https://c/".to_owned(), "https://c/verify".to_owned());
        let wanted = with(Some(Challenge::Captcha { page_url, verify_url }));
        let refused = captcha(&wanted, &keys).unwrap_err().sentence;
        assert!(refused.contains("the keys have no [captcha] secret"), "{refused}");
        let text = std::fs::read_to_string(&path).unwrap() + "[captcha]\nsecret = \"s\"\n";
        std::fs::write(&path, text).unwrap();
        let keys = Keys::read(&path).unwrap().unwrap();
        assert!(captcha(&wanted, &keys).unwrap().is_some());
    }
}
