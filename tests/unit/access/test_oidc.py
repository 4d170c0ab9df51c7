"""Tokens of an identity provider: whose are taken, what for, and what happens while the provider is in trouble."""

import asyncio
import base64
import json
import logging
import re
import threading
import time
from collections import Counter

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_provider import DISCOVERY, KEYS, NOW, IdentityProvider, make_certificate, private_key, public_jwk

from bridge.access import Principal, oidc, oidc_claims, oidc_fetch, oidc_keys
from bridge.access.oidc import MAX_TOKEN, Oidc
from bridge.access.oidc_fetch import ProviderError
from bridge.access.oidc_provider import AWAY_S, OLD_S, UNKNOWN_KEY_S
from bridge.config.access import GrantSettings, OidcSettings

LEEWAY = 30.0
AT_ONCE_S = 10.0  # on any machine, and far less than a slow provider takes here
EVERY_KIND = ["RS256", "ES256", "ES384", "EdDSA"]


@pytest.fixture
def provider():
    """On plain HTTP; it shows one RSA key called "first"."""
    made = IdentityProvider()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


class Ours:
    """Our side, with clocks that are set."""

    def __init__(self, settings, grants=()):
        self.wall, self.steady = NOW, 1_000.0
        self.oidc = Oidc(settings, grants, lambda: self.wall, lambda: self.steady)

    def ask(self, *tokens):
        """The principals of tokens that come at the same time."""

        async def together():
            return await asyncio.gather(*map(self.oidc.principal, tokens))

        return asyncio.run(together())

    def name(self, token):
        """Whose a token is; else the reason why it is nobody's."""
        before = Counter(self.oidc.reasons)
        (found,) = self.ask(token)
        reasons = list((self.oidc.reasons - before).elements())
        assert len(reasons) == (found is None)
        return reasons[0] if found is None else found.name

    def pass_time(self, seconds):
        self.wall += seconds
        self.steady += seconds


@pytest.fixture
def ours(provider):
    return Ours(provider.settings(algorithms=EVERY_KIND))


def raw(header, claims, signature=b"", key=None):
    """A token made by hand."""
    parts = [header, claims] if isinstance(claims, bytes) else [header, json.dumps(claims).encode()]
    parts[0] = header if isinstance(header, bytes) else json.dumps(header).encode()
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    if key is not None:
        signature = jwt.get_algorithm_by_name("RS256").sign(text, key)
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


# --- whose tokens are taken ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_good_tokens(provider, ours, kind):
    """A token that one of the provider's keys signed is its owner's, until it ends and a little longer."""
    provider.show(*(public_jwk(other, other) for other in EVERY_KIND))
    (found,) = ours.ask(provider.token(kind, kind))
    assert found == Principal("oidc:alice", expires=NOW + 600 + LEEWAY, credential=found.credential)
    assert re.fullmatch(r"oidc/[0-9a-f]{16}/[0-9a-f]{16}", found.credential)
    assert ours.oidc.reasons == {}


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param({"aud": "other"}, "audience", id="another audience"),
        pytest.param({"aud": ["other", "i3x-bridge"]}, "oidc:alice", id="one of the audiences"),
        pytest.param({"aud": None}, "audience", id="no audience"),
        pytest.param({"aud": []}, "audience", id="empty audiences"),
        pytest.param({"aud": [["i3x-bridge"]]}, "audience", id="odd audience"),
        pytest.param({"aud": "i3x-bridge "}, "audience", id="nearly the audience"),
        pytest.param({"aud": "backup"}, "oidc:alice", id="the other audience of ours"),
        pytest.param({"iss": "https://evil.example"}, "issuer", id="another issuer"),
        pytest.param({"iss": None}, "issuer", id="no issuer"),
        pytest.param({"exp": NOW - LEEWAY + 1}, "oidc:alice", id="expired within the leeway"),
        pytest.param({"exp": NOW - LEEWAY}, "expired", id="expired"),
        pytest.param({"exp": None}, "malformed", id="no end"),
        pytest.param({"exp": float("inf")}, "malformed", id="never ends"),
        pytest.param({"exp": float("nan")}, "malformed", id="end not a number"),
        pytest.param({"exp": "9999999999"}, "malformed", id="end is text"),
        pytest.param({"exp": True}, "malformed", id="end is true"),
        pytest.param({"nbf": NOW + LEEWAY - 1}, "oidc:alice", id="begins within the leeway"),
        pytest.param({"nbf": NOW + LEEWAY + 1}, "not-yet", id="not yet"),
        pytest.param({"nbf": "0"}, "malformed", id="begin is text"),
        pytest.param({"iat": NOW + LEEWAY + 1}, "not-yet", id="made in the future"),
        pytest.param({"iat": None}, "oidc:alice", id="not said when made"),
        pytest.param({"sub": None}, "name", id="no name"),
        pytest.param({"sub": ""}, "name", id="empty name"),
        pytest.param({"sub": "  "}, "name", id="blank name"),
        pytest.param({"sub": "a\nb"}, "name", id="control character in the name"),
        pytest.param({"sub": "a\u202eb"}, "name", id="direction character in the name"),
        pytest.param({"sub": "a" * 257}, "name", id="long name"),
        pytest.param({"sub": 5}, "malformed", id="name is a number"),
    ],
)
def test_claims(provider, claims, expected):
    """Issuer, audience, times and name must fit; the signature alone is not enough."""
    ours = Ours(provider.settings(audience=["i3x-bridge", "backup"]))
    assert ours.name(provider.token(**claims)) == expected


