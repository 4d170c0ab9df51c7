"""What a verified token says: who it is about, when it counts, and what that person may do.

A path is the name of a claim, or names of claims within claims, joined by dots. Names have dots of their own
("https://example.com/roles"): the longest name that is there is taken first.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from bridge.access.principal import Principal
from bridge.config.access import GrantSettings

PREFIX = "oidc:"  # of principals' names: nobody of the access file is called so
NAME_CHARACTERS = 256
SCOPES = frozenset(("scope", "scp"))  # claims that are words separated by spaces (RFC 9068, 2.2.3)

Claims: TypeAlias = Mapping[str, Any]


def find(claims: object, path: str) -> object:
    """What is at a path; None if nothing is."""
    if not isinstance(claims, Mapping):
        return None
    if path in claims:
        found: object = claims[path]
        return found
    end = path.rfind(".")
    while end > 0:
        found = find(claims.get(path[:end]), path[end + 1 :])
        if found is not None:
            return found
        end = path.rfind(".", 0, end)
    return None


def untimely(claims: Claims, now: float, leeway: float) -> str | None:
    """The reason why a token does not count now. Times are seconds since 1970 UTC."""
    times = {name: _moment(claims.get(name)) for name in ("exp", "nbf", "iat")}
    expires, begins, made = times["exp"], times["nbf"], times["iat"]
    if expires is None or any(time is None and name in claims for name, time in times.items()):
        return "malformed"
    if now >= expires + leeway:
        return "expired"
    return "not-yet" if max(begins or 0, made or 0) > now + leeway else None


def name(claims: Claims, path: str) -> str | None:
    """The name of the principal; None if the claim is none that can be shown and told apart."""
    found = find(claims, path)
    if not isinstance(found, str) or not found.strip() or not found.isprintable() or len(found) > NAME_CHARACTERS:
        return None
    return PREFIX + found


def granted(named: str, claims: Claims, grants: Sequence[GrantSettings]) -> Principal:
    """A principal with all that fits together; who nothing fits sees nothing."""
    fitting = [grant for grant in grants if grant.value in _texts(claims, grant.claim)]
    return Principal(
        named,
        read=_together(grant.read for grant in fitting),
        write=_together(grant.write for grant in fitting),
        admin=any(grant.admin for grant in fitting),
    )


def _together(filters: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in filters for one in some))


def _texts(claims: Claims, path: str) -> list[str]:
    """The values of a claim, as the configuration can name them."""
    match find(claims, path):
        case str() as text if path.rpartition(".")[2] in SCOPES:
            return text.split()
        case list() as items:
            return [text for item in items for text in _text(item)]
        case item:
            return _text(item)


def _text(item: object) -> list[str]:
    match item:
        case str():
            return [item]
        case bool():
            return ["true" if item else "false"]
        case int():
            return [str(item)]
        case _:
            return []


def _moment(value: object) -> float | None:
    """A NumericDate (RFC 7519, 2), else None."""
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None  # type: ignore[arg-type]
