"""Captures: real ones are read right, and what is missing, late, repeated or broken in one is told and not guessed."""

from __future__ import annotations

import random
import re
import struct
import subprocess
import sys
from collections.abc import Iterable, Sequence

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from http11.inspector import capture, reassembly
from http11.inspector.reassembly import Conflict, Delivered, Flow, Missing
from tests.harness import ROOT
from tests.test_inspect import GET, OK, UPGRADE, Inspector, Outcome, inspect, run

__all__ = ["inspect"]

CAPTURES = ROOT / "tests" / "captures"


_PLACED = re.compile(r"(#\d+) +(?:\d+\.\d{6}) +\d+ ([<>] .*)")


def shown(outcome: Outcome) -> list[str]:
    """What is shown, but for fields, times and offsets."""
    lines = [line for line in outcome.out.splitlines() if line.startswith("#")]
    return [re.sub(" +", " ", _PLACED.sub(r"\1 \2", line)) for line in lines]


# --- what programs have said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "requests", "statuses", "connections", "other"),
    [
        ("curl", {"GET": 4, "HEAD": 1, "POST": 1}, {"100": 1, "200": 4, "204": 1, "404": 1}, 4, 0),
        ("haproxy", {"GET": 4}, {"200": 4}, 2, 0),
        ("browser", {"GET": 3, "POST": 1}, {"200": 3, "404": 1}, 2, 0),
        ("websocket", {"GET": 1}, {"101": 1}, 1, 34),
        ("tunnel", {"CONNECT": 2}, {"200": 1, "403": 1}, 2, 410),
        ("loss", {"GET": 2}, {"200": 2}, 1, 0),
    ],
)
def test_real_conversation_is_read(
    name: str, requests: dict[str, int], statuses: dict[str, int], connections: int, other: int
) -> None:
    outcome = run(str(CAPTURES / f"{name}.pcap"), "--summary", "--json")
    assert (outcome.status, outcome.err) == (0, "")
    found = outcome.objects[-1]
    assert found["methods"] == requests
    assert found["statuses"] == statuses
    assert found["connections"] == connections
    assert found["other_protocol_bytes"] == other
    assert (found["errors"], found["unanswered"], found["lost_bytes"], found["unread_bytes"]) == ({}, 0, 0, 0)


def test_answer_is_matched_with_its_request_on_its_connection() -> None:
    events = run(str(CAPTURES / "curl.pcap"), "--json").objects
    opened = [event for event in events if event["event"] == "Opened"]
    assert [event["server"] for event in opened] == ["10.99.0.2:8080"] * 3 + ["[fd00::2]:8080"]
    answers = [(event["connection"], event["answers"]) for event in events if event["event"] == "Response"]
    assert answers == [(1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1)]
    times = [event["time"] for event in events if isinstance(event["time"], float)]
    assert times == sorted(times)
    assert 0 < times[-1] < 10


def test_capture_comes_through_a_pipe() -> None:
    data = (CAPTURES / "websocket.pcap").read_bytes()
    command = [sys.executable, "-m", "http11", "inspect", "-"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        half = data.index(b"HTTP/1.1 101")
        process.stdin.write(data[:half])
        process.stdin.flush()
        # It would wait for ever if it waited for more than the packet with the request.
        assert process.stdout.readline().startswith(b"#1 10.99.0.1:")
        assert process.stdout.readline().endswith(b" > GET /chat HTTP/1.1\n")
        process.stdin.write(data[half:])
        process.stdin.close()
        assert b" < HTTP/1.1 101 Switching Protocols" in process.stdout.read()
    assert process.returncode == 0


# --- captures that are made -------------------------------------------------------------------------------------------

CLIENT, SERVER = (bytes([10, 0, 0, 1]), 40000), (bytes([10, 0, 0, 2]), 80)
FIN, SYN, RST, ACK = 1, 2, 4, 16


@attrs.frozen
class Packet:
    """A TCP segment; `flags` without `ACK` has no acknowledgment."""

    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    sequence: int
    acknowledged: int
    flags: int
    payload: bytes = b""
    size: int | None = None

    def ip(self) -> bytes:
        size = len(self.payload) if self.size is None else self.size
        acknowledged = self.acknowledged % 2**32
        tcp = struct.pack(
            ">HHIIBBHHH",
            self.source[1],
            self.destination[1],
            self.sequence % 2**32,
            acknowledged,
            5 << 4,
            self.flags,
            1000,
            0,
            0,
        )
        if len(self.source[0]) == 16:
            head = struct.pack(">IHBB", 6 << 28, len(tcp) + size, 6, 64)
        else:
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + size, 0, 0, 64, 6, 0)
        return head + self.source[0] + self.destination[0] + tcp + self.payload


