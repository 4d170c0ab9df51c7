"""What a single value may be: each rule returns it or raises `ValueError` with what is allowed ("must …")."""

import ipaddress
import re
from datetime import UTC, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

LEAST_FILE_BYTES = 16 * 1024 * 1024  # a database has to have room for what is written while the oldest rows go
MQTT_TEXT_BYTES = 65_535  # MQTT strings carry a 16-bit length (MQTT 5, 1.5.4)
TLS_SCHEMES = ("mqtts", "wss")
WEBSOCKET_SCHEMES = ("ws", "wss")

FILE_BYTES_RULE = f"must be a whole number of at least {LEAST_FILE_BYTES} (16 MiB), or 0 for no limit"
URL_RULE = "must be mqtt://, mqtts://, ws:// or wss:// with a host and, if wanted, a port"
CREDENTIALS_RULE = "must not hold credentials: use username and password_file (or BRIDGE_MQTT_PASSWORD)"
FILTER_RULE = 'must be an MQTT filter: not empty, "+" a whole level, "#" the whole last level'
PATTERN_RULE = f'{FILTER_RULE}; "*" is any part of a level'
SHARE_RULE = "must be $share/NAME/FILTER, the name without + and #, the filter valid"
HOST_RULE = "must be an IP address or a host name, without a port"
ORIGIN_RULE = 'must be "*", "null" or an origin in lower case without a path, such as "https://hmi.example:8443"'
URI_RULE = 'must be an absolute URI without "#" and ",", such as "https://example.com/plant"'
TYPE_RULE = 'must be the name of a type: not blank, without / # , " and backslash'
SEPARATORS_RULE = 'must be characters that separate levels beside "/", such as ".", none of them / + #'
ZONE_RULE = 'must be an IANA time zone, such as "Europe/Berlin"'

_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_NUMBERS = re.compile(r"[0-9.]+")  # meant as an IPv4 address: no top-level domain is a number (RFC 3696, section 2)
_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[a-z0-9_.:\[\]-]+")
# RFC 3986 without "#" and ",": a type's id is namespace#Name, and clients split lists of ids at commas
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?\[\]@!$&'()*+;=%-]+")

HEADER_RULE = "must be the name of an HTTP header, such as X-API-Key, and not one that has a meaning of its own"
HTTPS_RULE = "must be https:// with a host, without credentials; http:// only for this machine"
TEMPLATE_RULE = (
    "must be a topic made of text, {topic}, {parent}, {name}, {2} (the second level) and {2+} (from the second level "
    'on), such as "{topic}/set"'
)

CLIENT_RULE = "must be what the provider calls the page: printable ASCII, without blanks"
SCOPE_RULE = 'must be one scope, such as "openid": printable ASCII, without blanks, quotes and backslashes'

_CLIENT = re.compile(r"[\x21-\x7e]*")  # RFC 6749, A.1 allows blanks; nobody's has one, but by mistake
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749, 3.3
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_OTHER_HEADERS = frozenset(
    {"authorization", "content-length", "content-type", "cookie", "host", "origin", "connection"}
)
_PLACEHOLDER = re.compile(r"\{(?:topic|parent|name|[1-9]\d?\+?)\}")
_TYPE_NAME = re.compile(r'[^/#,"\\]+')
_SEPARATORS = re.compile(r"[^/+#]+")


def mqtt_url(url: str) -> str:
    """A broker's address; a path is for websockets, credentials have keys of their own."""
    if "@" in url:
        raise ValueError(CREDENTIALS_RULE)
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url or parts.query or parts.fragment:
        raise ValueError(URL_RULE)
    if parts.scheme not in ("mqtt", *TLS_SCHEMES, *WEBSOCKET_SCHEMES):
        raise ValueError(URL_RULE)
    if parts.scheme not in WEBSOCKET_SCHEMES and parts.path not in ("", "/"):
        raise ValueError("must have no path: only ws:// and wss:// take one")
    return url


def file_bytes(size: int) -> int:
    """What a file of rows may take."""
    if size and size < LEAST_FILE_BYTES:
        raise ValueError(FILE_BYTES_RULE)
    return size


def mqtt_filter(text: str) -> str:
    """An MQTT topic filter (MQTT 5, 4.7.1), not a shared one."""
    levels = text.split("/")
    wild = [level for level in levels[:-1] if "#" in level] or [
        level for level in levels if len(level) > 1 and ("#" in level or "+" in level)
    ]
    if not text or wild or "\0" in text or len(text.encode()) > MQTT_TEXT_BYTES:
        raise ValueError(FILTER_RULE)
    if levels[0] == "$share":
        raise ValueError("must be a filter without $share")
    return text


def pattern(text: str) -> str:
    """A filter in which a level may also hold `*`."""
    if text.startswith("$share/"):
        return mqtt_filter(text)
    try:
        return mqtt_filter(text)
    except ValueError:
        raise ValueError(PATTERN_RULE) from None


def topic_prefix(text: str) -> str:
    """The beginning of topics: no wildcards."""
    if not text or "+" in text or "#" in text or "\0" in text:
        raise ValueError("must be the beginning of topics, without + and #")
    return text


def separators(text: str) -> str:
    """Characters that separate levels."""
    if not _SEPARATORS.fullmatch(text) or not text.isprintable():
        raise ValueError(SEPARATORS_RULE)
    return text


def any_separators(text: str) -> str:
    """The same, or none."""
    return separators(text) if text else text


