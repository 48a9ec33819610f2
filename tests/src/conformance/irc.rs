//! Clients of IRC: in one conversation with those of other dialects, and shown no address.

use chat_proto::dialect::Irc;
use chat_proto::{Config, DialectConfig};

use super::{Adapter, Client, Running, calm};

/// A registered client.
struct User(Client);

impl User {
    /// Connects and registers.
    #[track_caller]
    fn new(server: &Running, nick: &str) -> Self {
        let mut user = Self(Client::connect(nick, server.addr("irc")));
        user.say(&format!("NICK {nick}"));
        user.say(&format!("USER {nick} 0 * :Real {nick}"));
        // There is no message of the day.
        while !user.line().contains(" 422 ") {}
        user
    }

    /// Joins a channel; returns its source in what others are told, and the names that are there, in order.
    #[track_caller]
    fn join(&mut self, channel: &str) -> (String, Vec<String>) {
        self.say(&format!("JOIN {channel}"));
        let join = self.line();
        let source = join.strip_prefix(':').and_then(|line| line.strip_suffix(&format!(" JOIN {channel}")));
        let source = source.unwrap_or_else(|| panic!("the answer to JOIN is {join:?}")).to_owned();
        let names = self.line();
        let (_, list) = names.split_once(&format!(" {channel} :")).unwrap_or_else(|| panic!("no names: {names:?}"));
        let mut list: Vec<String> = list.split(' ').map(str::to_owned).collect();
        list.sort();
        let end = self.line();
        assert!(end.contains(" 366 "), "{end:?}");
        (source, list)
    }

    #[track_caller]
    fn say(&mut self, line: &str) {
        self.0.say(&format!("{line}\r"));
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let line = self.0.line();
        line.strip_suffix('\r').unwrap_or_else(|| panic!("a line ends without CR: {line:?}")).to_owned()
    }

    #[track_caller]
    fn expect(&mut self, line: &str) {
        assert_eq!(self.line(), line, "what {} hears", self.0.who());
    }

    /// Quits; expects the farewell, and the end.
    #[track_caller]
    fn quit(mut self) {
        self.say("QUIT :that is all");
        let farewell = self.line();
        assert!(farewell.starts_with("ERROR :"), "{farewell:?}");
        self.0.expect_end();
    }
}

fn host(source: &str) -> &str {
    source.split_once('@').unwrap_or_else(|| panic!("{source:?} has no host")).1
}

#[track_caller]
fn start(adapter: &dyn Adapter) -> Running {
    let mut irc = DialectConfig::new(Irc::default());
    irc.idle_timeout = None;
    let mut config: Config = calm();
    config.dialects.push(irc);
    adapter.start(config, &["text", "classic", "irc"]).expect("a server starts")
}

/// Clients of IRC and people in text are in one room, speak to each other, and see each other come and go.
pub fn irc_and_text_share_one_conversation(adapter: &dyn Adapter) {
    let server = start(adapter);
    let mut alice = server.named("alice");
    let (mut ann, mut bob) = (User::new(&server, "ann"), User::new(&server, "bob"));
    let (ann_at, names) = ann.join("#lobby");
    assert_eq!(names, ["alice", "ann"]);
    alice.expect("* ann joined");
    let (bob_at, names) = bob.join("#lobby");
    assert_eq!(names, ["alice", "ann", "bob"]);
    alice.expect("* bob joined");
    ann.expect(&format!(":{bob_at} JOIN #lobby"));

    ann.say("PRIVMSG #lobby :hello all");
    bob.expect(&format!(":{ann_at} PRIVMSG #lobby :hello all"));
    alice.expect("ann: hello all");
    bob.say("PRIVMSG #lobby :\u{1}ACTION waves\u{1}");
    ann.expect(&format!(":{bob_at} PRIVMSG #lobby :\u{1}ACTION waves\u{1}"));
    alice.expect("** bob waves");

    alice.say("hello you two");
    let alice_at = format!("alice!~user@{}", host(&ann_at));
    for user in [&mut ann, &mut bob] {
        user.expect(&format!(":{alice_at} PRIVMSG #lobby :hello you two"));
    }
    alice.say("/msg ann are you well?");
    alice.expect("you -> ann: are you well?");
    ann.expect(&format!(":{alice_at} PRIVMSG ann :are you well?"));
    ann.say("PRIVMSG alice :I am");
    alice.expect("ann -> you: I am");

    bob.quit();
    alice.expect("* bob left (\"that is all\")");
    let left = ann.line();
    assert!(left.starts_with(&format!(":{bob_at} QUIT :")) && left.ends_with("that is all"), "{left:?}");
    ann.quit();
    alice.expect("* ann left (\"that is all\")");
    server.stop([alice]);
}

/// A PING is answered, whoever the client is by then.
pub fn a_ping_is_answered(adapter: &dyn Adapter) {
    let server = start(adapter);
    let mut ann = User::new(&server, "ann");
    ann.say("PING :are you there");
    ann.expect(":irc.localhost PONG irc.localhost :are you there");
    ann.quit();
    server.stop([]);
}

/// What stands in the place of a host is the same for two connections from one address, and is not the address.
pub fn no_address_is_shown(adapter: &dyn Adapter) {
    let server = start(adapter);
    let (mut ann, mut bob) = (User::new(&server, "ann"), User::new(&server, "bob"));
    let (of_ann, of_bob) = (ann.join("#lobby").0, bob.join("#lobby").0);
    assert_eq!(host(&of_ann), host(&of_bob));
    let is_cloak = |host: &str| host.len() == 16 && host.bytes().all(|byte| byte.is_ascii_hexdigit());
    // A dash is for whoever has no address, and for all if the driver has no key.
    assert!(host(&of_ann) == "-" || is_cloak(host(&of_ann)), "{of_ann}");
    ann.expect(&format!(":{of_bob} JOIN #lobby"));
    if let Some(addr) = bob.0.local_addr() {
        ann.say("WHOIS bob");
        loop {
            let line = ann.line();
            assert!(!line.contains(&addr.ip().to_string()), "{line:?} has the address");
            if line.contains(" 318 ") {
                break;
            }
        }
    }
    bob.quit();
    assert!(ann.line().starts_with(&format!(":{of_bob} QUIT :")));
    ann.quit();
    server.stop([]);
}
