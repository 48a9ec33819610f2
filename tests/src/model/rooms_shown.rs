//! Compares the rooms of a hub's conversation with the model's.

use chat_proto::conversation::MemberId;
use chat_proto::{Hub, Role, RoomId, Timestamp};

use super::rooms::{LISTS, RoomShown, Topic};
use super::{Checked, Model, differ};

impl Model {
    /// Checks that the hub has the same rooms, with the same members, roles, invitations, topics, flags and lists.
    ///
    /// # Errors
    ///
    /// If anything differs.
    ///
    /// # Panics
    ///
    /// If the conversation lists a room that is not there.
    pub fn check_rooms(&self, hub: &Hub) -> Checked {
        let (conversation, max_sessions) = (hub.conversation(), hub.config().max_sessions);
        let shown = |id: RoomId| {
            let room = conversation.room(id).expect("it is among the rooms");
            let members: Vec<MemberId> = conversation.members_of(id).collect();
            let slots =
                |members: &mut dyn Iterator<Item = &MemberId>| members.map(|member| member.0 as usize).collect();
            let have = |role| slots(&mut members.iter().filter(|member| conversation.has_role(**member, id, role)));
            let topic = room.topic().map(|topic| Topic {
                words: topic.words.into(),
                styled: topic.styled.into(),
                by: topic.by.into(),
                at: Timestamp::from_nanos(topic.at),
            });
            RoomShown {
                id: id.0,
                name: room.name().into(),
                is_listed: room.is_listed(),
                topic,
                flags: room.flags(),
                key: room.key().unwrap_or_default().into(),
                limit: room.limit().unwrap_or_default() as usize,
                masks: LISTS.map(|list| room.masks(list).map(str::to_owned).collect()),
                members: slots(&mut members.iter()),
                operators: have(Role::Operator),
                voiced: have(Role::Voice),
                invited: (0..max_sessions).filter(|slot| conversation.is_invited(MemberId(*slot as u32), id)).collect(),
            }
        };
        let (hub, model): (Vec<RoomShown>, _) = (conversation.rooms().map(shown).collect(), self.rooms_shown());
        if hub == model { Ok(()) } else { differ("rooms", format!("\n     hub {hub:?}\n   model {model:?}")) }
    }
}