def talk(*said: tuple[str, bytes], first: int = 1000, cut: int = 100, end: bool = True) -> list[Packet]:
    """A connection on which client (``>``) and server (``<``) say something in turn, in segments of `cut` bytes."""
    numbers = {">": first, "<": 5 * first}
    ends = {">": (CLIENT, SERVER), "<": (SERVER, CLIENT)}
    packets = [
        Packet(CLIENT, SERVER, first, 0, SYN),
        Packet(SERVER, CLIENT, 5 * first, first + 1, SYN | ACK),
        Packet(CLIENT, SERVER, first + 1, 5 * first + 1, ACK),
    ]
    numbers = {side: number + 1 for side, number in numbers.items()}
    for side, data in said:
        other = "<" if side == ">" else ">"
        for at in range(0, len(data), cut):
            packets.append(Packet(*ends[side], numbers[side], numbers[other], ACK, data[at : at + cut]))
            numbers[side] += len(packets[-1].payload)
            packets.append(Packet(*ends[other], numbers[other], numbers[side], ACK))
    if end:
        packets.append(Packet(CLIENT, SERVER, numbers[">"], numbers["<"], FIN | ACK))
        packets.append(Packet(SERVER, CLIENT, numbers["<"], numbers[">"] + 1, FIN | ACK))
        packets.append(Packet(CLIENT, SERVER, numbers[">"] + 1, numbers["<"] + 1, ACK))
    return packets


