"""What comes of sending one of several events, where a checker has to look at each."""

from typing import assert_type

from http11 import ClientConnection, Connection, ConnectionClosed, Data, EndOfMessage, ServerConnection


class File:
    """Something that can be written by `os.sendfile`."""

    def __len__(self) -> int:
        """Its size in bytes."""
        return 5


def the_end_or_the_very_end(
    client: ClientConnection, server: ServerConnection, either: Connection, event: EndOfMessage | ConnectionClosed
) -> None:
    assert_type(client.send(event), bytes | None)
    assert_type(server.send(event), bytes | None)
    assert_type(either.send(event), bytes | None)
    assert_type(client.send_with_data_passthrough(event), list[bytes] | None)
    assert_type(server.send_with_data_passthrough(event), list[bytes] | None)
    assert_type(either.send_with_data_passthrough(event), list[bytes] | None)


def a_file_or_the_end(conn: Connection, event: Data[File] | EndOfMessage, last: Data[File] | ConnectionClosed) -> None:
    assert_type(conn.send_with_data_passthrough(event), list[bytes | File] | list[bytes])
    assert_type(conn.send_with_data_passthrough(last), list[bytes | File] | None)
