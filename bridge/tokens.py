"""`bridge token`: makes, shows and revokes what people and programs sign in with; a daemon follows within a second."""

import argparse
import getpass
import os
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bridge.config import load
from bridge.config.rules import mqtt_filter
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.access.store import AccessFile, KeptPrincipal

AddConfig: TypeAlias = Callable[[argparse.ArgumentParser], None]
Print: TypeAlias = Callable[[str], None]

SHORTEST = 10  # characters of a password
_NO_TEXT = "a password must be text, in UTF-8; nothing has changed"
_UNITS = {"h": 1, "d": 24, "w": 168}


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add_config: AddConfig, output: Print) -> None:
    """The commands, for `bridge.cli`."""
    text = "Principals and their tokens, in the access file. A running daemon follows within a second."
    token = commands.add_parser("token", help="who may come in, and what they may do", description=text)
    actions = token.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def action(name: str, about: str, command: Callable[[argparse.Namespace], str]) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=about, description=about)
        add_config(made)

        def run(arguments: argparse.Namespace) -> int:
            output(command(arguments))
            return 0

        made.set_defaults(command=run)
        return made

    new = action("new", "make a token; a new principal needs --read, --write or --admin", _new)
    new.add_argument("name", metavar="NAME", help="the principal: a person or a program")
    _add_permissions(new)
    new.add_argument("--expires", type=_hours, metavar="TIME", help="end of the token, such as 12h, 90d, 52w")
    new.add_argument("--note", default="", type=_text, help="what it is for")
    allow = action("allow", "change what a principal may do; what is not named stays", _allow)
    allow.add_argument("name", metavar="NAME", help="the principal")
    _add_permissions(allow)
    for key, about in (("read", "nothing may be read"), ("write", "nothing may be written")):
        allow.add_argument(f"--no-{key}", dest=key, action="store_const", const=[], help=f"{about} any more")
    allow.add_argument("--no-admin", dest="admin", action="store_false", help="no admin any more")
    password = action("password", "give a principal a password, from the terminal or standard input", _password)
    password.add_argument("name", metavar="NAME", help="the principal")
    _add_permissions(password)
    action("list", "principals, what they may do, and their tokens", _list)
    revoke = action("revoke", "take away a token, or a principal with all that it has", _revoke)
    revoke.add_argument("what", metavar="ID|NAME", help="the id of a token, or the name of a principal")


def _add_permissions(parser: argparse.ArgumentParser) -> None:
    text = 'topics that may be read, as an MQTT filter, such as "acme/line1/#"; may be given several times'
    parser.add_argument("--read", action="append", type=_filter, metavar="FILTER", help=text)
    text = "topics that may be written, the same way"
    parser.add_argument("--write", action="append", type=_filter, metavar="FILTER", help=text)
    text = "may see what is told about the bridge itself: /metrics, the reasons of /readyz"
    parser.add_argument("--admin", action="store_true", default=None, help=text)


def _filter(text: str) -> str:
    try:
        return mqtt_filter(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _text(text: str) -> str:
    if not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r}: must be printable text, in UTF-8")
    return text


