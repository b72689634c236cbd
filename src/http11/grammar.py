r"""The grammar of RFC 9110 and RFC 9112 as compiled patterns, each beside the rule that it spells.

Nobody else writes a pattern. All are over `bytes`, in explicit sets of bytes (never ``\s``, ``\w`` or ``$``), and
no repetition gives back what it has matched wherever what follows could match the same bytes, so that no input costs
more than linear time. One of single bytes is possessive (``*+``, ``++``, ``?+``); one of a group stands in an atomic
group instead, because in a possessive one CPython 3.11.0 to 3.11.4 take half a group for a whole one (gh-106052).

Three kinds of name:

- ``METHOD``, ``FIELD_VALUE``, ...: a whole rule, for `fullmatch`;
- ``REQUEST_HEAD``, ``RESPONSE_HEAD``, ``TRAILER_SECTION``: a well-formed section without folds, in one match, for the
  interpreter; what they do not match goes the way of the walk (`http11.lines`), as all does where it is compiled;
- ``..._RUN``: the longest run of bytes that a rule allows, from a place on: where it ends is the first wrong byte. A
  `Run` is one of single bytes: `run_end` finds its end, by a loop where it is compiled, by a pattern where it is not.

"""

from __future__ import annotations

import re
from typing import Final, final

from http11._runtime import i64

__all__ = [
    "ABSOLUTE_FORM",
    "ANY_VALUE_RUN",
    "AUTHORITY_FORM",
    "AUTHORITY_RUN",
    "CHUNK_LINE",
    "CODINGS",
    "CODING_RUN",
    "CONNECT_TARGET",
    "CONTENT_LENGTH",
    "DIGITS_RUN",
    "EMPTY_LINES",
    "FIELD_LINES",
    "FIELD_NAME",
    "FIELD_SECTION",
    "FIELD_VALUE",
    "FRAGMENT_TARGET_RUN",
    "FRAMING_START",
    "HEX_RUN",
    "HOST",
    "HOST_NAME_RUN",
    "HTTP11",
    "HTTP_VERSION",
    "HTTP_VERSION_RUN",
    "IPV4_START",
    "IPVFUTURE",
    "IPVFUTURE_RUN",
    "LENIENT_EMPTY_LINES",
    "METHOD",
    "NON_ASCII_FRAGMENT_TARGET_RUN",
    "NON_ASCII_TARGET_RUN",
    "NOT_CR_LF_RUN",
    "OCTET",
    "OWS_RUN",
    "QUOTED_RUN",
    "REASON",
    "REG_NAME_RUN",
    "REPEATED_CHUNKED",
    "REQUEST_HEAD",
    "RESPONSE_HEAD",
    "SCHEME_RUN",
    "SHORT_CHUNK_LINE",
    "SPACED_NAME",
    "TARGET",
    "TARGET_RUN",
    "TOKEN_RUN",
    "TRAILER_SECTION",
    "USERINFO",
    "VALUE_RUN",
    "Run",
    "end_by_loop",
    "end_by_pattern",
    "run_end",
]

COMPILED: Final[bool] = not __file__.endswith(".py")
"""Whether mypyc has compiled this module, and with it the others that it may compile."""

# --- runs of bytes --------------------------------------------------------------------------------------------------


_DEL: Final = 0x7F


@final
class Run:
    """A set of bytes, of which a rule allows any number in a row.

    Attributes:
        table: For each of the 256 bytes, 1 where it is one of them and 0 where it is not.
        lowest: The byte from which on all are, perhaps but for DEL; to compare takes a fifth less time than to look up.
        pattern: Matches as many as there are.

    """

    __slots__ = ("lowest", "pattern", "table")

    def __init__(self, members: bytes) -> None:
        self.pattern: re.Pattern[bytes] = re.compile(members + b"*+")
        one = re.compile(members)
        self.table: bytes = bytes([0 if one.fullmatch(bytes([byte])) is None else 1 for byte in range(256)])
        self.lowest: i64 = max([byte + 1 for byte in range(256) if byte != _DEL and self.table[byte] == 0], default=0)


