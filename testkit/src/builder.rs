//! What a cluster is started with, and the start: folders, ports, disks, the processes.
//!
//! The turn is taken first, so whatever lies in the folder of clusters then belongs to none that
//! lives; data that killed tests left behind is removed here. A port that was taken between being
//! chosen and being used costs another attempt, never a failed test.

use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use crate::broker::Broker;
use crate::disk::{Disk, formatted, random_id};
use crate::error::must;
use crate::jars::{VERSION, class_path, clear};
use crate::kafka::{Folder, Kafka};
use crate::machine::{OPTIONS, machine};
use crate::ports::free_ports;
use crate::properties::{LOGGING, Node, PLAIN};
use crate::tools::{find, search_path};
use crate::turn::Turn;
use crate::{Error, target};

/// Three brokers took 8 to 12 s on two idle cores; other builds may run beside.
const READY_WITHIN: Duration = Duration::from_secs(120);

const ATTEMPTS: usize = 5;

/// What a cluster is started with.
#[derive(Debug, Clone)]
pub struct Builder {
    brokers: usize,
    listeners: Vec<(String, String)>,
    properties: Vec<(String, String)>,
    java_options: Vec<String>,
}

impl Builder {
    pub(crate) fn new(brokers: usize) -> Self {
        Self {
            brokers,
            listeners: vec![(PLAIN.to_owned(), PLAIN.to_owned())],
            properties: Vec::new(),
            java_options: OPTIONS.map(str::to_owned).to_vec(),
        }
    }

    /// A line of every broker's `server.properties`; it wins over the kit's.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.properties.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Another listener for clients, with a port of its own on each broker, for
    /// [`Kafka::bootstrap_on`]: a name (capitals), and a protocol like `SASL_PLAINTEXT`.
    #[must_use]
    pub fn listener(mut self, name: &str, protocol: &str) -> Self {
        self.listeners.push((name.to_owned(), protocol.to_owned()));
        self
    }

    /// Options of the Java machine in place of the kit's, which are for a small one.
    #[must_use]
    pub fn java_options(mut self, options: &[&str]) -> Self {
        self.java_options = options.iter().map(|&option| option.to_owned()).collect();
        self
    }

    /// Waits for its turn, starts the cluster and waits until every broker is ready.
    ///
    /// # Panics
    ///
    /// It cannot be started: the test fails with the reason.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Kafka {
        must(self.try_start())
    }

    /// The same, for a caller that does something else without a cluster.
    ///
    /// # Errors
    ///
    /// Java or Maven is missing, the jars could not be fetched, or a broker did not become ready.
    pub fn try_start(self) -> Result<Kafka, Error> {
        let path = search_path();
        let java = find("java", &path)?;
        let kafka = target().join("kafka");
        let jars = class_path(&kafka, &path)?;
        let turn = Turn::take(&kafka)?;
        let folder = Folder::make(&target().join("tmp").join("kafka"))?;
        let mut cluster = Kafka::new(folder, turn);
        let command = machine(&java, &self.java_options, &jars, cluster.folder());
        for attempt in 1.. {
            // Those of an attempt before go first: the new ones get empty folders.
            cluster.replace(Vec::new());
            let brokers = self.brokers(&cluster, &command);
            let begun = brokers.and_then(|brokers| {
                cluster.replace(brokers);
                cluster.begin(READY_WITHIN)
            });
            match begun {
                Ok(()) => break,
                Err(_) if cluster.has_clashed() && attempt < ATTEMPTS => {}
                Err(error) => {
                    cluster.keep_logs();
                    return Err(error);
                }
            }
        }
        Ok(cluster)
    }

    /// The brokers of another attempt, with empty disks and other ports.
    fn brokers(&self, cluster: &Kafka, java: &[OsString]) -> Result<Vec<Broker>, Error> {
        let folder = cluster.folder();
        for part in ["data", "logs"].map(|part| folder.join(part)) {
            clear(&part)?;
            fs::create_dir_all(&part).map_err(Error::io("making", &part))?;
        }
        let logging = folder.join("log4j2.properties");
        fs::write(&logging, LOGGING).map_err(Error::io("writing", &logging))?;
        let turn = cluster.lock()?;
        let formatted =
            formatted(&target().join("kafka").join(VERSION), java, &folder.join("logs"), &turn)?;
        let cluster_id = random_id();
        let nodes = self.nodes();
        let broker = |node: &Node| {
            let data = folder.join("data").join(node.number.to_string());
            let disk = Disk { data, formatted: formatted.clone(), cluster_id: cluster_id.clone() };
            let broker = Broker::new(node.clone(), disk, folder, (java, cluster.lock()?));
            broker.prepare(&nodes, &self.properties).map(|()| broker)
        };
        nodes.iter().map(broker).collect()
    }

    fn nodes(&self) -> Vec<Node> {
        let ports = free_ports(self.brokers * (1 + self.listeners.len()));
        let mut ports = ports.into_iter();
        let mut port = || ports.next().unwrap_or_default();
        let node = |number| Node {
            number,
            controller: port(),
            listeners: self.listeners.iter().map(|(n, p)| (n.clone(), p.clone(), port())).collect(),
        };
        (1..=self.brokers).map(node).collect()
    }
}
