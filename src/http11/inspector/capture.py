"""Reads captures, ``.pcap`` and ``.pcapng``: packets to connections, connections to conversations.

dpkt takes the packets apart. It is part of ``http11[inspect]``; a capture cannot be read without it.
"""

from __future__ import annotations

import re
import socket
from collections import OrderedDict
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final, Literal, NamedTuple, Protocol, SupportsBytes, TypeAlias

import attrs

from http11 import CLIENT, SERVER, Policy, Role
from http11.inspector.reading import Conversation
from http11.inspector.reassembly import Conflict, Delivered, Flow, Missing
from http11.inspector.records import NotHTTP, Opened, Record, Warned
from http11.inspector.sources import Source, UnreadableError
from http11.inspector.words import number_of

__all__ = ["capture_records", "is_capture"]

_PCAP_MAGIC: Final = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\xcd\x34",
    b"\x34\xcd\xb2\xa1",
)
_PCAPNG_MAGIC: Final = b"\x0a\x0d\x0d\x0a"
MAGIC_SIZE: Final = 4

# No packet and no block is as large: libpcap takes 256 KiB at the most.
_LARGEST_BLOCK: Final = 16 << 20

# How many connections are followed at the same time, and of how many that have ended late packets are known.
_MOST_CONNECTIONS: Final = 10_000
_MOST_ENDED: Final = 4096


def is_capture(beginning: bytes) -> bool:
    """Tell whether a file that begins with these four bytes is a capture."""
    return beginning in _PCAP_MAGIC or beginning == _PCAPNG_MAGIC


# --- packets ----------------------------------------------------------------------------------------------------------


class _Frame(NamedTuple):
    """What was captured of one packet.

    Attributes:
        time: When, in seconds since 1970, or 0 if that is not known.
        link: The type of its link layer, as libpcap numbers it.
        data: Its bytes.

    """

    time: float
    link: int
    data: bytes


class _BrokenCaptureError(Exception):
    """The capture ends in the middle, or is not what it should be; the text says so, and is safe to print."""


class _Limited:
    """A source from which dpkt reads."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, or nothing at the end.

        Raises:
            _BrokenCaptureError: It is too many to be true, or there are fewer.

        """
        if not 0 <= size <= _LARGEST_BLOCK:
            raise _BrokenCaptureError("the capture has a packet whose size cannot be true")
        data = self._source.read(size)
        if data and len(data) < size:
            raise _BrokenCaptureError("the capture ends inside a packet")
        return data


@cache
def _dpkt(module: str) -> ModuleType:
    return import_module(f"dpkt.{module}")


def _pcap_frames(source: Source) -> Iterator[_Frame]:
    reader = _dpkt("pcap").Reader(_Limited(source))
    # The upper bits say how long a frame's checksum is.
    link = int(reader.datalink()) & 0xFFFF
    for time, data in reader:
        yield _Frame(float(time), link, bytes(data))


@attrs.frozen
class _Interface:
    link: int
    ticks: float
    start: int


def _pcapng_frames(source: Source) -> Iterator[_Frame]:
    """Yield the packets of all sections and interfaces; dpkt's own reader knows the first interface only."""
    stream = _Limited(source)
    order: Literal["little", "big"] = "little"
    interfaces: list[_Interface] = []
    while beginning := stream.read(8):
        kind = beginning[:4]
        if kind == _PCAPNG_MAGIC:
            beginning += stream.read(4)
            order = "little" if beginning[8:] == b"\x4d\x3c\x2b\x1a" else "big"
            interfaces = []
        size = int.from_bytes(beginning[4:8], order)
        block = beginning + stream.read(size - len(beginning))
        if len(block) < size:
            raise _BrokenCaptureError("the capture ends inside a packet")
        frame = _pcapng_block(block, order, interfaces)
        if frame is not None:
            yield frame


