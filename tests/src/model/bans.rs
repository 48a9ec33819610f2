//! The lists of masks that a room has, its bans above all.

use chat_proto::{MaskList, NameRules, RoomError, Timestamp};

use super::masks::{Listing, MAX_MASK, MAX_MASKS, mask_of, shown_of};
use super::names::are_twins;
use super::rooms::Room;

impl Room {
    /// Finds a ban by its number, as `#2`, by its mask or by what is shown of it; returns its place in the list.
    pub(super) fn listed_ban(&self, text: &str) -> Option<usize> {
        let is_it = |ban: &String| ban.to_lowercase() == text.to_lowercase() || shown_of(ban) == (text, false);
        let number = text.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
        let numbered = number.and_then(|number| number.checked_sub(1)).filter(|place| *place < self.bans.len());
        numbered.or_else(|| self.bans.iter().position(is_it))
    }

    /// Remembers whose address masks are, who has listed them, and when, unless they were listed.
    pub(super) fn note_listing(&mut self, list: MaskList, masks: &[String], of: &str, by: &str, at: Timestamp) {
        let listed = match list {
            MaskList::Bans => &self.bans,
            MaskList::BanExceptions => &self.ban_exceptions,
            MaskList::InviteExceptions => &self.invite_exceptions,
        };
        // What was removed since is forgotten.
        self.listings.retain(|listing| listing.list != list || listed.contains(&listing.mask));
        for mask in masks.iter().filter(|mask| listed.contains(mask)) {
            if !self.listings.iter().any(|listing| listing.list == list && listing.mask == *mask) {
                self.listings.push(Listing { list, mask: mask.clone(), of: of.into(), by: by.into(), at });
            }
        }
    }

    /// Returns the name of whose address a ban is.
    pub(super) fn banned_as(&self, mask: &str) -> &str {
        let found = self.listings.iter().find(|listing| listing.list == MaskList::Bans && listing.mask == mask);
        found.map_or("", |listing| &listing.of)
    }

    /// Returns who has listed a mask, and when.
    pub(super) fn listing(&self, list: MaskList, mask: &str) -> (&str, Timestamp) {
        let found = self.listings.iter().find(|listing| listing.list == list && listing.mask == mask);
        found.map_or(("", Timestamp::ZERO), |listing| (&listing.by, listing.at))
    }

    /// Returns the bans of names that look like one, of their addresses, and of an address.
    pub(super) fn bans_of(&self, rules: NameRules, name: &str, address: Option<&str>) -> Vec<String> {
        let is_named = |ban: &str| {
            let named = ban.strip_suffix("!*@*").or_else(|| ban.strip_suffix("!*"));
            let is_alike = named.is_some_and(|named| !named.contains(['*', '?']) && are_twins(rules, named, name));
            is_alike || ban.to_lowercase() == mask_of(name).to_lowercase()
        };
        let is_theirs = |ban: &&String| {
            let of = self.banned_as(ban);
            let is_address = address.is_some_and(|address| ban.to_lowercase() == address);
            is_address || is_named(ban) || !of.is_empty() && are_twins(rules, of, name)
        };
        self.bans.iter().filter(is_theirs).cloned().collect()
    }

    /// Adds bans; returns whether any is new.
    pub(super) fn ban(&mut self, masks: &[String]) -> Result<bool, RoomError> {
        let is_new = |mask: &&String| !self.bans.iter().any(|ban| ban.to_lowercase() == mask.to_lowercase());
        if masks.iter().any(|mask| mask.len() > MAX_MASK) {
            return Err(RoomError::TooLong { max: MAX_MASK });
        }
        let new: Vec<String> = masks.iter().filter(is_new).cloned().collect();
        if self.bans.len() + new.len() > MAX_MASKS {
            return Err(RoomError::ListFull { max: MAX_MASKS });
        }
        let is_new = !new.is_empty();
        self.bans.extend(new);
        Ok(is_new)
    }
}