def test_name_claim(provider):
    """Another claim can be the name, also one within claims."""
    ours = Ours(provider.settings(name_claim="user.email"))
    assert ours.name(provider.token(user={"email": "alice@acme.example"})) == "oidc:alice@acme.example"
    assert ours.name(provider.token(user={"email": ["alice@acme.example"]})) == "name"
    assert ours.name(provider.token()) == "name"


def _public_pem():
    return (
        private_key("RS256")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def _hmac(provider, algorithm="HS256"):
    """Signed with the public key as if it were a secret."""
    head = raw({"alg": algorithm, "kid": "first"}, provider.claims()).rpartition(".")[0]
    signed = jwt.get_algorithm_by_name("HS256").sign(head.encode(), _public_pem())
    return f"{head}.{base64.urlsafe_b64encode(signed).rstrip(b'=').decode()}"


DEEP = b'{"a":' * 2_000


@pytest.mark.parametrize(
    ("forge", "expected"),
    [
        pytest.param(lambda p: raw({"alg": "none"}, p.claims()), "algorithm", id="none"),
        pytest.param(lambda p: raw({"alg": "None", "kid": "first"}, p.claims()), "algorithm", id="none, other case"),
        pytest.param(lambda p: raw({"alg": "", "kid": "first"}, p.claims()), "algorithm", id="empty algorithm"),
        pytest.param(lambda p: raw({"kid": "first"}, p.claims()), "malformed", id="no algorithm"),
        pytest.param(_hmac, "algorithm", id="hmac with the public key"),
        pytest.param(lambda p: _hmac(p, "RS256"), "signature", id="hmac that claims to be rsa"),
        pytest.param(lambda p: _hmac(p, "ES256"), "algorithm", id="a curve with an rsa key"),
        pytest.param(lambda p: p.token("RS256", "first", algorithm="RS512"), "algorithm", id="not allowed"),
        pytest.param(lambda p: p.token("ES256", "first"), "algorithm", id="own curve, the provider's key id"),
        pytest.param(lambda p: p.token(number=1), "signature", id="own rsa key, the provider's key id"),
        pytest.param(lambda p: p.token(kid="other"), "unknown-key", id="unknown key"),
        pytest.param(lambda p: p.token().rpartition(".")[0] + ".", "signature", id="no signature"),
        pytest.param(lambda p: p.token()[:-8] + "AAAAAAAA", "signature", id="damaged signature"),
        pytest.param(lambda p: p.token() + ".", "malformed", id="four parts"),
        pytest.param(lambda p: p.token() + ".e.e", "malformed", id="encrypted"),
        pytest.param(lambda p: "..", "malformed", id="dots"),
        pytest.param(lambda p: "", "malformed", id="empty"),
        pytest.param(lambda p: "a.b.c", "malformed", id="letters"),
        pytest.param(lambda p: "ü.ü.ü", "malformed", id="not ascii"),
        pytest.param(lambda p: "\0.\ud800.\0", "malformed", id="no text"),
        pytest.param(lambda p: p.token().replace(".", ".ü", 1), "malformed", id="not ascii inside"),
        pytest.param(lambda p: raw(DEEP, b"{}"), "malformed", id="deep header"),
        pytest.param(lambda p: raw(b'{"alg":"RS256","kid":5}', b"{}"), "malformed", id="key id is a number"),
        pytest.param(lambda p: raw(b"[]", b"{}"), "malformed", id="header is a list"),
        pytest.param(
            lambda p: raw({"alg": "RS256", "kid": "first", "crit": ["b64"], "b64": False}, p.claims()),
            "malformed",
            id="extension",
        ),
        pytest.param(lambda p: "a" * (MAX_TOKEN + 1), "too-large", id="too large"),
        pytest.param(lambda p: p.token(extra="x" * MAX_TOKEN), "too-large", id="too large, well signed"),
    ],
)
def test_forged_tokens(provider, ours, forge, expected):
    """What the provider did not sign for that key is refused, whatever it says of itself; nothing is raised."""
    assert ours.name(forge(provider)) == expected
    assert ours.name(provider.token()) == "oidc:alice"


@pytest.mark.parametrize("claims", [b"[1]", b"{", b"\xff", DEEP, b"null"])
def test_signed_garbage(provider, ours, claims):
    """What the provider signed without sense is refused like the rest."""
    token = raw({"alg": "RS256", "kid": "first"}, claims, key=private_key("RS256"))
    assert ours.name(token) == "malformed"


@pytest.mark.parametrize(
    ("keys", "kid", "expected"),
    [
        pytest.param([public_jwk("RS256", None)], None, "oidc:alice", id="one key without a name"),
        pytest.param([public_jwk("RS256", "a"), public_jwk("ES256", "b")], None, "oidc:alice", id="one that fits"),
        pytest.param([public_jwk("RS256", "a"), public_jwk("RS256", "b", 1)], None, "algorithm", id="two that fit"),
        pytest.param([public_jwk("RS256", None)], "first", "unknown-key", id="a name that is not shown"),
        pytest.param([public_jwk("RS256", "first", use="enc")], "first", "no-keys", id="for encryption"),
        pytest.param([public_jwk("RS256", "first", key_ops=["sign"])], "first", "no-keys", id="not to verify with"),
        pytest.param([public_jwk("RS256", "first", alg="PS256")], "first", "algorithm", id="for another algorithm"),
        pytest.param([public_jwk("RS256", "first", alg="HS256")], "first", "no-keys", id="for a shared secret"),
        pytest.param([public_jwk("RS256", "first", alg="RS256")], "first", "oidc:alice", id="for this algorithm"),
    ],
)
def test_which_key(provider, ours, keys, kid, expected):
    """A key verifies only what the provider shows it for; a token without a key id only where no doubt is left."""
    provider.show(*keys)
    assert ours.name(provider.token(kid=kid)) == expected


def test_unusable_keys_are_left_out(provider, ours):
    """Secrets, weak, broken and unknown keys harm nothing beside a good one, and verify nothing themselves."""
    weak = public_jwk("weak", "weak")
    odd = [5, None, {}, {"kty": "RSA"}, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {"kty": "EC", "crv": "P-256"}]
    broken = [public_jwk("RS256", "e", e="!"), public_jwk("ES256", "x", x="AA"), {"kty": ["RSA"], "kid": "l"}]
    off_curve = public_jwk("ES256", "off") | {"y": public_jwk("ES256", "off")["x"]}
    provider.show(*odd, *broken, off_curve, weak, public_jwk("RS256", "first"))
    assert ours.name(provider.token()) == "oidc:alice"
    (header, claims), key = ({"alg": "RS256", "kid": "weak"}, provider.claims()), private_key("weak")
    assert ours.name(raw(header, claims, key=key)) == "unknown-key"


# --- grants ----------------------------------------------------------------------------------------------------------

LINE1, LINE2, ADMIN = {"read": ["acme/line1/#"]}, {"read": ["acme/line2/#"], "write": ["acme/line2/+"]}, {"admin": True}


@pytest.mark.parametrize(
    ("grants", "claims", "read", "write", "admin"),
    [
        pytest.param([("role", "a", LINE1)], {"role": "a"}, 1, 0, False, id="equal"),
        pytest.param([("role", "a", LINE1)], {"role": "A"}, 0, 0, False, id="another case"),
        pytest.param([("role", "a", LINE1)], {"role": "a b"}, 0, 0, False, id="words of another claim are no list"),
        pytest.param([("role", "a", LINE1)], {"role": ["b", "a"]}, 1, 0, False, id="in a list"),
        pytest.param([("role", "a", LINE1)], {"role": [["a"], {"a": 1}, None]}, 0, 0, False, id="not in a list in it"),
        pytest.param([("role", "a", LINE1)], {"role": {"a": True}}, 0, 0, False, id="a claim within is no value"),
        pytest.param([("role", "a", LINE1)], {}, 0, 0, False, id="no claim"),
        pytest.param([("role", "null", LINE1)], {"role": None}, 0, 0, False, id="null"),
        pytest.param([("staff", "true", LINE1)], {"staff": True}, 1, 0, False, id="true"),
        pytest.param([("level", "1", LINE1)], {"level": True}, 0, 0, False, id="true is no number"),
        pytest.param([("level", "7", LINE1)], {"level": [7]}, 1, 0, False, id="a number"),
        pytest.param([("scope", "plant", LINE1)], {"scope": "openid plant"}, 1, 0, False, id="a word of the scope"),
        pytest.param([("scope", "plant", LINE1)], {"scope": "plants"}, 0, 0, False, id="part of a word"),
        pytest.param([("scp", "plant", LINE1)], {"scp": ["openid", "plant"]}, 1, 0, False, id="scopes as a list"),
        pytest.param([("ra.roles", "a", LINE1)], {"ra": {"roles": ["a"]}}, 1, 0, False, id="path"),
        pytest.param([("ra.roles", "a", LINE1)], {"ra": ["roles"]}, 0, 0, False, id="path through a list"),
        pytest.param([("https://e.com/r", "a", LINE1)], {"https://e.com/r": ["a"]}, 1, 0, False, id="name with dots"),
        pytest.param(
            [("https://e.com/app.r", "a", LINE1)], {"https://e.com/app": {"r": "a"}}, 1, 0, False, id="path with dots"
        ),
        pytest.param(
            [("ra.my.app.roles", "a", LINE1)], {"ra": {"my.app": {"roles": ["a"]}}}, 1, 0, False, id="dots in between"
        ),
        pytest.param(
            [("role", "a", LINE1), ("role", "b", LINE2), ("role", "c", ADMIN)],
            {"role": ["c", "b", "a"]},
            2,
            1,
            True,
            id="all that fit",
        ),
        pytest.param(
            [("role", "a", LINE1), ("group", "a", LINE1)], {"role": "a", "group": "a"}, 1, 0, False, id="twice"
        ),
        pytest.param([("role", "a", ADMIN), ("role", "b", LINE1)], {"role": "b"}, 1, 0, False, id="one of them"),
    ],
)
def test_grants(provider, grants, claims, read, write, admin):
    """Values of claims give filters and admin; all that fit add up, and who nothing fits is known and sees nothing."""
    made = [GrantSettings.model_validate({"claim": claim, "value": value} | more) for claim, value, more in grants]
    (found,) = Ours(provider.settings(), made).ask(jwt_with_null(provider, claims))
    expected = ("acme/line1/#", "acme/line2/#")[:read], ("acme/line2/+",)[:write], admin
    assert (found.read, found.write, found.admin) == expected


def jwt_with_null(provider, claims):
    return jwt.encode(provider.claims() | claims, private_key("RS256"), "RS256", {"kid": "first"})


# --- the provider's keys ---------------------------------------------------------------------------------------------


def test_keys_are_fetched_once(provider, ours):
    """All who come first wait for the same fetch; those who come later ask the provider nothing."""
    provider.delay = 0.05
    names = [found.name for found in ours.ask(*(provider.token(sub=f"p{number}") for number in range(20)))]
    assert names == [f"oidc:p{number}" for number in range(20)]
    assert ours.name(provider.token(sub="late")) == "oidc:late"
    assert provider.asked == {DISCOVERY: 1, KEYS: 1}


def test_keys_without_discovery(provider):
    """Where the configuration tells where the keys are, nothing else is asked; a question may be part of it."""
    provider.answers[DISCOVERY] = None
    ours = Ours(provider.settings(jwks_url=f"{provider.issuer}{KEYS}?appid=1"))
    assert ours.name(provider.token()) == "oidc:alice"
    assert provider.asked == {KEYS: 1}


def test_rotated_keys(provider, ours):
    """A new key is found as soon as a token names it, but strangers cannot make us ask more often than each 30 s."""
    assert ours.name(provider.token()) == "oidc:alice"
    provider.show(public_jwk("RS256", "first"), public_jwk("ES256", "second"))
    fresh = provider.token("ES256", "second")
    ours.pass_time(UNKNOWN_KEY_S - 1)
    assert ours.name(fresh) == "unknown-key"
    ours.pass_time(1)
    assert [found.name for found in ours.ask(fresh, fresh, provider.token())] == ["oidc:alice"] * 3
    assert ours.ask(*(provider.token(kid=f"k{number}") for number in range(20))) == [None] * 20
    assert provider.asked[KEYS] == 2


def test_withdrawn_keys(provider, ours):
    """A key that the provider no longer shows opens nothing, not even for tokens that were good before."""
    token = provider.token()
    (before,) = ours.ask(token)
    provider.show(public_jwk("RS256", "first", number=1))
    ours.pass_time(3_599)
    assert ours.oidc.still_good(before) is None  # it ended in the meantime
    token = provider.token(exp=NOW + 9_000)
    (before,) = ours.ask(token)
    assert ours.oidc.still_good(before) == before
    ours.pass_time(1)
    assert ours.name(token) == "signature"
    assert ours.oidc.still_good(before) is None
    assert ours.oidc.still_good(Principal("local", ("#",))) is None


def test_remembered_tokens(provider, ours, monkeypatch):
    """A good token is verified once, and yet ends when it ends; tokens are not kept, and not too many."""
    monkeypatch.setattr(oidc, "REMEMBERED", 3)
    tokens = [provider.token(sub=f"p{number}") for number in range(5)]
    first = ours.ask(*tokens)
    assert [again is before for again, before in zip(ours.ask(*tokens[2:]), first[2:], strict=True)] == [True] * 3
    assert len(ours.oidc._known) == 3
    assert not any(token in repr(ours.oidc._known) for token in tokens)
    ours.pass_time(600 + LEEWAY - 1)
    assert ours.name(tokens[4]) == "oidc:p4"
    ours.pass_time(1)
    assert ours.name(tokens[4]) == ours.name(tokens[4]) == "expired"


def test_provider_away_at_start(provider, ours, caplog):
    """Without keys tokens are refused and it is told why; when the provider comes they are taken within seconds."""
    caplog.set_level(logging.INFO, "bridge")
    provider.stop()
    token = provider.token()
    assert ours.name(token) == ours.name(token) == "no-keys"
    assert ours.oidc.problem == f"identity provider: {provider.issuer}{DISCOVERY}: [Errno 111] Connection refused"
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        f"{provider.issuer}{DISCOVERY}: [Errno 111] Connection refused; its tokens are refused"
    ]
    provider.start(provider.port)
    ours.pass_time(AWAY_S)
    assert ours.name(token) == "oidc:alice"
    assert ours.oidc.problem == ""