def run_end(run: Run, data: bytes, start: i64 = 0) -> i64:
    """Return where the longest `run` ends that begins at `start`."""
    return end_by_loop(run, data, start)  # pragma: no cover - compiled only: see the end of this module


def end_by_loop(run: Run, data: bytes, start: i64) -> i64:
    """Return the same: the form for a compiled build."""
    table = run.table
    lowest: i64 = run.lowest
    at: i64 = start
    stop: i64 = len(data)
    while at < stop:
        byte: i64 = data[at]
        if (byte < lowest or byte == _DEL) and table[byte] == 0:
            break
        at += 1
    return at


def end_by_pattern(run: Run, data: bytes, start: int = 0) -> int:
    """Return the same: the form for the interpreter, to which a loop over bytes costs thirty times as much."""
    match = run.pattern.match(data, start)
    return start if match is None else match.end()


def _any(group: bytes) -> bytes:
    return rb"(?>(?:%b)*)" % group


def _some(group: bytes) -> bytes:
    return rb"(?>(?:%b)+)" % group


def _perhaps(group: bytes) -> bytes:
    return rb"(?>(?:%b)?)" % group


# --- RFC 9110 5.6: the common rules ---------------------------------------------------------------------------------

# tchar = "!" / "#" / "$" / "%" / "&" / "'" / "*" / "+" / "-" / "." / "^" / "_" / "`" / "|" / "~" / DIGIT / ALPHA
_TCHAR: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
# token = 1*tchar
_TOKEN: Final = _TCHAR + rb"++"
# OWS = *( SP / HTAB ), and BWS, which is the same
_OWS: Final = rb"[ \t]*+"
# HTAB / SP / VCHAR / obs-text: the bytes of a field's value, and of a reason
_TEXT: Final = rb"[\t -~\x80-\xff]"
# quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
#   qdtext      = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text
#   quoted-pair = "\" ( HTAB / SP / VCHAR / obs-text )
_QUOTED: Final = _any(rb"[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff]")
_QUOTED_STRING: Final = b'"%b"' % _QUOTED

# --- RFC 9112 2 and 3: the request line -----------------------------------------------------------------------------

# HTTP-version = HTTP-name "/" DIGIT "." DIGIT
HTTP_VERSION: Final = re.compile(rb"[0-9]\.[0-9]")
HTTP11: Final = b"1.1"
"""The version that is sent: each event that is made without a version, and each received one, has this very object."""
# method = token
METHOD: Final = re.compile(_TOKEN)
# request-target: all of its forms are visible ASCII, and a fragment is never part of it (RFC 9112 3.2)
_TARGET_CHAR: Final = rb'[!"$-~]'
TARGET: Final = re.compile(_TARGET_CHAR + rb"++")

# --- RFC 3986 3.2: authority ----------------------------------------------------------------------------------------

