//! A short soak of both adapters reaches a verdict, and honest clients are unharmed.

#![cfg(target_os = "linux")]

use std::process::Command;

fn soak(args: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_soak")).args(args).output().expect("it can be started");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("it prints UTF-8");
    (output.status.code(), text)
}

#[test]
fn both_adapters_come_through() {
    for adapter in ["smol", "std"] {
        // In half of that time all would still be warming up.
        let (status, text) = soak(&["--adapter", adapter, "--clients", "40", "--minutes", "0.2"]);
        assert_eq!(status, Some(0), "{text}");
        for part in ["honest clients   unharmed", "left of them     nothing", "verdict          ok"] {
            assert!(text.contains(part), "{adapter}: {text}");
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let (status, text) = soak(&["--connect", "text=127.0.0.1:1", "--pid", "4294967295"]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("the server is not there"), "{text}");
}

#[test]
fn wrong_options_have_a_status_of_their_own() {
    assert_eq!(soak(&["--adapter", "tokio"]).0, Some(2));
    assert_eq!(soak(&["--help"]).0, Some(0));
}
