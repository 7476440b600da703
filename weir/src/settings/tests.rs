//! Each pair of layers, lists, switches, what gives way, and how what is wrong is told.
//!
//! The environment is an argument here; no test edits that of the process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use super::{Refused, read, unknown_variables};
use crate::args::{Cli, Command};
use crate::exit::Code;

/// A command's arguments, environment, and configuration file.
#[derive(Default)]
struct Given<'a> {
    args: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    file: &'a str,
}

impl Given<'_> {
    /// What comes of it: the arguments and the settings as they are logged.
    fn read(&self) -> Result<(Cli, String), Refused> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weir.toml");
        fs::write(&path, self.file).unwrap();
        let args = std::iter::once("weir").chain(self.args.iter().copied()).map(OsString::from);
        let variables: BTreeMap<_, _> = self.variables.iter().copied().collect();
        let look = |name: &str| match (name, variables.get(name)) {
            ("WEIR_CONFIG", None) => Some(path.clone().into_os_string()),
            (_, value) => value.map(OsString::from),
        };
        read(args, look).map(|(cli, settings)| (cli, settings.to_string()))
    }

    fn settings(&self) -> String {
        self.read().unwrap().1
    }

    fn refused(&self) -> String {
        match self.read().unwrap_err() {
            Refused::Flags(error) => format!("flags: {error}"),
            Refused::Elsewhere(failure) => {
                assert_eq!(failure.code, Code::Configuration);
                failure.sentence
            }
        }
    }
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    const FILE: &str = "listen = \"127.0.0.1:3\"";
    const VARIABLE: (&str, &str) = ("WEIR_LISTEN", "127.0.0.1:2");
    for args in [[].as_slice(), &["up"]] {
        let flag = [args, &["--listen", "127.0.0.1:1"]].concat();
        for (args, variables, file, expected) in [
            (args, [].as_slice(), "", "listen=127.0.0.1:8080 (default) "),
            (args, &[], FILE, "listen=127.0.0.1:3 (file) "),
            (args, &[VARIABLE], "", "listen=127.0.0.1:2 (environment) "),
            (args, &[VARIABLE], FILE, "listen=127.0.0.1:2 (environment) "),
            (&flag, &[], "", "listen=127.0.0.1:1 (flag) "),
            (&flag, &[], FILE, "listen=127.0.0.1:1 (flag) "),
            (&flag, &[VARIABLE], "", "listen=127.0.0.1:1 (flag) "),
            (&flag, &[VARIABLE], FILE, "listen=127.0.0.1:1 (flag) "),
        ] {
            let given = Given { args, variables, file };
            let settings = given.settings();
            assert!(settings.contains(expected), "{expected} is not in {settings}");
        }
    }
}

#[test]
fn a_list_comes_whole_from_the_highest_that_has_it() {
    let file = "campaign = [\"a.toml\", \"b.toml\"]";
    let settings = Given { args: &["up"], file, ..Given::default() }.settings();
    assert!(settings.contains("campaign=a.toml,b.toml (file)"), "{settings}");
    let variables = [("WEIR_CAMPAIGN", "c.toml,d.toml")];
    let settings = Given { args: &["up"], variables: &variables, file }.settings();
    assert!(settings.contains("campaign=c.toml,d.toml (environment)"), "{settings}");
    let args = ["up", "--campaign", "e.toml"];
    let (cli, settings) = Given { args: &args, variables: &variables, file }.read().unwrap();
    assert!(settings.contains("campaign=e.toml (flag)"), "{settings}");
    let Some(Command::Up(up)) = cli.command else { panic!("{cli:?}") };
    assert_eq!(up.campaigns.len(), 1);
}

#[test]
fn what_is_required_may_come_from_anywhere() {
    let file = "kafka = \"k1:9092\"\nkeys = \"/etc/weir/keys\"\nexpires-in = 3\n";
    let variables = [("WEIR_CAMPAIGN", "a.toml"), ("WEIR_KAFKA_CONFIG", "")];
    let given = Given { args: &["ingest"], variables: &variables, file };
    let settings = given.settings();
    for expected in [
        "kafka=k1:9092 (file)",
        "keys=/etc/weir/keys (file)",
        "campaign=a.toml (environment)",
        "kafka-config=unset (default)",
    ] {
        assert!(settings.contains(expected), "{expected} is not in {settings}");
    }
    assert!(!settings.contains("expires-in"), "another command's: {settings}");
    let missing = Given { args: &["ingest"], file, ..Given::default() }.refused();
    assert!(missing.contains("--campaign <FILE>"), "{missing}");
}