def pcap(frames: Iterable[bytes], link: int = 101, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    head = struct.pack(f"{order}IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    return head + b"".join(
        struct.pack(f"{order}IIII", 1_700_000_000 + number, 0, len(frame), len(frame)) + frame
        for number, frame in enumerate(frames)
    )


def block(kind: int, body: bytes, order: str) -> bytes:
    body += bytes(-len(body) % 4)
    size = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + size + body + size


def interface(link: int, order: str, options: Sequence[tuple[int, bytes]] = ()) -> bytes:
    body = struct.pack(f"{order}HHI", link, 0, 0)
    for code, value in options:
        body += struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(1, body + (bytes(4) if options else b""), order)


def pcapng(frames: Sequence[tuple[int, int, bytes]], interfaces: Sequence[bytes], order: str = "<") -> bytes:
    """Frames are an interface, ticks and bytes."""
    data = block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order) + b"".join(interfaces)
    # A block that nobody needs.
    data += block(4, bytes(4), order)
    for number, ticks, frame in frames:
        head = struct.pack(f"{order}IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
        data += block(6, head + frame, order)
    return data


def ethernet(packet: Packet) -> bytes:
    return bytes(12) + (b"\x86\xdd" if len(packet.source[0]) == 16 else b"\x08\x00") + packet.ip()


@attrs.frozen
class Reader:
    inspect: Inspector

    def __call__(self, packets: Iterable[Packet], *options: str) -> Outcome:
        return self.inspect(pcap([packet.ip() for packet in packets]), *options)


@pytest.fixture
def read(inspect: Inspector) -> Reader:
    return Reader(inspect)


BODY = bytes(range(256)) * 4
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
SAID = (">", GET), ("<", ANSWER), (">", GET), ("<", OK + b"hello")
EXPECTED = [
    "#1 10.0.0.1:40000 > 10.0.0.2:80 at 3.000000 s",
    "#1 > GET / HTTP/1.1",
    "#1 < HTTP/1.1 200 OK to message 1",
    "#1 > GET / HTTP/1.1",
    "#1 < HTTP/1.1 200 OK to message 2",
]


def heads(outcome: Outcome) -> list[str]:
    return [line for line in shown(outcome) if "of body" not in line and "closed" not in line]


def test_capture_that_was_made_is_read(read: Reader) -> None:
    outcome = read(talk(*SAID))
    assert (outcome.status, outcome.err) == (0, "")
    assert heads(outcome) == EXPECTED
    assert (
        outcome.out.splitlines()[-2:]
        == [
            "#1     33.000000      1105 < closed",
            "#1     34.000000        54 > closed",
        ]
        or outcome.out.count("closed") == 2
    )


@pytest.mark.parametrize("link", [0, 1, 12, 14, 101, 108, 113, 228, 276])
def test_links_of_many_kinds(inspect: Inspector, link: int) -> None:
    ahead = {
        0: b"\x02\x00\x00\x00",
        1: bytes(12) + b"\x08\x00",
        108: b"\x00\x00\x00\x02",
        113: bytes(14) + b"\x08\x00",
        276: b"\x08\x00" + bytes(18),
    }.get(link, b"")
    frames = [ahead + packet.ip() for packet in talk(*SAID)]
    assert heads(inspect(pcap(frames, link))) == EXPECTED
    # Behind a VLAN tag.
    tagged = [bytes(12) + b"\x81\x00\x00\x01\x08\x00" + packet.ip() for packet in talk(*SAID)]
    assert heads(inspect(pcap(tagged, 1))) == EXPECTED


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_byte_orders_and_nanoseconds(inspect: Inspector, order: str, magic: int) -> None:
    frames = [packet.ip() for packet in talk(*SAID)]
    assert heads(inspect(pcap(frames, order=order, magic=magic))) == EXPECTED


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_several_interfaces(inspect: Inspector, order: str) -> None:
    six = over_six(talk(*SAID))
    interfaces = [
        interface(1, order, [(9, b"\x03")]),
        interface(229, order, [(9, b"\x8a"), (14, struct.pack(f"{order}q", -7)), (2, b"lo")]),
    ]
    frames = [(0, number * 1000, ethernet(packet)) for number, packet in enumerate(talk(*SAID))]
    frames += [(1, (1000 + number) * 1024, packet.ip()) for number, packet in enumerate(six)]
    found = inspect(pcapng(frames, interfaces, order))
    assert (found.status, found.err) == (0, "")
    lines = heads(found)
    assert lines[:5] == EXPECTED
    assert lines[5] == "#2 [fd00::1]:40000 > [fd00::2]:80 at 996.000000 s"
    # A second section begins anew.
    twice = pcapng(frames[:20], interfaces, order) + pcapng(frames[20:], interfaces, order)
    assert heads(inspect(twice)) == lines


def over_six(packets: list[Packet]) -> list[Packet]:
    return [
        attrs.evolve(packet, source=_six(packet.source), destination=_six(packet.destination)) for packet in packets
    ]


def _six(end: tuple[bytes, int]) -> tuple[bytes, int]:
    return b"\xfd" + bytes(14) + end[0][3:], end[1]


@pytest.mark.parametrize("first", [1000, 2**32 - 600])
def test_sequence_numbers_may_begin_anywhere(read: Reader, first: int) -> None:
    assert heads(read(talk(*SAID, first=first))) == EXPECTED


@pytest.mark.parametrize("seed", range(40))
def test_order_and_repetition_do_not_matter(read: Reader, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    # A real capture is never so much out of order.
    monkeypatch.setattr(reassembly, "_MOST_LATE", 10_000)
    chance = random.Random(seed)
    said = talk(*SAID, cut=chance.choice([1, 37, 400]))
    data = [packet for packet in said[3:-3] if packet.payload]
    # Segments that are sent again begin and end elsewhere.
    again = [
        attrs.evolve(packet, sequence=packet.sequence + 1, payload=packet.payload[1:])
        for packet in chance.sample(data, min(20, len(data)))
    ]
    mixed = [*data, *again]
    chance.shuffle(mixed)
    # Only what is known to be the same: requests come before answers in either order of packets.
    outcome = read([*said[:3], *mixed, *said[-3:]])
    assert (outcome.status, outcome.err) == (0, "")
    found = [line for line in heads(outcome) if " at " not in line]
    assert sorted(found) == sorted(line for line in EXPECTED if " at " not in line)
    assert "conflict" not in outcome.out


def test_missing_bytes_are_told_and_what_follows_is_not_read(read: Reader) -> None:
    packets = talk(*SAID)
    lost = next(packet for packet in packets if packet.source == SERVER and len(packet.payload) == 100)
    packets.remove(lost)
    outcome = read(packets)
    assert outcome.status == 3
    lines = shown(outcome)
    assert "#1 < 100 bytes missing in the capture" in lines
    assert "#1 < 1,008 bytes not read: what follows lost bytes cannot be read" in lines
    assert "#1 > no answer was seen to GET /, message 2" in lines
    found = read(packets, "--summary", "--json").objects[-1]
    assert (found["lost_bytes"], found["requests"]) == (100, 2)
    assert "missing     100 bytes in 1 place\n" in read(packets, "--summary").out


def test_last_bytes_are_missed_if_the_end_is_known_or_they_were_acknowledged(read: Reader) -> None:
    packets = talk(*SAID, cut=40)
    packets.remove([packet for packet in packets if packet.payload][-1])
    assert "#1 < 3 bytes missing in the capture" in shown(read(packets))
    assert "#1 < 3 bytes missing in the capture" in shown(read(packets[:-3]))
    # Nobody has confirmed the last bytes, so nobody knows of them.
    assert "missing" not in read(packets[:-4]).out
    # A connection of which nothing was captured but acknowledgments.
    assert read([attrs.evolve(packet, payload=b"", size=0) for packet in packets]).status == 1


def test_packets_that_were_cut_lack_bytes(read: Reader) -> None:
    packets = [attrs.evolve(packet, payload=packet.payload[:60], size=len(packet.payload)) for packet in talk(*SAID)]
    outcome = read(packets)
    assert outcome.status == 3
    assert "#1 < 40 bytes missing in the capture" in shown(outcome)


def without_first_answer(*said: tuple[str, bytes]) -> tuple[list[Packet], Packet]:
    packets = talk(*said, cut=50)
    gap = next(packet for packet in packets if packet.source == SERVER and packet.payload)
    packets.remove(gap)
    return packets, gap


def silent(packets: list[Packet]) -> list[Packet]:
    """The same packets, in which the client confirms nothing."""
    return [
        attrs.evolve(packet, flags=packet.flags & ~ACK) if packet.source == CLIENT else packet for packet in packets
    ]


def test_gap_before_confirmed_bytes_is_one_of_the_capture(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "_MOST_LATE", 3)
    packets, gap = without_first_answer((">", GET), ("<", ANSWER))
    lines = shown(read(packets))
    assert "#1 < 50 bytes missing in the capture" in lines
    # Told while packets come, not at the end.
    assert lines.index("#1 < 50 bytes missing in the capture") < lines.index("#1 > closed")
    # What is not confirmed may still be sent.
    waiting = silent(packets)
    waiting.insert(-4, gap)
    assert "missing" not in read(waiting).out


def test_too_much_is_not_held(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "_MOST_HELD", 200)
    packets, _ = without_first_answer((">", GET), ("<", ANSWER))
    lines = shown(read(silent(packets)))
    assert lines.index("#1 < 50 bytes missing in the capture") < lines.index("#1 > closed")


def test_retransmission_that_differs_is_told(read: Reader) -> None:
    packets = talk(*SAID)
    other = next(packet for packet in packets if packet.payload)
    packets.insert(5, attrs.evolve(other, payload=other.payload.replace(b"GET /", b"GET x")))
    outcome = read(packets)
    assert heads(outcome)[:2] == EXPECTED[:2]
    assert "#1 note: the client has sent byte 4 again, and it differs: the first counts" in outcome.out.splitlines()
    assert outcome.status == 0


def test_keep_alive_is_no_retransmission(read: Reader) -> None:
    packets = talk(*SAID)
    index = next(index for index, packet in enumerate(packets) if packet.payload)
    after = packets[index].sequence + len(packets[index].payload)
    packets.insert(index + 2, attrs.evolve(packets[index], sequence=after - 1, payload=b"\x00"))
    outcome = read(packets)
    assert heads(outcome) == EXPECTED
    assert "note" not in outcome.out


def test_capture_may_begin_between_messages(read: Reader) -> None:
    packets = talk(*SAID)
    second = [index for index, packet in enumerate(packets) if packet.payload.startswith(b"GET")][1]
    outcome = read(packets[second:])
    assert outcome.status == 0
    assert heads(outcome)[1:] == ["#1 > GET / HTTP/1.1", "#1 < HTTP/1.1 200 OK to message 1"]
    # An answer comes first, to a request that was not captured.
    answer = next(index for index, packet in enumerate(packets) if packet.payload.startswith(b"HTTP"))
    lines = heads(read(packets[answer:]))
    assert lines[0] == "#1 10.0.0.1:40000 > 10.0.0.2:80"
    assert "#1 > GET / HTTP/1.1" in lines


def test_capture_that_begins_inside_a_message_is_not_guessed_at(read: Reader) -> None:
    packets = talk(*SAID)
    inside = next(index for index, packet in enumerate(packets) if packet.payload.startswith(b"HTTP")) + 2
    outcome = read(packets[inside:])
    assert outcome.status == 1
    assert outcome.err == "FILE: there is no HTTP/1 message in it\n"
    assert "the capture begins in the middle" in outcome.out
    # One side can be read, the other one not.
    chunk = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    outcome = read([Packet(SERVER, CLIENT, 9, 1, ACK, b"lo\r\n"), Packet(CLIENT, SERVER, 1, 13, ACK, chunk)])
    assert shown(outcome)[:2] == ["#1 10.0.0.2:80 > 10.0.0.1:40000", "#1 > the capture begins in the middle"]


def test_reset_ends_a_connection(read: Reader) -> None:
    packets = talk((">", GET), ("<", ANSWER[:-5]), end=False)
    packets.append(Packet(CLIENT, SERVER, packets[-1].sequence, 0, RST))
    outcome = read(packets)
    assert "#1 note: the connection is reset inside message 1 of the server" in outcome.out.splitlines()
    # A late packet of it begins nothing.
    assert read([*packets, packets[3]]).out == outcome.out
    assert read([*packets, *packets]).out.count(" > GET / HTTP/1.1") == 2


def test_capture_may_end_inside_a_message(read: Reader) -> None:
    outcome = read(talk((">", GET[:-2]), end=False))
    assert outcome.status == 1
    assert "#1 note: the capture ends inside message 1 of the client" in outcome.out.splitlines()
    assert outcome.err == "FILE: there is no HTTP/1 message in it\n"
    told = read(talk((">", GET[:-2]), end=False), "--json").objects[-1]
    assert (told["event"], told["kind"], told["connection"]) == ("Warned", "unfinished", 1)


def test_endpoints_may_be_used_again(read: Reader) -> None:
    outcome = read([*talk(*SAID, end=False), *talk(*SAID, first=70000)])
    assert outcome.status == 0
    assert outcome.out.count(" > GET / HTTP/1.1") == 4
    assert any(line.startswith("#2 10.0.0.1:40000 > ") for line in outcome.out.splitlines())
    # A SYN that is sent again does not begin another connection.
    packets = talk(*SAID)
    assert heads(read([packets[0], *packets]))[1:] == EXPECTED[1:]


def _with_port(packet: Packet, port: int) -> Packet:
    if packet.source == CLIENT:
        return attrs.evolve(packet, source=(CLIENT[0], port))
    return attrs.evolve(packet, destination=(CLIENT[0], port))


def test_number_of_open_connections_is_limited(read: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "_MOST_CONNECTIONS", 2)
    monkeypatch.setattr(capture, "_MOST_ENDED", 1)
    packets = [
        _with_port(packet, 1000 + port) for port in range(5) for packet in talk((">", GET), ("<", OK), end=False)
    ]
    said = "note: there are too many open connections to follow this one inside message 1 of the server"
    assert read(packets).out.count(said) == 3
    many = [_with_port(packet, 1000 + port) for port in range(5) for packet in talk(*SAID)]
    assert read(many).out.count(" > GET / HTTP/1.1") == 10


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ([(">", b"\x16\x03\x01\x00\xa5\x01" * 9), ("<", b"\x16\x03\x03")], "the client begins with a TLS handshake: "),
        ([("<", b"SSH-2.0-OpenSSH_9\r\n"), (">", b"SSH-2.0-x\r\n")], "the server begins with SSH: "),
        ([("<", b"220 mail ESMTP\r\n"), (">", b"EHLO x\r\n")], "the server begins with other bytes: "),
        ([(">", b"*1\r\n$4\r\nPING\r\n")], "the client begins with other bytes: "),
    ],
)
def test_what_is_not_http_is_told_once(read: Reader, said: list[tuple[str, bytes]], what: str) -> None:
    packets = talk(*said)
    outcome = read(packets)
    assert outcome.status == 1
    assert outcome.err == "FILE: there is no HTTP/1 message in it\n"
    assert outcome.out.count("not HTTP/1: " + what) == 1
    both = [*packets, *(_with_port(packet, 7) for packet in talk(*SAID))]
    assert read(both).status == 0
    assert "connections 1 connection, and 1 that is not HTTP/1\n" in read(both, "--summary").out
    told = read(packets, "--json").objects[1]
    assert told["event"] == "NotHTTP"
    assert said[0][1].decode("latin-1").startswith(str(told["first"]))
    assert "first" not in read(packets, "--json", "--redact-all").objects[1]
    assert what.removesuffix(": ") + "\n" in read(packets, "--redact-all").out