def test_provider_away_later(provider, ours):
    """While the provider is away its old keys are used, for a day; then nobody comes in until it is back."""
    assert ours.name(provider.token()) == "oidc:alice"
    provider.status = 500
    token = provider.token(exp=NOW + 10 * OLD_S)
    ours.pass_time(3_600)
    assert ours.name(token) == "oidc:alice"
    assert ours.oidc.problem == f"identity provider: {provider.issuer}{DISCOVERY}: status 500"
    ours.pass_time(OLD_S - 3_600)
    (found,) = ours.ask(token)
    assert ours.oidc.still_good(found) == found
    ours.pass_time(1)
    assert ours.oidc.still_good(found) is None
    assert ours.name(token) == "no-keys"
    provider.status = 200
    ours.pass_time(AWAY_S)
    assert ours.name(token) == "oidc:alice"


def test_nobody_waits_for_a_provider_that_is_known_to_be_away(provider, ours):
    """With old keys at hand only the first one waits for a slow provider."""
    assert ours.name(provider.token()) == "oidc:alice"
    token = provider.token(exp=NOW + OLD_S)
    provider.status = 503
    ours.pass_time(3_600)
    ours.ask(token)
    provider.delay = 30.0
    ours.pass_time(AWAY_S)
    begin = time.perf_counter()
    assert ours.name(token) == "oidc:alice"
    assert time.perf_counter() - begin < AT_ONCE_S


