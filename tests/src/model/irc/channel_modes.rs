//! MODE of channels.

use chat_proto::dialect::{Complaint, Request, RoomChange, Update};
use chat_proto::{MaskList, Role, RoomError, RoomFlags};

use super::line::Line;
use super::updates::{letter_of, letter_of_list};
use super::{Step, Turn, numerics};
use crate::model::Model;
use crate::model::masks::MAX_MASK;
use crate::model::rooms::RoomKey;
use crate::model::words::clean;

/// The most changes of each kind in one line: with arguments, without, and errors.
const MAX_CHANGES: usize = 12;

/// What one letter asks for.
#[derive(Clone, Debug)]
enum Change {
    ShowList(MaskList),
    Mask(MaskList, String),
    Key(String),
    Limit(Option<u32>),
    Flag(RoomFlags),
    Role(Role, String),
    Unknown(char),
    Missing(char),
    Invalid(char, String),
}

/// Returns what letters and arguments ask for, each with whether it is to be set.
fn changes(letters: &str, arguments: &[String]) -> Vec<(bool, Change)> {
    let mut arguments = arguments.iter();
    let (mut add, mut found) = (true, Vec::new());
    let (mut lists, mut counts) = (Vec::new(), [0; 3]);
    for letter in letters.chars() {
        if "+-".contains(letter) {
            add = letter == '+';
            continue;
        }
        let mut argument = || match arguments.next() {
            None => Err(Change::Missing(letter)),
            Some(text) if text.is_empty() || text.starts_with(':') || text.contains(' ') => {
                Err(Change::Invalid(letter, text.clone()))
            }
            Some(text) => Ok(text.clone()),
        };
        let change = match letter {
            'i' => Change::Flag(RoomFlags::INVITED_ONLY),
            'm' => Change::Flag(RoomFlags::MODERATED),
            'n' => Change::Flag(RoomFlags::MEMBERS_SPEAK),
            's' => Change::Flag(RoomFlags::HIDDEN),
            't' => Change::Flag(RoomFlags::TOPIC_BY_OPERATORS),
            'b' | 'e' | 'I' => {
                let list = match letter {
                    'b' => MaskList::Bans,
                    'e' => MaskList::BanExceptions,
                    _ => MaskList::InviteExceptions,
                };
                match argument() {
                    Ok(mask) => Change::Mask(list, mask),
                    Err(Change::Missing(_)) => Change::ShowList(list),
                    Err(error) => error,
                }
            }
            'k' => match argument() {
                Ok(key) if add && key.contains(',') => Change::Invalid('k', key),
                Ok(key) => Change::Key(key),
                Err(Change::Missing(_)) if !add => Change::Key("*".into()),
                Err(error) => error,
            },
            'l' if !add => Change::Limit(None),
            'l' => argument().map_or_else(
                |error| error,
                |limit| match limit.parse() {
                    Ok(members) if members > 0 => Change::Limit(Some(members)),
                    _ => Change::Invalid('l', limit),
                },
            ),
            'o' => argument().map_or_else(|error| error, |name| Change::Role(Role::Operator, name)),
            'v' => argument().map_or_else(|error| error, |name| Change::Role(Role::Voice, name)),
            other => Change::Unknown(other),
        };
        let kind = match &change {
            Change::ShowList(list) => {
                if !lists.contains(list) {
                    lists.push(*list);
                    found.push((add, change));
                }
                continue;
            }
            Change::Flag(_) | Change::Limit(None) => 1,
            Change::Unknown(_) | Change::Missing(_) | Change::Invalid(..) => 2,
            _ => 0,
        };
        counts[kind] += 1;
        if counts[kind] <= MAX_CHANGES {
            found.push((add, change));
        }
    }
    found
}

