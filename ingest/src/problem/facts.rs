//! The table of problems: what each is told with. A page and a monitor may rely on every row.
//!
//! Never here: a code or a status that changes its meaning.

use hyper::StatusCode;

use super::{Facts, Problem, Retry};

impl Problem {
    /// What is fixed about it.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table: one entry per problem")]
    pub const fn facts(self) -> Facts {
        use Retry::{Later, Never, Safe};
        let (status, code, retry, retry_after_s, sentences) = match self {
            Self::MalformedBallot => (
                StatusCode::BAD_REQUEST,
                "malformed_ballot",
                Never,
                None,
                ["This ballot could not be read.", "选票格式有误，无法读取。"],
            ),
            Self::RequestBroken => (
                StatusCode::BAD_REQUEST,
                "request_broken",
                Safe,
                None,
                ["The request broke off. Please try again.", "请求中断，请重试。"],
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                Never,
                None,
                ["Please sign in first.", "请先登录。"],
            ),
            Self::NotAFollower => (
                StatusCode::FORBIDDEN,
                "not_a_follower",
                Later,
                None,
                [
                    "Please follow the official account first, then sign in again to vote.",
                    "请先关注公众号，再重新登录投票。",
                ],
            ),
            Self::NotOpen => (
                StatusCode::FORBIDDEN,
                "not_open",
                Later,
                None,
                ["Voting has not opened yet.", "投票尚未开始。"],
            ),
            Self::Closed => (
                StatusCode::FORBIDDEN,
                "closed",
                Never,
                None,
                ["Voting is over.", "投票已经结束。"],
            ),
            Self::UnknownRoute => (
                StatusCode::NOT_FOUND,
                "unknown_route",
                Never,
                None,
                ["There is nothing at this address.", "该地址不存在。"],
            ),
            Self::UnknownCampaign => (
                StatusCode::NOT_FOUND,
                "unknown_campaign",
                Never,
                None,
                ["There is no such campaign here.", "没有这个活动。"],
            ),
            Self::UnknownReceipt => (
                StatusCode::NOT_FOUND,
                "unknown_receipt",
                Never,
                None,
                ["You have no ballot with this receipt.", "没有找到您的这张选票。"],
            ),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                Never,
                None,
                ["This address does not take that method.", "该地址不支持这种请求方法。"],
            ),
            Self::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "request_timeout",
                Safe,
                None,
                [
                    "Your ballot did not arrive in time. Please send it again.",
                    "选票未能及时送达，请重新提交。",
                ],
            ),
            Self::AlreadyVoted => (
                StatusCode::CONFLICT,
                "already_voted",
                Never,
                None,
                [
                    "You have voted today, and that ballot stands.",
                    "您今天已经投过票，以先投的选票为准。",
                ],
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                Never,
                None,
                ["This is too large to be a ballot.", "内容过大，不是有效的选票。"],
            ),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                Never,
                None,
                ["A ballot is sent as application/json.", "选票须以 application/json 格式提交。"],
            ),
            Self::InvalidChoices => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_choices",
                Never,
                None,
                ["These choices are not allowed.", "所选项目不符合规则。"],
            ),
            Self::RateLimited => (
                StatusCode::TOO_MANY_REQUESTS,
                "rate_limited",
                Later,
                Some(2),
                ["Too many ask this at once. Please try again soon.", "查询人数较多，请稍后再试。"],
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                Safe,
                Some(1),
                [
                    "Very many are voting right now. Please try again in a moment.",
                    "当前投票人数很多，请稍后重试。",
                ],
            ),
            Self::JournalUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "journal_unavailable",
                Safe,
                Some(2),
                [
                    "We cannot confirm this right now. Sending the same again is safe: a ballot \
                     never counts twice.",
                    "暂时无法确认。可以放心重试，同一张选票不会重复计票。",
                ],
            ),
            Self::ResultsNotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "results_not_ready",
                Later,
                Some(1),
                [
                    "The results are being prepared. Please try again in a moment.",
                    "结果正在准备中，请稍后再试。",
                ],
            ),
            Self::MalformedRequest => (
                StatusCode::BAD_REQUEST,
                "malformed_request",
                Never,
                None,
                ["This request could not be read.", "请求格式有误，无法读取。"],
            ),
            Self::WrongIdentityMode => (
                StatusCode::FORBIDDEN,
                "wrong_identity_mode",
                Never,
                None,
                ["Voters of this campaign sign in in another way.", "本活动不支持这种登录方式。"],
            ),
            Self::CrossSite => (
                StatusCode::FORBIDDEN,
                "cross_site",
                Never,
                None,
                [
                    "This was asked for by another website. Please open the voting page itself.",
                    "该请求来自其他网站，请直接打开投票页面。",
                ],
            ),
            Self::LinkUsed => (
                StatusCode::GONE,
                "link_used",
                Never,
                None,
                [
                    "This link has been used, or is too old. Please ask for a new one.",
                    "该链接已使用或已过期，请重新获取。",
                ],
            ),
            Self::ResultsHidden => (
                StatusCode::FORBIDDEN,
                "results_hidden",
                Later,
                None,
                [
                    "The result is published when voting is over and everything is counted.",
                    "结果将在投票结束并完成计票后公布。",
                ],
            ),
            Self::ChallengeRequired => (
                StatusCode::FORBIDDEN,
                "challenge_required",
                Later,
                None,
                [
                    "Please wait a moment: your phone has to solve a small puzzle first.",
                    "请稍候：需要先在您的手机上完成一次安全验证。",
                ],
            ),
            Self::AlreadySignedIn => (
                StatusCode::CONFLICT,
                "already_signed_in",
                Later,
                None,
                [
                    "You are signed in as somebody else. Continue as the owner of this link?",
                    "已用另一身份登录。要改用这个链接的身份吗？",
                ],
            ),
        };
        Facts { status, code, retry, retry_after_s, sentences }
    }
}