@pytest.mark.parametrize(("delay", "pause"), [pytest.param(30, 0, id="silent"), pytest.param(0, 0.1, id="trickle")])
def test_slow_provider(provider, ours, monkeypatch, delay, pause):
    """A provider that takes too long is one that is away; the loop goes on meanwhile and no thread stays behind."""
    monkeypatch.setattr(oidc_fetch, "TIMEOUT_S", 0.4)
    provider.delay, provider.pause = delay, pause
    token, beats = provider.token(), []

    async def beat():
        while True:
            beats.append(time.perf_counter())
            await asyncio.sleep(0.01)

    async def both():
        beating = asyncio.create_task(beat())
        found = await ours.oidc.principal(token)
        beating.cancel()
        return found

    begin = time.perf_counter()
    assert asyncio.run(both()) is None
    assert time.perf_counter() - begin < AT_ONCE_S
    assert len(beats) > 10
    assert ours.oidc.problem == f"identity provider: {provider.issuer}{DISCOVERY}: no answer within 0 s"
    until = time.monotonic() + AT_ONCE_S
    while any(thread.name == "oidc" for thread in threading.enumerate()) and time.monotonic() < until:
        time.sleep(0.01)
    assert [thread for thread in threading.enumerate() if thread.name == "oidc"] == []


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        pytest.param(KEYS, b"<html>", "JSON is malformed: invalid character (byte 0)", id="page"),
        pytest.param(KEYS, b"", "Input data was truncated", id="nothing"),
        pytest.param(KEYS, b"[]", "no JSON object", id="list"),
        pytest.param(KEYS, b"{}", 'no "keys", as a JSON web key set has', id="no keys"),
        pytest.param(KEYS, b'{"keys": {}}', 'no "keys", as a JSON web key set has', id="keys are no list"),
        pytest.param(KEYS, b'{"keys": []}', "none of its 0 keys can verify a token", id="empty"),
        pytest.param(KEYS, b'{"keys": [{"kty": "oct"}]}', "none of its 1 keys can verify a token", id="secret"),
        pytest.param(KEYS, b'{"keys": [%s1]}' % (b"1," * 100), "101 keys; at most 100 are looked at", id="many"),
        pytest.param(KEYS, b'{"keys": [%s]}' % (b" " * 300_000), "more than 262144 bytes", id="huge"),
        pytest.param(KEYS, b'{"keys":' * 20_000, "nested too deep", id="deep"),
        pytest.param(KEYS, None, "status 404", id="missing"),
        pytest.param(DISCOVERY, b"<html>", "JSON is malformed: invalid character (byte 0)", id="no discovery"),
        pytest.param(DISCOVERY, b"{}", "its issuer is 'None'; [oidc] issuer must be the same", id="no issuer"),
        pytest.param(
            DISCOVERY,
            b'{"issuer": "https://evil.example", "jwks_uri": "https://evil.example/"}',
            "its issuer is 'https://evil.example'; [oidc] issuer must be the same",
            id="another issuer",
        ),
    ],
)
def test_provider_that_makes_no_sense(provider, ours, path, body, told):
    """Whatever the provider answers, it is told in words, tokens are refused, and nothing is raised."""
    provider.answers[path] = body
    assert ours.name(provider.token()) == "no-keys"
    assert ours.oidc.problem == f"identity provider: {provider.issuer}{path}: {told}"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        pytest.param(None, "{issuer}/.well-known/openid-configuration: it has no jwks_uri", id="none"),
        pytest.param("http://evil.example/keys", "{url}: must be https://", id="unencrypted"),
        pytest.param("file:///etc/passwd", "{url}: must be https://", id="file"),
        pytest.param(
            "https://user:secret@evil.example/", "https://…@evil.example/: must be https://", id="credentials"
        ),
        pytest.param("data:application/json,{}", "{url}: must be https://", id="data"),
    ],
)
def test_where_discovery_leads(provider, ours, url, told):
    """What discovery says obeys the same rule as the configuration: encrypted, or on this machine."""
    provider.answers[DISCOVERY] |= {"jwks_uri": url}
    assert ours.name(provider.token()) == "no-keys"
    expected = told.replace("{issuer}", provider.issuer).replace("{url}", str(url))
    assert ours.oidc.problem.startswith(f"identity provider: {expected}")


