"""What the page is told so that people can sign in at the provider, and when nobody can."""

import asyncio
import logging

import msgspec
import pytest
from identity_provider import AUDIENCE, DISCOVERY, KEYS
from login_provider import AUTHORIZE, CLIENT, LEAVE, TOKEN, LoginProvider

from bridge.access.oidc import Oidc
from bridge.access.oidc_provider import AWAY_S


@pytest.fixture
def provider():
    """One that people sign in at, on plain HTTP."""
    made = LoginProvider(AUDIENCE)
    yield made
    made.stop()


class Ours:
    """Our side, with a clock that is set."""

    def __init__(self, provider, **settings):
        self.steady = 1_000.0
        said = provider.settings(**{"client_id": CLIENT} | settings)
        self.oidc = Oidc(said, (), clock=lambda: self.steady)
        self.login = self.oidc.login

    def told(self):
        return msgspec.to_builtins(asyncio.run(self.login.told()))

    def origin(self):
        return asyncio.run(self.login.token_origin())


def test_what_is_told(provider):
    """Everything that the page needs, by the names that its library knows; and whom it may ask for tokens."""
    ours = Ours(provider, scopes=["openid", "api://bridge/.default"])
    assert ours.told() == {
        "name": "127.0.0.1",
        "clientId": CLIENT,
        "scopes": ("openid", "api://bridge/.default"),
        "metadata": {
            "issuer": provider.issuer,
            "authorization_endpoint": provider.issuer + AUTHORIZE,
            "token_endpoint": provider.issuer + TOKEN,
            "end_session_endpoint": provider.issuer + LEAVE,
            "authorization_response_iss_parameter_supported": True,
            "id_token_signing_alg_values_supported": ("RS256",),
        },
    }
    assert ours.origin() == provider.issuer
    assert ours.told()["metadata"]
    assert provider.asked == {DISCOVERY: 1, KEYS: 1}


def test_no_login(provider):
    """Without a client id there is none."""
    assert Ours(provider, client_id="").login is None


def test_named(provider):
    """The button's name is the operator's."""
    assert Ours(provider, name="Contoso").told()["name"] == "Contoso"


def test_keys_are_elsewhere(provider):
    """Where the configuration says where the keys are, discovery serves the login alone, and may be away."""
    ours = Ours(provider, jwks_url=provider.issuer + KEYS)
    assert ours.told()["metadata"]["token_endpoint"] == provider.issuer + TOKEN
    del provider.answers[DISCOVERY]
    ours = Ours(provider, jwks_url=provider.issuer + KEYS)
    assert ours.told()["metadata"] is None
    assert ours.oidc.problem == ""


def test_a_page_right_after_the_start(provider):
    """Who comes back from the provider then can redeem the code: the page waits for its first answer."""
    provider.delay = 0.1
    assert Ours(provider).origin() == provider.issuer


def test_pages_wait_once(provider):
    """Nobody waits for a provider that is known to be away, or not to tell how."""
    provider.answers[DISCOVERY] |= {"token_endpoint": None}
    ours = Ours(provider)
    provider.status = 503
    for _ in range(2):
        assert ours.origin() == ""
    assert provider.asked == {DISCOVERY: 1}
    provider.status = 200
    ours = Ours(provider)
    for _ in range(2):
        assert ours.origin() == ""
    assert provider.asked == {DISCOVERY: 2, KEYS: 1}


def test_provider_away(provider):
    """Nobody can sign in meanwhile; it is asked again when somebody wants to, but seldom."""
    provider.stop()
    ours = Ours(provider)
    assert ours.told()["metadata"] is None
    provider.start(provider.port)
    assert ours.told()["metadata"] is None
    ours.steady += AWAY_S
    assert ours.told()["metadata"] is not None
    provider.stop()
    ours.steady += 100_000
    assert ours.told()["metadata"] is not None
    provider.start(provider.port)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        pytest.param({"token_endpoint": None}, "Expected `str`, got `null` - at `$.token_endpoint`", id="null"),
        pytest.param({"token_endpoint": ""}, "its token_endpoint must be https://", id="empty"),
        pytest.param({"token_endpoint": "http://id.example/t"}, "its token_endpoint must be https://", id="plain"),
        pytest.param({"authorization_endpoint": "javascript:alert(1)"}, "its authorization_endpoint", id="script"),
        pytest.param({"token_endpoint": "https://a;script-src/t"}, "its token_endpoint must be", id="policy"),
        pytest.param({"token_endpoint": "https://a,b/t"}, "its token_endpoint must be", id="two policies"),
        pytest.param({"token_endpoint": "https://*/t"}, "its token_endpoint must be", id="everybody"),
        pytest.param({"code_challenge_methods_supported": ["plain"]}, "does not take S256", id="no PKCE"),
    ],
)
def test_metadata_that_is_not_taken(provider, caplog, more, told):
    """What is unsafe or missing is told in the log; its tokens are taken as ever."""
    provider.answers[DISCOVERY] |= more
    ours = Ours(provider)
    with caplog.at_level(logging.WARNING, "bridge"):
        assert ours.told()["metadata"] is None
    (line,) = caplog.messages
    assert line.startswith(f"nobody can sign in through the page: {provider.issuer}{DISCOVERY}: ")
    assert told in line
    assert ours.origin() == ""
    assert ours.oidc.problem == ""


def test_plain_only_where_the_provider_is(provider):
    """A provider elsewhere sends nobody's code to this machine."""
    provider.answers[DISCOVERY] |= {"end_session_endpoint": "http://id.example/leave"}
    assert "end_session_endpoint" not in Ours(provider).told()["metadata"]
