//! TLS: certificates that are right, wrong and replaced; clients that speak it, and those that do not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use chat_tests::certificate::{self, Certificate};
use chat_tests::conformance::{Client, PATIENCE, eventually, speak_tls};
use chat_tests::program::{Process, Program};
use chat_tests::sockets::raise_descriptor_limit;
use rustix::process::Signal;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::{guest, run};

/// Starts chat-server with this certificate; returns it with the addresses of the services.
fn serve<const N: usize>(certificate: &Certificate, services: [&str; N], args: &[&str]) -> (Process, [SocketAddr; N]) {
    let listen: Vec<String> = services.iter().map(|service| format!("--listen={service}=127.0.0.1:0")).collect();
    let files = [certificate.path(), certificate.key()].map(|path| path.to_str().expect("UTF-8").to_owned());
    let tls = ["--tls-certificate", &files[0], "--tls-key", &files[1]];
    let listen: Vec<&str> = listen.iter().map(String::as_str).collect();
    let mut process = Program::ChatServer.start(&[&listen, &tls[..], args].concat());
    let addrs = services.map(|service| process.listening(service));
    (process, addrs)
}

#[test]
fn a_certificate_for_trying_out_is_made_and_served_in_both_versions() {
    let directory = env::temp_dir().join(format!("chat-tests-self-signed-{}", process::id()));
    let _ = fs::remove_dir_all(&directory);
    let place = directory.to_str().expect("UTF-8");
    let (told, _) = run(&["self-signed", place, "chat.example", "192.0.2.1"], 0);
    assert!(told[1].starts_with("chat-server --listen irc+tls=:6697 "), "{told:?}");
    let words: Vec<&str> = told[1].split(' ').collect();
    let files: Vec<&str> = words.iter().copied().skip_while(|word| *word != "--tls-certificate").collect();
    let [_, certificate, _, key] = files[..] else { panic!("{files:?}") };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(key).expect("the key is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads the key");
    }
    let (output, errors) = run(&["self-signed", place], 1);
    assert!(output.is_empty() && errors.contains("is there already"), "{errors}");

    let args = ["--listen", "text+tls=127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key];
    let mut process = Program::ChatServer.start(&args);
    let addr = process.listening("text+tls");
    for version in [&TLS12, &TLS13] {
        speak_tls(addr, certificate::client(Path::new(certificate), &[version]));
        let mut alice = guest("alice", addr);
        alice.say("/name alice");
        alice.expect("* you are now alice");
        // More than a record in one line of input, and an answer of many.
        alice.say(&"x".repeat(20_000));
        alice.expect("! line too long: 4096 bytes at most");
        alice.end_input();
        alice.expect_end();
    }
    fs::remove_dir_all(&directory).expect("it is there");
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_sentence_and_nothing_is_started() {
    let (good, other) = (Certificate::new(), Certificate::new());
    let path = |path: std::path::PathBuf| path.to_str().expect("UTF-8").to_owned();
    let (certificate, key, others) = (path(good.path()), path(good.key()), path(other.key()));
    let broken = super::config_file::TemporaryFile::new("broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
    let empty = super::config_file::TemporaryFile::new("empty.pem", "");
    let not_der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let not_der = super::config_file::TemporaryFile::new("not-der.pem", not_der);
    let directory = env::temp_dir();
    for (certificate, key, words) in [
        ("/nowhere/certificate.pem", key.as_str(), "cannot read /nowhere/certificate.pem: "),
        (&certificate, "/nowhere/key.pem", "cannot read /nowhere/key.pem: "),
        (&certificate, &others, " is not the one of the certificate in "),
        (broken.path(), &key, "broken.pem is no PEM file: "),
        (empty.path(), &key, "empty.pem has no certificate"),
        (&key, &key, "key.pem has no certificate"),
        (not_der.path(), &key, "the certificate in "),
        (&certificate, empty.path(), "empty.pem has no private key"),
        (&certificate, &certificate, "certificate.pem has no private key"),
        (directory.to_str().expect("UTF-8"), &key, "cannot read "),
        ("/dev/zero", &key, "/dev/zero has more than 65536 bytes"),
    ] {
        let listen = ["--listen", "text=127.0.0.1:0", "--listen", "text+tls=127.0.0.1:0"];
        for check in [&[][..], &["--check-config"]] {
            let args = [&listen[..], &["--tls-certificate", certificate, "--tls-key", key], check].concat();
            let (output, errors) = run(&args, 1);
            assert!(output.is_empty(), "{output:?}");
            assert!(errors.starts_with("chat-server: ") && errors.lines().count() == 1, "{errors}");
            assert!(errors.contains(words), "{words}: {errors}");
        }
    }
    for files in [&[][..], &["--tls-key", &key], &["--tls-certificate", &certificate, "--tls-key", "off"]] {
        let (output, errors) = run(&[&["--listen", "irc+tls+ws=127.0.0.1:0"], files].concat(), 2);
        assert!(output.is_empty() && errors.lines().count() == 1, "{errors}");
        assert!(errors.contains("irc+ws+tls=127.0.0.1:0 needs a certificate and its key"), "{errors}");
    }
    let args = ["--listen", "text+tls=127.0.0.1:0", "--tls-certificate", &certificate, "--tls-key", &key];
    assert_eq!(run(&[&args[..], &["--check-config"]].concat(), 0).0, ["the configuration is valid"]);
}

#[test]
fn a_new_certificate_is_for_new_connections_and_a_broken_one_for_nobody() {
    let certificate = Certificate::new();
    let (process, [addr]) = serve(&certificate, ["text+tls"], &[]);
    let client = || certificate.client(&[&TLS13]);
    let trusts = |config: &Arc<ClientConfig>| {
        let stream = TcpStream::connect(addr).expect("it listens");
        let name = "localhost".try_into().expect("a name");
        let mut stream = StreamOwned::new(ClientConnection::new(config.clone(), name).expect("a name"), stream);
        stream.read(&mut [0; 16]).is_ok_and(|n| n > 0)
    };
    speak_tls(addr, client());
    let mut alice = guest("alice", addr);
    let first = client();
    certificate.renew();
    let second = client();
    process.signal(Signal::HUP);
    eventually("the second certificate", || if trusts(&second) { Ok(()) } else { Err("it is the first".into()) });
    assert!(!trusts(&first));
    alice.catch_up();

    // Without a signal, within some seconds.
    certificate.renew();
    let third = client();
    eventually("the third certificate", || if trusts(&third) { Ok(()) } else { Err("it is the second".into()) });
    alice.catch_up();

    let is_told_once_more = |before: usize| {
        let count = process.errors().matches("the certificate stays as it was").count();
        if count > before { Ok(()) } else { Err(format!("it was told {count} times")) }
    };
    fs::write(certificate.path(), "-----BEGIN CERTIFICATE-----\nMIIB\n").expect("it can be broken");
    process.signal(Signal::HUP);
    eventually("that the broken file was read", || is_told_once_more(0));
    assert!(trusts(&third));
    let before = process.errors().matches("the certificate stays as it was").count();
    fs::remove_file(certificate.path()).expect("it is there");
    process.signal(Signal::HUP);
    eventually("that the file is not there", || is_told_once_more(before));
    assert!(trusts(&third));
    alice.catch_up();
    process.signal(Signal::TERM);
    alice.expect_shutdown();
    let ended = process.ended();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.stderr.matches("the certificate was read again").count() >= 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("ERROR"), "{}", ended.stderr);
}

#[test]
fn certificates_are_replaced_under_load_and_nobody_notices() {
    let certificate = Certificate::new();
    let (process, [addr, text]) = serve(&certificate, ["text+tls", "text"], &["--rate", "off"]);
    speak_tls(addr, certificate.client(&[&TLS13]));
    let mut readers: Vec<Client> = (0..20).map(|n| guest(&format!("reader {n}"), addr)).collect();
    let mut talker = guest("talker", text);
    let signal = || process.signal(Signal::HUP);
    for n in 0..2_000 {
        talker.say(&format!("line {n}"));
        if n % 100 == 0 {
            certificate.renew();
            signal();
        }
    }
    for reader in &mut readers {
        while !reader.line().ends_with(": line 0") {}
        for n in 1..2_000 {
            assert!(reader.line().ends_with(&format!(": line {n}")), "{} misses line {n}", reader.who());
        }
    }
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert!(ended.stderr.contains("the certificate was read again"), "{}", ended.stderr);
}

/// Sends bytes to a new connection; returns all that it answers until it closes.
fn answer(addr: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(addr).expect("it listens");
    stream.set_read_timeout(Some(2 * PATIENCE)).expect("a timeout");
    stream.write_all(bytes).expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it is closed in order");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_client_without_tls_is_told_so_in_its_own_protocol() {
    let certificate = Certificate::new();
    let services = ["text+tls", "irc+tls", "classic+tls", "web+tls", "irc+ws+tls"];
    let (_process, [text, irc, classic, web, over_websocket]) = serve(&certificate, services, &[]);
    assert_eq!(answer(text, b"hello\n"), "! this port speaks TLS: connect with that\n");
    assert_eq!(answer(text, b"GET / HTTP/1.1\r\n\r\n"), "! this port speaks TLS: connect with that\n");
    assert_eq!(answer(irc, b"NICK ann\r\n"), "ERROR :this port speaks TLS: connect with that\r\n");
    assert!(answer(classic, b"NAME YQ==\n").starts_with("CHAT c2VydmVy "));
    for addr in [web, over_websocket] {
        let page = answer(addr, format!("GET / HTTP/1.1\r\nHost: {addr}\r\n\r\n").as_bytes());
        assert!(page.starts_with("HTTP/1.1 400 Bad Request\r\n") && page.contains("https://"), "{page}");
    }
    // Who waits for a welcome.
    assert_eq!(answer(text, b""), "! this port speaks TLS: connect with that\n");
}

/// Returns what a client sends first.
fn client_hello(certificate: &Certificate) -> Vec<u8> {
    let name = "localhost".try_into().expect("a name");
    let mut client = ClientConnection::new(certificate.client(&[&TLS13]), name).expect("a name");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("memory has room");
    hello
}

#[test]
fn a_client_with_tls_where_there_is_none_is_turned_away_at_once() {
    let certificate = Certificate::new();
    let services = ["text", "irc", "classic", "web", "irc+ws"];
    let (_process, addrs) = serve(&certificate, services, &[]);
    let hello = client_hello(&certificate);
    let begun = Instant::now();
    for (service, addr) in services.into_iter().zip(addrs) {
        let answer = answer(addr, &hello);
        assert!(
            answer.contains("TLS") || answer.contains("400 Bad Request") || service == "classic",
            "{service}: {answer}"
        );
    }
    assert!(begun.elapsed() < PATIENCE / 2, "it took {:?}", begun.elapsed());
}

#[test]
fn handshakes_that_are_not_finished_keep_nobody_out() {
    const MANY: usize = 1_000;
    let _ = raise_descriptor_limit(4 * MANY as u64);
    let certificate = Certificate::new();
    let (_process, [addr, text]) = serve(&certificate, ["text+tls", "text"], &[]);
    speak_tls(addr, certificate.client(&[&TLS13]));
    let mut alice = guest("alice", addr);
    let hello = client_hello(&certificate);
    let connect = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        // It may have been cut off already.
        let _ = stream.write_all(bytes);
        stream
    };
    let begun = Instant::now();
    let slow: Vec<TcpStream> = (0..MANY).map(|_| connect(&[])).collect();
    let stopped: Vec<TcpStream> = (0..MANY).map(|n| connect(&hello[..=n % (hello.len() - 1)])).collect();
    alice.catch_up();
    let mut bob = guest("bob", addr);
    let mut carol = guest("carol", text);
    bob.say("hello");
    for client in [&mut alice, &mut carol] {
        while !client.line().ends_with(": hello") {}
    }
    assert!(begun.elapsed() < PATIENCE, "it took {:?}", begun.elapsed());
    // Each ends at last.
    for mut stream in slow.into_iter().chain(stopped) {
        stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(5))).expect("a timeout");
        let mut rest = Vec::new();
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
    drop(guest("dora", addr));
}