def test_redirects_are_not_followed(provider, ours):
    """Nobody is led elsewhere."""
    provider.status, provider.headers = 302, {"Location": f"{provider.issuer}/elsewhere"}
    assert ours.name(provider.token()) == "no-keys"
    assert ours.oidc.problem.endswith(": status 302; redirects are not followed")
    assert provider.asked["/elsewhere"] == 0


def test_issuer_with_a_slash(provider):
    """Issuers that end with a slash are asked at the right place."""
    provider.issuer += "/"
    provider.answers[DISCOVERY]["issuer"] = provider.issuer
    assert Ours(provider.settings()).name(provider.token()) == "oidc:alice"


async def until(holds):
    while not holds():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.01)


def test_run_keeps_the_keys_fresh(provider):
    """Once started, nobody has to wait for the keys, and whoever asks whether we are ready learns of a problem."""
    provider.status = 500
    ours = Ours(provider.settings())

    async def some():
        running = asyncio.create_task(ours.oidc.run())
        await until(lambda: ours.oidc.problem)
        running.cancel()
        provider.status = 200
        running = asyncio.create_task(ours.oidc.run())
        await until(lambda: not ours.oidc.problem)
        provider.status = 500
        found = await ours.oidc.principal(provider.token())
        running.cancel()
        return found

    assert asyncio.run(asyncio.wait_for(some(), 10)).name == "oidc:alice"
    assert provider.asked == {DISCOVERY: 2, KEYS: 1}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBER_NAMES = sorted(public_jwk("RS256", "a") | public_jwk("ES256", "a"))