def test_wrong_answer_is_an_error_and_not_another_protocol(read: Reader) -> None:
    outcome = read(talk((">", GET), ("<", b"ICY 200 OK\r\n\r\n")))
    assert outcome.status == 1
    assert "#1 < error bad-status-line at byte 0 of message 1" in shown(outcome)


def test_upgrade_in_a_capture(read: Reader) -> None:
    switching = b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00"
    lines = shown(read(talk((">", UPGRADE), ("<", switching), (">", b"\x81\x80abcd"))))
    assert "#1 > 6 bytes of another protocol" in lines
    assert "#1 < 2 bytes of another protocol" in lines


# --- captures that are broken -----------------------------------------------------------------------------------------


def test_packets_that_are_no_segments_are_counted(inspect: Inspector) -> None:
    frames = [packet.ip() for packet in talk(*SAID)]
    udp = frames[0][:9] + b"\x11" + frames[0][10:]
    fragment = frames[5][:6] + b"\x00\x07" + frames[5][8:]
    odd = [udp, fragment, frames[0][:30], b"\x45", b"", b"\x60"]
    outcome = inspect(pcap([*frames, *odd]))
    assert heads(outcome) == EXPECTED
    assert outcome.out.splitlines()[-1] == "note: 6 packets skipped: not TCP over IP, or cut"
    assert inspect(pcap(frames, 147)).out == f"note: {len(frames)} packets skipped: not TCP over IP, or cut\n"


