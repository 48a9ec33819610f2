//! An episode: a hub's limits, a driver's habits, and the likelihood of each step, all drawn from one seed.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use chat_proto::dialect::{Classic, Dialect, Irc, IrcSettings, MAX_NOTICE, Text};
use chat_proto::{
    Action, Config, DialectConfig, NameRules, OnLag, Policy, Proposal, Rate, RateLimit, RoomConfig, RoomFlags, Verdict,
};

use super::grammar;
use super::random::{Random, mix};
use super::step::Weather;
use super::terse::Terse;
use crate::exact::Exact;
use crate::model::longest_of_irc;

/// Everything that a world is made from. Equal episodes with equal steps give equal results, to the last byte.
#[derive(Clone, Debug)]
pub struct Episode {
    /// The hub's limits, mostly tight.
    pub config: Config,
    /// What clients of IRC are told of the server, if it speaks that.
    pub irc_settings: IrcSettings,
    /// The driver's habits.
    pub conduct: Conduct,
    /// How likely each kind of step is.
    pub weather: Weather,
}

/// A driver's habits.
#[derive(Clone, Debug)]
pub struct Conduct {
    /// It carries out all commands after every call, not at a later step.
    pub(super) prompt: bool,
    /// It calls `writable` before it writes to a socket that takes bytes again.
    pub(super) says_writable: bool,
    /// How many bytes it offers after a `Read`.
    pub(super) read_again: usize,
    ways: [Way; 3],
    /// The sockets of peers below this number take nothing, those of peers below the next number a little, all others
    /// everything.
    deaf: u8,
    slow: u8,
    first_window: usize,
    pub(super) max_line: usize,
    pub(super) max_name: usize,
    pub(super) journal_records: u64,
}

/// How a driver writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// From a copy of everything.
    Whole,
    /// From a copy that readers share.
    Shared,
    /// From a copy of its own, while other calls go on.
    Late,
}