MEMBERS = st.dictionaries(st.sampled_from(MEMBER_NAMES), JSON, max_size=4)


@settings(max_examples=300, deadline=None)
@given(base=st.sampled_from([{}, *(public_jwk(kind, "a") for kind in EVERY_KIND)]), changed=MEMBERS | JSON)
def test_any_key_is_usable_or_not(base, changed):
    """Whatever a provider shows as a key, it can be used or is left out; nothing else is raised."""
    member = base | changed if isinstance(changed, dict) else changed
    try:
        found = oidc_keys.read({"keys": [member]})
    except ProviderError:
        return
    assert all(key.algorithms and key.public.verify for key in found)


@settings(max_examples=300, deadline=None)
@given(header=JSON, claims=JSON | st.dictionaries(st.sampled_from(["exp", "nbf", "iat", "sub", "aud", "roles"]), JSON))
def test_any_claims(header, claims):
    """Claims and headers of any shape give a principal or a reason, never an exception."""
    said = claims if isinstance(claims, dict) else {}
    grant = GrantSettings(claim="roles", value="a", read=("#",))
    assert oidc_claims.untimely(said, NOW, LEEWAY) in {None, "malformed", "expired", "not-yet"}
    assert oidc_claims.granted("oidc:a", said, [grant]).read in {(), ("#",)}
    assert oidc_claims.name(said, "sub") in {None, f"oidc:{said.get('sub')}"}
    ours = Ours(OidcSettings(issuer="http://127.0.0.1:9", audience=("a",)))
    assert ours.name(raw(header, said)) in oidc.REASONS