#[test]
fn rubbish_in_place_of_a_handshake_harms_nobody() {
    let certificate = Certificate::new();
    let (_process, [addr]) = serve(&certificate, ["text+tls"], &[]);
    speak_tls(addr, certificate.client(&[&TLS13]));
    let mut alice = guest("alice", addr);
    let hello = client_hello(&certificate);
    let flipped = |at: usize| {
        let mut bytes = hello.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    let mut inputs: Vec<Vec<u8>> = (1..60).map(flipped).collect();
    inputs.push([&[22, 3, 1, 0x40, 0][..], &[0xff; 0x4000]].concat());
    inputs.push([22, 3, 1, 0, 0].repeat(10_000));
    inputs.push([21, 3, 1, 0, 2, 1, 0].repeat(10_000));
    inputs.push(hello.repeat(100));
    for input in inputs {
        let mut stream = TcpStream::connect(addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let _ = stream.write_all(&input);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
    }
    alice.catch_up();
    drop(guest("bob", addr));
}

#[test]
fn the_page_and_websocket_are_served_in_tls_and_the_log_has_the_link() {
    let certificate = Certificate::new();
    let (process, [addr]) = serve(&certificate, ["web+tls"], &[]);
    let request = |request: String| {
        let stream = TcpStream::connect(addr).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let name = "localhost".try_into().expect("a name");
        let client = ClientConnection::new(certificate.client(&[&TLS12, &TLS13]), name).expect("a name");
        let mut stream = StreamOwned::new(client, stream);
        stream.write_all(request.as_bytes()).expect("it reads");
        let (mut answer, mut bytes) = (String::new(), [0; 4_096]);
        while !answer.contains("\r\n\r\n") {
            let n = stream.read(&mut bytes).expect("it answers");
            answer += &String::from_utf8_lossy(&bytes[..n]);
        }
        answer
    };
    let page = request(format!("GET / HTTP/1.1\r\nHost: {addr}\r\n\r\n"));
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    let handshake = |origin: &str| {
        format!(
            "GET /ws HTTP/1.1\r\nHost: {addr}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    };
    assert!(request(handshake(&format!("https://{addr}"))).starts_with("HTTP/1.1 101 "));
    assert!(request(handshake("https://evil.example")).starts_with("HTTP/1.1 403 "));
    process.signal(Signal::TERM);
    let ended = process.ended();
    assert!(ended.stderr.contains(&format!("open https://{addr}/")), "{}", ended.stderr);
}
