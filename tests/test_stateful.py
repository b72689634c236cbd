"""Two connected peers, with bytes on their way between them: what one has sent is what the other reads."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from http11 import (
    CLIENT,
    CLOSED,
    DONE,
    IDLE,
    MIGHT_SWITCH_PROTOCOL,
    MUST_CLOSE,
    NEED_DATA,
    PAUSED,
    SEND_BODY,
    SEND_RESPONSE,
    SERVER,
    SWITCHED_PROTOCOL,
    Connection,
    ConnectionClosed,
    Data,
    EndOfMessage,
    Event,
    InformationalResponse,
    Request,
    Response,
    Role,
    State,
    framing,
)
from tests import strategies
from tests.harness import Outcome, plain

LARGEST_BODY = 50

# All that is on its way, or a part of it.
sizes = st.just(10_000) | st.integers(1, 200)


class Wire:
    """One direction: what has been sent and has not arrived, and the events that were sent and that were read."""

    def __init__(self) -> None:
        self.in_flight = bytearray()
        self.closing = False
        self.sent: Outcome = []
        self.read: Outcome = []

    @staticmethod
    def log(to: Outcome, event: Event) -> None:
        """Add an event; where a body is cut means nothing, so its parts are joined."""
        spelled = plain(event)
        if not isinstance(event, Data):
            to.append(spelled)
        elif event.data:
            if to and to[-1][0] == "Data":
                to[-1] = ("Data", f"{to[-1][1]}{spelled[1]}")
            else:
                to.append(spelled)


class Peers(RuleBasedStateMachine):
    """The rules are what two well-behaved peers may do; the model is the list of what was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.client = Connection(CLIENT)
        self.server = Connection(SERVER)
        self.to_server = Wire()
        self.to_client = Wire()
        # How the body that is on its way ends, and how much of it is left.
        self.body: dict[Role, framing.BodyFraming] = {CLIENT: 0, SERVER: 0}
        self.left = {CLIENT: 0, SERVER: 0}
        self.method = b""
        self.answered = False
        self.unasked = False
        # What the requests have said that the server has read.
        self.keep_alive = True
        self.upgrade_proposed = False

    # --- the client ---

    def send_as_client(self, event: Request | Data[bytes] | EndOfMessage) -> None:
        self.to_server.in_flight += self.client.send(event)
        Wire.log(self.to_server.sent, event)

    @precondition(lambda self: self.client.our_state == IDLE and not self.to_server.closing)
    @rule(request=strategies.requests())
    def ask(self, request: Request) -> None:
        body = framing.request_framing(request)
        if isinstance(body, int) and body > LARGEST_BODY:
            return
        self.to_server.in_flight += self.client.send(request)
        host_first = sorted(request.headers.raw_items(), key=lambda pair: pair[0].lower() != b"host")
        Wire.log(self.to_server.sent, Request(method=request.method, target=request.target, headers=host_first))
        self.body[CLIENT] = body
        self.left[CLIENT] = body if isinstance(body, int) else LARGEST_BODY
        self.method = request.method
        self.end_request_if_full()

    @precondition(lambda self: self.client.our_state == IDLE and not self.to_server.closing)
    @rule()
    def ask_for_a_tunnel(self) -> None:
        request = Request(method="CONNECT", target="a:1", headers=[("Host", "a")])
        self.send_as_client(request)
        self.left[CLIENT] = 0
        self.method = request.method
        self.send_as_client(EndOfMessage())

    def end_request_if_full(self) -> None:
        """The reader knows that a body of known length has ended when its last byte has come; so should we."""
        if isinstance(self.body[CLIENT], int) and self.left[CLIENT] == 0:
            self.send_as_client(EndOfMessage())

    @precondition(lambda self: self.client.our_state == SEND_BODY)
    @rule(data=strategies.datas)
    def upload(self, data: Data[bytes]) -> None:
        part = Data(data.data[: self.left[CLIENT]])
        self.left[CLIENT] -= len(part.data)
        self.send_as_client(part)
        self.end_request_if_full()

    @precondition(lambda self: self.client.our_state == SEND_BODY)
    @rule(end=strategies.ends)
    def end_request(self, end: EndOfMessage) -> None:
        # Where the length was said, the rest of the body comes first, and no trailers.
        chunked = self.body[CLIENT] == "chunked"
        if not chunked:
            self.send_as_client(Data(b"." * self.left[CLIENT]))
        self.send_as_client(end if chunked else EndOfMessage())

    @precondition(lambda self: self.client.our_state == MUST_CLOSE and not self.to_server.closing)
    @rule()
    def send_an_empty_line(self) -> None:
        """As old clients do after their last request: it is no event, and no error."""
        self.to_server.in_flight += b"\r\n"

    @precondition(lambda self: self.client.our_state in (IDLE, DONE, MUST_CLOSE))
    @rule(unused=st.sampled_from([False, False, False, True]))
    def close_client(self, *, unused: bool) -> None:
        if self.client.our_state == IDLE and not unused:
            return
        assert self.client.send(ConnectionClosed()) is None
        self.to_server.closing = True
        Wire.log(self.to_server.sent, ConnectionClosed())

    # --- the server ---

    def send_as_server(self, event: InformationalResponse | Response | Data[bytes] | EndOfMessage) -> None:
        self.to_client.in_flight += self.server.send(event)
        self.answered = isinstance(event, EndOfMessage)

    @precondition(lambda self: self.server.our_state == SEND_RESPONSE)
    @rule(interim=strategies.informational_responses())
    def inform(self, interim: InformationalResponse) -> None:
        self.send_as_server(interim)
        Wire.log(self.to_client.sent, framing.informational_to_send(interim))

    @precondition(lambda self: self.upgrade_proposed and self.server.our_state == SEND_RESPONSE)
    @rule()
    def switch(self) -> None:
        accept = InformationalResponse(status_code=101, headers=[("Upgrade", "x")])
        self.send_as_server(accept)
        Wire.log(self.to_client.sent, accept)

    @precondition(lambda self: self.server.our_state == SEND_RESPONSE)
    @rule(response=strategies.responses())
    def answer(self, response: Response) -> None:
        body = framing.response_framing(response, None)
        if isinstance(body, int) and body > LARGEST_BODY:
            return
        refuses_tunnel = self.method == b"CONNECT" and response.status_code >= 300
        sent = framing.response_to_send(
            response,
            request_method=self.method,
            peer_version=b"1.1",
            keep_alive=self.keep_alive,
            last=self.server.their_state == CLOSED or refuses_tunnel,
        )
        self.send_as_server(response)
        Wire.log(self.to_client.sent, sent)
        self.upgrade_proposed = False
        self.body[SERVER] = body = framing.response_framing(sent, self.method)
        self.left[SERVER] = body if isinstance(body, int) else LARGEST_BODY
        self.end_response_if_full()

    def end_response_if_full(self) -> None:
        if self.server.our_state == SEND_BODY and isinstance(self.body[SERVER], int) and self.left[SERVER] == 0:
            self.send_as_server(EndOfMessage())
            Wire.log(self.to_client.sent, EndOfMessage())

    @precondition(lambda self: self.server.our_state == SEND_BODY)
    @rule(data=strategies.datas)
    def download(self, data: Data[bytes]) -> None:
        part = Data(data.data[: self.left[SERVER]])
        self.left[SERVER] -= len(part.data)
        self.send_as_server(part)
        Wire.log(self.to_client.sent, part)
        self.end_response_if_full()

    @precondition(lambda self: self.server.our_state == SEND_BODY)
    @rule(end=strategies.ends)
    def end_response(self, end: EndOfMessage) -> None:
        chunked = self.body[SERVER] == "chunked"
        if not chunked:
            rest = Data(b"." * self.left[SERVER])
            self.send_as_server(rest)
            Wire.log(self.to_client.sent, rest)
        last = end if chunked else EndOfMessage()
        self.send_as_server(last)
        Wire.log(self.to_client.sent, last)

    @precondition(lambda self: self.answered and not self.to_client.closing)
    @rule(more=st.sampled_from([b"\r\n", b"0\r\n\r\n", b"HTTP/1.1 408 \r\nContent-Length: 0\r\n\r\n"]))
    def send_more_than_the_answer(self, more: bytes) -> None:
        """As broken servers do: the answer counts, and this is never read."""
        self.to_client.in_flight += more
        self.unasked = True

    @precondition(lambda self: self.server.our_state in (DONE, MUST_CLOSE))
    @rule()
    def close_server(self) -> None:
        assert self.server.send(ConnectionClosed()) is None
        self.to_client.closing = True
        Wire.log(self.to_client.sent, ConnectionClosed())

    # --- the network, and both ---

    @rule(size=sizes)
    def deliver_to_server(self, size: int) -> None:
        self.deliver(self.to_server, self.server, size)

    @rule(size=sizes)
    def deliver_to_client(self, size: int) -> None:
        self.deliver(self.to_client, self.client, size)

    def deliver(self, wire: Wire, end: Connection[Role], size: int) -> None:
        piece = bytes(wire.in_flight[:size])
        del wire.in_flight[:size]
        if piece:
            end.receive_data(piece)
        elif wire.closing:
            end.receive_data(b"")
        while True:
            event = end.next_event()
            if event is NEED_DATA or event is PAUSED:
                return
            if wire.read and wire.read[-1] == ("ConnectionClosed",):
                assert event == ConnectionClosed()
                return
            if isinstance(event, Request):
                _, keep_alive, self.upgrade_proposed, _ = framing.request_facts(event)
                self.keep_alive = self.keep_alive and keep_alive
            Wire.log(wire.read, event)

    @precondition(
        lambda self: (
            self.client.states == self.server.states == {CLIENT: DONE, SERVER: DONE}
            and not self.to_server.in_flight
            and not self.to_client.in_flight
        )
    )
    @rule()
    def next_cycle(self) -> None:
        self.client.start_next_cycle()
        self.server.start_next_cycle()
        self.answered = False

    @invariant()
    def what_was_read_is_what_was_sent(self) -> None:
        for wire in (self.to_server, self.to_client):
            for read, sent in zip(wire.read, wire.sent, strict=False):
                if read != sent:
                    # A body of which a part is still on its way.
                    assert read[0] == sent[0] == "Data"
                    assert str(sent[1]).startswith(str(read[1]))
                    assert read is wire.read[-1]
            assert len(wire.read) <= len(wire.sent)

    @invariant()
    def both_see_the_same_once_all_has_arrived(self) -> None:
        quiet = not any(wire.in_flight or wire.closing for wire in (self.to_server, self.to_client))
        if self.unasked:
            # The client alone knows that it is not to go on.
            assert self.to_client.in_flight or DONE not in self.client.states.values()
        elif quiet and self.to_server.read == self.to_server.sent and self.to_client.read == self.to_client.sent:
            assert self.client.states == self.server.states
            ours: State = self.client.our_state
            assert (ours == SWITCHED_PROTOCOL) == (self.server.our_state == SWITCHED_PROTOCOL) or ours in (
                SEND_BODY,
                MIGHT_SWITCH_PROTOCOL,
            )


Peers.TestCase.settings = settings(stateful_step_count=40)
TestPeers = Peers.TestCase