# --- encryption ------------------------------------------------------------------------------------------------------


def test_encrypted(certificate, tmp_path):
    """The provider's certificate is checked against the file that is named; a file that changes is read again."""
    provider = IdentityProvider(certificate)
    other, _ = make_certificate(tmp_path, "other.example")
    try:
        assert Ours(provider.settings(ca_file=certificate[0])).name(provider.token()) == "oidc:alice"
        by_address = Ours(
            provider.settings(ca_file=certificate[0], jwks_url=f"https://127.0.0.1:{provider.port}{KEYS}")
        )
        assert by_address.name(provider.token()) == "oidc:alice"
        strict = Ours(provider.settings(ca_file=other))
        assert strict.name(provider.token()) == "no-keys"
        assert "certificate verify failed" in strict.oidc.problem
        other.write_bytes(certificate[0].read_bytes())
        strict.pass_time(AWAY_S)
        assert strict.name(provider.token()) == "oidc:alice"
        other.write_text("nonsense")
        strict.pass_time(3_600)
        strict.ask(provider.token())
        assert f"[oidc] ca_file {other}" in strict.oidc.problem
    finally:
        provider.stop()


def test_another_hosts_certificate(tmp_path):
    """A certificate of another host is refused, although its authority is believed."""
    provider = IdentityProvider(make_certificate(tmp_path, "other.example"))
    try:
        ours = Ours(provider.settings(ca_file=tmp_path / "other.example.crt"))
        assert ours.name(provider.token()) == "no-keys"
        assert "Hostname mismatch" in ours.oidc.problem
    finally:
        provider.stop()


