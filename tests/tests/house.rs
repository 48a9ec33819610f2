//! What is written about the files: the map in CONTRIBUTING.md, the way of a message in the core's guide, and the
//! examples.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above its package").to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Adds the Rust files in and below a directory, as paths from the root without their extension.
fn add_files(dir: &Path, files: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display())) {
        let path = entry.expect("the directory can be read").path();
        if path.is_dir() {
            add_files(&path, files);
        } else if let Some(path) = path.to_str().and_then(|path| path.strip_suffix(".rs")) {
            let from_root = path.strip_prefix(root().to_str().expect("a path in UTF-8")).expect("below the root");
            files.insert(from_root.trim_start_matches('/').into());
        }
    }
}

/// Returns the names that `a/{b,c}` stands for.
fn expand(word: &str) -> Vec<String> {
    match word.split_once('{') {
        Some((start, rest)) => rest.trim_end_matches('}').split(',').map(|name| format!("{start}{name}")).collect(),
        None => vec![word.into()],
    }
}

/// Returns the files on the map, each with the number of its line.
fn listed() -> BTreeMap<String, usize> {
    let contributing = read("CONTRIBUTING.md");
    let house = contributing.split("## The house").nth(1).and_then(|rest| rest.split("```").nth(1));
    let mut listed = BTreeMap::new();
    for (number, line) in house.expect("there is a drawing").lines().enumerate().skip(1) {
        let (indented, line) = (line.starts_with("  "), line.trim());
        let prefix = if indented { "chat-proto/src/" } else { "" };
        // Three or more spaces separate names from their descriptions, and two separate names.
        let names = line.split("   ").next().unwrap_or_default().split_whitespace();
        for name in names.filter(|name| (indented || name.contains("/src/")) && !name.ends_with('/')) {
            for name in expand(name) {
                assert_eq!(listed.insert(format!("{prefix}{name}"), number), None, "{name} is listed twice");
            }
        }
    }
    listed
}

#[test]
fn the_map_has_every_file_and_no_other() {
    let listed: BTreeSet<String> = listed().into_keys().collect();
    let mut files = BTreeSet::new();
    for package in ["chat-proto", "chat-smol", "chat-std"] {
        add_files(&root().join(package).join("src"), &mut files);
    }
    assert_eq!(listed.difference(&files).collect::<Vec<_>>(), [""; 0], "listed, but not there");
    assert_eq!(files.difference(&listed).collect::<Vec<_>>(), [""; 0], "there, but not listed");
}

/// Returns the module that a file is, as a path: its own path, or that of its folder or crate.
fn module(file: &str) -> &str {
    let (folder, name) = file.rsplit_once('/').expect("a file is in a folder");
    if matches!(name, "mod" | "lib" | "main") { folder } else { file }
}

/// Returns the module of a file's crate.
fn crate_of(file: &str) -> &str {
    const PROGRAM: &str = "chat-smol/src/bin/chat-server";
    if file.starts_with(PROGRAM) { PROGRAM } else { &file[..file.find("/src/").expect("code") + "/src".len()] }
}

/// Returns a file's code, without comments and without its tests at the end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let without_comment = |line: &str| match line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':')) {
        Some((at, _)) => line[..at].to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(without_comment).collect::<Vec<_>>().join("\n")
}

/// Adds the paths that begin here, as in `a::{b, c::D}`, behind those segments; returns what follows.
fn add_paths<'a>(mut text: &'a str, mut begun: Vec<&'a str>, paths: &mut Vec<Vec<&'a str>>) -> &'a str {
    loop {
        text = text.trim_start();
        if let Some(mut group) = text.strip_prefix('{') {
            loop {
                group = group.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                if group.is_empty() || group.starts_with('}') {
                    return group.strip_prefix('}').unwrap_or_default();
                }
                let rest = add_paths(group, begun.clone(), paths);
                // What a name is called here does not matter.
                group = rest.split_once([',', '}']).map_or("", |(name, _)| &rest[name.len()..]);
            }
        }
        let name = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        begun.push(&text[..name]);
        text = &text[name..];
        match text.strip_prefix("::") {
            Some(rest) => text = rest,
            None => break,
        }
    }
    paths.push(begun);
    text
}

/// Returns the files whose items a file names by `crate::`, `super::` or `self::`, in `use` and elsewhere.
///
/// Not those of its own folder's head and below it: a module and those inside it are one thing.
fn named(file: &str, text: &str, modules: &BTreeMap<&str, &str>) -> BTreeSet<String> {
    let code = code(text);
    let mut paths = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || "_:$".contains(c)) {
                add_paths(&code[at..], Vec::new(), &mut paths);
            }
        }
    }
    let own = module(file);
    let found = paths.iter().filter_map(|path| {
        let mut base: Vec<&str> = own.split('/').collect();
        let mut rest = &path[..];
        while let [start, after @ ..] = rest {
            match *start {
                "crate" => base = crate_of(file).split('/').collect(),
                "super" => base.truncate(base.len() - 1),
                "self" => {}
                _ => break,
            }
            rest = after;
        }
        base.extend(rest);
        (1..=base.len()).rev().find_map(|len| modules.get(&*base[..len].join("/")))
    });
    let is_within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    found
        .filter(|other| !is_within(own, module(other)) && !is_within(module(other), own))
        .map(|other| (*other).to_owned())
        .collect()
}

/// Returns for each file on the map which others it imports.
fn imports(listed: &BTreeMap<String, usize>) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeMap<&str, &str> = listed.keys().map(|file| (module(file), &**file)).collect();
    let imports = listed.keys().map(|file| (file.clone(), named(file, &read(&format!("{file}.rs")), &modules)));
    imports.collect()
}

