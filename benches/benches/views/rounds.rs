//! Starts what is compared, runs rounds and windows one after another, and reads what each cost.
//!
//! All servers live through the whole run; an idle one costs nothing but a heartbeat a second.
//! Never here: two floods at once.

use std::net::{Ipv4Addr, SocketAddr};

use benches::{Child, Error, Poll, cpu_us, yesterday};
use journal::{Clock as _, SystemClock};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::plan::{
    CONNECTIONS, Kind, Plan, REQUEST, ROLE, Role, SECONDS, SEED, STARTED, STATUS, TARGET,
};
use crate::requests::{Asked, answered, learn};
use crate::results::{Flood, Results, Round, Window};

/// A flood that is told to end does so long before.
const LONG_SECONDS: f64 = 3_600.0;

/// All rounds and windows of a plan, in the order in which they were run.
pub(crate) fn run(plan: &Plan) -> Result<Results, Error> {
    let site = Site::build()?;
    let mut results = Results::default();
    if benches::is_measured() {
        // Thrown away: every server's memory and code warm up.
        for (pair, bare) in site.all() {
            site.round(pair, bare, (plan.most(), plan.seconds))?;
        }
    }
    for &connections in &plan.connections {
        for _ in 0..plan.rounds {
            for (pair, is_bare) in site.all() {
                results.rounds.push(site.round(pair, is_bare, (connections, plan.seconds))?);
            }
        }
    }
    for (seed, is_flooded) in (1..).zip([false, true].repeat(plan.rounds)) {
        results.windows.push(site.window(plan, seed, is_flooded)?);
    }
    Ok(results)
}

/// Everything that is compared, up and running.
struct Site {
    edge: Server,
    pairs: Vec<Pair>,
    started: String,
    _dir: TempDir,
}

/// A request, and bare hyper with the edge's answer to it.
struct Pair {
    asked: Asked,
    bare: Server,
}

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(role: Role, told: &[(&str, String)]) -> Result<Self, Error> {
        let mut child = start(role, told)?;
        let [port] = child.hear("listening")?;
        let address = (Ipv4Addr::LOCALHOST, u16::try_from(port)?).into();
        Ok(Self { child, address })
    }
}

impl Site {
    fn build() -> Result<Self, Error> {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let started = yesterday(SystemClock.now_ms());
        let place = dir.path().display().to_string();
        let edge = Server::start(Role::Edge, &[(STARTED, started.to_string()), (TARGET, place)])?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let mut pairs = Vec::new();
        for asked in runtime.block_on(learn(edge.address, &Poll::started(started)))? {
            let told = told(&asked, edge.address);
            let bare = Server::start(Role::Bare, &told)?;
            let answer = runtime.block_on(async {
                let mut stream = benches::connect(bare.address).await?;
                answered(&mut stream, &asked.text, asked.kind.status()).await
            })?;
            if answer.len() != asked.answer_bytes {
                let (name, got, due) = (asked.kind.name(), answer.len(), asked.answer_bytes);
                return Err(format!("{name}: bare hyper answers {got} bytes, not {due}").into());
            }
            pairs.push(Pair { asked, bare });
        }
        Ok(Self { edge, pairs, started: started.to_string(), _dir: dir })
    }

    /// Bare hyper and the edge with every kind in turn.
    fn all(&self) -> impl Iterator<Item = (&Pair, bool)> {
        self.pairs.iter().flat_map(|pair| [(pair, true), (pair, false)])
    }

    fn round(
        &self,
        pair: &Pair,
        is_bare: bool,
        (connections, seconds): (usize, f64),
    ) -> Result<Round, Error> {
        let Pair { asked: asked @ Asked { kind, answer_bytes, .. }, bare } = pair;
        let server = if is_bare { bare } else { &self.edge };
        let mut load = flood(asked, server.address, (connections, seconds))?;
        let began_us = cpu_us(server.child.pid())?;
        let flood = ended(&mut load)?;
        let cpu_us = cpu_us(server.child.pid())? - began_us;
        let name = if is_bare { "bare hyper" } else { "edge" };
        let (kind, answer_bytes) = (*kind, *answer_bytes);
        eprintln!("{}, {connections} connections, {name}: {flood:?}", kind.name());
        Ok(Round { kind, is_bare, connections, answer_bytes, flood, cpu_us })
    }

    fn window(&self, plan: &Plan, seed: u64, is_flooded: bool) -> Result<Window, Error> {
        let address = self.edge.address;
        let page = self.pairs.iter().find(|pair| pair.asked.kind == Kind::Page && is_flooded);
        let views = page.map(|page| flood(&page.asked, address, (plan.most(), LONG_SECONDS)));
        let mut views = views.transpose()?;
        let told = [
            (STARTED, self.started.clone()),
            (TARGET, address.to_string()),
            (CONNECTIONS, plan.voting.to_string()),
            (SECONDS, plan.window_seconds.to_string()),
            (SEED, seed.to_string()),
        ];
        let mut votes = start(Role::Votes, &told)?;
        votes.hear::<0>("running")?;
        let [ballots, errors, p50_us, p99_us, worst_us, late_p99_us] = votes.hear("ended")?;
        if let Some(views) = &mut views {
            views.tell("end")?;
        }
        let views = views.as_mut().map(ended).transpose()?;
        let window = Window { ballots, errors, p50_us, p99_us, worst_us, late_p99_us, views };
        eprintln!("{window:?}");
        Ok(window)
    }
}

fn start(role: Role, told: &[(&str, String)]) -> Result<Child, Error> {
    let role = (ROLE, role.name().to_owned());
    Child::start(&[&[role], told].concat())
}

fn told(asked: &Asked, address: SocketAddr) -> [(&'static str, String); 3] {
    let status = asked.kind.status().to_string();
    [(TARGET, address.to_string()), (REQUEST, asked.text.clone()), (STATUS, status)]
}

/// A flood that is past its warm-up.
fn flood(asked: &Asked, to: SocketAddr, (connections, s): (usize, f64)) -> Result<Child, Error> {
    let load = [(CONNECTIONS, connections.to_string()), (SECONDS, s.to_string())];
    let mut flood = start(Role::Flood, &[&told(asked, to)[..], &load].concat())?;
    flood.hear::<0>("running")?;
    Ok(flood)
}

fn ended(flood: &mut Child) -> Result<Flood, Error> {
    let [answered, others, micros] = flood.hear("ended")?;
    Ok(Flood { answered, others, micros })
}
