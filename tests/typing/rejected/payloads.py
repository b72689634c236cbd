"""Payloads that are not bytes: only `send_with_data_passthrough` takes them."""

from http11 import ClientConnection, Connection, Data, Request, ServerConnection


class File:
    """Something that can be written by `os.sendfile`."""

    def __len__(self) -> int:
        """Its size in bytes."""
        return 5


def a_file_is_not_sent_as_bytes(
    client: ClientConnection, server: ServerConnection, either: Connection, file: Data[File], pieces: Data[list[bytes]]
) -> None:
    client.send(file)  # error: overload "send"; mypy arg-type
    server.send(file)  # error: overload "send"; mypy arg-type
    either.send(file)  # error: overload "send"; mypy arg-type
    client.send(pieces)  # error: overload "send"; mypy arg-type


def a_payload_has_a_size() -> None:
    Data(5)  # error: overload
    Data(iter([b""]))  # error: overload
    Data(object())  # error: overload


def what_is_passed_through_is_known(client: ClientConnection) -> list[bytes]:
    return client.send_with_data_passthrough(Data(File()))  # error: return "File"; mypy arg-type


def and_where_it_is_bytes_too(client: ClientConnection) -> list[bytes | File]:
    # A list may be added to, so its type has to be the very one.
    return client.send_with_data_passthrough(Data(b""))  # error: return; mypy arg-type; ty none; pyrefly none


def a_payload_keeps_its_type(data: Data[File]) -> Data[bytes]:
    print(data.data.name)  # error: attribute "name"
    return data  # error: return "File"


def a_file_is_nothing_else_either(client: ClientConnection) -> None:
    client.receive_data(File())  # error: argument "File"
    Request(method="GET", target=File(), headers=[])  # error: argument "File"


def a_bare_data_is_one_of_bytes(data: Data) -> File:
    return data.data  # error: return "bytes"
