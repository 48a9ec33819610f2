//! The table in README.md is true: all that there is has a test, and every test that it names exists.

use std::collections::{BTreeMap, BTreeSet};

use crate::net::Net;

const README: &str = include_str!("README.md");
const COMMANDS: &str = include_str!("../../src/wire/dialect/irc/command.rs");
const NUMERICS: &str = include_str!("../../src/wire/dialect/irc/numeric.rs");
const MODULES: &[(&str, &str)] = &[
    ("bad_input", include_str!("bad_input.rs")),
    ("capabilities", include_str!("capabilities.rs")),
    ("channels", include_str!("channels.rs")),
    ("crossing", include_str!("crossing.rs")),
    ("labels", include_str!("labels.rs")),
    ("messages", include_str!("messages.rs")),
    ("modes", include_str!("modes.rs")),
    ("monitor", include_str!("monitor.rs")),
    ("operators", include_str!("operators.rs")),
    ("order", include_str!("order.rs")),
    ("playback", include_str!("playback.rs")),
    ("policy", include_str!("policy.rs")),
    ("queries", include_str!("queries.rs")),
    ("registration", include_str!("registration.rs")),
];

/// Returns the rows of the section of that title: what, and the tests of it.
fn rows(title: &str) -> BTreeMap<String, Vec<String>> {
    let section = README.split("\n## ").find_map(|section| section.strip_prefix(&format!("{title}\n")));
    let section = section.unwrap_or_else(|| panic!("there is no section {title}"));
    let mut rows = BTreeMap::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(String::from).collect::<Vec<_>>();
        for what in words(cells[0]) {
            assert!(rows.insert(what.clone(), words(cells[1])).is_none(), "{what} stands there twice");
        }
    }
    rows
}

/// Returns the source of a test, which is called `module::name`.
fn source(test: &str) -> &'static str {
    let (module, name) = test.split_once("::").unwrap_or_else(|| panic!("{test} is no module::name"));
    let source = MODULES.iter().find(|(known, _)| *known == module);
    let (_, source) = source.unwrap_or_else(|| panic!("there is no module {module}"));
    let from = source.find(&format!("#[test]\nfn {name}() {{")).unwrap_or_else(|| panic!("there is no test {test}"));
    let len = source[from..].find("\n}\n").expect("a function ends");
    &source[from..from + len]
}

/// Checks that a section has a row for each of these and no other, and that some test of each row mentions it.
#[track_caller]
fn check(title: &str, all: impl IntoIterator<Item = String>, is_mentioned: impl Fn(&str, &str) -> bool) {
    let (rows, all) = (rows(title), all.into_iter().collect::<BTreeSet<_>>());
    let listed: BTreeSet<String> = rows.keys().cloned().collect();
    let (missing, extra): (Vec<_>, Vec<_>) = (all.difference(&listed).collect(), listed.difference(&all).collect());
    assert!(missing.is_empty() && extra.is_empty(), "{title}: without a row {missing:?}, not there any more {extra:?}");
    for (what, tests) in &rows {
        let sources: Vec<&str> = tests.iter().map(|test| source(test)).collect();
        assert!(sources.iter().any(|source| is_mentioned(source, what)), "no test of `{what}` mentions it: {tests:?}");
    }
}

/// Returns the words in quotation marks that stand at `index` in the lines of a macro's list.
fn column(source: &str, invocation: &str, index: usize) -> Vec<String> {
    let list = source.split(invocation).nth(1).and_then(|rest| rest.split("\n}\n").next()).expect("the list is there");
    let lines = list.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.filter_map(|line| line.split('"').nth(2 * index + 1)).map(String::from).collect()
}

#[test]
fn every_command_has_a_test() {
    check("Commands", column(COMMANDS, "\ncommands! {\n", 0), |source, command| source.contains(command));
}

#[test]
fn every_numeric_has_a_test() {
    check("Numerics", column(NUMERICS, "\nnumerics! {\n", 0), |source, code| {
        source.contains(&format!(" {code} ")) || source.contains(&format!("\"{code}\""))
    });
}

#[test]
fn every_capability_has_a_test() {
    let mut net = Net::new();
    let id = net.connect();
    net.says(id, "CAP LS 302");
    let list = net.read(id);
    let names = list.trim_end().split_once(" LS :").expect("a list").1.split(' ');
    let names = names.map(|cap| cap.split('=').next().unwrap_or_default().to_string());
    check("Capabilities", names, |source, cap| source.contains(cap));
}

#[test]
fn every_mode_has_a_test() {
    let mut net = Net::new();
    let id = net.connect();
    net.says(id, "NICK ann\r\nUSER ann 0 * :Ann");
    let welcome = net.read(id);
    let modes: Vec<&str> = welcome.lines().nth(3).expect("004").split(' ').skip(5).collect();
    let [of_users, of_channels, _] = modes[..] else { panic!("{modes:?}") };
    let letters = |letters: &str| letters.chars().map(String::from).collect::<Vec<_>>();
    check("Modes of channels", letters(of_channels), |source, mode| {
        source.contains(&format!("+{mode}")) || source.contains(&format!("-{mode}"))
    });
    check("Modes of users", letters(of_users), |source, mode| {
        source
            .split("MODE ann ")
            .chain(source.split("MODE Ann "))
            .skip(1)
            .any(|rest| rest.split(['"', '\\']).next().unwrap_or_default().contains(mode))
    });
}
