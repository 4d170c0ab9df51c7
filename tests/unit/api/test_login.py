"""`GET /login` and the page's policy: whom the page may send people to, and whom it may ask."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from inprocess import InProcess, checked
from served import HOST, Served

from bridge.access import Principal

ORIGIN = "https://login.example:8443"
TOLD = {"name": "Contoso", "clientId": "page", "scopes": ["openid"], "metadata": None}
READERS = {"reader": Principal("reader", read=("#",))}


async def told() -> dict[str, Any]:
    return TOLD


def with_login(origin: str = ORIGIN) -> InProcess:
    async def token_origin() -> str:
        return origin

    return InProcess(principals=READERS, login=SimpleNamespace(token_origin=token_origin, told=told), public=())


def asks(policy: str) -> list[str]:
    """Whom the page may ask."""
    return dict(part.strip().split(" ", 1) for part in policy.split(";"))["connect-src"].split()


def test_told() -> None:
    """Before anybody has signed in; nothing where there is no login."""
    assert checked(with_login().ask("GET", "/login"), 200) == {"provider": TOLD}
    assert checked(InProcess(principals=READERS).ask("GET", "/login"), 200) == {"provider": None}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        pytest.param(None, ["'self'"], id="no login"),
        pytest.param("", ["'self'"], id="not known yet"),
        pytest.param(ORIGIN, ["'self'", ORIGIN], id="login"),
    ],
)
def test_policy(origin: str | None, expected: list[str]) -> None:
    """The page may ask the provider for tokens, and nobody else; no other page may."""
    bridge = InProcess() if origin is None else with_login(origin)
    headers = {"Authorization": "Bearer reader"}
    with Served(bridge.app) as served, httpx.Client(base_url=f"http://{HOST}:{served.port}", headers=headers) as client:
        for path, whom in {"/": expected, "/docs": ["'self'"]}.items():
            found = client.get(path).headers.get_list("content-security-policy")
            assert [asks(one) for one in found] == [whom]


def test_a_new_policy_is_a_new_page() -> None:
    """Browsers keep the policy with the page: whoever has another one gets it anew."""
    before, after = with_login("").ask("GET", "/"), with_login().ask("GET", "/", if_none_match="*")
    assert after.status_code == 304
    assert before.headers["etag"] != after.headers["etag"]
    assert with_login().ask("GET", "/", if_none_match=before.headers["etag"]).status_code == 200
    assert with_login().ask("GET", "/", if_none_match=after.headers["etag"]).status_code == 304
