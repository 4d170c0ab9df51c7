"""An identity provider that people sign in at: OAuth 2.0 with a code and PKCE, for one public client.

It is as strict as a good provider: codes and refresh tokens count once, the redirect address must be a known one, and
the verifier must fit. Whoever comes is alice, and need not type anything.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from identity_provider import DISCOVERY, IdentityProvider

AUTHORIZE, TOKEN, LEAVE = "/authorize", "/token", "/leave"
CLIENT = "bridge-page"
UNKNOWN_PAGE = "<!doctype html><title>Invalid redirect</title><h1>Invalid parameter: redirect_uri</h1>"

Answer = tuple[int, dict[str, str], bytes]
Form = dict[str, str]


class LoginProvider(IdentityProvider):
    """`redirects` are the addresses that it knows. `refusal` is the error, and its description, of the next logins,
    `token_refusal` that of the token endpoint; `changed` may change what it sends back through the browser. Tokens are
    for `audience`, end after `life` seconds, say what is `claimed`, too, and come with a refresh token if `refreshes`.
    """

    def __init__(self, audience: str) -> None:
        super().__init__()
        self.audience, self.life, self.refreshes = audience, 3_600.0, True
        self.claimed: dict[str, Any] = {}
        self.redirects: set[str] = set()
        self.refusal: tuple[str, str] | None = None
        self.token_refusal: tuple[str, str] | None = None
        self.changed: Callable[[Form], Form] = dict
        self.nonce: Callable[[str], str] = str
        self.allows = "*"  # origins whose pages may ask the token endpoint
        self.requests: list[Form] = []  # of the token endpoint
        self.asked_for: list[Form] = []  # of the authorization endpoint
        self._codes: dict[str, Form] = {}
        self._refresh_tokens: set[str] = set()
        self.answers[DISCOVERY] |= {
            "authorization_endpoint": self.issuer + AUTHORIZE,
            "token_endpoint": self.issuer + TOKEN,
            "end_session_endpoint": self.issuer + LEAVE,
            "authorization_response_iss_parameter_supported": True,
            "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        self.answers[LEAVE] = b"<!doctype html><title>Signed out</title>"

    # --- HTTP --------------------------------------------------------------------------------------------------------

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(super()._handler()):  # type: ignore[misc]  # made for this provider
            def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
                parts = urlsplit(self.path)
                if parts.path == AUTHORIZE:
                    provider.asked[AUTHORIZE] += 1
                    provider._send(self, provider._authorized(dict(parse_qsl(parts.query, strict_parsing=True))))
                else:
                    super().do_GET()

            def do_POST(self) -> None:  # noqa: N802 - the same
                provider.asked[TOKEN] += 1
                content = self.rfile.read(int(self.headers["Content-Length"])).decode()
                told = {name: one for name, (one,) in parse_qs(content, strict_parsing=True).items()}
                provider._send(self, provider._exchanged(told))

        return Handler

    def _send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        status, headers, body = answer
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    # --- authorization endpoint --------------------------------------------------------------------------------------

    def _authorized(self, asked: Form) -> Answer:
        self.asked_for.append(asked)
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in self.redirects:
            return 400, {"Content-Type": "text/html"}, UNKNOWN_PAGE.encode()
        back = {"state": asked["state"], "iss": self.issuer}
        if self.refusal is not None:
            back |= {"error": self.refusal[0], "error_description": self.refusal[1]}
        elif asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            back |= {"error": "invalid_request", "error_description": "a code with S256 is what I give"}
        else:
            back["code"] = secrets.token_urlsafe(16)
            self._codes[back["code"]] = asked
        return 302, {"Location": f"{asked['redirect_uri']}?{urlencode(self.changed(back))}"}, b""

    # --- token endpoint ----------------------------------------------------------------------------------------------

    def _exchanged(self, told: Form) -> Answer:
        self.requests.append(told)
        if self.token_refusal is not None:
            return self._json(400, {"error": self.token_refusal[0], "error_description": self.token_refusal[1]})
        nonce = None
        if told["grant_type"] == "authorization_code":
            asked = self._codes.pop(told["code"], None)
            if asked is None or told["redirect_uri"] != asked["redirect_uri"] or not _fits(told, asked):
                return self._json(400, {"error": "invalid_grant"})
            nonce = asked.get("nonce")
        elif told.get("refresh_token") in self._refresh_tokens:
            self._refresh_tokens.discard(told["refresh_token"])
        else:
            return self._json(400, {"error": "invalid_grant", "error_description": "Token is not active"})
        return self._json(200, self._tokens(nonce))

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        now = int(time.time())
        times = {"iat": now, "exp": now + self.life}
        access = self.token(aud=self.audience, jti=secrets.token_hex(4), **times, **self.claimed)
        found: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        if nonce is not None:
            found["id_token"] = self.token(aud=CLIENT, nonce=self.nonce(nonce), **{**times, "exp": now + 600})
        if self.refreshes:
            found["refresh_token"] = secrets.token_urlsafe(16)
            self._refresh_tokens.add(found["refresh_token"])
        return found

    def _json(self, status: int, told: dict[str, Any]) -> Answer:
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        if self.allows:
            headers["Access-Control-Allow-Origin"] = self.allows
        return status, headers, json.dumps(told).encode()


def _fits(told: Form, asked: Form) -> bool:
    """RFC 7636, 4.6."""
    made = base64.urlsafe_b64encode(hashlib.sha256(told["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    return made == asked["code_challenge"] and told["client_id"] == asked["client_id"]
