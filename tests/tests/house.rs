//! The map of files in CONTRIBUTING.md, and the way of a message in the core's guide, name the files that exist.

use std::collections::{BTreeMap, BTreeSet};
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

#[test]
fn no_file_of_the_core_imports_one_below_it() {
    let listed = listed();
    let mut imports = 0;
    for (file, line) in listed.iter().filter(|(file, _)| file.starts_with("chat-proto/") && !file.ends_with("/lib")) {
        let text = read(&format!("{file}.rs"));
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for import in text.lines().filter_map(|line| line.split_once("use crate::")).map(|(_, import)| import) {
            let path: Vec<&str> = import.split("::").map(|part| part.trim_matches(|c| ";{} ".contains(c))).collect();
            let found = (1..=path.len()).rev().find_map(|len| {
                let module = format!("chat-proto/src/{}", path[..len].join("/"));
                listed.get(&module).or_else(|| listed.get(&format!("{module}/mod")))
            });
            if let Some(found) = found {
                imports += 1;
                assert!(found <= line, "{file} imports {import}");
            }
        }
    }
    assert!(imports > 100, "{imports} imports are seen");
}

#[test]
fn no_two_files_of_the_core_import_each_other() {
    let listed = listed();
    let mut imports = BTreeSet::new();
    for file in listed.keys().filter(|file| file.starts_with("chat-proto/")) {
        let text = read(&format!("{file}.rs"));
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let Some((folder, _)) = file.rsplit_once('/') else { continue };
        for import in text.lines().filter_map(|line| line.strip_prefix("use super::")) {
            let sibling = import.split("::").next().unwrap_or_default();
            let sibling = format!("{folder}/{sibling}");
            if listed.contains_key(&sibling) {
                imports.insert((file.clone(), sibling));
            }
        }
    }
    assert!(imports.len() > 50, "{} imports are seen", imports.len());
    let circles: Vec<_> = imports.iter().filter(|(from, to)| imports.contains(&(to.clone(), from.clone()))).collect();
    assert!(circles.is_empty(), "{circles:?}");
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