def test_capture_that_is_cut_or_broken_is_read_as_far_as_it_goes(inspect: Inspector) -> None:
    frames = [packet.ip() for packet in talk(*SAID)]
    whole = pcap(frames)
    outcome = inspect(whole[:-5])
    assert heads(outcome) == EXPECTED
    assert outcome.out.splitlines()[-1] == "note: the capture ends inside a packet"
    assert outcome.status == 3
    huge = inspect(whole + struct.pack("<IIII", 0, 0, 2**31, 2**31))
    assert huge.out.splitlines()[-1] == "note: the capture has a packet whose size cannot be true"
    newer = pcapng([(0, 0, frame) for frame in frames], [interface(101, "<")])
    assert heads(inspect(newer))[1:] == EXPECTED[1:]
    for odd, said in (
        (newer[:-5], "the capture ends inside a packet"),
        (newer + block(6, bytes(20) + b"x", "<")[:4] + bytes(4), "the capture has a packet whose size cannot be true"),
        (newer + block(6, struct.pack("<IIIII", 9, 0, 0, 0, 0), "<"), "the capture has a packet of an interface that"),
        (newer + block(1, bytes(8), "<")[:-4], "the capture ends inside a packet"),
        (newer + struct.pack("<II", 6, 20), "the capture ends inside a packet"),
        (newer + struct.pack("<II", 6, 13) + bytes(5), "the capture is broken, and not read on"),
        (whole[:10], "the capture ends inside a packet"),
    ):
        assert f"note: {said}" in inspect(odd).out, said