#[test]
fn what_conflicts_with_something_higher_gives_way() {
    let file = "kafka = \"k1:9092\"\nkafka-config = \"tls\"\npartitions = 4\nreplication = 1\n";
    let settings = Given { args: &["topics"], file, ..Given::default() }.settings();
    assert!(settings.contains("kafka-config=tls (file)"), "{settings}");
    for command in ["recount", "topics"] {
        let given = Given { args: &[command, "--data", "d"], file, ..Given::default() };
        let settings = given.settings();
        assert!(settings.contains("data=d (flag) kafka=unset (default)"), "{settings}");
    }
    let both = "as-dated = true\nfrom-today = true";
    let refused = Given { args: &["up"], file: both, ..Given::default() }.refused();
    assert!(refused.contains("weir.toml: line ") && refused.contains("cannot be"), "{refused}");
}

#[test]
fn a_switch_is_true_or_false() {
    let file = "from-today = true";
    for (variables, expected) in [
        ([].as_slice(), "from-today=true (file)"),
        (&[("WEIR_FROM_TODAY", "false")], "from-today=false (environment)"),
    ] {
        let settings = Given { args: &["up"], variables, file }.settings();
        assert!(settings.contains(expected), "{settings}");
    }
    let variables = [("WEIR_FROM_TODAY", "1")];
    let refused = Given { variables: &variables, ..Given::default() }.refused();
    assert_eq!(refused, "WEIR_FROM_TODAY: give true or false");
}

#[test]
fn operands_stay_operands_and_are_never_told() {
    let file = "expires-in = 3";
    let args = ["token", "--", "--data"];
    let (cli, settings) = Given { args: &args, file, ..Given::default() }.read().unwrap();
    let Some(Command::Token(token)) = cli.command else { panic!("{cli:?}") };
    assert_eq!((token.ids, token.expires_in), (vec!["--data".to_owned()], Some(3)));
    assert!(!settings.contains("--data"), "{settings}");
}

#[test]
fn what_is_wrong_is_told_by_where_it_stands() {
    let refused = |file| Given { args: &["up"], file, ..Given::default() }.refused();
    assert!(refused("lisen = 1").contains("weir.toml: line 1: lisen: is not a setting"));
    assert!(refused("\nlisten = 1").contains("weir.toml: line 2: listen: invalid value '1' for "));
    assert!(
        refused("from-today = 1").contains("weir.toml: line 1: from-today: give true or false")
    );
    assert!(refused("partitions = 0").contains("partitions: invalid value '0' for "));
    let variables = [("WEIR_PARTITIONS", "many")];
    let refused = Given { variables: &variables, ..Given::default() }.refused();
    assert!(refused.starts_with("WEIR_PARTITIONS: invalid value 'many' for "), "{refused}");
    let file = "campaign = [\"a\", \"b\"]";
    let refused = Given { args: &["token"], file, ..Given::default() }.refused();
    assert!(refused.ends_with("campaign: this command takes one; say which with --campaign"));
    let args = ["up", "--config", "/nowhere/weir.toml"];
    let refused = Given { args: &args, ..Given::default() }.refused();
    assert!(refused.starts_with("--config /nowhere/weir.toml: cannot be read: "), "{refused}");
    let flags = Given { args: &["up", "--listen", "x"], ..Given::default() }.refused();
    assert!(flags.starts_with("flags: error: invalid value 'x' for '--listen <ADDR>'"), "{flags}");
}

#[test]
fn a_variable_that_is_no_setting_is_named_and_what_others_set_is_not() {
    let names = [
        "WEIR_LISEN",
        "WEIR_CONFG",
        "WEIR_LISTEN",
        "WEIR_OPS_LISTEN",
        "WEIR_EXPIRES_IN",
        "WEIR_CONFIG",
        "WEIR_LOG_FORMAT",
        "WEIR_EDGE_SERVICE_HOST",
        "WEIR_SERVICE_PORT",
        "WEIR_EDGE_PORT_8080_TCP_ADDR",
        "WEIR_REVISION",
        "LISEN",
    ];
    let unknown = unknown_variables(names.into_iter().map(OsString::from));
    assert_eq!(unknown, ["WEIR_CONFG", "WEIR_LISEN"]);
}