def test_what_is_here_needs_no_proxy(provider, ours, monkeypatch):
    """A proxy that the environment names is not asked for what is on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert ours.name(provider.token()) == "oidc:alice"


def test_remote_providers_are_reached_through_the_proxy(monkeypatch):
    """The plant's proxy is asked for a tunnel to the provider, and never for the documents themselves."""
    proxy = IdentityProvider()
    seen = []
    proxy._server.RequestHandlerClass.do_CONNECT = lambda handler: (
        seen.append(handler.path),
        handler.send_error(403, "No"),
    )
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    try:
        ours = Ours(OidcSettings(issuer="https://login.example", audience=("i3x-bridge",)))
        assert ours.name(proxy.token()) == "no-keys"
        assert seen == ["login.example:443"]
        assert "Tunnel connection failed: 403" in ours.oidc.problem
        assert proxy.asked == {}
    finally:
        proxy.stop()


# --- what is told ----------------------------------------------------------------------------------------------------


def test_refusals_are_counted_and_told_once_a_minute(provider, ours, caplog):
    """Each is counted by its reason; the log has one line a minute for a reason, and never the token."""
    caplog.set_level(logging.DEBUG, "bridge")
    tokens = [provider.token(exp=1, sub=f"secret{number}") for number in range(100)]
    ours.ask(*tokens)
    ours.pass_time(60)
    ours.ask(tokens[0])
    told = [(record.levelname, record.getMessage()) for record in caplog.records if "refused" in record.getMessage()]
    lines = [message for level, message in told if level == "INFO"]
    assert ours.oidc.reasons == {"expired": 101}
    assert lines == ["token refused: expired", "token refused: expired; 99 more since the last line"]
    assert len(told) == 101
    text = caplog.text
    assert not any(part in text for token in tokens for part in token.split(".")[1:])