impl Episode {
    /// Draws the episode of that number.
    ///
    /// # Panics
    ///
    /// The settings of IRC that are drawn are not valid, which is a defect here.
    #[must_use]
    pub fn draw(seed: u64, number: u64) -> (Self, Random) {
        let mut random = Random::new(mix(seed) ^ mix(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let has_irc = random.one_in(3);
        let irc_settings = irc_settings(&mut random, has_irc);
        let irc = has_irc.then(|| Irc::new(irc_settings.clone()).expect("the settings are valid"));
        let config = config(&mut random, irc);
        let most = config.max_sessions as u64;
        let peers = (most + random.between(0, 4)) as u8;
        let conduct = Conduct::draw(&mut random, &config, peers);
        let idle = nanos(config.dialects[0].idle_timeout);
        let spans = [
            config
                .rate
                .or(config.rate_per_address)
                .map_or(1_000_000, |rate| 1_000_000_000 / u64::from(rate.per_second.get())),
            // Alternatively, the time until a session is warned of its timeout.
            if random.one_in(2) { idle } else { idle.checked_sub(60_000_000_000).filter(|n| *n > 0).unwrap_or(idle) },
            nanos(config.stall_timeout),
            // Alternatively, the time that clients of IRC have to register.
            if has_irc && random.one_in(2) { 60_000_000_000 } else { nanos(Some(config.linger_timeout)) },
            config.pace.map_or(1_000_000_000, |pace| config.log_bytes as u64 / 2 * 1_000_000_000 / pace as u64),
        ];
        let weather = Weather::draw(&mut random, peers, spans, has_irc);
        (Self { config, irc_settings, conduct, weather }, random)
    }
}

fn nanos(span: Option<Duration>) -> u64 {
    span.map_or(1_000_000_000, |span| u64::try_from(span.as_nanos()).expect("no more than a year"))
}

/// Draws what clients of IRC are told of the server. Sometimes it is longer than their replies may be.
fn irc_settings(random: &mut Random, has_irc: bool) -> IrcSettings {
    if !has_irc {
        return IrcSettings::default();
    }
    let line = |number: u64| format!("{number}: {}", "news ".repeat(number as usize % 60));
    let lines = random.pick(&[0, 0, 0, 3, 100]);
    let network = if random.one_in(2) { "ExampleNet" } else { "" };
    IrcSettings {
        network: network.into(),
        motd: (0..lines).map(line).collect(),
        asks_password: random.one_in(4),
        has_operators: random.one_in(2),
        ..IrcSettings::default()
    }
}

fn config(random: &mut Random, irc: Option<Irc>) -> Config {
    let max_sessions =
        if random.one_in(if irc.is_some() { 6 } else { 16 }) { random.between(17, 48) } else { random.between(1, 14) }
            as usize;
    // Lines of IRC have up to 512 bytes, whatever the limit of others, and longer words are not kept in histories.
    let max_line = if irc.is_some() { 512 } else { random.pick(&[64, 64, 80, 200, 512]) };
    let max_name = random.pick(&[1, 8, 16, 32, 40]);
    let payload = (max_line + 2 * max_name).max(MAX_NOTICE);
    let of_irc = irc.as_ref().map_or(0, |_| longest_of_irc(max_name, payload));
    let longest = Classic.encoded_len(payload).max(Text.encoded_len(payload)).max(of_irc);
    let spans = match random.below(4) {
        // Long timeouts, so that much is sent before any session is closed.
        0 | 1 => [0, 0, 3_600_000_000_000, 86_400_000_000_000],
        2 => [1_000_000, 50_000_000, 1_000_000_000, 3_600_000_000_000],
        // Equal timeouts make sessions expire at the same moment.
        _ => [random.pick(&[1_000_000, 1_000_000_000]); 4],
    };
    let some = |random: &mut Random| {
        let nanos = random.pick(&spans);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    };
    let stall_timeout = some(random);
    let dialect = |dialect: Arc<dyn Dialect>, random: &mut Random| DialectConfig {
        dialect,
        idle_timeout: some(random),
        rate: match random.below(6) {
            0 => RateLimit::Own(None),
            1 => RateLimit::Own(Some(Rate::default())),
            _ => RateLimit::AsConfig,
        },
        backlog: random.pick(&[0, 0, 1, 20, 200]),
    };
    let is_terse = random.one_in(4);
    // A dialect that folds joins and leaves, one that shows each, and one that shows none.
    let text: Arc<dyn Dialect> = match random.below(4) {
        _ if is_terse => Arc::new(Terse),
        0 => Arc::new(Exact("text")),
        _ => Arc::new(Text),
    };
    let mut dialects = vec![dialect(text, random), dialect(Arc::new(Classic), random)];
    let has_irc = irc.is_some();
    dialects.extend(irc.map(|irc| dialect(Arc::new(irc), random)));
    if random.one_in(2) {
        dialects.reverse();
    }
    let rate = |random: &mut Random, is_wanted: bool, per_second: &[u32]| {
        is_wanted.then(|| Rate {
            per_second: NonZeroU32::new(random.pick(per_second)).expect("not zero"),
            burst: NonZeroU32::new(random.pick(&[1, 2, 7, 100])).expect("not zero"),
        })
    };
    // Clients of IRC send many lines before they do anything, so they are not always slowed down.
    let is_fast = has_irc && !random.one_in(3);
    let is_wanted = [!is_fast && random.one_in(2), random.one_in(2), !is_fast && !random.one_in(4)];
    let own_rate = rate(random, is_wanted[0], &[1, 3, 20, 1_000, 1_000_000_000]);
    let connects_per_address = rate(random, is_wanted[1], &[20, 1_000, 1_000_000_000]);
    // Slow rates, so that a peer that reconnects finds a bucket that is not full yet.
    let rate_per_address = rate(random, is_wanted[2], &[1, 1, 3, 20, 1_000_000_000]);
    let max_rooms_per_address = random.one_in(2).then(|| random.pick(&[1, 1, 2]));
    let max_per_address = random.one_in(2).then(|| random.pick(&[1, 2, 5]));
    let on_lag = if random.one_in(3) { OnLag::Close } else { OnLag::Skip };
    // The model reads from the journal in which order deadlines were handled, and what the hub decided by itself. If
    // neither can happen, the journal may be tiny.
    let pace = (!random.one_in(3)).then(|| random.pick(&[1 << 10, 100 << 10, 1 << 20, 1 << 30]));
    let (least_bytes, least_entries) = if pace.is_some() { (10 * longest, 10) } else { (longest, 1) };
    let max_rooms = random.between(1, 6) as usize;
    let rooms = listed(random, max_rooms - 1);
    let is_told_all = !is_terse
        && pace.is_none()
        && stall_timeout.is_none()
        && dialects.iter().all(|d| d.idle_timeout.is_none())
        && (own_rate.is_none() && rate_per_address.is_none() || on_lag == OnLag::Skip);
    Config {
        started: grammar::irc::STARTED,
        life: grammar::irc::LIFE,
        max_sessions,
        max_line,
        max_name,
        log_bytes: least_bytes + spare(random, 4_000),
        log_entries: random.pick(&[1, 2, 3, 8, 40, 64]).max(least_entries),
        reply_bytes: 2 * longest + spare(random, 8_000),
        history: random.pick(&[2, 64, 64, 300]),
        max_rooms,
        max_rooms_per_session: random.pick(&[1, 2, 3, 4, 4, 4]),
        new_rooms: !random.one_in(8),
        rooms,
        room_log_bytes: random.pick(&[1, 2_000, 8_000]),
        room_log_entries: random.pick(&[1, 3, 8, 40, 64]),
        room_history: random.pick(&[0, 2, 20, 20]),
        room_history_bytes: random.pick(&[1, 3_000]),
        history_bytes: if random.one_in(3) { 1_100 + max_line + 2 * max_name } else { 1 << 20 },
        journal_records: if is_told_all { random.between(1, 9) as usize } else { 1_000 },
        rate: own_rate,
        max_per_address,
        max_rooms_per_address,
        connects_per_address,
        rate_per_address,
        pace,
        on_lag,
        stall_timeout,
        linger_timeout: some(random).unwrap_or(Duration::from_secs(5)),
        dialects,
        policy: random.one_in(4).then(|| Arc::new(judge) as Arc<dyn Policy>),
        names: if random.one_in(4) { NameRules::Loose } else { NameRules::Strict },
    }
}

/// Draws the rooms that are always there.
fn listed(random: &mut Random, most: usize) -> Vec<RoomConfig> {
    let count = if random.one_in(2) { random.below(4) as usize } else { 0 };
    let flag = |random: &mut Random, flag| if random.one_in(4) { flag } else { RoomFlags::NONE };
    let room = |(name, topic): (&str, &str), random: &mut Random| RoomConfig {
        name: name.into(),
        topic: topic.into(),
        flags: RoomFlags::ALL
            .iter()
            .fold(RoomFlags::NONE, |flags, (new, _)| flags | flag(random, *new))
            .without(RoomFlags::INVITED_ONLY),
    };
    grammar::LISTED.iter().take(count.min(most)).map(|listed| room(*listed, random)).collect()
}

/// A policy that refuses some words and names, some members and some times, and rewrites others.
fn judge(proposal: &Proposal<'_>, rewritten: &mut String) -> Verdict {
    match proposal.action {
        Action::Say { words }
        | Action::Act { words }
        | Action::Tell { words, .. }
        | Action::Topic { words }
        | Action::Kick { words, .. }
        | Action::Quit { words }
        | Action::Leave { words }
        | Action::Describe { words, .. }
        | Action::Away { words }
        | Action::Kill { words, .. }
        | Action::Wallops { words } => {
            if words.contains("dog") {
                Verdict::Refuse(format!("no dogs here,\n{} of {:?}", proposal.session, proposal.dialect).into())
            } else if words.contains("owl") && proposal.now.as_nanos().is_multiple_of(2) {
                Verdict::Refuse("owls come at odd times".into())
            } else if let Some((before, after)) = words.split_once("fox") {
                rewritten.extend([before, "\u{7}cat", after].into_iter().flat_map(|piece| piece.chars().take(5)));
                Verdict::Rewrite
            } else {
                Verdict::Pass
            }
        }
        Action::Begin { room: "attic" } => Verdict::Refuse("the attic is ours".into()),
        Action::Begin { room: "hall" } => {
            rewritten.push_str("den");
            Verdict::Rewrite
        }
        Action::Name { to: "eve" } if proposal.member.0.is_multiple_of(2) => {
            Verdict::Refuse("that name is ours".into())
        }
        Action::Name { to: "dan" } if proposal.name != "carol" => {
            rewritten.push_str("bob");
            Verdict::Rewrite
        }
        Action::Name { to: "frank" } => Verdict::Rewrite,
        _ => Verdict::Pass,
    }
}

/// Returns by how much a buffer exceeds its smallest size: mostly nothing or little.
fn spare(random: &mut Random, most: u64) -> usize {
    let most = random.pick(&[1, 100, 500, most]);
    random.below(most) as usize
}

impl Conduct {
    fn draw(random: &mut Random, config: &Config, peers: u8) -> Self {
        let ways = [Way::Whole, Way::Shared, Way::Late];
        let deaf = if random.one_in(2) { random.below(u64::from(peers) / 2 + 1) as u8 } else { 0 };
        Self {
            prompt: !random.one_in(3),
            says_writable: !random.one_in(4),
            read_again: random.pick(&[1, 50, 100_000]),
            ways: if random.one_in(3) { ways } else { [random.pick(&ways); 3] },
            deaf,
            slow: deaf + random.below(u64::from(peers - deaf) + 1) as u8,
            first_window: random.pick(&[0, 1, 60, 1_000]),
            max_line: config.max_line,
            max_name: config.max_name,
            journal_records: config.journal_records as u64,
        }
    }

    pub(super) fn way(&self, peer: u8) -> Way {
        self.ways[usize::from(peer) % self.ways.len()]
    }

    pub(super) fn first_window(&self, peer: u8) -> usize {
        match peer {
            peer if peer < self.deaf => 0,
            peer if peer < self.slow => self.first_window,
            _ => usize::MAX / 2,
        }
    }
}