# reg-name = *( unreserved / pct-encoded / sub-delims ), which covers IPv4address. An empty host names nobody.
_REG_NAME_CHARS: Final = rb"[A-Za-z0-9\-._~!$&'()*+,;=]"
_REG_NAME: Final = b"(?:%b++%b|%b)" % (
    _REG_NAME_CHARS,
    _any(b"%[0-9A-Fa-f]{2}" + _REG_NAME_CHARS + b"*+"),
    _some(b"%[0-9A-Fa-f]{2}" + _REG_NAME_CHARS + b"*+"),
)
_H16: Final = rb"[0-9A-Fa-f]{1,4}"
# dec-octet, without leading zeros
_OCTET: Final = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
OCTET: Final = re.compile(_OCTET)
# ls32 = ( h16 ":" h16 ) / IPv4address
_LS32: Final = rb"(?:%b:%b|%b(?:\.%b){3})" % (_H16, _H16, _OCTET, _OCTET)
# IPv6address, its nine alternatives in the order of RFC 3986. Bounded, so backtracking in it is harmless.
_IPV6: Final = b"(?:%b)" % b"|".join(
    [
        rb"(?:%b:){6}%b" % (_H16, _LS32),
        rb"::(?:%b:){5}%b" % (_H16, _LS32),
        rb"(?:%b)?::(?:%b:){4}%b" % (_H16, _H16, _LS32),
        rb"(?:(?:%b:){0,1}%b)?::(?:%b:){3}%b" % (_H16, _H16, _H16, _LS32),
        rb"(?:(?:%b:){0,2}%b)?::(?:%b:){2}%b" % (_H16, _H16, _H16, _LS32),
        rb"(?:(?:%b:){0,3}%b)?::%b:%b" % (_H16, _H16, _H16, _LS32),
        rb"(?:(?:%b:){0,4}%b)?::%b" % (_H16, _H16, _LS32),
        rb"(?:(?:%b:){0,5}%b)?::%b" % (_H16, _H16, _H16),
        rb"(?:(?:%b:){0,6}%b)?::" % (_H16, _H16),
    ]
)
# IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )
_IPVFUTURE: Final = rb"[vV][0-9A-Fa-f]++\.[A-Za-z0-9\-._~!$&'()*+,;=:]++"
IPVFUTURE: Final = re.compile(_IPVFUTURE)
# uri-host = IP-literal / IPv4address / reg-name
_URI_HOST: Final = rb"(?:\[(?:%b|%b)\]|%b)" % (_IPV6, _IPVFUTURE, _REG_NAME)
# Host = uri-host [ ":" port ], or empty (RFC 9112 3.2). Groups: host, port.
HOST: Final = re.compile(_perhaps(rb"(%b)%b" % (_URI_HOST, _perhaps(rb":([0-9]*+)"))))
# A port that TCP has: 1 to 65535.
_PORT: Final = rb"0*+(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
# authority-form = uri-host ":" port; "a server MUST reject a CONNECT request that targets an empty or invalid port
# number" (RFC 9110 9.3.6)
CONNECT_TARGET: Final = re.compile(rb"%b:%b" % (_URI_HOST, _PORT))
# userinfo "@", with userinfo = *( unreserved / pct-encoded / sub-delims / ":" ): what may not stand before a host here
USERINFO: Final = re.compile(rb"%b@" % _any(rb"[A-Za-z0-9\-._~!$&'()*+,;=:]|%[0-9A-Fa-f]{2}"))
# What would be read as authority-form by somebody, even where its port is missing or absurd.
AUTHORITY_FORM: Final = re.compile(rb"%b:[0-9]*+" % _URI_HOST)
# absolute-form = absolute-URI = scheme ":" hier-part [ "?" query ]. Groups: scheme, authority (None where there is no
# "//"). Over targets that have been found to be made of what is tolerated, which may be bytes above 0x7F.
ABSOLUTE_FORM: Final = re.compile(rb"([A-Za-z][A-Za-z0-9+\-.]*+):%b[!-~\x80-\xff]*+" % _perhaps(rb"//([^/?#]*+)"))

# --- RFC 9112 4: the status line ------------------------------------------------------------------------------------

# reason-phrase = 1*( HTAB / SP / VCHAR / obs-text ), or nothing
REASON: Final = re.compile(_TEXT + rb"*+")

# --- RFC 9110 5, RFC 9112 5: fields ---------------------------------------------------------------------------------

# field-name = token
FIELD_NAME: Final = re.compile(_TOKEN)
# field-value = *field-content: no white space at either end
FIELD_VALUE: Final = re.compile(rb"(?![ \t])%b*+(?<![ \t])" % _TEXT)
# field-line = field-name ":" OWS field-value OWS, and its CRLF. The value's class takes the OWS behind it along.
_FIELD_LINE: Final = rb"%b:%b*+\r\n" % (_TOKEN, _TEXT)
# field lines as they are sent: one SP before a value, and no white space at either end of it
FIELD_SECTION: Final = re.compile(_any(rb"%b: %b\r\n" % (_TOKEN, _perhaps(rb"(?![ \t])%b++(?<![ \t])" % _TEXT))))
# Over lines that match _FIELD_LINE. Groups: name, value with the OWS behind it.
FIELD_LINES: Final = re.compile(rb"(%b):%b(%b*+)\r\n" % (_TOKEN, _OWS, _TEXT))

