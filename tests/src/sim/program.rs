//! The embedding program's calls about sessions and its bot.

use std::num::NonZeroU32;
use std::time::Duration;

use chat_proto::{MaskList, Rate, Role, RoomFlags, RoomId};

use super::grammar;
use super::random::Random;
use super::step::Speaks;
use super::world::World;
use crate::model::{Checked, differ};

impl World {
    /// Makes one of the calls of an embedding program.
    pub(super) fn program(&mut self, peer: u8, speaks: Speaks, random: &mut Random) -> Checked {
        let now = self.now();
        let what = random.below(17);
        let name = random.pick(grammar::NAMES);
        let words = grammar::words(random, self.conduct.max_line * 2);
        match what {
            0 => self.on_session(peer, |world, id| {
                let told = world.meter.scope(|| world.hub.tell(now, id, &words));
                same("tell", &told, &world.model.tell(now, id.slot(), &words))
            }),
            1 => self.on_session(peer, |world, id| {
                let renamed = world.meter.scope(|| world.hub.rename(now, id, name));
                same("rename", &renamed, &world.model.rename(now, id.slot(), name))
            }),
            2 => self.connect(peer, speaks, peer, Some(name)),
            9 => self.on_session(peer, |world, id| {
                let rate = random.pick(&[None, Some((1, 1)), Some((20, 3)), Some((1_000_000_000, 100))]).map(rate);
                world.meter.scope(|| world.hub.set_rate(now, id, rate));
                world.model.set_rate(now, id.slot(), rate);
                Ok(())
            }),
            10 => self.on_session(peer, |world, id| {
                let timeout = random.pick(&[None, Some(1), Some(1_000_000_000), Some(200_000_000_000)]);
                let timeout = timeout.map(Duration::from_nanos).filter(|_| world.sees_order_of_closing());
                world.meter.scope(|| world.hub.set_idle_timeout(now, id, timeout));
                world.model.set_idle_timeout(now, id.slot(), timeout);
                Ok(())
            }),
            11.. => self.moderate(what, peer, &words, random),
            _ => self.bot(what, peer, name, &words),
        }
    }

    /// Keeps order in a room that may be there.
    fn moderate(&mut self, what: u64, peer: u8, words: &str, random: &mut Random) -> Checked {
        let (now, room) = (self.now(), RoomId(random.below(5) as u32));
        let bot = self.bot.filter(|_| !self.hub.is_shutting_down());
        let target = self.connection(peer).map(|connection| connection.id).or(bot);
        let World { hub, model, meter, .. } = self;
        match (what, target) {
            (11, _) => {
                let set = meter.scope(|| hub.set_topic(now, room, words));
                same("set_topic", &set, &model.set_topic(now, room, words))
            }
            (12, _) => {
                let flag = |random: &mut Random, flag| if random.one_in(4) { flag } else { RoomFlags::NONE };
                let flags = RoomFlags::ALL.iter().fold(RoomFlags::NONE, |flags, (new, _)| flags | flag(random, *new));
                let set = meter.scope(|| hub.set_room_flags(now, room, flags));
                same("set_room_flags", &set, &model.set_room_flags(now, room, flags))
            }
            (13, _) => {
                let (key, limit) = random.pick(&[("", 0), ("", 0), ("sesame", 0), ("", 2)]);
                let set = meter.scope(|| {
                    hub.set_room_key(now, room, Some(key).filter(|key| !key.is_empty()))?;
                    hub.set_room_limit(now, room, Some(limit).filter(|limit| *limit > 0))
                });
                same("set_room_limit", &set, &model.set_room_key_and_limit(now, room, key, limit as usize))
            }
            (14, _) => {
                let lists = [MaskList::Bans, MaskList::BanExceptions, MaskList::InviteExceptions];
                let mask = random.pick(&["bob!*", "B*!*", "b0b!*", "*!-", "carol", "*", "a?ice!*", "*!*0*"]);
                let (list, listed) = (random.pick(&lists), random.one_in(2));
                let set = meter.scope(|| hub.set_mask(now, room, list, mask, listed));
                same("set_mask", &set, &model.set_mask(now, room, list, mask, listed))
            }
            (15, Some(id)) => {
                let (role, given) = (random.pick(&[Role::Operator, Role::Operator, Role::Voice]), !random.one_in(4));
                let set = meter.scope(|| hub.set_role(now, room, id, role, given));
                same("set_role", &set, &model.give_role(now, room, id.slot(), role, given))
            }
            (16, Some(id)) => {
                let kicked = meter.scope(|| hub.kick_from(now, room, id, words));
                same("kick_from", &kicked, &model.kick_from(now, room, id.slot(), words))
            }
            _ => Ok(()),
        }
    }

    /// Makes the bot enter, speak, be renamed or leave.
    fn bot(&mut self, what: u64, peer: u8, name: &str, words: &str) -> Checked {
        let now = self.now();
        let Some(bot) = self.bot else {
            let Some(dialect) = self.hub.dialect("text") else { return differ("dialect", "no text") };
            let entered = self.meter.scope(|| self.hub.enter(now, name));
            let expected = self.model.enter(now, dialect, name, entered.ok())?;
            self.bot = entered.ok();
            return same("enter", &entered.map(drop), &expected);
        };
        let slot = bot.slot();
        match what {
            3 | 4 => {
                let said = self.meter.scope(|| self.hub.say(now, bot, words));
                same("say", &said, &self.model.say(now, slot, words, false))
            }
            5 => {
                let acted = self.meter.scope(|| self.hub.act(now, bot, words));
                same("act", &acted, &self.model.say(now, slot, words, true))
            }
            6 => {
                // The bot itself, if there is no such peer.
                let to = self.connection(peer).map_or(bot, |connection| connection.id);
                let said = self.meter.scope(|| self.hub.say_to(now, bot, to, words));
                same("say_to", &said, &self.model.say_to(now, slot, to.slot(), words))
            }
            7 => {
                let renamed = self.meter.scope(|| self.hub.rename(now, bot, name));
                let is_gone = self.hub.is_shutting_down();
                same("rename", &renamed, &if is_gone { Ok(()) } else { self.model.rename(now, slot, name) })
            }
            _ => {
                self.meter.scope(|| self.hub.leave(now, bot, words));
                self.model.member_leaves(now, slot, words);
                self.bot = None;
                self.stale.push_back(bot);
                Ok(())
            }
        }
    }
}

fn rate((per_second, burst): (u32, u32)) -> Rate {
    let number = |number| NonZeroU32::new(number).expect("not zero");
    Rate { per_second: number(per_second), burst: number(burst) }
}

/// Compares the results of the hub and the model.
fn same<T: PartialEq + std::fmt::Debug>(what: &'static str, hub: &T, model: &T) -> Checked {
    if hub == model { Ok(()) } else { differ(what, format!("the hub says {hub:?}, the model {model:?}")) }
}
