#!/usr/bin/env python3
"""Two clients written with the library `irc` talk to each other and to a client of text."""

import time

import irc.client
from peer import Peer, Screen, check, play


class Client(Screen):
    """A client. Its lines are the events that the library has made of what came: `type source target arguments`."""

    reactor = irc.client.Reactor()

    def __init__(self, address, who, nick):
        super().__init__(f"{who}, a client of the library irc,")
        self.events = []
        self.connection = self.reactor.server()
        self.connection.add_global_handler("all_events", self.keep)
        self.connection.connect(*address, nick, username=who, ircname=who.title())

    def keep(self, _, event):
        if event.type != "all_raw_messages":
            source = getattr(event.source, "nick", event.source)
            self.lines.append(" ".join([event.type, str(source), str(event.target), *event.arguments]))
            self.events.append(event)

    def wait(self, seconds):
        self.reactor.process_once(seconds)
        return self.connection.is_connected() or self.seen < len(self.lines)

    def last(self):
        """Returns the event that was expected last."""
        return self.events[self.seen - 1]


def converse(address, text):
    nan = Client(address, "nan", "nan")
    nan.expect(r"^welcome \S+ nan Welcome to the ")
    nan.expect(r"^featurelist .* CASEMAPPING=ascii ")
    nan.expect(r"^(endofmotd|nomotd) ")
    check(nan.connection.features.prefix.get("@") == "o", "the library should know that @ means operator")

    # A name that somebody has.
    dan = Client(address, "dan", "nan")
    dan.expect(r"^nicknameinuse \S+ \* nan ")
    dan.connection.nick("dan")
    dan.expect(r"^welcome \S+ dan ")

    # Joining.
    nan.connection.join("#dell")
    nan.expect(r"^join nan #dell$")
    nan.expect(r"^namreply \S+ nan = #dell @nan$")
    nan.connection.topic("#dell", "Green")
    nan.expect(r"^topic nan #dell Green$")
    dan.connection.join("#dell")
    dan.expect(r"^join dan #dell$")
    nan.expect(r"^join dan #dell$")
    dan.expect(r"^currenttopic \S+ dan #dell Green$")
    dan.expect(r"^topicinfo \S+ dan #dell nan")
    when = int(dan.last().arguments[-1])
    check(abs(when - time.time()) < 60, f"the topic was set now, not at {when}")
    dan.expect(r"^namreply \S+ dan = #dell @nan dan$")
    dan.expect(r"^endofnames ")
    tom = Peer(text, "rob, a client of text,")
    tom.say("/name rob", "/join dell")
    tom.expect(r"you are in dell now")
    dan.expect(r"^join rob #dell$")

    # Talking.
    nan.connection.privmsg("#dell", "Hello, dan: see https://dell.example")
    nan.connection.action("#dell", "sings")
    dan.expect(r"^pubmsg nan #dell Hello, dan: see https://dell\.example$")
    dan.expect(r"^action nan #dell sings$")
    tom.expect(r"^nan: Hello, dan: see https://dell\.example$")
    tom.expect(r"^\*\* nan sings$")
    dan.connection.notice("#dell", "Noted")
    nan.expect(r"^pubnotice dan #dell Noted$")
    dan.connection.privmsg("nan", "In your ear")
    nan.expect(r"^privmsg dan nan In your ear$")
    nan.connection.privmsg("dan", "\x01VERSION\x01")
    dan.expect(r"^ctcp nan dan VERSION$")
    dan.connection.notice("nan", "\x01VERSION library\x01")
    nan.expect(r"^ctcpreply dan nan VERSION library$")
    tom.say("how green it is")
    nan.expect(r"^pubmsg rob #dell how green it is$")

    # Operators.
    dan.connection.kick("#dell", "nan", "no")
    dan.expect(r"^chanoprivsneeded \S+ dan #dell ")
    nan.connection.mode("#dell", "+o dan")
    dan.expect(r"^mode nan #dell \+o dan$")
    nan.connection.mode("#dell", "+ik sesame")
    dan.expect(r"^mode nan #dell \+ik sesame$")
    dan.connection.mode("#dell", "")
    dan.expect(r"^channelmodeis \S+ dan #dell \+\w*i\w*k\w* sesame$")
    dan.connection.kick("#dell", "nan", "out")
    nan.expect(r"^kick dan #dell nan out$")
    nan.connection.join("#dell", "sesame")
    nan.expect(r"^inviteonlychan \S+ nan #dell ")
    dan.connection.invite("nan", "#dell")
    dan.expect(r"^inviting \S+ dan nan #dell$")
    nan.expect(r"^invite dan nan #dell$")
    nan.connection.join("#dell", "sesame")
    dan.expect(r"^join nan #dell$")

    # Another name, and who is who.
    nan.connection.nick("nancy")
    dan.expect(r"^nick nan nancy$")
    tom.expect(r"^\* nan is now nancy$")
    dan.connection.whois(["nancy"])
    dan.expect(r"^whoisuser \S+ dan nancy ~nan \w+ \* Nan$")
    dan.expect(r"^endofwhois ")
    dan.connection.ison(["nan", "nancy", "rob"])
    dan.expect(r"^ison \S+ dan nancy rob ?$")

    # They go.
    nan.connection.part("#dell", "bye")
    dan.expect(r"^part nancy #dell bye$")
    nan.connection.join("#dell", "sesame")
    nan.expect(r"^inviteonlychan ")
    tom.say("/quit")
    dan.expect(r"^quit rob ")
    dan.connection.mode("#dell", "-ik *")
    dan.expect(r"^mode dan #dell -ik ")
    nan.connection.join("#dell")
    dan.expect(r"^join nancy #dell$")
    nan.connection.quit("so long")
    dan.expect(r"^quit nancy \S+ Quit: so long$")
    nan.expect(r"^disconnect ")
    dan.connection.quit("me too")
    dan.expect(r"^disconnect ")


play(converse)
