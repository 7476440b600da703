//! `docker-compose.yml` without containers: each service's own command, environment and health
//! check run as processes of this machine, in the file's order, and votes go through all of it.
//!
//! What an engine adds is not tried: images, users, read-only roots, limits, networks. Grafana and
//! Prometheus have tests of their own. Kafka is the version of the test kit.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "compose/balancer.rs"]
mod balancer;
#[path = "compose/client.rs"]
mod client;
#[path = "compose/here.rs"]
mod here;
#[path = "compose/kafka.rs"]
mod kafka;
mod kit;
#[path = "compose/load.rs"]
mod load;
#[path = "compose/voters.rs"]
mod voters;

use std::io::{BufRead as _, BufReader};

use client::Client;
use here::{Here, Running};
use kit::{Request, Scratch, eventually, tally};
use voters::Voters;

const PROCESSES: [&str; 4] = ["ingest-1", "ingest-2", "aggregate-1", "aggregate-2"];

#[test]
fn what_compose_starts_takes_votes_counts_them_and_lets_an_edge_restart_unnoticed() {
    let scratch = Scratch::new();
    let here = Here::new(&scratch);
    let kafka = kafka::start(&here);
    founded_twice_over(&here);
    let mut processes: Vec<Running<'_>> = PROCESSES.map(|name| here.start(name)).into();
    processes.iter_mut().for_each(Running::wait_healthy);
    let mut balancer = balancer::start(&here);
    balancer.wait_healthy();

    let origin = format!("http://127.0.0.1:{}", here.port("balancer", 8080));
    let url = format!("{origin}/v1/campaigns/hubei-2023");
    voters_find_the_page_and_sign_in(&here, &origin);
    let voters = Voters::new(&here);
    let accepted = voters.cast_while(|| {
        both_edges_are_used(&here);
        let edge = processes.remove(0);
        edge.stop("TERM", 0);
        let mut edge = here.start("ingest-1");
        edge.wait_healthy();
        processes.insert(0, edge);
        both_edges_are_used(&here);
    });
    assert!(accepted > 100, "{accepted}");
    drop(tally(&url, accepted, 0));
    the_tally_streams_through_the_balancer(&here, &voters);
    load::run(&here);

    balancer.stop("USR1", 0);
    // All at once: each drains for 5 s.
    processes.iter_mut().for_each(|process| process.signal("TERM"));
    processes.into_iter().for_each(|process| process.ended(0));
    // A Java machine's way to say that it ended because it was told to.
    kafka.stop("TERM", 143);
}

/// Everything is there, and the one-shots change nothing when `docker compose up` runs them again.
fn founded_twice_over(here: &Here<'_>) {
    let first = here.run("campaign", &[]);
    assert!(first.contains("wrote hubei-2023 to "), "{first}");
    let topics = here.run("topics", &[]);
    assert!(topics.contains("made the topics ballots.hubei-2023"), "{topics}");
    let again = here.run("campaign", &[]);
    assert!(again.contains("is there already and stays as it is"), "{again}");
    let again = here.run("topics", &[]);
    assert!(again.contains("partitions have these rules") && !again.contains("made"), "{again}");
}

fn both_edges_are_used(here: &Here<'_>) {
    for edge in ["ingest-1", "ingest-2"] {
        let url = format!("http://127.0.0.1:{}/metrics", here.port(edge, 9090));
        eventually(&format!("ballots at {edge}"), || {
            let metrics = String::from_utf8(Request::get(&url).try_send()?.body).unwrap();
            let mut requests = metrics.lines().filter(|line| {
                line.starts_with("weir_requests_total{") && line.contains("outcome=\"accepted\"")
            });
            requests.any(|line| !line.ends_with(" 0")).then_some(())
        });
    }
}

/// Pages, their files and sign-ins pass the balancer too, and posters have the published address.
fn voters_find_the_page_and_sign_in(here: &Here<'_>, origin: &str) {
    let get = |path: &str| {
        let answer = Request::get(&format!("{origin}{path}")).send();
        assert_eq!(answer.status, 200, "{path}");
        String::from_utf8(answer.body).unwrap()
    };
    let page = get("/campaigns/hubei-2023");
    assert!(page.contains("data-mode=\"demo\""), "voters sign in in another way");
    let (_, script) = page.split_once("<script src=\"").unwrap();
    get(script.split('"').next().unwrap());
    let published = &here.service("ingest-1").environment()["WEIR_PUBLIC_URL"];
    let poster = get("/campaigns/hubei-2023/poster.svg");
    assert!(poster.contains(&format!("{published}/campaigns/hubei-2023")), "{published}");
    let demo = "curl -sS -H 'Content-Type: application/json' -d '{\"demo\":true}'";
    let session = format!("{demo} {origin}/v1/campaigns/hubei-2023/session");
    assert_eq!(Request::of_curl(&session).send().status, 204);
}

/// An event is there at once, and the next one when there is something to tell.
fn the_tally_streams_through_the_balancer(here: &Here<'_>, voters: &Voters) {
    let mut client = Client::open(here.port("balancer", 8080));
    client.get("/v1/campaigns/hubei-2023/tally/stream");
    let mut lines = BufReader::new(client.into_stream()).lines();
    let mut event = || lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("data:"));
    let first = event().unwrap();
    voters.cast_one();
    assert_ne!(event().unwrap(), first);
}
