//! What is called: how often, how many at once, and what is to go wrong with the next calls.
//!
//! Invariant: each call is counted when it arrives, whatever becomes of it. Never here: what an
//! endpoint does.

use std::collections::VecDeque;
use std::time::Duration;

/// What of the imitation is counted and may fail on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/connect/oauth2/authorize`, asked by browsers.
    Authorize,
    /// `/sns/oauth2/access_token`.
    Exchange,
    /// `/cgi-bin/stable_token`.
    StableToken,
    /// `/cgi-bin/user/info`.
    UserInfo,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this errcode. With [`BUSY`](crate::errcode::BUSY) the call takes effect all the
    /// same: a code is spent. With any other nothing has happened.
    Errcode(i32),
    /// The call takes effect, but the connection is closed in place of an answer.
    Drop,
    /// The call takes effect; the answer is the page of a gateway, with this status.
    Garbage(u16),
    /// All is well, but the answer's `Content-Type` is this one. (WeChat's is `text/plain`, where
    /// one would expect JSON; that is no fault here.)
    ContentType(&'static str),
}

impl Fault {
    /// What is answered without anything else happening.
    pub(crate) const fn in_place(self) -> Option<i32> {
        match self {
            Self::Errcode(crate::errcode::BUSY)
            | Self::Drop
            | Self::Garbage(_)
            | Self::ContentType(_) => None,
            Self::Errcode(code) => Some(code),
        }
    }
}

/// One endpoint's counters and faults.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) count: u64,
    pub(crate) at_once: u64,
    pub(crate) at_once_max: u64,
    pub(crate) latency: Duration,
    faults: VecDeque<(Fault, u32)>,
}

impl Calls {
    /// Counts a call in, and says what goes wrong with it. It must be counted out.
    pub(crate) fn arrive(&mut self) -> Option<Fault> {
        self.count += 1;
        self.at_once += 1;
        self.at_once_max = self.at_once_max.max(self.at_once);
        let (fault, times) = self.faults.front_mut()?;
        let fault = *fault;
        *times -= 1;
        if *times == 0 {
            self.faults.pop_front();
        }
        Some(fault)
    }

    /// Has the next `times` calls go wrong, after those that are to go wrong already.
    pub(crate) fn fail(&mut self, fault: Fault, times: u32) {
        if times > 0 {
            self.faults.push_back((fault, times));
        }
    }
}

/// All endpoints.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    authorize: Calls,
    exchange: Calls,
    stable_token: Calls,
    user_info: Calls,
}

impl Endpoints {
    pub(crate) const fn of(&mut self, endpoint: Endpoint) -> &mut Calls {
        match endpoint {
            Endpoint::Authorize => &mut self.authorize,
            Endpoint::Exchange => &mut self.exchange,
            Endpoint::StableToken => &mut self.stable_token,
            Endpoint::UserInfo => &mut self.user_info,
        }
    }
}
