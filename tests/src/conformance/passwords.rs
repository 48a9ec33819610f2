//! Passwords of clients of IRC, for adapters whose server is given a function that checks them: [`is_right`].

use std::sync::{Condvar, Mutex, PoisonError};

use chat_proto::dialect::{Irc, IrcSettings};
use chat_proto::{Config, Credentials, DialectConfig, Hub};

use super::{Adapter, Client, PATIENCE, calm};

/// Whether checks may go on.
static MAY_GO_ON: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

/// Checks a password, for which it waits until the case lets it go on: as slow as any hash.
#[must_use]
pub fn is_right(credentials: Credentials<'_>) -> bool {
    let may_go_on = MAY_GO_ON.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = CHANGED.wait_timeout_while(may_go_on, PATIENCE, |may_go_on| !*may_go_on);
    drop(waited.unwrap_or_else(PoisonError::into_inner));
    credentials.password() == "sesame"
}

/// While passwords are checked, nobody else waits. More clients than are checked at once get their turn.
pub fn nobody_waits_while_passwords_are_checked(adapter: &dyn Adapter) {
    let irc = Irc::new(IrcSettings { asks_password: true, ..IrcSettings::default() }).expect("right settings");
    let mut config: Config = calm();
    config.dialects.push(DialectConfig::new(irc));
    let server = adapter.start(config, &["text", "irc"]).expect("a server starts");
    let client = |n: usize| {
        let password = if n == 1 { "xyzzy" } else { "sesame" };
        let mut client = Client::connect(&format!("n{n}"), server.addr("irc"));
        client.say(&format!("PASS {password}\r\nNICK n{n}\r\nUSER n{n} 0 * :N\r"));
        client
    };
    let clients: Vec<_> = (0..2 * Hub::MAX_AUTHENTICATIONS).map(client).collect();
    let (mut alice, mut bob) = (server.named("alice"), server.named("bob"));
    alice.expect("* bob joined");
    for n in 0..100 {
        bob.say(&format!("message {n}"));
        alice.expect(&format!("bob: message {n}"));
    }
    *MAY_GO_ON.lock().unwrap_or_else(PoisonError::into_inner) = true;
    CHANGED.notify_all();
    for (n, mut client) in clients.into_iter().enumerate() {
        let line = client.line();
        if n == 1 {
            assert_eq!(line, ":irc.localhost 464 * :Password incorrect\r");
            client.expect("ERROR :wrong password\r");
            client.expect_end();
        } else {
            assert!(line.starts_with(&format!(":irc.localhost 001 n{n} ")), "{line}");
        }
    }
    server.stop([alice, bob]);
}