def _pcapng_block(block: bytes, order: Literal["little", "big"], interfaces: list[_Interface]) -> _Frame | None:
    suffix = "LE" if order == "little" else ""
    dpkt = _dpkt("pcapng")
    kind = int.from_bytes(block[:4], order)
    if kind == dpkt.PCAPNG_BT_IDB:
        found = getattr(dpkt, f"InterfaceDescriptionBlock{suffix}")(block)
        ticks, start = 1e6, 0
        for option in found.opts:
            value = bytes(option.data)
            if option.code == dpkt.PCAPNG_OPT_IF_TSRESOL and value:
                ticks = float((2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F))
            elif option.code == dpkt.PCAPNG_OPT_IF_TSOFFSET:
                start = int.from_bytes(value, order, signed=True)
        interfaces.append(_Interface(int(found.linktype), ticks, start))
        return None
    if kind == dpkt.PCAPNG_BT_EPB:
        packet = getattr(dpkt, f"EnhancedPacketBlock{suffix}")(block)
        if packet.iface_id >= len(interfaces):
            raise _BrokenCaptureError("the capture has a packet of an interface that it does not describe")
        interface = interfaces[packet.iface_id]
        time = interface.start + ((packet.ts_high << 32) | packet.ts_low) / interface.ticks
        return _Frame(float(time), interface.link, bytes(packet.pkt_data))
    return None


# --- segments ---------------------------------------------------------------------------------------------------------

_Endpoint: TypeAlias = tuple[bytes, int]


class _Segment(NamedTuple):
    time: float
    source: _Endpoint
    destination: _Endpoint
    sequence: int
    acknowledged: int | None
    payload: bytes
    size: int
    syn: bool
    fin: bool
    rst: bool


_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10

# The decoder of each link layer that libpcap numbers; None where an IP packet follows at once.
_LINKS: Final = {
    0: ("loopback", "Loopback"),
    1: ("ethernet", "Ethernet"),
    108: ("loopback", "Loopback"),
    113: ("sll", "SLL"),
    276: ("sll2", "SLL2"),
}
_RAW_LINKS: Final = (12, 14, 101, 228, 229)


class _DecodedTCP(Protocol):
    """What dpkt makes of a TCP segment, as far as it is used."""

    sport: int
    dport: int
    seq: int
    ack: int
    off: int
    flags: int
    data: SupportsBytes


class _DecodedIP(Protocol):
    """What dpkt makes of an IP packet, as far as it is used."""

    src: bytes
    dst: bytes
    data: object


class _DecodedIPv4(_DecodedIP, Protocol):
    len: int
    hl: int


class _DecodedIPv6(_DecodedIP, Protocol):
    plen: int
    all_extension_headers: list[SupportsBytes]


def _segment(frame: _Frame) -> _Segment | None:
    """Take a packet apart; None if it is no TCP segment in an IP packet, or not whole."""
    four: type[_DecodedIPv4] = _dpkt("ip").IP
    six: type[_DecodedIPv6] = _dpkt("ip6").IP6
    packet = _packet(frame)
    # How many bytes follow the header by what it says, which is more than was captured of a packet that was cut, and
    # nothing where a network card has put segments together.
    if isinstance(packet, four):
        return _tcp_segment(frame, packet, packet.len - 4 * packet.hl)
    if isinstance(packet, six):
        extensions = sum(len(bytes(each)) for each in packet.all_extension_headers)
        return _tcp_segment(frame, packet, packet.plen - extensions)
    return None


def _tcp_segment(frame: _Frame, packet: _DecodedIP, said: int) -> _Segment | None:
    kind: type[_DecodedTCP] = _dpkt("tcp").TCP
    tcp = packet.data
    if not isinstance(tcp, kind):
        return None
    payload = bytes(tcp.data)
    return _Segment(
        time=frame.time,
        source=(packet.src, tcp.sport),
        destination=(packet.dst, tcp.dport),
        sequence=tcp.seq,
        acknowledged=tcp.ack if tcp.flags & _ACK else None,
        payload=payload,
        size=max(said - 4 * tcp.off, len(payload)),
        syn=bool(tcp.flags & _SYN),
        fin=bool(tcp.flags & _FIN),
        rst=bool(tcp.flags & _RST),
    )


def _packet(frame: _Frame) -> object:
    """Return what the frame holds, as dpkt has it."""
    if frame.link in _RAW_LINKS:
        is_six = frame.data[:1] >= b"\x60"
        raw: object = _dpkt("ip6").IP6(frame.data) if is_six else _dpkt("ip").IP(frame.data)
        return raw
    module, name = _LINKS[frame.link]
    held: object = getattr(getattr(_dpkt(module), name)(frame.data), "data", None)
    return held


# --- connections ------------------------------------------------------------------------------------------------------

