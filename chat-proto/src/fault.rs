//! Deliberate bugs, to see whether the proofs find them.
//!
//! Each is one line somewhere in the core that does the wrong thing while its fault is planted. Without the feature
//! `fault-injection` none can be, and the compiler leaves nothing of them.

/// A bug that can be planted, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[cfg_attr(not(feature = "fault-injection"), expect(unreachable_pub, reason = "public where it can be planted"))]
pub enum Fault {
    /// The log evicts one entry more than it has to.
    EvictOneTooMany = 1,
    /// A reader that missed messages is told so but stays where it was.
    CursorStaysOnSkip,
    /// A reader's own messages are counted among those it missed.
    OwnCountedAsMissed,
    /// The rest of a message of which a socket took a part is lost.
    RestOfLineLost,
    /// The name of one who leaves is not freed.
    NameNotFreed,
    /// A session that was looked at when a deadline came is not looked at again.
    DeadlineNotRearmed,
    /// Readers that have read everything do not learn that there is more.
    WakeLost,
    /// A session whose input was left untaken is not told when its replies leave room again.
    ReadForgotten,
    /// The slot of a session that is gone is not used again.
    SlotLeaked,
    /// A slot's next session has the same id as its last.
    GenerationStays,
    /// A reply goes before the messages that were there first.
    ReplyOutOfOrder,
    /// What comes from a session that is out of tokens is dropped.
    RateLimitDrops,
    /// A buffer that a session needs no more is neither kept for the next nor freed.
    BufferLeaked,
    /// What comes after the limit of a line that was too long is taken for a line.
    TailOfLongLine,
    /// A reader that is slow is waited for all the same.
    SlowWaitedFor,
    /// A reader that keeps pace is not waited for.
    PaceIgnored,
    /// A sender whose line has waited for its turn is not told to send on.
    SenderNotResumed,
    /// A reader's allowance grows while it has nothing to take.
    AllowanceEarnedIdle,
    /// Private messages that wait for one member are not let go.
    WhisperForgotten,
    /// A session whose peer has ended stays until all of its input is taken.
    EndedOutlivesPeer,
    /// What is thrown away of a line costs nothing.
    DiscardIsFree,
    /// A session that is gone is still counted where it came from.
    OriginNotReleased,
    /// A room that has ended still counts where it was begun.
    RoomNotReleased,
    /// Who connects fills the bucket of all who come from there.
    ReconnectRefills,
    /// Who has waited for a turn among all of its origin pays for the line once more.
    TurnPaidTwice,
    /// Those who joined and left and were only counted are never told of.
    PresenceUntold,
    /// What only this process knows decides what an entry does.
    LocalStateDecides,
    /// Something changes the conversation that is in none of its entries.
    EntryUnrecorded,
    /// What is said while an answer goes on is read before its end.
    AnswerOvertaken,
    /// An answer that did not fit among the replies is not resumed.
    AnswerForgotten,
    /// A session that reads several rooms is sent their lines out of order.
    StampIgnored,
    /// Who reads several rooms sees what was published in all of them several times.
    CopyShownTwice,
    /// Who is banned from a room may enter it.
    BanIgnored,
    /// Lines of other rooms do not say which room they are of.
    LabelMissing,
    /// A room that nobody is in stays.
    RoomNotEnded,
    /// Who has entered a room is invited to it still.
    InvitationStays,
    /// Who has left a room is still sent what is said there.
    EndIgnored,
    /// The notice of missed messages names the wrong room.
    GapInWrongRoom,
    /// A client of IRC that has given a capability back is still shown what belongs to it.
    CapabilityStays,
    /// A client of IRC is shown its own messages without having asked for that.
    EchoUnasked,
    /// A client of IRC is registered while it is still negotiating capabilities.
    NegotiationIgnored,
    /// A client of IRC may take as long as it likes to register.
    RegistrationUnlimited,
    /// A batch of labelled answers of IRC never ends.
    BatchNotEnded,
    /// Who watches a name is not told that somebody has left it.
    WatcherUntold,
    /// What a client could not be told of the names that it watches is forgotten.
    WatchForgotten,
    /// A long list of names goes on where its first line ended.
    NamesRepeated,
    /// Who is no operator of the server is not kept from what only those may do.
    OperatorUnchecked,
    /// A password that the driver says is wrong counts as right.
    WrongPasswordTaken,
}

#[cfg(feature = "fault-injection")]
mod planted {
    use core::sync::atomic::{AtomicU8, AtomicU64, Ordering};

    use super::Fault;

    static PLANTED: AtomicU8 = AtomicU8::new(0);
    static INSTANCES: AtomicU64 = AtomicU64::new(0);

    impl Fault {
        /// Every fault there is.
        pub const ALL: [Self; 48] = [
            Self::EvictOneTooMany,
            Self::CursorStaysOnSkip,
            Self::OwnCountedAsMissed,
            Self::RestOfLineLost,
            Self::NameNotFreed,
            Self::DeadlineNotRearmed,
            Self::WakeLost,
            Self::ReadForgotten,
            Self::SlotLeaked,
            Self::GenerationStays,
            Self::ReplyOutOfOrder,
            Self::RateLimitDrops,
            Self::BufferLeaked,
            Self::TailOfLongLine,
            Self::SlowWaitedFor,
            Self::PaceIgnored,
            Self::SenderNotResumed,
            Self::AllowanceEarnedIdle,
            Self::WhisperForgotten,
            Self::EndedOutlivesPeer,
            Self::DiscardIsFree,
            Self::OriginNotReleased,
            Self::RoomNotReleased,
            Self::ReconnectRefills,
            Self::TurnPaidTwice,
            Self::PresenceUntold,
            Self::LocalStateDecides,
            Self::EntryUnrecorded,
            Self::AnswerOvertaken,
            Self::AnswerForgotten,
            Self::StampIgnored,
            Self::CopyShownTwice,
            Self::BanIgnored,
            Self::LabelMissing,
            Self::RoomNotEnded,
            Self::InvitationStays,
            Self::EndIgnored,
            Self::GapInWrongRoom,
            Self::CapabilityStays,
            Self::EchoUnasked,
            Self::NegotiationIgnored,
            Self::RegistrationUnlimited,
            Self::BatchNotEnded,
            Self::WatcherUntold,
            Self::WatchForgotten,
            Self::NamesRepeated,
            Self::OperatorUnchecked,
            Self::WrongPasswordTaken,
        ];

        /// Plants a fault in all hubs of this process, in place of the one that was; `None`: the core is sound again.
        pub fn plant(fault: Option<Self>) {
            PLANTED.store(fault.map_or(0, |fault| fault as u8), Ordering::Relaxed);
        }

        /// Returns another number each time: what only this process knows.
        pub(crate) fn next_instance() -> u64 {
            INSTANCES.fetch_add(1, Ordering::Relaxed)
        }

        pub(crate) fn is_planted(self) -> bool {
            PLANTED.load(Ordering::Relaxed) == self as u8
        }
    }
}

#[cfg(not(feature = "fault-injection"))]
impl Fault {
    /// Tells no two instances apart.
    pub(crate) const fn next_instance() -> u64 {
        0
    }

    #[expect(clippy::unused_self, reason = "the sound twin of the one above")]
    pub(crate) const fn is_planted(self) -> bool {
        false
    }
}
