//! What a test, or whoever else holds an imitation in the same process, can have it do.
//!
//! Never here: a rule of WeChat's.

use std::time::Duration;

use crate::endpoints::{Endpoint, Fault};
use crate::imitation::Imitation;
use crate::options::{Kind, Unionids};
use crate::person::Person;
use crate::quotas::Quotas;

impl Imitation {
    /// The person of a name, who is made if need be and then follows nothing.
    #[must_use]
    pub fn person(&self, name: &str) -> Person {
        self.state().people.person(name);
        Person::new(self.clone(), name.to_owned())
    }

    /// Has the next `times` calls of an endpoint go wrong, after those that are to already.
    pub fn fail(&self, endpoint: Endpoint, fault: Fault, times: u32) {
        self.state().endpoints.of(endpoint).fail(fault, times);
    }

    /// From now on an endpoint takes this long to answer, of real time. Calls take effect when they
    /// arrive: whoever does not wait for the answer has spent the code all the same.
    pub fn set_latency(&self, endpoint: Endpoint, latency: Duration) {
        self.state().endpoints.of(endpoint).latency = latency;
    }

    /// From now on these quotas hold, of which what is used remains used.
    pub fn set_quotas(&self, quotas: Quotas) {
        self.state().quotas = quotas;
    }

    /// Says whose unionid is told.
    pub fn set_unionids(&self, unionids: Unionids) {
        self.state().unionids = unionids;
    }

    /// What the authority of each `redirect_uri` must equal; see [`Options`](crate::Options).
    pub fn set_redirect_domain(&self, domain: &str) {
        domain.clone_into(&mut self.state().redirect_domain);
    }

    /// Where events are posted; see [`Options`](crate::Options).
    pub fn set_events_url(&self, url: Option<&str>) {
        self.state().events_url = url.map(str::to_owned);
    }

    /// How long an event waits for its 200, of real time, before it is sent again. WeChat's 5 s
    /// until this is called.
    pub fn set_event_deadline(&self, deadline: Duration) {
        self.state().event_deadline = deadline;
    }

    /// Makes an account's app tokens invalid, as if somebody else who knows its secret had forced a
    /// refresh.
    pub fn revoke_tokens(&self, kind: Kind) {
        self.state().tokens.of_mut(kind).revoke();
    }

    /// How often an endpoint has been called.
    #[must_use]
    pub fn calls(&self, endpoint: Endpoint) -> u64 {
        self.state().endpoints.of(endpoint).count
    }

    /// How many calls of an endpoint were unanswered at the same time, at most.
    #[must_use]
    pub fn calls_at_once_max(&self, endpoint: Endpoint) -> u64 {
        self.state().endpoints.of(endpoint).at_once_max
    }
}