_REQUEST: Final = re.compile(rb"[\r\n]*[!#$%&'*+\-.^_`|~0-9A-Za-z]{0,64}( |\Z)")
_NAMES: Final = {b"\x16\x03": "a TLS handshake", b"SSH-": "SSH"}


def _looks_like_http(sender: Role, first: bytes) -> bool:
    if sender == CLIENT:
        return _REQUEST.match(first) is not None
    return first.startswith(b"HTTP/"[: len(first)])


def _looks_like(first: bytes) -> str:
    return next((name for beginning, name in _NAMES.items() if first.startswith(beginning)), "other bytes")


def _address(endpoint: _Endpoint) -> str:
    address, port = endpoint
    if len(address) == 4:  # noqa: PLR2004 - IPv4
        return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"
    return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"


class _Connection:
    """A TCP connection of a capture.

    Attributes:
        is_over: Whether both sides have closed, or one has reset it.

    """

    def __init__(self) -> None:
        self.is_over = False
        self._client: _Endpoint | None = None
        self._flows: dict[_Endpoint, Flow] = {}
        self._number = 0
        self._conversation: Conversation | None = None
        self._closed: set[Role] = set()
        self._is_http = True
        self._time = 0.0

    @property
    def has_begun(self) -> bool:
        """Whether anything has been said on it."""
        return self._conversation is not None

    def add(self, segment: _Segment, capture: _Capture) -> Iterator[Record]:
        """Add a segment, and yield what can be read now."""
        self._time = capture.since_start(segment.time)
        flow = self._flows.setdefault(segment.source, Flow())
        other = self._flows.setdefault(segment.destination, Flow())
        sequence = segment.sequence
        if segment.syn:
            self._client = segment.destination if segment.acknowledged is not None else segment.source
            sequence += 1
            if not flow.begun:
                flow.begin(sequence)
        if segment.acknowledged is not None:
            other.acknowledge(segment.acknowledged)
        if segment.size or segment.fin:
            joins_late = not flow.begun
            if self._conversation is None and segment.payload:
                yield from self._open(segment, capture)
            if joins_late and self._conversation is not None and segment.payload:
                yield from self._join(segment)
            pieces = flow.add(sequence, segment.payload, segment.size, fin=segment.fin)
            yield from self._read(self._role(segment.source), flow, pieces)
        if segment.rst:
            yield from self.end("the connection is reset")
        elif len(self._flows) > 1 and all(each.closed for each in self._flows.values()):
            yield from self._finish()

    def end(self, why: str) -> Iterator[Record]:
        """Yield what can be read of a connection of which nothing more will come; `why` says so in words."""
        for source, flow in self._flows.items():
            yield from self._read(self._role(source), flow, flow.flush())
        if self._conversation is not None:
            yield from self._conversation.abandon(why, self._time)
        yield from self._finish()

    def _role(self, source: _Endpoint) -> Role:
        return CLIENT if source == self._client else SERVER

    def _open(self, segment: _Segment, capture: _Capture) -> Iterator[Record]:
        if self._client is None:
            # Its beginning is not in the capture.
            is_answer = segment.payload.startswith(b"HTTP/")
            self._client = segment.destination if is_answer else segment.source
        server = segment.destination if self._client == segment.source else segment.source
        self._number = capture.next_number()
        self._conversation = capture.conversation(capture.policy, number=self._number)
        yield Opened(connection=self._number, client=_address(self._client), server=_address(server), time=self._time)

    def _join(self, segment: _Segment) -> Iterator[Record]:
        """Read on in the middle of what a side says, if what was captured first looks like the start of a message."""
        sender = self._role(segment.source)
        if not _looks_like_http(sender, segment.payload) and self._conversation is not None:
            yield from self._conversation.lose(sender, None, self._time)

    def _read(self, sender: Role, flow: Flow, pieces: Iterator[Delivered | Missing | Conflict]) -> Iterator[Record]:
        begins = flow.position == 0
        for piece in pieces:
            conversation = self._conversation
            if conversation is None or not self._is_http:
                continue
            if isinstance(piece, Missing):
                yield from conversation.lose(sender, piece.size, self._time)
            elif isinstance(piece, Conflict):
                yield Warned(
                    kind="conflicting-retransmission",
                    text=f"the {sender.lower()} has sent byte {piece.offset} again, and it differs: the first counts",
                    connection=self._number,
                    time=self._time,
                )
            elif begins and not conversation.has_heard(CLIENT) and not _looks_like_http(sender, piece.data):
                self._is_http = False
                yield NotHTTP(
                    connection=self._number,
                    sender=sender,
                    looks_like=_looks_like(piece.data),
                    first=piece.data[:24],
                    time=self._time,
                )
            else:
                yield from conversation.receive(sender, piece.data, self._time)
            begins = False
        if flow.closed and self._conversation is not None and self._is_http and sender not in self._closed:
            self._closed.add(sender)
            yield from self._conversation.close(sender, self._time)

    def _finish(self) -> Iterator[Record]:
        self.is_over = True
        if self._conversation is not None and self._is_http:
            yield from self._conversation.finish()


