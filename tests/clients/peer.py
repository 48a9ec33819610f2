"""What the scripts share: waiting for lines, with a clear message if they don't come, and a client that is a socket."""

import re
import socket
import sys
import time

# How long a line may take to come. None takes as long where nothing is wrong.
PATIENCE = 20


class Unexpected(Exception):
    """Something else was shown than what should be."""


def play(conversation):
    """Holds a conversation with the servers that the command line names, IRC's and text's, and says what fails."""
    addresses = [(host, int(port)) for host, port in (address.rsplit(":", 1) for address in sys.argv[1:3])]
    try:
        conversation(*addresses)
    except Unexpected as unexpected:
        sys.exit(str(unexpected))


def check(is_so, what):
    if not is_so:
        raise Unexpected(what)


class Screen:
    """The lines that somebody is shown, and how far we have looked at them."""

    def __init__(self, whose):
        self.whose, self.lines, self.seen = whose, [], 0

    def wait(self, seconds):
        """Appends the lines that come within this time; returns whether more can come."""
        raise NotImplementedError

    def expect(self, pattern):
        """Waits for a line with this pattern, beyond those that we have looked at, and returns the match."""
        first, end = self.seen, time.monotonic() + PATIENCE
        while True:
            for line in self.lines[self.seen :]:
                self.seen += 1
                if match := re.search(pattern, line):
                    return match
            if time.monotonic() > end or not self.wait(0.05):
                shown = "".join(f"\n  {line}" for line in self.lines[first:]) or " nothing"
                raise Unexpected(f"{self.whose} was not shown /{pattern}/ but{shown}")


class Peer(Screen):
    """A client that is a plain socket."""

    def __init__(self, address, whose):
        super().__init__(whose)
        self.socket = socket.create_connection(address, PATIENCE)
        self.rest = b""

    def say(self, *lines):
        self.socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def wait(self, seconds):
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return True
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line.decode().rstrip("\r") for line in lines]
        return data != b""

    def close(self):
        self.socket.close()
