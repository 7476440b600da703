//! WeChat's error codes that the imitation answers with.
//!
//! Their meanings are WeChat's. The words beside them change from month to month over there, and
//! end in an id of the request: never compare them.

/// Busy. On the exchange, the code is spent all the same.
pub const BUSY: i32 = -1;
/// The app token is not the newest, or not one at all.
pub const NOT_THE_NEWEST_TOKEN: i32 = 40_001;
/// The `grant_type` is another.
pub const BAD_GRANT_TYPE: i32 = 40_002;
/// The openid is of another account.
pub const FOREIGN_OPENID: i32 = 40_003;
/// There is no such account.
pub const BAD_APP_ID: i32 = 40_013;
/// Nothing that looks like an app token.
pub const BAD_TOKEN: i32 = 40_014;
/// There is no such code.
pub const BAD_CODE: i32 = 40_029;
/// The secret is another.
pub const BAD_SECRET: i32 = 40_125;
/// The code has been used.
pub const USED_CODE: i32 = 40_163;
/// No app token is given.
pub const NO_TOKEN: i32 = 41_001;
/// No account is given.
pub const NO_APP_ID: i32 = 41_002;
/// No secret is given.
pub const NO_SECRET: i32 = 41_004;
/// No code is given.
pub const NO_CODE: i32 = 41_008;
/// No openid is given.
pub const NO_OPENID: i32 = 41_009;
/// The app token has expired.
pub const EXPIRED_TOKEN: i32 = 42_001;
/// The code has expired.
pub const EXPIRED_CODE: i32 = 42_003;
/// It must be asked with GET.
pub const NEEDS_GET: i32 = 43_001;
/// It must be asked with POST.
pub const NEEDS_POST: i32 = 43_002;
/// The day's quota is used up.
pub const DAILY_QUOTA: i32 = 45_009;
/// The minute's quota is used up.
pub const MINUTE_QUOTA: i32 = 45_011;
/// The body is not the JSON it should be.
pub const BAD_JSON: i32 = 47_001;
/// The account has no right to do this.
pub const NO_RIGHT: i32 = 48_001;

/// On the authorize page: the domain of `redirect_uri` is not the one that was set.
pub const FOREIGN_REDIRECT: i32 = 10_003;
/// On the authorize page: the account has no right to this scope, or the link is not of the form
/// that WeChat wants to the letter.
pub const NO_SCOPE: i32 = 10_005;
/// On the authorize page: asked too often.
pub const TOO_OFTEN: i32 = 10_009;

/// What WeChat says beside a code.
#[must_use]
pub const fn errmsg(code: i32) -> &'static str {
    match code {
        BUSY => "system error",
        NOT_THE_NEWEST_TOKEN => "invalid credential, access_token is invalid or not latest",
        BAD_GRANT_TYPE => "invalid grant_type",
        FOREIGN_OPENID => "invalid openid",
        BAD_APP_ID => "invalid appid",
        BAD_TOKEN => "invalid access_token",
        BAD_CODE => "invalid code",
        BAD_SECRET => "invalid appsecret",
        USED_CODE => "code been used",
        NO_TOKEN => "access_token missing",
        NO_APP_ID => "appid missing",
        NO_SECRET => "appsecret missing",
        NO_CODE => "missing code",
        NO_OPENID => "missing openid",
        EXPIRED_TOKEN => "access_token expired",
        EXPIRED_CODE => "code expired",
        NEEDS_GET => "require GET method",
        NEEDS_POST => "require POST method",
        DAILY_QUOTA => "reach max api daily quota limit",
        MINUTE_QUOTA => "api minute-quota reach limit, must slower, retry next minute",
        BAD_JSON => "data format error",
        NO_RIGHT => "api unauthorized",
        FOREIGN_REDIRECT => "redirect_uri 域名与后台配置不一致",
        NO_SCOPE => "此公众号并没有这些 scope 的权限",
        TOO_OFTEN => "操作太频繁了，请稍后重试",
        _ => "error",
    }
}