@pytest.mark.parametrize("seed", range(60))
def test_mutated_captures_are_told_of_and_no_more(inspect: Inspector, seed: int) -> None:
    chance = random.Random(seed)
    inspect(mutated(chance), *chance.choice([[], ["--json"], ["--summary"], ["--explain"], ["--redact"]]))


@pytest.mark.long
@pytest.mark.parametrize("start", range(100, 10_000, 100))
def test_many_mutated_captures_are_told_of_and_no_more(inspect: Inspector, start: int) -> None:
    for seed in range(start, start + 100):
        chance = random.Random(seed)
        page = inspect.folder / "page.html"
        options = [["--json", "--explain"], ["--compare"], ["--redact-all", "--all-data"], ["--html", str(page)]]
        inspect(mutated(chance), *chance.choice(options), "--policy", chance.choice(["strict", "h11"]))
        assert not page.exists() or page.read_text("ascii").replace("\n", "").isprintable()


def mutated(chance: random.Random) -> bytes:
    """Return a capture with bytes that are wrong, missing, or there twice."""
    six = over_six(talk(*SAID))
    made = [
        pcap([packet.ip() for packet in talk(*SAID)]),
        pcapng([(0, 0, packet.ip()) for packet in [*talk(*SAID), *six]], [interface(101, "<", [(9, b"\x06")])]),
    ]
    real = [path.read_bytes() for path in sorted(CAPTURES.glob("*.pcap")) if path.stat().st_size < 10_000]
    data = bytearray(chance.choice(made + real))
    for _ in range(chance.randrange(1, 20)):
        at = chance.randrange(len(data))
        kind = chance.randrange(4)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            del data[at : at + chance.randrange(1, 50)]
        elif kind == 2:
            data[at:at] = data[at : at + chance.randrange(1, 100)]
        else:
            data[at : at + 4] = chance.choice([bytes(4), b"\xff" * 4, b"\x00\x00\x00\x01", b"\r\n\r\n"])
        if not data:
            data += b"\xd4\xc3\xb2\xa1"
    return bytes(data)


