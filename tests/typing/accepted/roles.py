"""Whose connection it is: how the role is inferred, said, chosen at run time, passed on, and what follows from it."""

from collections.abc import Callable, Iterable
from typing import Generic, Literal, Protocol, TypeVar, assert_never, assert_type

import attrs

from http11 import (
    CLIENT,
    DONE,
    IDLE,
    SERVER,
    STRICT,
    ClientConnection,
    ClientEvent,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    Role,
    ServerConnection,
    ServerEvent,
    Signal,
    State,
)

RoleT = TypeVar("RoleT", bound=Role)

REQUEST = Request(method="GET", target="/", headers=[("Host", "a")])
INTERIM = InformationalResponse(status_code=103, headers=[])
RESPONSE = Response(status_code=200, headers=[("Content-Length", "5")])


class File:
    """Something that can be written by `os.sendfile`."""

    def __len__(self) -> int:
        """Its size in bytes."""
        return 5


# --- how a role becomes known -----------------------------------------------------------------------------------------


def it_is_inferred() -> None:
    assert_type(Connection(CLIENT), ClientConnection)
    assert_type(Connection(SERVER), ServerConnection)
    assert_type(Connection("CLIENT"), ClientConnection)
    assert_type(Connection(our_role=SERVER), ServerConnection)
    assert_type(Connection(SERVER, 4096), ServerConnection)
    policy = attrs.evolve(STRICT, bare_lf=True)
    assert_type(Connection(our_role=CLIENT, max_incomplete_event_size=4096, policy=policy), ClientConnection)


def it_is_said() -> None:
    short: ClientConnection = Connection(CLIENT)
    long: Connection[Literal["CLIENT"]] = short
    explicit = Connection[Literal["SERVER"]](SERVER)
    assert_type(ClientConnection(CLIENT), ClientConnection)
    either: Connection = long
    also_either: Connection[Role] = explicit
    assert_type(explicit, ServerConnection)
    assert short is long
    assert (either.our_role, also_either.our_role) == (CLIENT, SERVER)


def it_is_chosen_at_run_time(role: Role) -> None:
    conn = Connection(role)
    assert_type(conn, Connection[Role])
    assert_type(conn, Connection)
    assert_type(conn.next_event(), Event | Signal)
    assert_type(conn.send(ConnectionClosed()), None)


def it_is_looked_up(role: Role) -> None:
    either: dict[Role, Connection] = {CLIENT: Connection(CLIENT), SERVER: Connection(SERVER)}
    assert_type(either[role], Connection)
    assert either[role].our_role == role
    chosen: ClientConnection | ServerConnection = Connection(CLIENT) if role == CLIENT else Connection(SERVER)
    assert_type(chosen.our_role, Role)
    assert chosen.our_role == role


def it_is_read_from_text(text: str) -> Connection:
    role = text.upper()
    if role in (CLIENT, SERVER):
        return Connection(role)
    raise ValueError(f"expected a role, got {text!r}")


# --- what is passed on ------------------------------------------------------------------------------------------------


def takes_either(conn: Connection) -> State:
    return conn.our_state


def takes_one_of_two(conn: ClientConnection | ServerConnection) -> State:
    assert_type(conn.next_event(), Event | Signal)
    return conn.our_state


def keeps_the_role(conn: Connection[RoleT], data: bytes) -> Connection[RoleT]:
    conn.receive_data(data)
    return conn


def tells_the_role(conn: Connection[RoleT]) -> RoleT:
    return conn.our_role


def makes_another(conn: Connection[RoleT]) -> Connection[RoleT]:
    return Connection(conn.our_role, policy=STRICT)


class Peer(Generic[RoleT]):
    """What many programs have: a connection, and what has to be written."""

    def __init__(self, role: RoleT) -> None:
        self.conn = Connection(role)
        self.outgoing = bytearray()

    def send_body(self, *events: Data[bytes] | EndOfMessage) -> None:
        for event in events:
            self.outgoing += self.conn.send(event)

    def received(self, data: bytes) -> list[Event]:
        self.conn.receive_data(data)
        events: list[Event] = []
        while True:
            event = self.conn.next_event()
            if isinstance(event, type):
                return events
            events.append(event)


class Observed(Connection[Literal["SERVER"]]):
    """A server's connection that remembers how much came."""

    def __init__(self) -> None:
        super().__init__(SERVER)
        self.received_size = 0

    def observe(self, data: bytes) -> None:
        self.received_size += len(data)
        self.receive_data(data)


@attrs.define
class Session:
    """What has a connection of its own."""

    conn: ServerConnection = attrs.field(factory=lambda: Connection(SERVER))
    state: State = IDLE


class Stateful(Protocol):
    """What a monitor needs to know of a connection, of ours or of another protocol's."""

    @property
    def our_state(self) -> State: ...
    @property
    def trailing_data(self) -> tuple[bytes, bool]: ...


