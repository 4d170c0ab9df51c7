"""What can be wrong between us and the broker, in words for an operator.

The texts go behind "broker HOST:PORT": "refuses connections: …". Codes are the reason codes of MQTT 5
(section 2.4), into which paho translates those of 3.1.1.
"""

import enum
import socket
import ssl
from typing import NamedTuple

import aiomqtt
from paho.mqtt.client import WebsocketConnectionError
from paho.mqtt.reasoncodes import ReasonCode

from bridge.config import MqttSettings

UNSUPPORTED_VERSION, BAD_IDENTIFIER, TAKEN_OVER = 0x84, 0x85, 0x8E
BAD_CREDENTIALS = frozenset({0x86, 0x87, 0x8A, 0x8C})  # user name or password, authorization, ban, method

_RIGHT_SCHEME = "has [mqtt] url the right scheme, with TLS (mqtts, wss) or without (mqtt, ws)?"


class Cause(enum.Enum):
    """Why there is no connection, as far as that decides what to do next."""

    VERSION = enum.auto()  # the broker says that it does not speak this version
    SILENT = enum.auto()  # not a word: does not know the version, or is just starting or going down
    REFUSED = enum.auto()  # will not get better by itself
    OTHER = enum.auto()


class LinkError(Exception):
    """No connection; `str()` tells why."""

    def __init__(self, cause: Cause, text: str) -> None:
        super().__init__(text)
        self.cause = cause


class Loss(NamedTuple):
    """How a connection ended; `code` is the reason in the broker's DISCONNECT (MQTT 5), 0 without one.

    `in_order`: the broker closed it, with a DISCONNECT or without; no network broke it, and it was not silent.
    """

    code: int
    text: str
    in_order: bool


def ended(code: ReasonCode, fault: Exception | None, *, by_broker: bool, closed: bool) -> Loss:
    """The end of a connection; `by_broker` is true when a DISCONNECT packet came, `closed` when TCP was closed."""
    if by_broker:
        return Loss(code.value, f"disconnected us: {str(code).lower()}", in_order=True)
    if fault:
        return Loss(0, f"broke the connection: {fault}", in_order=False)
    return Loss(0, "closed the connection or does not answer", in_order=closed)


def mute() -> LinkError:
    """The broker takes the CONNECT and says nothing, or it takes longer than we wait."""
    return LinkError(Cause.SILENT, "does not answer")


def silent(fault: Exception | None) -> LinkError:
    """The connection was closed before the CONNACK; a TLS alert (no client certificate, say) tells more."""
    if isinstance(fault, ssl.SSLError):
        return LinkError(Cause.OTHER, f"ends TLS: {fault}; check [mqtt] cert_file and key_file")
    why = f": {fault}" if fault else ""
    return LinkError(Cause.SILENT, f"closes the connection without an answer{why}; {_RIGHT_SCHEME}")


def refused(code: ReasonCode, settings: MqttSettings) -> LinkError:
    """A CONNACK that says no."""
    reason = str(code).lower()
    if code.value == UNSUPPORTED_VERSION:
        return LinkError(Cause.VERSION, f"refuses this version of MQTT: {reason}; check [mqtt] protocol")
    if code.value in BAD_CREDENTIALS:
        user = "a client without user name" if settings.username is None else f"user {settings.username!r}"
        text = f"refuses {user}: {reason}; check [mqtt] username and password_file"
        return LinkError(Cause.REFUSED, text)
    if code.value == BAD_IDENTIFIER:
        return LinkError(Cause.REFUSED, f"refuses [mqtt] client_id {settings.client_id!r}: {reason}")
    return LinkError(Cause.OTHER, f"refuses the connection: {reason}")


def unreachable(error: BaseException) -> LinkError:
    """An exception while connecting; aiomqtt keeps the original as the context of its own."""
    match error.__context__ if isinstance(error, aiomqtt.MqttError) else error:
        case ConnectionRefusedError():
            text = "refuses connections: is it running, and [mqtt] url right?"
        case socket.gaierror() as fault:
            text = f"has a name that cannot be resolved: {fault.strerror}"
        case ssl.SSLCertVerificationError() as fault:
            why = fault.verify_message
            text = f"shows a certificate that is not accepted: {why}; check [mqtt] ca_file and url"
        case ssl.SSLError() as fault:
            text = f"does not agree on TLS: {fault}"
        case WebsocketConnectionError() as fault:
            text = f"does not speak WebSocket at this path: {fault}"
        case ConnectionResetError():
            text = f"breaks the connection off at once; {_RIGHT_SCHEME}"
        case OSError() | UnicodeError() as fault:
            text = f"cannot be reached: {fault}"
        case _:
            text = "does not answer"
    return LinkError(Cause.OTHER, text)