def _hours(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d{0,4})([hdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: must be a length of time, such as 12h, 90d or 52w")
    return timedelta(hours=int(found[1]) * _UNITS[found[2]])


# --- what they do ----------------------------------------------------------------------------------------------------


def _new(arguments: argparse.Namespace) -> str:
    from bridge.access.editing import editing
    from bridge.access.store import KeptToken
    from bridge.access.tokens import new_token

    made, now = new_token(), datetime.now(UTC).replace(microsecond=0)
    expires = now + arguments.expires if arguments.expires else None
    with editing(_path(arguments)) as found:
        is_first = not found.principal
        principal = _permitted(found, arguments, may_be_new=True)
        principal.token.append(KeptToken(id=made.id, hash=made.hash, created=now, expires=expires, note=arguments.note))
    if is_first:
        sys.stderr.write("the first principal: a daemon that runs without asks who comes in after its next start\n")
    sys.stderr.write(f"a token for {arguments.name}, shown this once:\n")
    return made.text


def _allow(arguments: argparse.Namespace) -> str:
    from bridge.access.editing import editing

    with editing(_path(arguments)) as found:
        principal = _permitted(found, arguments, may_be_new=False)
        return _shown(arguments.name, principal)


def _password(arguments: argparse.Namespace) -> str:
    from bridge.access.editing import editing
    from bridge.access.tokens import hash_password

    path = _path(arguments)
    password = _asked()
    with editing(path) as found:
        principal = _permitted(found, arguments, may_be_new=True)
        principal.password = hash_password(password)
        return _shown(arguments.name, principal)


def _asked() -> str:
    """Raises `BridgeError`."""
    from bridge.access.tokens import MAX_PASSWORD

    if sys.stdin.isatty():
        try:
            password, again = getpass.getpass("new password: "), getpass.getpass("once more: ")
        except EOFError:
            raise BridgeError("no password; nothing has changed") from None
        if password != again:
            raise BridgeError("the two are not the same; nothing has changed")
    else:
        try:
            password = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise BridgeError(_NO_TEXT) from None
    if len(password) < SHORTEST:
        raise BridgeError(f"a password has at least {SHORTEST} characters; nothing has changed")
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise BridgeError(_NO_TEXT) from None
    if size > MAX_PASSWORD:
        raise BridgeError(f"a password has at most {MAX_PASSWORD} bytes; nothing has changed")
    return password


def _list(arguments: argparse.Namespace) -> str:
    from bridge.access.store import load as load_access

    path = _path(arguments)
    found = load_access(path).principal
    return "\n".join(_shown(name, one) for name, one in found.items()) or f"nobody yet, in {path}"


def _revoke(arguments: argparse.Namespace) -> str:
    from bridge.access.editing import editing

    with editing(_path(arguments)) as found:
        if found.principal.pop(arguments.what, None) is not None:
            return f"{arguments.what} may not come in any more"
        for name, principal in found.principal.items():
            left = [token for token in principal.token if token.id != arguments.what]
            if len(left) < len(principal.token):
                principal.token = left
                return f"token {arguments.what} of {name} is not good any more"
        raise BridgeError(f"{arguments.what}: neither the id of a token nor a principal; bridge token list shows them")


def _permitted(found: "AccessFile", arguments: argparse.Namespace, *, may_be_new: bool) -> "KeptPrincipal":
    """The principal, with what the arguments say. Raises `BridgeError`."""
    from bridge.access.store import KeptPrincipal, name_problem

    principal = found.principal.get(arguments.name)
    says_nothing = arguments.read is None and arguments.write is None and arguments.admin is None
    if principal is None:
        if not may_be_new:
            raise BridgeError(f"{arguments.name}: no such principal; bridge token list shows them")
        if problem := name_problem(arguments.name):
            raise BridgeError(f"{arguments.name!r}: {problem}")
        if says_nothing:
            raise BridgeError(
                f"{arguments.name} is new: say what they may do, with --read FILTER, --write FILTER, --admin"
            )
        principal = found.principal[arguments.name] = KeptPrincipal(read=[], write=[])
    elif says_nothing and not may_be_new:
        raise BridgeError("say what changes, with --read FILTER, --write FILTER, --admin or --no-admin")
    if arguments.read is not None:
        principal.read = arguments.read
    if arguments.write is not None:
        principal.write = arguments.write
    if arguments.admin is not None:
        principal.admin = arguments.admin
    return principal


def _shown(name: str, principal: "KeptPrincipal") -> str:
    told = [f"read {', '.join(principal.read) or 'nothing'}", f"write {', '.join(principal.write) or 'nothing'}"]
    told += ["admin"] if principal.admin else []
    told += ["has a password"] if principal.password else []
    lines = [f"{name}: {'; '.join(told)}"]
    for token in principal.token:
        end = f", until {token.expires:%Y-%m-%d %H:%M}Z" if token.expires else ""
        lines.append(f"  token {token.id} of {token.created:%Y-%m-%d}{end}{f': {token.note}' if token.note else ''}")
    return "\n".join(lines)


def _path(arguments: argparse.Namespace) -> Path:
    """Raises `BridgeError`."""
    from bridge.access.entry import access_path

    path = access_path(load(arguments.config, os.environ, keeps=False))
    if path is None:
        raise BridgeError("there is no [state] directory: say where the access file is, with [auth] file")
    return path
