//! What a process logs: with which settings it runs and where each comes from, every line an object
//! if it is to be JSON, and never a secret, a token or an identity, however much is logged.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testkit::Process;

use crate::kit::{Request, Scratch, campaign, eventually, weir};

const ID: &str = "openid-of-nobody-else";

/// The log, each line of which must be an object.
fn events(scratch: &Scratch) -> Vec<Value> {
    let log = scratch.read("up.log");
    // The last line may still be written.
    let lines = log.rsplit_once('\n').map_or("", |(lines, _)| lines).lines();
    let event = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    lines.map(event).collect()
}

fn event(scratch: &Scratch, message: &str) -> Value {
    eventually(message, || {
        let starts = |event: &Value| event["message"].as_str().unwrap().starts_with(message);
        events(scratch).into_iter().find(starts)
    })
}

#[test]
fn a_log_of_json_tells_the_settings_and_no_secret_however_much_is_logged() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    let (data, listen) = (scratch.path("data"), "127.0.0.1:0");
    let settings = format!("campaign = [{file:?}]\nlisten = \"{listen}\"\npartitions = 3\n");
    let settings = scratch.file("weir.toml", settings);
    let variables =
        [format!("WEIR_CONFIG={settings}"), format!("WEIR_DATA={data}"), "RUST_LOG=trace".into()];
    let [config, data_variable, log] = &variables;
    let flags = ["up", "--ops-listen", listen, "--partitions", "2", "--log-format", "json"];
    let slip = "WEIR_LISEN=127.0.0.1:1";
    let command = ["env", slip, config, data_variable, log, env!("CARGO_BIN_EXE_weir")];
    let command = [command.as_slice(), &flags].concat();
    let mut up = Process::spawn(&command, Path::new(&scratch.path("up.log"))).unwrap();

    let told = event(&scratch, "configuration");
    assert_eq!((&told["level"], &told["command"]), (&"INFO".into(), &"up".into()));
    let warned = event(&scratch, "variables that are no settings");
    assert_eq!((&warned["level"], &warned["names"]), (&"WARN".into(), &"WEIR_LISEN".into()));
    let hello = event(&scratch, "weir is up");
    let hello = hello["message"].as_str().unwrap();
    let url = hello.split_whitespace().find(|word| word.ends_with("/v1/campaigns/test")).unwrap();
    let minted = weir(&["token", "--data", &data, "--campaign", &file, ID]);
    let token = minted.stdout.trim();
    assert_eq!(Request::ballot(&format!("{url}/ballots"), token, &[1, 2]).send().status, 202);
    assert_eq!(Request::ballot(&format!("{url}/ballots"), "no-token", &[1]).send().status, 401);
    up.signal("HUP").unwrap();
    event(&scratch, "read again");
    up.signal("TERM").unwrap();
    let ended = eventually("weir to end", || up.ended());
    assert_eq!(ended.code(), Some(0));

    let settings = told["settings"].as_str().unwrap();
    for expected in [
        format!("campaign={file} (file)"),
        format!("data={data} (environment)"),
        "partitions=2 (flag)".to_owned(),
        "keys=unset (default)".to_owned(),
        "log-format=json (flag)".to_owned(),
    ] {
        assert!(settings.contains(&expected), "{expected} is not in {settings}");
    }
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    for event in events(&scratch) {
        let timestamp = event["timestamp"].as_str().unwrap();
        assert!(timestamp.starts_with("20") && timestamp.ends_with('Z'), "{event}");
        assert!(event["level"].is_string() && event["target"].is_string(), "{event}");
    }
    let keys = fs::read_to_string(scratch.path("data/test.keys.toml")).unwrap();
    let secrets = keys.split('"').filter(|part| part.len() == 64);
    let secrets: Vec<_> = secrets.chain([token, ID, &token[20..]]).collect();
    assert_eq!(secrets.len(), 5);
    let log = scratch.read("up.log");
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn a_failure_is_an_object_too_and_a_wrong_setting_is_told_by_where_it_stands() {
    let ran = weir(&["recount", "--data", "/nowhere", "--log-format", "json"]);
    let told: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((ran.code, &told["level"]), (Some(64), &"ERROR".into()));
    assert!(told["message"].as_str().unwrap().starts_with("weir: --data /nowhere"), "{told}");

    let scratch = Scratch::new();
    let settings = scratch.file("weir.toml", "data = \"x\"\nlisten_on = \"y\"\n");
    for command in [["up"].as_slice(), &["recount"], &["topics"], &["token", "ann"], &[]] {
        let ran = weir(&[command, &["--config", &settings]].concat());
        assert_eq!(ran.code, Some(64), "{ran:?}");
        let expected = "weir.toml: line 2: listen_on: is not a setting; remove it, or give one of ";
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}
