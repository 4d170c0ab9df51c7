"""Who may come in, and how: [tls], [auth], [oidc] and [[grant]]. The people and programs themselves are in the access
file (`bridge.access`), which `bridge token` writes.
"""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config import rules
from bridge.config.section import Count, File, Filter, Place, PrivateFile, Seconds, Section, conflicts

# What an identity provider may sign with. None of them takes a secret that both sides know, nor none at all.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
SCOPES = ("openid",)  # that the page asks for, where nothing else is said
Filters = Annotated[tuple[Filter, ...], Field(strict=False)]


class TlsSettings(Section):
    """[tls]: HTTPS in the server itself. Both files are read again when they change."""

    cert_file: File = None
    key_file: PrivateFile = None
    min_version: Literal["1.2", "1.3"] = "1.2"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        found: dict[str, str] = {}
        if self.cert_file and not self.key_file:
            found["key_file"] = "must come with cert_file"
        if self.key_file and not self.cert_file:
            found["cert_file"] = "must come with key_file"
        conflicts(found)
        return self


class AuthSettings(Section):
    """[auth]: whether whoever asks has to say who they are. `file` None: access.toml in the state directory."""

    mode: Literal["auto", "on", "off"] = "auto"  # auto: on where the address is not loopback, or somebody may sign in
    file: Place = None
    key_header: Annotated[str, AfterValidator(rules.header)] = "X-API-Key"
    public: Annotated[tuple[Literal["docs", "metrics"], ...], Field(strict=False)] = ("docs",)
    failures: Count = 10  # wrong credentials from one address a minute that are looked at


class OidcSettings(Section):
    """[oidc]: an identity provider whose tokens (JWT) are taken; "" for none. `client_id` "": no login in the page."""

    issuer: Annotated[str, AfterValidator(rules.https)] = ""
    audience: Annotated[tuple[Annotated[str, AfterValidator(rules.line)], ...], Field(strict=False)] = ()
    jwks_url: Annotated[str, AfterValidator(rules.document)] = ""  # "": the provider's own discovery document tells
    algorithms: Annotated[tuple[Algorithm, ...], Field(strict=False), AfterValidator(rules.some_names)] = (
        "RS256",
        "ES256",
    )
    name_claim: Annotated[str, AfterValidator(rules.claim)] = "sub"
    leeway: Annotated[float, Field(ge=0, le=300)] = 30.0  # seconds that two clocks may differ
    keys_for: Annotated[float, Field(ge=10)] = 3_600.0  # seconds that the provider's keys are good for
    ca_file: File = None
    client_id: Annotated[str, AfterValidator(rules.client)] = ""
    scopes: Annotated[
        tuple[Annotated[str, AfterValidator(rules.scope)], ...],
        Field(strict=False),
        AfterValidator(rules.some_names),
        AfterValidator(rules.distinct),
    ] = SCOPES
    name: Annotated[str, AfterValidator(rules.optional_line)] = ""  # on the page's button; "": the issuer's host

    @model_validator(mode="after")
    def _fits(self) -> Self:
        found: dict[str, str] = {}
        if self.issuer and not self.audience:
            found["audience"] = "must name at least one: the provider's tokens for other programs would be taken, too"
        if not self.issuer and (self.audience or self.jwks_url or self.client_id):
            found["issuer"] = "must be the provider's address: without it nobody can sign in with its tokens"
        if not self.client_id and (self.name or self.scopes != SCOPES):
            what = "button for the name" if self.name else "page that asks for the scopes"
            found["client_id"] = f"must be what the provider calls the page: without it there is no {what}"
        conflicts(found)
        return self


class GrantSettings(Section):
    """[[grant]]: what the owner of an identity provider's token may do who has a value in a claim.

    All grants that fit count together. A claim within claims is named by a dotted path.
    """

    claim: Annotated[str, AfterValidator(rules.claim)]
    value: Annotated[str, AfterValidator(rules.line)]
    read: Filters = ()
    write: Filters = ()
    admin: bool = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        told = "must come with read, write or admin = true: else it grants nothing"
        conflicts({} if self.read or self.write or self.admin else {"value": told})
        return self


class ProxySettings(Section):
    """[proxy]: reverse proxies in front of us, whose word about the client's address and scheme is believed."""

    trusted: Annotated[tuple[Annotated[str, AfterValidator(rules.network)], ...], Field(strict=False)] = ()


class ConnectionSettings(Section):
    """[connections]: how long a client may take to ask, and how many may be connected."""

    max: Count = 2_000
    head_timeout: Annotated[float, Field(ge=0.1)] = 10.0  # for a request's head, and for the TLS handshake
    body_timeout: Annotated[float, Field(ge=0.1)] = 30.0  # for a whole body
    send_timeout: Annotated[float, Field(ge=0.1)] = 30.0  # for an answer to be taken, once it waits
    idle_timeout: Seconds = 75.0  # between two requests