def subscription(text: str) -> str:
    """A filter that may be shared: `$share/NAME/FILTER` (MQTT 5, 4.8.2)."""
    if not text.startswith("$share/"):
        return mqtt_filter(text)
    _, name, *rest = text.split("/", 2)
    try:
        shared = mqtt_filter(rest[0]) if rest else ""
    except ValueError:
        shared = ""
    if not shared or not name or "+" in name or "#" in name:
        raise ValueError(SHARE_RULE)
    return text


def mqtt_text(text: str) -> str:
    """A client id or user name as MQTT can carry it."""
    if not text or not text.isprintable() or len(text.encode()) > MQTT_TEXT_BYTES:
        raise ValueError(f"must be 1 to {MQTT_TEXT_BYTES} bytes of printable text")
    return text


def host(text: str) -> str:
    """An address to listen on."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        if not _HOST_NAME.fullmatch(text) or _NUMBERS.fullmatch(text):
            raise ValueError(HOST_RULE) from None
    return text


def origin(text: str) -> str:
    """A web origin as browsers write it ("null" is a page from `file://`), compared letter by letter."""
    if not _ORIGIN.fullmatch(text):
        raise ValueError(ORIGIN_RULE)
    return text


def namespace(text: str) -> str:
    """The URI that inferred types live under, or nothing."""
    if text and not _URI.fullmatch(text):
        raise ValueError(URI_RULE.replace("must be", 'must be "" or', 1))
    return text


def uri(text: str) -> str:
    """The URI that some types live under."""
    if not text:
        raise ValueError(URI_RULE)
    return namespace(text)


def type_name(text: str) -> str:
    """A type's name: it becomes part of an id."""
    if not _TYPE_NAME.fullmatch(text) or not text.isprintable() or text != text.strip():
        raise ValueError(TYPE_RULE)
    return text


def key(text: str) -> str:
    """A key of a payload, or a dotted path of keys."""
    if not text:
        raise ValueError('must be a key of the payload, or a path of keys such as "data.value"')
    return text


def claim(text: str) -> str:
    """A claim of a token, or a dotted path of claims."""
    if not text.strip() or not text.isprintable():
        raise ValueError('must be the name of a claim, or a path of names such as "realm_access.roles"')
    return text


def words(text: str) -> str:
    """A text for people."""
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def line(text: str) -> str:
    """A text for people, on one line."""
    if not text.strip() or not text.isprintable():
        raise ValueError("must be printable text, not blank")
    return text


def optional_line(text: str) -> str:
    """The same, or none."""
    return line(text) if text else text


def name(text: str) -> str:
    """The name of a level: never blank, no topic separator."""
    if not text.strip() or not text.isprintable() or "/" in text:
        raise ValueError('must be a name: not blank, without "/"')
    return text


def folded(text: str) -> str:
    """A name that is compared without regard to case, kept folded."""
    return name(text).casefold()


def distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    """No name twice."""
    if len(set(names)) != len(names):
        raise ValueError("must not name anything twice")
    return names


def some(items: tuple[str, ...]) -> tuple[str, ...]:
    """At least one."""
    if not items:
        raise ValueError('must name at least one filter, such as ["#"]')
    return items


def some_names(items: tuple[str, ...]) -> tuple[str, ...]:
    """At least one."""
    if not items:
        raise ValueError("must name at least one")
    return items


def header(text: str) -> str:
    """The name of a header that carries a key."""
    if not _HEADER.fullmatch(text) or text.lower() in _OTHER_HEADERS:
        raise ValueError(HEADER_RULE)
    return text


def https(text: str) -> str:
    """An address that is reached through TLS, or on this machine; or ""."""
    if not text:
        return text
    try:
        parts = urlsplit(text)
        sound = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        sound = False
    if not sound or "@" in text or not text.isprintable() or " " in text or parts.query or parts.fragment:
        raise ValueError(HTTPS_RULE)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(HTTPS_RULE)
    return text


def document(text: str) -> str:
    """The address of a document, in which a question may follow the path; or ""."""
    https(text.partition("?")[0])
    if not text.isprintable() or " " in text or "#" in text:
        raise ValueError(HTTPS_RULE)
    return text


def is_loopback(host: str) -> bool:
    """Whether an address, or name, is one of this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def client(text: str) -> str:
    """The name under which an identity provider knows a program; or ""."""
    if not _CLIENT.fullmatch(text):
        raise ValueError(CLIENT_RULE)
    return text


def scope(text: str) -> str:
    """One word of what an identity provider is asked for."""
    if not _SCOPE.fullmatch(text):
        raise ValueError(SCOPE_RULE)
    return text


def network(text: str) -> str:
    """An IP address, or a network as CIDR."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValueError('must be an IP address or a network, such as "10.1.2.3" or "10.1.0.0/16"') from None
    return text


def topic_template(text: str) -> str:
    """How a command topic is made of an element's topic."""
    rest = _PLACEHOLDER.sub("", text)
    if not _PLACEHOLDER.search(text) or any(char in rest for char in "{}+#\0"):
        raise ValueError(TEMPLATE_RULE)
    return text


def zone(text: str) -> str:
    """An IANA time zone that this machine knows."""
    try:
        time_zone(text)
    except (ValueError, OSError, KeyError):  # KeyError: unknown; OSError: a folder of the database ("Europe")
        raise ValueError(ZONE_RULE) from None
    return text


def time_zone(text: str) -> tzinfo:
    """The zone itself. UTC needs no database: slim containers have none."""
    return UTC if text == "UTC" else ZoneInfo(text)
