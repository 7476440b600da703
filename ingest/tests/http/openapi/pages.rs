//! Has a server give the documented answers of what people see: pages, posters, static files.

use std::sync::Arc;

use aggregator::view;
use ballot::Campaign;
use hyper::Method;
use ingest::server::{Limits, Shutdown};
use ingest::{Edge, EdgeCampaign, EdgeOptions, Site};
use journal::ClockCheck;
use journal::simulated::{Cluster, Options, Simulated};
use prometheus::Registry;

use super::direct::Direct;
use super::provoked::{again, path};
use super::{Answer, Case};
use crate::kit::{NOON_MS, Running, TestClock, campaign_text};

pub(super) async fn provoke(edge: &Running, case: &Case<'_>) -> Answer {
    match (case.id, case.status) {
        ("home", "200") => Direct::to(&several()).await.send(&Method::GET, "/").await,
        (_, "404") if case.media == "text/html" => {
            let path = path(case.path, "d");
            edge.send(Method::GET, &path, &[("accept", "text/html")], "").await
        }
        ("page", "302") => Direct::to(&several()).await.send(&Method::GET, "/campaigns/c").await,
        ("asset", "200" | "304") => {
            let page = edge.get("/campaigns/c").await;
            let page = std::str::from_utf8(&page.body).unwrap();
            let ending = match case.media {
                "text/css" => ".css",
                "image/svg+xml" => ".svg",
                _ => ".js",
            };
            let mut addresses = page.split('"').filter(|text| text.starts_with("/assets/"));
            let file = addresses.find(|address| address.ends_with(ending)).unwrap();
            again(edge, case, file).await
        }
        _ => again(edge, case, &path(case.path, "c")).await,
    }
}

/// An edge with two campaigns, of which it serves the results.
fn several() -> Edge<Simulated> {
    let given = ["c", "d"].map(|id| {
        let journal = Cluster::new(1, 2, Options::default()).process("edge");
        let text = campaign_text().replace("id = \"c\"", &format!("id = \"{id}\""));
        let (view, following) = view(journal.clone());
        drop(following);
        EdgeCampaign {
            campaign: Campaign::parse(&text).unwrap(),
            journal,
            view,
            clock_check: Arc::new(ClockCheck::new(2_000)),
            voting: None,
        }
    });
    let options = EdgeOptions {
        limits: Limits::default(),
        clock: TestClock::at(NOON_MS),
        shutdown: Shutdown::new(),
        registry: Registry::new(),
        site: Site::default(),
    };
    Edge::new(given.into(), options).unwrap()
}
