#!/usr/bin/env python3
"""Python's library `websockets` as a client of the example `echo` and of the page's port, and as a server to compare.

The third address on the command line is the page's. ECHO is the example as a program.
"""

import os
import random
import socket
import struct
import subprocess
import sys

from peer import PATIENCE, Peer, check, play
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close, Opcode
from websockets.protocol import Protocol, Side, State
from websockets.sync.client import connect

# The longest message of the example.
MOST = 1 << 20


def converse(_, text):
    command = [os.environ["ECHO"], "127.0.0.1:0", str(MOST)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as echo:
        address = echo.stdout.readline().decode().split()[-1]
        messages_come_back(address)
        who_closes_is_answered(address)
        what_is_wrong_is_refused(address)
        frames_mean_the_same(address)
        echo.stdin.close()
    the_page_is_reached(sys.argv[3], text)


def messages_come_back(echo):
    with connect(f"ws://{echo}/", max_size=None, ping_interval=0.05) as client:
        check(client.protocol.extensions == [], "compression was offered, and should be declined")
        for size in [0, 1, 125, 126, 127, 0xFFFF, 0x10000, MOST]:
            for message in ["x" * size, bytes(size), ("é" * size)[: size // 2]]:
                client.send(message)
                check(client.recv(PATIENCE) == message, f"a message of {size} came back as another one")
        for parts in [["a", "", "é"], [b"\x00", b"", b"\xff"], ["x" * 1000] * 100]:
            client.send(parts)
            check(client.recv(PATIENCE) == parts[0][:0].join(parts), "a message in fragments came back as another one")
        client.send(part for part in ["be", "tween"] if client.ping(part))
        check(client.recv(PATIENCE) == "between", "a message with pings between came back as another one")
        check(client.ping(b"x" * 125).wait(PATIENCE), "no pong came")


def who_closes_is_answered(echo):
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]:
        with connect(f"ws://{echo}/") as client:
            client.close(code, "why")
        check(client.protocol.close_rcvd == Close(code, ""), f"{code} was answered with {client.protocol.close_rcvd}")


def what_is_wrong_is_refused(echo):
    for what, code, send in [
        ("a text that is not UTF-8", 1007, lambda client: client.send(b"\xff", text=True)),
        ("a message that is too long", 1009, lambda client: client.send(bytes(MOST + 1))),
        ("a frame without mask", 1002, lambda client: client.socket.sendall(b"\x81\x05hello")),
        ("half a code", 1002, lambda client: client.socket.sendall(b"\x88\x81\0\0\0\0\x03")),
    ]:
        with connect(f"ws://{echo}/") as client:
            send(client)
            try:
                client.recv(PATIENCE)
                check(False, f"{what} was taken")
            except ConnectionClosed as closed:
                check(closed.rcvd == Close(code, ""), f"{what} is closed with {closed.rcvd}")


REFUSALS = [(Opcode.CLOSE, struct.pack("!H", code)) for code in (1002, 1007)]


def frames_mean_the_same(echo):
    """Sends frames, right and wrong, to the example; this library's server must make the same of them."""
    dice = random.Random(6455)
    for case in range(300):
        frames = b"".join(frame(dice) for _ in range(dice.randrange(1, 8)))
        ours, theirs = answered(echo, frames), expected(frames)
        # A close frame may break two rules at once; which is seen first is up to the server.
        ours, theirs = (["refused" if one in REFUSALS else one for one in answers] for answers in (ours, theirs))
        check(ours == theirs, f"case {case}, {frames!r}:\n  the example answered {ours}\n  the library would {theirs}")


CODES = [1000, 1004, 1005, 1006, 1011, 1015, 1016, 2999, 3000, 4999, 5000]

# Each with how often it comes.
OPCODES = {
    Opcode.CONT: 8,
    Opcode.TEXT: 8,
    Opcode.BINARY: 4,
    Opcode.CLOSE: 3,
    Opcode.PING: 3,
    Opcode.PONG: 2,
    3: 0.3,
    11: 0.3,
}


def frame(dice):
    payload = dice.choice([
        "".join(dice.choices("az é€𝄞", k=dice.randrange(40))).encode(),
        dice.randbytes(dice.randrange(140)),
        b"x" * dice.choice([125, 126, 127, 70000]),
        "é€".encode()[:4],
        b"\x82\xac",
        struct.pack("!H", dice.choice(CODES)) + "né".encode(),
    ])
    opcode = dice.choices(*zip(*OPCODES.items()))[0]
    first = dice.choices([0x80, 0], [3, 1])[0] | dice.choices([0, 0x40, 0x20, 0x10], [60, 1, 1, 1])[0] | opcode
    masked = 0 if dice.random() < 0.03 else 0x80
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first, masked | length)
    elif length < 0x10000:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    key = dice.randbytes(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def answered(echo, frames):
    """Returns what the example answers, up to a close frame."""
    host, port = echo.rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as stream:
        stream.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + frames)
        stream.shutdown(socket.SHUT_WR)
        read = b"".join(iter(lambda: stream.recv(65536), b""))
    rest, answers = read[read.index(b"\r\n\r\n") + 4 :], []
    while rest:
        size, at = rest[1], 2
        if size == 126:
            size, at = struct.unpack("!H", rest[2:4])[0], 4
        elif size == 127:
            size, at = struct.unpack("!Q", rest[2:10])[0], 10
        answers.append((rest[0] & 15, rest[at : at + size]))
        rest = rest[at + size :]
    return answers


def expected(frames):
    """Returns what a server with this library would answer."""
    protocol = Protocol(Side.SERVER, state=State.OPEN, max_size=MOST)
    answers, kind, message = [], None, b""
    try:
        protocol.receive_data(frames)
    except Exception:
        # It keeps what is wrong, and has the events that came before.
        pass
    for event in protocol.events_received():
        if event.opcode == Opcode.PING:
            answers.append((Opcode.PONG, bytes(event.data)))
        elif event.opcode == Opcode.CLOSE:
            return answers + [(Opcode.CLOSE, bytes(event.data)[:2])]
        elif event.opcode != Opcode.PONG:
            kind = kind if event.opcode == Opcode.CONT else event.opcode
            message += bytes(event.data)
            # The library decodes later. What cannot become a text is refused as it comes.
            if kind == Opcode.TEXT and not is_text(message, event.fin):
                return answers + [(Opcode.CLOSE, struct.pack("!H", 1007))]
            if event.fin:
                answers.append((kind, message))
                message = b""
    if protocol.close_sent:
        answers.append((Opcode.CLOSE, struct.pack("!H", protocol.close_sent.code)))
    return answers


def is_text(message, is_whole):
    try:
        message.decode()
    except UnicodeDecodeError as error:
        # A character may be cut.
        return not is_whole and error.end == len(message) and error.reason == "unexpected end of data"
    return True


def the_page_is_reached(page, text):
    bob = Peer(text, "wob, a client of text,")
    bob.say("/name wob", "/join warp")
    bob.expect(r"you are in warp now")
    for name, subprotocol in [("wanda", "text.ircv3.net"), ("wilma", "binary.ircv3.net")]:
        asked = {"origin": f"http://{page}", "subprotocols": [subprotocol]}
        with connect(f"ws://{page}/ws", ping_interval=0.05, **asked) as client:
            check(client.subprotocol == subprotocol, f"{subprotocol} was asked for, and not {client.subprotocol}")
            check(client.protocol.extensions == [], "compression was offered, and should be declined")
            read = lambda: client.recv(PATIENCE) if name == "wanda" else client.recv(PATIENCE).decode()
            for line in [f"NICK {name}", f"USER {name} 0 * :W", "JOIN #warp", "PRIVMSG #warp :hello"]:
                client.send(line)
            bob.expect(rf"^(\[\w+\] )?{name}: hello$")
            bob.say(f"hello {name}")
            for line in iter(read, None):
                check("\n" not in line and "\r" not in line, f"a message is a line: {line!r}")
                if line.endswith(f"PRIVMSG #warp :hello {name}"):
                    break
    for path, origin, status in [("/ws", "http://evil.example", 403), ("/nothing", f"http://{page}", 404)]:
        try:
            with connect(f"ws://{page}{path}", origin=origin):
                check(False, f"{path} was opened to {origin}")
        except InvalidStatus as refused:
            check(refused.response.status_code == status, f"{path} was refused with {refused.response.status_code}")
    bob.say("/quit")


play(converse)
