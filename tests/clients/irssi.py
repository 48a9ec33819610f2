#!/usr/bin/env python3
"""irssi, typed into at a pseudo-terminal, talks to a client of text and to one that is a plain socket."""

import fcntl
import os
import pty
import struct
import subprocess
import tempfile
import termios
import threading
import time
from pathlib import Path

from peer import Peer, Screen, check, play


class Irssi(Screen):
    """irssi at a terminal of its own. What it shows in all its windows is read from the log that it writes."""

    def __init__(self, address, nick):
        super().__init__("irssi")
        self.home = tempfile.TemporaryDirectory()
        home = Path(self.home.name)
        self.log = home / "log"
        # Without its queue, commands that are typed fast would wait for seconds.
        (home / "startup").write_text(
            f"SET cmd_queue_speed 1msec\nLOG OPEN {self.log} ALL\nCONNECT {address[0]} {address[1]} - {nick}\n"
        )
        self.terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        names = {"IRCNICK": nick, "IRCUSER": nick, "IRCNAME": "Irma I."}
        self.process = subprocess.Popen(
            ["irssi", f"--home={home}"],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"} | names,
            start_new_session=True,
        )
        os.close(inner)
        self.read = 0
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        """Takes what irssi draws, so that it can go on."""
        try:
            while os.read(self.terminal, 65536):
                pass
        except OSError:
            pass

    def type(self, *lines):
        for line in lines:
            os.write(self.terminal, line.encode() + b"\n")

    def wait(self, seconds):
        time.sleep(seconds)
        if self.log.exists():
            written = self.log.read_bytes()
            whole = written[self.read : written.rfind(b"\n") + 1]
            self.read += len(whole)
            self.lines += whole.decode().splitlines()
        return self.process.poll() is None

    def close(self):
        self.process.kill()
        self.process.wait()


def converse(irc, text):
    bob = Peer(irc, "bob, a socket,")
    bob.say("NICK bob", "USER bob 0 * :Bob B.", "JOIN #pub", "TOPIC #pub :Cheers")
    bob.expect(r" TOPIC #pub :Cheers")
    tom = Peer(text, "tom, a client of text,")
    tom.say("/name tom", "/join pub")
    tom.expect(r"you are in pub now")

    irma = Irssi(irc, "irma")
    try:
        hold(irma, bob, tom)
    finally:
        irma.close()


def hold(irma, bob, tom):
    # She is welcomed, and joins.
    irma.expect(r"Welcome to the \S+ network, irma!~irma@")
    irma.type("/join #pub")
    irma.expect(r"irma \[~irma@\w+\] has joined #pub")
    irma.expect(r"Topic for #pub: Cheers")
    irma.expect(r"Topic set by bob .*\[\w+ \w+ +\d+ [\d:]+ 20\d\d\]")
    irma.expect(r"\[@bob\] \[ irma\] \[ tom\]")
    irma.expect(r"Total of 3 nicks \[1 ops, 0 halfops, 0 voices, 2 normal\]")
    bob.expect(r"^:irma!~irma@\w+ JOIN #pub$")
    tom.expect(r"^\* irma joined$")

    # Everybody talks.
    irma.type("Hello, all", "/me waves")
    bob.expect(r"^:irma!~irma@\w+ PRIVMSG #pub :Hello, all$")
    bob.expect(r"PRIVMSG #pub :\x01ACTION waves\x01$")
    tom.expect(r"^irma: Hello, all$")
    tom.expect(r"^\*\* irma waves$")
    bob.say("PRIVMSG #pub :Hello, irma", "PRIVMSG #pub :\x01ACTION nods\x01")
    irma.expect(r"< ?@?bob> Hello, irma$")
    irma.expect(r"\* bob nods$")
    tom.expect(r"^\*\* bob nods$")
    tom.say("good evening", "/me sits down")
    irma.expect(r"< ?tom> good evening$")
    irma.expect(r"\* tom sits down$")

    # Privately, too.
    irma.type("/msg bob Just for you", "/msg nobody Are you there?")
    bob.expect(r"^:irma!~irma@\w+ PRIVMSG bob :Just for you$")
    irma.expect(r"nobody: No such nick/channel")
    bob.say("PRIVMSG irma :Thanks")
    irma.expect(r"<bob> Thanks$")

    # Only operators set the topic.
    irma.type("/window goto #pub", "/topic Mine")
    irma.expect(r"#pub You're not channel operator")
    bob.say("MODE #pub +o irma")
    irma.expect(r"mode/#pub \[\+o irma\] by bob")
    irma.type("/topic Mine")
    bob.expect(r" TOPIC #pub :Mine$")
    tom.expect(r"^\* irma set the topic: Mine$")

    # What is known of others.
    irma.type("/whois bob")
    irma.expect(r"bob \[~bob@\w+\]")
    irma.expect(r"ircname  : Bob B\.")
    irma.expect(r"channels : @#pub")
    irma.expect(r"End of WHOIS")
    irma.type("/who #pub")
    irma.expect(r"#pub bob +H@ +0 +~bob@\w+ \[Bob B\.\]")
    irma.expect(r"End of /WHO list")
    irma.type("/names #pub")
    irma.expect(r"\[@bob\] \[@irma\] \[ tom\]")
    irma.type("/list")
    irma.expect(r"#pub 3 Mine")
    irma.expect(r"End of /LIST")

    # Away, and another name, one that is had already.
    irma.type("/away gone fishing")
    irma.expect(r"You have been marked as being away")
    bob.say("PRIVMSG irma :Here?")
    bob.expect(r" 301 bob irma :gone fishing$")
    irma.type("/away", "/nick bob")
    irma.expect(r"You are no longer marked as being away")
    irma.expect(r"Nick bob is already in use")
    irma.type("/nick irmgard")
    irma.expect(r"You're now known as irmgard")
    bob.expect(r"^:irma!~irma@\w+ NICK :?irmgard$")
    tom.expect(r"^\* irma is now irmgard$")

    # A ban, a kick, and who comes back.
    irma.type("/mode #pub +b bob!*@*", "/kick bob out")
    irma.expect(r"mode/#pub \[\+b bob!\*@\*\] by irmgard")
    irma.expect(r"bob was kicked from #pub by irmgard \[out\]")
    bob.expect(r"^:irmgard!~irma@\w+ KICK #pub bob :out$")
    bob.say("JOIN #pub")
    bob.expect(r" 474 bob #pub :Cannot join channel \(\+b\)")
    irma.type("/mode #pub +b", "/mode #pub -b bob!*@*")
    irma.expect(r"#pub: ban bob!\*@\*")
    irma.expect(r"mode/#pub \[-b bob!\*@\*\] by irmgard")
    bob.say("JOIN #pub")
    irma.expect(r"bob \[~bob@\w+\] has joined #pub")
    irma.type("/invite bob #pub")
    irma.expect(r"bob #pub is already on channel")

    # They go.
    bob.say("PART #pub :home", "QUIT :good night")
    irma.expect(r"bob \[~bob@\w+\] has left #pub \[home\]")
    tom.say("/quit")
    irma.expect(r"tom \[~\w+@\w+\] has quit")
    late = Peer(bob.socket.getpeername(), "eve, a socket,")
    late.say("NICK eve", "USER eve 0 * :Eve", "JOIN #pub")
    late.expect(r" 366 eve #pub ")
    irma.type("/quit until tomorrow")
    late.expect(r"^:irmgard!~irma@\w+ QUIT :Quit: until tomorrow$")
    check(irma.process.wait(10) == 0, "irssi has ended with an error")


play(converse)