/// Completes a mask; `None`: it is too long then.
pub(in crate::model) fn complete(mask: &str) -> Option<String> {
    let (name, address) = match mask.split_once('!') {
        Some(parts) => parts,
        None if mask.contains('@') => ("", mask),
        None => (mask, ""),
    };
    let (user, host) = address.rsplit_once('@').unwrap_or((address, ""));
    let or_any = |part: &str| if part.is_empty() { "*".to_owned() } else { part.into() };
    let whole = format!("{}!{}@{}", or_any(name), or_any(user), or_any(host));
    (whole.len() <= MAX_MASK).then_some(whole)
}

/// Changes of a room's modes that clients have not been told of.
#[derive(Clone, Debug)]
pub(in crate::model) struct Modes {
    room: RoomKey,
    letters: String,
    arguments: String,
}

impl Modes {
    fn new(room: RoomKey) -> Self {
        Self { room, letters: String::new(), arguments: String::new() }
    }
}

impl Model {
    /// Adds a change to those of which clients are told at once, if they are gathered.
    pub(in crate::model) fn gather_mode(&mut self, slot: usize, update: &Update<'_>) {
        let (set, letter, argument) = match *update {
            Update::RoleSet { name, role, given, .. } => {
                (given, if role == Role::Operator { 'o' } else { 'v' }, name.to_owned())
            }
            Update::RoomChanged { change, .. } => match change {
                RoomChange::Flag { flag, set } => (set, letter_of(flag), String::new()),
                RoomChange::Key(key) => (key.is_some(), 'k', key.unwrap_or("*").to_owned()),
                RoomChange::Limit(limit) => {
                    (limit.is_some(), 'l', limit.map_or_else(String::new, |limit| limit.to_string()))
                }
                RoomChange::Listed { list, mask, listed } => (listed, letter_of_list(list), mask.to_owned()),
            },
            _ => return,
        };
        let Some(modes) = &self.asked.modes else { return };
        let room = modes.room;
        let (name, person) = (self.name(slot), self.person(slot));
        // `:name!user@host MODE #room `, where a host has 16 bytes at most, and the line 510.
        let head = name.len() + person.user.len() + 16 + self.room(room).name.len() + 11;
        let len = head + modes.letters.len() + modes.arguments.len() + argument.len() + 3;
        if !modes.letters.is_empty() && len > 510 {
            self.tell_modes(slot);
        }
        let modes = self.asked.modes.get_or_insert_with(|| Modes::new(room));
        let sign = if set { '+' } else { '-' };
        if modes.letters.rfind(['+', '-']).and_then(|at| modes.letters[at..].chars().next()) != Some(sign) {
            modes.letters.push(sign);
        }
        modes.letters.push(letter);
        if !argument.is_empty() {
            modes.arguments.extend([" ", &argument]);
        }
    }

    /// Tells clients in the room of the changes so far.
    pub(in crate::model) fn tell_modes(&mut self, slot: usize) {
        let Some(modes) = self.asked.modes.take().filter(|modes| !modes.letters.is_empty()) else { return };
        let update = Update::ModesSet { by: &self.name(slot), letters: &modes.letters, arguments: &modes.arguments };
        self.publish(&update, &[modes.room], Some(slot));
        self.reply(slot, &update);
    }