def test_captures_need_dpkt(inspect: Inspector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dpkt", None)
    monkeypatch.setitem(sys.modules, "dpkt.pcap", None)
    capture._dpkt.cache_clear()
    try:
        outcome = inspect(pcap([]))
    finally:
        capture._dpkt.cache_clear()
    assert outcome == Outcome(2, "", "FILE: captures need dpkt: pip install 'http11[inspect]'\n")


# --- reassembly -------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=30),
    st.integers(0, 2**32 - 1),
)
def test_flow_delivers_a_prefix_and_tells_the_rest(data: bytes, cuts: list[tuple[int, int]], first: int) -> None:
    flow = Flow()
    flow.begin(first)
    pieces: list[Delivered | Missing | Conflict] = []
    for at, size in cuts:
        payload = data[at : at + size]
        pieces += flow.add((first + at) % 2**32, payload, len(payload))
    pieces += flow.add((first + len(data)) % 2**32, b"", 0, fin=True)
    pieces += flow.flush()
    position = 0
    for piece in pieces:
        assert not isinstance(piece, Conflict)
        if isinstance(piece, Delivered):
            assert data[position : position + len(piece.data)] == piece.data
            position += len(piece.data)
        else:
            covered = {index for at, size in cuts if size != 1 for index in range(at, min(at + size, len(data)))}
            assert not covered & set(range(position, position + piece.size))
            position += piece.size
    assert position == len(data)
    assert flow.closed