# Fields that say how long a message is, or what becomes of the connection.
_FRAMING_NAMES: Final = (
    b"connection",
    b"content-length",
    b"keep-alive",
    b"proxy-connection",
    b"transfer-encoding",
    b"upgrade",
)


# To whoever folds cases as Unicode does, these are letters too: LATIN SMALL LETTER LONG S and KELVIN SIGN, in UTF-8.
_FOLDED: Final = {b"s": rb"\xc5\xbf", b"k": rb"\xe2\x84\xaa"}
_JUNK: Final = rb"[^A-Za-z]*+"
_FOLDED_JUNK: Final = _any(rb"(?!%b)[^A-Za-z]" % b"|".join(_FOLDED.values()))


def _letters(name: bytes, junk: bytes, folded: dict[bytes, bytes]) -> bytes:
    letters = [name[at : at + 1] for at in range(len(name)) if name[at : at + 1].isalpha()]
    return junk.join([b"(?:%b|%b)" % (one, folded[one]) if one in folded else one for one in letters])


# What somebody might take for the name of one of them, or for another status line, at the beginning of a line that is
# no field line: only the letters count, in any case. Up to the byte at which it has become one.
FRAMING_START: Final = re.compile(
    rb"(?i)%b(?:http/|%b)|%b(?:%b)"
    % (
        _JUNK,
        b"|".join([_letters(name, _JUNK, {}) for name in _FRAMING_NAMES]),
        _FOLDED_JUNK,
        b"|".join([_letters(name, _FOLDED_JUNK, _FOLDED) for name in _FRAMING_NAMES]),
    )
)
# A field name with white space before its colon, in a head
SPACED_NAME: Final = re.compile(rb"\n%b[ \t]++:" % _TOKEN)

# --- RFC 9112 2.1: whole sections -----------------------------------------------------------------------------------

# request-line CRLF *( field-line CRLF ) CRLF. Groups: method, target, version.
REQUEST_HEAD: Final = re.compile(rb"(%b) (%b++) HTTP/(1\.[0-9])\r\n%b\r\n" % (_TOKEN, _TARGET_CHAR, _any(_FIELD_LINE)))
# status-line CRLF *( field-line CRLF ) CRLF. Groups: version, status code, reason (None where even its SP is missing).
RESPONSE_HEAD: Final = re.compile(
    rb"HTTP/(1\.[0-9]) ([1-9][0-9]{2})%b\r\n%b\r\n" % (_perhaps(rb" (%b*+)" % _TEXT), _any(_FIELD_LINE))
)


# trailer-section CRLF = *( field-line CRLF ) CRLF
TRAILER_SECTION: Final = re.compile(_any(_FIELD_LINE) + rb"\r\n")
# "A server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line (CRLF) received
# prior to the request-line" (RFC 9112 2.2)
EMPTY_LINES: Final = re.compile(_any(rb"\r\n"))
# "a recipient MAY recognize a single LF as a line terminator" (RFC 9112 2.2)
LENIENT_EMPTY_LINES: Final = re.compile(_any(rb"\r?+\n"))

# --- RFC 9110 8.6, RFC 9112 7.1: lengths ----------------------------------------------------------------------------