    /// Makes one of the changes that a line asks for.
    pub(super) fn change_channel(
        &mut self,
        slot: usize,
        channel: &str,
        line: &Line,
        nth: usize,
        turn: &mut Turn,
    ) -> Step {
        let Some(room) = self.room_of_channel(slot, channel) else { return Step::Done };
        let all = changes(line.text(1), &line.params[2..]);
        let Some((add, change)) = all.into_iter().nth(nth) else { return Step::Done };
        self.asked.modes.get_or_insert_with(|| Modes::new(room));
        match change {
            Change::Unknown(letter) => {
                self.tell_modes(slot);
                self.answer_lines(slot, |model, reader| {
                    model.numbered(472, reader).word(&letter.to_string()).trailing(numerics::text(472)).end()
                });
                Step::Next
            }
            Change::Missing(letter) => self.refuse_mode(slot, letter, "*", "You must give a parameter"),
            Change::Invalid('k', _) => self.refuse_key(slot, channel),
            Change::Invalid(letter, argument) => {
                self.refuse_mode(slot, letter, &argument, "This parameter cannot be one")
            }
            Change::ShowList(list) => {
                self.tell_modes(slot);
                self.ask_masks(slot, room, list);
                Step::Next
            }
            Change::Mask(list, mask) => {
                let Some(whole) = complete(&mask) else {
                    return self.refuse_mode(slot, letter_of_list(list), &mask, "This mask is too long");
                };
                self.set_target(&whole);
                self.ask(slot, Request::Mask { list, mask: &mask, listed: add }, turn)
            }
            Change::Key(key) if add && (key.len() > 32 || clean(&key) != key) => self.refuse_key(slot, channel),
            Change::Key(key) => self.ask(slot, Request::Key(add.then_some(&*key)), turn),
            Change::Limit(limit) => self.ask(slot, Request::Limit(limit), turn),
            Change::Flag(flag) => self.ask(slot, Request::Flag { flag, set: add }, turn),
            Change::Role(role, name) => {
                let it = self.room(room);
                let has_it = self.find(&name).and_then(|other| it.member(other)).is_some_and(|member| {
                    (if role == Role::Operator { member.is_operator } else { member.has_voice }) == add
                });
                if it.is_operator(slot) && has_it {
                    return Step::Next;
                }
                self.set_target(&name);
                self.ask(slot, Request::Role { name: &name, role, given: add }, turn)
            }
        }
    }

    fn refuse_mode(&mut self, slot: usize, letter: char, argument: &str, why: &str) -> Step {
        self.tell_modes(slot);
        self.answer_lines(slot, |model, reader| {
            let line = model.numbered(696, reader).channel(&model.asked.room);
            line.word(&letter.to_string()).word(argument).trailing(why).end()
        });
        Step::Next
    }

    fn refuse_key(&mut self, slot: usize, channel: &str) -> Step {
        self.tell_modes(slot);
        self.answer_lines(slot, |model, reader| {
            model.numbered(525, reader).word(channel).trailing(numerics::text(525)).end()
        });
        Step::Next
    }

    /// Shows the masks of a list, those of exceptions to operators only.
    fn ask_masks(&mut self, slot: usize, room: RoomKey, list: MaskList) {
        if !self.may_see_masks(slot, room, list) {
            return self.refuse(slot, Complaint::Room(RoomError::NotOperator));
        }
        let name = self.room(room).name.clone();
        self.begin_answer(slot, super::Rest::Masks { room, name, list, next: 0 });
    }

    pub(super) fn may_see_masks(&self, slot: usize, room: RoomKey, list: MaskList) -> bool {
        let room = self.room(room);
        if list == MaskList::Bans { room.is_shown_to(slot) } else { room.is_operator(slot) }
    }

    /// Shows the modes of a channel.
    pub(super) fn show_modes(&mut self, slot: usize, room: RoomKey) {
        let room = self.room(room);
        let mut letters: String = "+".into();
        letters
            .extend(RoomFlags::ALL.iter().filter(|(flag, _)| room.flags.has(*flag)).map(|(flag, _)| letter_of(*flag)));
        letters += if room.password.is_empty() { "" } else { "k" };
        letters += if room.limit == 0 { "" } else { "l" };
        let key = if room.is_in(slot) { room.password.clone() } else { "*".into() };
        let (name, has_key, limit) = (room.name.clone(), !room.password.is_empty(), room.limit);
        let began = room.began;
        self.send_lines(slot, |model, reader| {
            let mut line = model.numbered(324, reader).channel(&name).word(&letters);
            if has_key {
                line = line.word(&key);
            }
            if limit > 0 {
                line = line.number(limit as u64);
            }
            let created = model.numbered(329, reader).channel(&name).number(model.wall_clock(began) / 1_000);
            line.end() + &created.end()
        });
    }
}
