//! MODE of users, and MODE without changes.

use chat_proto::dialect::Complaint;

use super::line::Line;
use crate::model::Model;

/// The letters that a user may set, in their order. `o` cannot be set, only given up.
pub(super) const LETTERS: &str = "iowB";

impl Model {
    /// Shows the modes of a channel, or shows or changes those of the user.
    pub(super) fn ask_modes(&mut self, slot: usize, line: &Line) {
        let target = line.text(0);
        if target.starts_with('#') {
            if let Some(room) = self.room_of_channel(slot, target) {
                self.show_modes(slot, room);
            }
            return;
        }
        match self.find(target) {
            Some(other) if other == slot => {}
            Some(_) => return self.answer_number(slot, 502),
            None => return self.refuse(slot, Complaint::NobodyThere),
        }
        let before = self.irc(slot).modes.clone();
        let Some(asked) = line.param(1) else {
            return self
                .answer_lines(slot, |model, reader| model.numbered(221, reader).plain(&format!("+{before}")).end());
        };
        // The last of each letter counts.
        let (mut add, mut is_any_unknown) = (true, false);
        let mut wanted = before.clone();
        for letter in asked.chars() {
            match letter {
                '+' => add = true,
                '-' => add = false,
                'o' if add => {}
                letter if LETTERS.contains(letter) => {
                    wanted.retain(|has| has != letter);
                    wanted.extend(add.then_some(letter));
                }
                _ => is_any_unknown = true,
            }
        }
        let in_order = |letters: &dyn Fn(char) -> bool| LETTERS.chars().filter(|c| letters(*c)).collect::<String>();
        let set = in_order(&|c| wanted.contains(c) && !before.contains(c));
        let unset = in_order(&|c| before.contains(c) && !wanted.contains(c));
        self.irc_mut(slot).modes = in_order(&|c| wanted.contains(c));
        if is_any_unknown {
            self.answer_number(slot, 501);
        }
        let mut shown = String::new();
        for (sign, letters) in [('+', set), ('-', unset)] {
            if !letters.is_empty() {
                shown.push(sign);
                shown += &letters;
            }
        }
        if !shown.is_empty() {
            self.show_change(slot, &shown);
        }
    }
}
