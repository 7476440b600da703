//! Dashboards checked by the TypeScript compiler against the types that Grafana publishes for what
//! dashboards and panels say: `@grafana/schema`, of the version that shows them.
//!
//! The compiler and the types are fetched once by npm, through the test kit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use deploy::dashboards::Dashboard;
use serde_json::json;
use testkit::Packages;

/// The version of the compiler.
const COMPILER: &str = "5.9.3";

/// The types of a dashboard, made from those of Grafana.
const BOARD: &str = include_str!("board.ts");

const OPTIONS: [&str; 11] = [
    "--noEmit",
    "--pretty",
    "false",
    "--strict",
    "--skipLibCheck",
    "--target",
    "esnext",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
];

/// What the compiler finds wrong, a line a problem.
pub(crate) fn problems(grafana: &str, dashboards: &[Dashboard]) -> Vec<String> {
    let packages = packages(grafana);
    // Below the packages, where the compiler looks for them.
    let folder = packages.join(format!("dashboards-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("board.ts"), BOARD).unwrap();
    let file = |Dashboard { name, text, .. }: &Dashboard| {
        // One line before the text: lines are those of the file, plus one.
        let text = format!("import type {{ Board }} from './board'; const board: Board =\n{text};");
        let file = format!("{name}.ts");
        fs::write(folder.join(&file), text).unwrap();
        file
    };
    let files: Vec<String> = dashboards.iter().map(file).collect();
    let mut compiler = Command::new("node");
    compiler.arg(packages.join("node_modules/typescript/bin/tsc"));
    let ran = run(compiler.args(OPTIONS).args(files), &folder);
    fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    let problems: Vec<String> =
        said.lines().filter(|line| !line.starts_with(' ')).map(str::to_owned).collect();
    assert_eq!(ran.status.success(), problems.is_empty(), "{said}");
    problems
}

/// The folder with `node_modules` in it.
fn packages(grafana: &str) -> PathBuf {
    let dependencies = json!({ "@grafana/schema": grafana, "typescript": COMPILER });
    let manifest = json!({ "private": true, "dependencies": dependencies }).to_string();
    let packages = Packages { name: "grafana", manifest: &manifest, lock: None };
    packages.folder(|_, _| Ok(())).unwrap()
}

fn run(command: &mut Command, folder: &Path) -> Output {
    let program = command.get_program().to_owned();
    let ran = command.current_dir(folder).output();
    ran.unwrap_or_else(|error| panic!("{}: {error}; install Node with npm", program.display()))
}