def monitored(connections: Iterable[Stateful]) -> list[State]:
    return [one.our_state for one in connections]


def written(send: Callable[[Response], bytes]) -> bytes:
    return send(RESPONSE)


def they_are_built_on() -> None:
    observed, session = Observed(), Session()
    observed.observe(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert_type(observed.next_event(), ClientEvent | Signal)
    assert_type(observed.send(INTERIM), bytes)
    assert observed.received_size == 27
    assert_type(session.conn.next_event(), ClientEvent | Signal)
    assert monitored([session.conn, Connection(CLIENT)]) == [session.state, IDLE]
    for conn in (Connection(CLIENT), session.conn):
        assert_type(conn, ClientConnection | ServerConnection)
        conn.receive_data(b"")
    assert written(observed.send).startswith(b"HTTP/1.1 200 ")


def they_are_passed_on() -> None:
    client, server = Connection(CLIENT), Connection(SERVER)
    assert takes_either(client) == takes_either(server) == IDLE
    assert takes_one_of_two(client) == takes_one_of_two(server) == IDLE
    assert_type(keeps_the_role(client, b"HTTP"), ClientConnection)
    assert_type(keeps_the_role(server, b"GET").next_event(), ClientEvent | Signal)
    assert_type(tells_the_role(client), Literal["CLIENT"])
    assert_type(makes_another(server), ServerConnection)


def a_generic_class_has_what_its_role_has() -> None:
    peer = Peer(CLIENT)
    assert_type(peer, Peer[Literal["CLIENT"]])
    assert_type(peer.conn, ClientConnection)
    peer.outgoing += peer.conn.send(REQUEST)
    peer.send_body(EndOfMessage())
    other = Peer(SERVER)
    assert other.received(bytes(peer.outgoing)) == [REQUEST, EndOfMessage()]
    other.outgoing += other.conn.send(RESPONSE)
    other.send_body(Data(b"Hel"), Data("lo"), EndOfMessage())
    assert other.outgoing == b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nHello"


# --- what is sent -----------------------------------------------------------------------------------------------------


def a_client_sends() -> None:
    conn = Connection(CLIENT)
    message = b"".join(conn.send(event) for event in (REQUEST, EndOfMessage()))
    assert message == b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    conn = Connection(CLIENT)
    assert_type(conn.send(REQUEST), bytes)
    assert_type(conn.send(Data(b"")), bytes)
    assert_type(conn.send(Data("")), bytes)
    assert_type(conn.send(EndOfMessage()), bytes)
    assert_type(conn.send(ConnectionClosed()), None)


def a_server_sends(conn: ServerConnection) -> None:
    assert_type(conn.send(INTERIM), bytes)
    assert_type(conn.send(RESPONSE), bytes)
    assert_type(conn.send(Data(b"Hello")), bytes)
    assert_type(conn.send(EndOfMessage()), bytes)
    assert_type(conn.send(ConnectionClosed()), None)


def either_sends(conn: Connection, one_of_two: ClientConnection | ServerConnection, of_t: Connection[RoleT]) -> None:
    assert_type(conn.send(Data(b"He")), bytes)
    assert_type(one_of_two.send(Data(b"ll")), bytes)
    assert_type(of_t.send(Data(b"o")), bytes)
    assert_type(conn.send(EndOfMessage()), bytes)
    assert_type(one_of_two.send(ConnectionClosed()), None)
    assert_type(of_t.send(ConnectionClosed()), None)


def a_union_is_sent(
    client: ClientConnection,
    server: ServerConnection,
    of_client: ClientEvent,
    of_server: ServerEvent,
    end: Data[bytes] | EndOfMessage,
) -> None:
    assert_type(client.send(of_client), bytes | None)
    assert_type(server.send(of_server), bytes | None)
    assert_type(client.send(end), bytes)


def a_client_passes_through(conn: ClientConnection) -> None:
    request = attrs.evolve(REQUEST, headers=[("Host", "a"), ("Content-Length", "10")])
    assert_type(conn.send_with_data_passthrough(request), list[bytes])
    assert_type(conn.send_with_data_passthrough(Data(b"Hello")), list[bytes])
    file = File()
    pieces = conn.send_with_data_passthrough(Data(file))
    assert_type(pieces, list[bytes | File])
    assert pieces == [file]
    assert_type(conn.send_with_data_passthrough(EndOfMessage()), list[bytes])
    assert_type(conn.send_with_data_passthrough(ConnectionClosed()), None)


def a_server_passes_through(conn: ServerConnection) -> None:
    assert_type(conn.send_with_data_passthrough(INTERIM), list[bytes])
    assert_type(conn.send_with_data_passthrough(RESPONSE), list[bytes])
    # The list is still one of both, since a list may be added to.
    pieces: list[bytes | File] = conn.send_with_data_passthrough(Data(File()))
    assert [len(piece) for piece in pieces] == [5]
    assert_type(conn.send_with_data_passthrough(EndOfMessage()), list[bytes])


def either_passes_through(conn: Connection, data: Data[File] | Data[bytes]) -> None:
    # The payload may be either; a list takes both.
    assert sum(len(piece) for piece in conn.send_with_data_passthrough(data)) == 5
    assert_type(conn.send_with_data_passthrough(EndOfMessage()), list[bytes])


# --- what is received, and what is known ------------------------------------------------------------------------------


def all_that_is_there(conn: ServerConnection) -> list[ClientEvent]:
    events: list[ClientEvent] = []
    while not isinstance(event := conn.next_event(), type):
        events.append(event)
    return events


def each_receives_what_the_other_sends(
    client: ClientConnection, server: ServerConnection, either: Connection, of_t: Connection[RoleT]
) -> None:
    assert_type(client.next_event(), ServerEvent | Signal)
    assert_type(server.next_event(), ClientEvent | Signal)
    assert_type(either.next_event(), Event | Signal)
    assert_type(of_t.next_event(), Event | Signal)


def either_is_told_apart(conn: Connection) -> str:
    event = conn.next_event()
    if isinstance(event, type):
        return "a signal"
    match event:
        case Request():
            return "we are the server"
        case InformationalResponse() | Response():
            return "we are the client"
        case Data() | EndOfMessage() | ConnectionClosed():
            return "it is not known"
        case _:
            assert_never(event)


def what_is_known_of_a_connection(client: ClientConnection, server: ServerConnection, either: Connection) -> None:
    assert_type(client.our_role, Literal["CLIENT"])
    assert_type(server.our_role, Literal["SERVER"])
    assert_type(either.our_role, Role)
    assert_type(either.their_role, Role)
    assert_type(either.our_state, State)
    assert_type(either.their_state, State)
    assert_type(either.states, dict[Role, State])
    assert_type(either.states[CLIENT], State)
    assert_type(either.their_http_version, bytes | None)
    assert_type(either.left_out_lines, tuple[bytes, ...])
    assert_type(either.client_is_waiting_for_100_continue, bool)
    assert_type(either.they_are_waiting_for_100_continue, bool)
    assert_type(either.trailing_data, tuple[bytes, bool])


def a_state_is_asked_for_before_it_changes(conn: Connection[RoleT]) -> tuple[State, State]:
    # mypy and pyright take a property for what they last found it to be, whatever is called in between; so what is
    # asked is a variable.
    before = conn.our_state
    if before == DONE:
        conn.start_next_cycle()
        assert conn.our_state == IDLE
    assert conn.states[conn.our_role] is conn.our_state
    return before, conn.our_state


def what_is_received_may_be_any_buffer(conn: Connection) -> None:
    conn.receive_data(b"GE")
    conn.receive_data(bytearray(b"T"))
    conn.receive_data(memoryview(b" "))


def answering() -> ServerConnection:
    """Return a server's connection in the middle of an exchange, with 5 bytes to be sent."""
    conn = Connection(SERVER)
    what_is_received_may_be_any_buffer(conn)
    conn.receive_data(b"/ HTTP/1.1\r\nHost: a\r\n\r\n")
    assert all_that_is_there(conn) == [REQUEST, EndOfMessage()]
    conn.send(RESPONSE)
    return conn


def main() -> None:
    it_is_inferred()
    it_is_said()
    for role in (CLIENT, SERVER):
        it_is_chosen_at_run_time(role)
        it_is_looked_up(role)
        assert it_is_read_from_text(role.lower()).our_role == role

    they_are_built_on()
    they_are_passed_on()
    a_generic_class_has_what_its_role_has()

    a_client_sends()
    a_client_passes_through(Connection(CLIENT))
    for server_sends in (a_server_sends, a_server_passes_through):
        server = Connection(SERVER)
        server.receive_data(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert either_is_told_apart(server) == "we are the server"
        server_sends(server)
    a_union_is_sent(Connection(CLIENT), Connection(SERVER), REQUEST, RESPONSE, EndOfMessage())
    server = answering()
    either_sends(server, server, server)
    either_passes_through(answering(), Data(File()))

    what_is_known_of_a_connection(Connection(CLIENT), Connection(SERVER), Connection(CLIENT))
    each_receives_what_the_other_sends(Connection(CLIENT), Connection(SERVER), Connection(CLIENT), Connection(SERVER))
    server = answering()
    server.send(Data(b"Hello"))
    server.send(EndOfMessage())
    assert a_state_is_asked_for_before_it_changes(server) == (DONE, IDLE)