class _Capture:
    """What the connections of a capture share.

    Attributes:
        policy: What is tolerated.
        conversation: The class of their conversations.

    """

    def __init__(self, policy: Policy, conversation: type[Conversation]) -> None:
        self.policy = policy
        self.conversation = conversation
        self._start: float | None = None
        self._last = 0

    def since_start(self, time: float) -> float:
        """Return a time since that of the first packet, in seconds."""
        if self._start is None:
            self._start = time
        return time - self._start

    def next_number(self) -> int:
        """Return the number of a new connection."""
        self._last += 1
        return self._last


def capture_records(
    source: Source, policy: Policy, conversation: type[Conversation] = Conversation
) -> Iterator[Record]:
    """Yield what is found in a capture, in the order of its packets.

    Raises:
        UnreadableError: It cannot be read, or not without dpkt.

    """
    try:
        _dpkt("pcap")
    except ImportError:
        raise UnreadableError(f"{source.name}: captures need dpkt: pip install 'http11[inspect]'") from None
    capture = _Capture(policy, conversation)
    table = _Table()
    skipped = 0
    warning: str | None = None
    try:
        frames = _pcapng_frames(source) if source.peek(MAGIC_SIZE) == _PCAPNG_MAGIC else _pcap_frames(source)
        for frame in frames:
            capture.since_start(frame.time)
            segment = _taken_apart(frame)
            if segment is None:
                skipped += 1
            else:
                yield from table.add(segment, capture)
    except _BrokenCaptureError as error:
        warning = str(error)
    except (ArithmeticError, LookupError, ValueError, _dpkt("dpkt").Error):
        # What dpkt says of a file that is none.
        warning = "the capture is broken, and not read on"
    yield from table.end()
    if warning is not None:
        yield Warned(kind="truncated-capture", text=warning, connection=None, time=None)
    if skipped:
        text = f"{number_of(skipped, 'packet')} skipped: not TCP over IP, or cut"
        yield Warned(kind="skipped-packets", text=text, connection=None, time=None)


def _taken_apart(frame: _Frame) -> _Segment | None:
    try:
        return _segment(frame)
    except Exception:  # noqa: BLE001 - dpkt lets a packet that is broken raise whatever its decoders run into
        return None


class _Table:
    """The connections that are open, and the endpoints of some that have ended."""

    def __init__(self) -> None:
        self._open: OrderedDict[frozenset[_Endpoint], _Connection] = OrderedDict()
        self._ended: OrderedDict[frozenset[_Endpoint], None] = OrderedDict()

    def add(self, segment: _Segment, capture: _Capture) -> Iterator[Record]:
        key = frozenset([segment.source, segment.destination])
        begins = segment.syn and segment.acknowledged is None
        connection = self._open.get(key)
        if connection is not None and begins and connection.has_begun:
            yield from connection.end("the connection is opened anew")
            del self._open[key]
            connection = None
        if begins:
            self._ended.pop(key, None)
        if connection is None:
            # A late packet begins nothing, and neither does one that says nothing.
            if key in self._ended or not (segment.syn or segment.payload):
                return
            connection = self._open[key] = _Connection()
        self._open.move_to_end(key)
        yield from connection.add(segment, capture)
        if connection.is_over:
            del self._open[key]
            self._ended[key] = None
            if len(self._ended) > _MOST_ENDED:
                self._ended.popitem(last=False)
        if len(self._open) > _MOST_CONNECTIONS:
            _, oldest = self._open.popitem(last=False)
            yield from oldest.end("there are too many open connections to follow this one")

    def end(self) -> Iterator[Record]:
        while self._open:
            _, connection = self._open.popitem(last=False)
            yield from connection.end("the capture ends")
