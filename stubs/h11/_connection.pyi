from http11 import NEED_DATA, PAUSED, Connection
from http11.connection import DEFAULT_MAX_INCOMPLETE_EVENT_SIZE as DEFAULT_MAX_INCOMPLETE_EVENT_SIZE

__all__ = ["NEED_DATA", "PAUSED", "Connection"]
