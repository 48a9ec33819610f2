//! What is wrong with a line, as numerics.

use core::fmt;

use super::numeric::Numeric;
use super::scene::Scene;
use super::tagged::View;
use super::writer::Writer;
use crate::moderation::RoomError;
use crate::names::NameError;
use crate::wire::dialect::Complaint;

/// Writes why a request is refused.
pub(super) fn write(complaint: &Complaint<'_>, scene: &Scene<'_>, to: &mut Writer<'_>) {
    let Scene { room, asked, .. } = *scene;
    match complaint {
        Complaint::LineTooLong { .. } => to.numeric(Numeric::InputTooLong).standard().end(),
        Complaint::NotUtf8 => fail("*", "INVALID_UTF8", "", complaint, scene, to),
        Complaint::NotUnderstood => to.numeric(Numeric::UnknownCommand).word(asked.command).standard().end(),
        Complaint::Usage(_) => to.numeric(Numeric::NeedMoreParams).word(asked.command).standard().end(),
        Complaint::Name(NameError::Empty) => to.numeric(Numeric::NoNicknameGiven).standard().end(),
        Complaint::Name(NameError::Taken) => to.numeric(Numeric::NicknameInUse).word(asked.target).standard().end(),
        // The reason says more than the standard text.
        Complaint::Name(error) => to.numeric(Numeric::ErroneusNickname).word(asked.target).text(error).end(),
        Complaint::NobodyThere | Complaint::GuestGone { .. } => {
            to.numeric(Numeric::NoSuchNick).word(asked.target).standard().end();
        }
        Complaint::Room(error) => write_room_error(*error, scene, to),
        Complaint::Policy(_) if asked.command == "NICK" => {
            to.numeric(Numeric::ErroneusNickname).word(asked.target).text(complaint).end();
        }
        Complaint::Policy(_) if matches!(asked.command, "USER" | "SETNAME") => {
            fail(asked.command, "INVALID_REALNAME", "", complaint, scene, to);
        }
        // What follows these commands is no target.
        Complaint::Policy(_) if matches!(asked.command, "AWAY" | "WALLOPS") => {
            fail(asked.command, "REFUSED", "", complaint, scene, to);
        }
        Complaint::Policy(_) | Complaint::NotReading if room.is_empty() => {
            fail(asked.command, "CANNOT_SEND", asked.target, complaint, scene, to);
        }
        Complaint::Policy(_) | Complaint::NotReading => {
            to.numeric(Numeric::CannotSendToChan).channel(room).text(complaint).end();
        }
        Complaint::NotBase64 | Complaint::WrongProtocol(_) => to.bare("ERROR").text(complaint).end(),
    }
}

/// Writes a refusal that has no number: as a standard reply for clients that know those, otherwise as a notice.
fn fail(command: &str, code: &str, context: &str, why: &dyn fmt::Display, scene: &Scene<'_>, to: &mut Writer<'_>) {
    if !scene.view.has(View::STANDARD_REPLIES) {
        return to.server("NOTICE").word(scene.reader).text(why).end();
    }
    let line = to.server("FAIL").word(command).word(code);
    let line = if context.is_empty() { line } else { line.word(context) };
    line.text(why).end();
}

fn write_room_error(error: RoomError, scene: &Scene<'_>, to: &mut Writer<'_>) {
    let Scene { room, asked, .. } = *scene;
    let is_message = matches!(asked.command, "PRIVMSG" | "TAGMSG");
    let numeric = match error {
        RoomError::NotIn | RoomError::Banned if is_message => Numeric::CannotSendToChan,
        RoomError::InNoRoom | RoomError::NoFocus | RoomError::NoSuchRoom | RoomError::NoNewRooms => {
            Numeric::NoSuchChannel
        }
        RoomError::InTooManyRooms { .. } => Numeric::TooManyChannels,
        RoomError::NotIn => Numeric::NotOnChannel,
        RoomError::Banned => Numeric::BannedFromChan,
        RoomError::InvitedOnly => Numeric::InviteOnlyChan,
        RoomError::WrongKey => Numeric::BadChannelKey,
        RoomError::RoomFull => Numeric::ChannelIsFull,
        RoomError::NotOperator => Numeric::ChanOPrivsNeeded,
        RoomError::NoVoice | RoomError::Silenced => Numeric::CannotSendToChan,
        RoomError::OtherNotIn => {
            return to.numeric(Numeric::UserNotInChannel).word(asked.target).channel(room).standard().end();
        }
        RoomError::OtherIsIn => {
            return to.numeric(Numeric::UserOnChannel).word(asked.target).channel(room).standard().end();
        }
        RoomError::ListFull { .. } => {
            return to.numeric(Numeric::BanListFull).channel(room).word(asked.target).standard().end();
        }
        RoomError::InvalidName | RoomError::LooksLikeAnother => {
            return to.numeric(Numeric::BadChanMask).channel(room).text(&error).end();
        }
        // There may be room for it later.
        RoomError::TooManyRooms { .. } | RoomError::TooManyRoomsFromAddress { .. } => {
            return to.numeric(Numeric::UnavailResource).channel(room).text(&error).end();
        }
        RoomError::NameBanned => {
            return to.numeric(Numeric::BanNickChange).word(asked.target).channel(room).standard().end();
        }
        RoomError::TooLong { .. } if asked.command == "SETNAME" => {
            return fail(asked.command, "INVALID_REALNAME", "", &error, scene, to);
        }
        _ => return fail(asked.command, "REFUSED", asked.target, &error, scene, to),
    };
    to.numeric(numeric).channel(room).standard().end();
}