/// Returns the files that lead from `file` back to it, one of the shortest ways, if there is one.
fn circle(file: &str, imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![file.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| imports.get(last)).into_iter().flatten() {
            let mut way = way.clone();
            way.push(next.clone());
            if next == file {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way);
            }
        }
    }
    None
}

#[test]
fn no_file_imports_one_below_it() {
    let listed = listed();
    let imports = imports(&listed);
    for (file, others) in &imports {
        for other in others {
            assert!(listed[other] <= listed[file], "{file} imports {other}, which is below it on the map");
        }
    }
    let count: usize = imports.values().map(BTreeSet::len).sum();
    assert!(count > 500, "{count} imports are seen");
}

#[test]
fn no_files_import_each_other() {
    let imports = imports(&listed());
    let circles: Vec<_> = imports.keys().filter_map(|file| circle(file, &imports)).collect();
    assert!(circles.is_empty(), "{circles:#?}");
    for package in ["chat-proto/", "chat-smol/src/bin/", "chat-smol/", "chat-std/"] {
        assert!(imports.iter().any(|(file, others)| file.starts_with(package) && others.len() > 2), "{package}");
    }
}

#[test]
fn an_import_is_seen_in_every_form() {
    let modules = ["a/src/lib", "a/src/b", "a/src/c/mod", "a/src/c/d", "a/src/c/e", "a/src/f"];
    let modules = modules.iter().map(|file| (module(file), *file)).collect();
    let named = |file, text| named(file, text, &modules).into_iter().collect::<Vec<_>>();
    for (text, files) in [
        ("use crate::b::Bee;", vec!["a/src/b"]),
        ("use crate::c::{Sea, d::{self, Dee as Other}, e};", vec!["a/src/c/d", "a/src/c/e", "a/src/c/mod"]),
        ("use crate::{\n    b,\n    c::d::Dee,\n};", vec!["a/src/b", "a/src/c/d"]),
        ("use crate::{c::{d::{Dee}}, b};\nuse crate::c::e;", vec!["a/src/b", "a/src/c/d", "a/src/c/e"]),
        ("use super::b::Bee;", vec!["a/src/b"]),
        ("let it = crate::b::Bee::new(super::c::d::DEE);", vec!["a/src/b", "a/src/c/d"]),
        ("// crate::b::Bee\n/// [`Bee`](crate::b::Bee)", vec![]),
        ("let at = \"http://x\"; crate::b::f()", vec!["a/src/b"]),
        ("use crate::Exported; use self::inner::It; use other_crate::b::Bee;", vec![]),
        ("#[cfg(test)]\nmod tests {\n    use crate::b::Bee;\n}", vec![]),
    ] {
        assert_eq!(named("a/src/f", text), files, "{text}");
    }
    assert_eq!(
        named("a/src/c/d", "use super::e::E; use super::Sea; use super::super::b::Bee;"),
        ["a/src/b", "a/src/c/e"]
    );
    assert!(named("a/src/c/mod", "use self::d::Dee;").is_empty(), "it is the folder's head");
}

#[test]
fn a_planted_circle_is_found() {
    let files = [("a", ["b"].as_slice()), ("b", &["c", "d"]), ("c", &["a"]), ("d", &[])];
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let imports = files.map(|(file, others)| (file.to_owned(), set(others))).into();
    assert_eq!(circle("a", &imports).expect("it is there"), ["a", "b", "c", "a"]);
    assert_eq!(circle("d", &imports), None);
}

#[test]
fn the_way_of_a_message_leads_through_files_that_exist() {
    let guide = read("chat-proto/src/lib.rs");
    let way = guide.split("# The way of a message").nth(1).and_then(|rest| rest.split("//! # ").next());
    let way = way.expect("the guide has it");
    let files: Vec<&str> =
        way.split('`').skip(1).step_by(2).filter(|word| word.strip_suffix(".rs").is_some()).collect();
    assert!(files.len() > 9, "{files:?}");
    for (i, file) in files.iter().enumerate() {
        assert!(root().join("chat-proto/src").join(file).is_file(), "{file} is not there");
        assert!(!files[..i].contains(file), "a message comes back to {file}");
    }
}

#[test]
fn a_driver_on_another_runtime_is_as_short_as_the_readme_says() {
    let lines = read("chat-proto/examples/tokio.rs").lines().count();
    assert!(lines <= 170, "examples/tokio.rs has {lines} lines: what every driver needs belongs in the kit");
    let said = format!("`tokio` takes {lines} lines");
    assert!(read("chat-proto/README.md").contains(&said), "chat-proto/README.md does not say: {said}");
}

#[test]
fn each_example_is_told_of_and_tried() {
    let mut examples = BTreeSet::new();
    add_files(&root().join("chat-proto/examples"), &mut examples);
    assert!(examples.len() > 5, "{examples:?}");
    for example in &examples {
        let name = example.rsplit('/').next().unwrap_or_default();
        let has_own_tests = read(&format!("{example}.rs")).contains("#[test]");
        for (file, form) in [
            ("chat-proto/README.md", format!("\n| `{name}` | ")),
            ("chat-proto/src/lib.rs", format!("`{name}`")),
            ("chat-proto/tests/examples.rs", format!("\"{name}\"")),
        ] {
            let is_there = read(file).contains(&form) || has_own_tests && file.ends_with("examples.rs");
            assert!(is_there, "{file} does not have the example {name}");
        }
    }
}