# Content-Length = 1*DIGIT
CONTENT_LENGTH: Final = re.compile(rb"[0-9]++")
# transfer-coding = token *( OWS ";" OWS transfer-parameter ), or nothing.
#   transfer-parameter = token BWS "=" BWS ( token / quoted-string )
_PARAMETERS: Final = _any(rb"%b;%b%b%b=%b(?:%b|%b)" % (_OWS, _OWS, _TOKEN, _OWS, _OWS, _TOKEN, _QUOTED_STRING))
CODING_RUN: Final = re.compile(_perhaps(_TOKEN + _PARAMETERS))
# A list of codings, none of them empty, with their parameters. Group: the name of the last one.
CODINGS: Final = re.compile(
    rb"%b%b(%b)%b" % (_OWS, _any(rb"%b%b%b,%b" % (_TOKEN, _PARAMETERS, _OWS, _OWS)), _TOKEN, _PARAMETERS + _OWS)
)
# `chunked` several times, and nothing else, in lower case
REPEATED_CHUNKED: Final = re.compile(rb"%bchunked%b" % (_OWS, _some(rb"%b,%bchunked" % (_OWS, _OWS)) + _OWS))
# chunk-size [ chunk-ext ], without the CRLF. Groups: size, extensions.
#   chunk-size = 1*HEXDIG, here at most 16 of them
#   chunk-ext  = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] )
CHUNK_LINE: Final = re.compile(
    rb"([0-9A-Fa-f]{1,16}+)(%b)"
    % _any(rb"%b;%b%b%b" % (_OWS, _OWS, _TOKEN, _perhaps(rb"%b=%b(?:%b|%b)" % (_OWS, _OWS, _TOKEN, _QUOTED_STRING))))
)

# A chunk line without extensions and with its CRLF, as nearly all are. Group: size.
SHORT_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,8}+)\r\n")

# --- runs -----------------------------------------------------------------------------------------------------------

TOKEN_RUN: Final = Run(_TCHAR)
TARGET_RUN: Final = Run(_TARGET_CHAR)
FRAGMENT_TARGET_RUN: Final = Run(rb"[!-~]")
NON_ASCII_TARGET_RUN: Final = Run(rb'[!"$-~\x80-\xff]')
NON_ASCII_FRAGMENT_TARGET_RUN: Final = Run(rb"[!-~\x80-\xff]")
VALUE_RUN: Final = Run(_TEXT)
# What the package h11 0.16 takes in a value and in a reason: all but NUL, LF, VT, FF and CR
ANY_VALUE_RUN: Final = Run(rb"[^\x00\n\x0b\x0c\r]")
# As much as there is of an HTTP-version with its HTTP-name: HTTP-name "/" DIGIT "." DIGIT
_VERSION_TAIL: Final = _perhaps(rb"/" + _perhaps(rb"[0-9]" + _perhaps(rb"\.[0-9]?+")))
HTTP_VERSION_RUN: Final = re.compile(_perhaps(b"H" + _perhaps(b"T" + _perhaps(b"T" + _perhaps(b"P" + _VERSION_TAIL)))))
DIGITS_RUN: Final = Run(rb"[0-9]")
# Of an absolute-form
SCHEME_RUN: Final = re.compile(_perhaps(rb"[A-Za-z][A-Za-z0-9+\-.]*+"))
AUTHORITY_RUN: Final = re.compile(rb"[^/?#]*+")
REG_NAME_RUN: Final = re.compile(rb"%b*+%b" % (_REG_NAME_CHARS, _any(b"%[0-9A-Fa-f]{2}" + _REG_NAME_CHARS + b"*+")))
# Where an IPv6 address has digits that can be no group of it.
IPV4_START: Final = re.compile(rb"[0-9]++\.")
IPVFUTURE_RUN: Final = re.compile(
    _perhaps(rb"[vV]" + _perhaps(rb"[0-9A-Fa-f]++" + _perhaps(rb"\.[A-Za-z0-9\-._~!$&'()*+,;=:]*+")))
)
# What most hosts are made of, names and IPv4 addresses: a part of reg-name
HOST_NAME_RUN: Final = Run(rb"[A-Za-z0-9\-._]")
HEX_RUN: Final = Run(rb"[0-9A-Fa-f]")
NOT_CR_LF_RUN: Final = Run(rb"[^\r\n]")
OWS_RUN: Final = Run(rb"[ \t]")
# What may stand between the two DQUOTEs of a quoted-string.
QUOTED_RUN: Final = re.compile(_QUOTED)

if not COMPILED:  # pragma: no branch
    globals()["run_end"] = end_by_pattern
