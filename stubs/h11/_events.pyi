from http11 import ConnectionClosed, Data, EndOfMessage, Event, InformationalResponse, Request, Response

__all__ = ["ConnectionClosed", "Data", "EndOfMessage", "Event", "InformationalResponse", "Request", "Response"]
