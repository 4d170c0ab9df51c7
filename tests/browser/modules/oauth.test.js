// The flow without a browser: what the provider is asked, what is taken back, and how refusals are told.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, test } from "node:test";
import { LoginError, begin, finish, refusal, renew } from "../../../bridge/web/lib/oauth.js";

const ISSUER = "https://id.example/realms/plant";
const PROVIDER = {
  name: "Contoso",
  clientId: "page",
  scopes: ["openid", "offline_access"],
  metadata: {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth?kc_theme=plant`,
    token_endpoint: "https://id.example/token",
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ["RS256"],
  },
};
const REDIRECT = "https://bridge.example/";
const realFetch = globalThis.fetch;

afterEach(() => {
  globalThis.fetch = realFetch;
});

/** The token endpoint answers so; gives what it was asked. */
function answering(status, body) {
  const asked = [];
  globalThis.fetch = async (url, { body: form, method }) => {
    asked.push({ url, method, ...Object.fromEntries(form) });
    return Response.json(typeof body === "function" ? body() : body, { status });
  };
  return asked;
}

function idToken(more) {
  const now = Math.floor(Date.now() / 1000);
  const said = { iss: ISSUER, aud: "page", sub: "alice", iat: now, exp: now + 60, ...more };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part(said)}.${part("signature")}`;
}

function back(attempt, more = {}) {
  return new URLSearchParams({ code: "secret", state: attempt.state, iss: ISSUER, ...more });
}

function tokens(attempt, claims = {}) {
  return {
    access_token: "access", token_type: "Bearer", expires_in: 300, id_token: idToken({ nonce: attempt.nonce, ...claims }),
  };
}

async function refused(attempt, parameters) {
  try {
    await finish(attempt, parameters);
  } catch (error) {
    assert.ok(error instanceof LoginError, error);
    return error.message;
  }
  return assert.fail("it was taken");
}

test("the address asks for a code with S256, and keeps what the endpoint's own query says", async () => {
  const { to, attempt } = await begin(PROVIDER, REDIRECT);
  const url = new URL(to);
  assert.equal(url.origin + url.pathname, `${ISSUER}/auth`);
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    kc_theme: "plant",
    response_type: "code",
    client_id: "page",
    redirect_uri: REDIRECT,
    scope: "openid offline_access",
    state: attempt.state,
    nonce: attempt.nonce,
    code_challenge: createHash("sha256").update(attempt.verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  assert.ok(!to.includes(attempt.verifier));
});

test("no two attempts are alike", async () => {
  const [one, other] = [(await begin(PROVIDER, REDIRECT)).attempt, (await begin(PROVIDER, REDIRECT)).attempt];
  for (const name of ["state", "nonce", "verifier"]) assert.notEqual(one[name], other[name]);
});

test("a code becomes tokens", async () => {
  const { attempt } = await begin(PROVIDER, REDIRECT);
  const asked = answering(200, tokens(attempt));
  assert.deepEqual(await finish(attempt, back(attempt)), { token: "access", refresh: null, life: 300 });
  assert.deepEqual(asked, [
    {
      url: "https://id.example/token", method: "POST", grant_type: "authorization_code", client_id: "page",
      redirect_uri: REDIRECT, code: "secret", code_verifier: attempt.verifier,
    },
  ]);
});

test("without openid there is no nonce, and no ID token is needed", async () => {
  const { to, attempt } = await begin({ ...PROVIDER, scopes: ["api"] }, REDIRECT);
  assert.ok(!to.includes("nonce"));
  answering(200, { access_token: "access", token_type: "bearer", refresh_token: "more" });
  assert.deepEqual(await finish(attempt, back(attempt)), { token: "access", refresh: "more", life: null });
});

const WRONG = [
  ["another state", { state: "x" }, {}, /does not fit what this tab has asked for/],
  ["another issuer", { iss: "https://evil.example" }, {}, /cannot be taken: unexpected "iss"/],
  ["an ID token of another attempt", {}, { nonce: "x" }, /unexpected ID Token "nonce"/],
  ["an ID token for another client", {}, { aud: "other" }, /"aud" \(audience\)/],
  ["an ID token that has ended", {}, { exp: 1 }, /"exp"/],
  ["an ID token of another issuer", {}, { iss: "https://evil.example" }, /"iss" \(issuer\) claim/],
];

for (const [name, parameters, claims, told] of WRONG) {
  test(`${name} is not taken`, async () => {
    const { attempt } = await begin(PROVIDER, REDIRECT);
    answering(200, tokens(attempt, claims));
    assert.match(await refused(attempt, back(attempt, parameters)), told);
  });
}

test("a provider that says its issuer must do so", async () => {
  const { attempt } = await begin(PROVIDER, REDIRECT);
  const parameters = back(attempt);
  parameters.delete("iss");
  assert.match(await refused(attempt, parameters), /"iss" \(issuer\) missing/);
});

test("nothing is asked for an answer that does not fit", async () => {
  const { attempt } = await begin(PROVIDER, REDIRECT);
  const asked = answering(200, tokens(attempt));
  await refused(attempt, back(attempt, { state: "x" }));
  assert.deepEqual(asked, []);
});

test("what the provider says is told, and not at any length", async () => {
  const { attempt } = await begin(PROVIDER, REDIRECT);
  const said = (error, error_description) => new URLSearchParams({ state: attempt.state, iss: ISSUER, error, error_description });
  assert.equal(await refused(attempt, said("access_denied", "No.")), "Contoso refuses: No. (access_denied)");
  assert.ok((await refused(attempt, said("access_denied", "x".repeat(9_000)))).length < 400);
  answering(400, { error: "invalid_client", error_description: "AADSTS9002326" });
  assert.equal(await refused(attempt, back(attempt)), "Contoso refuses: AADSTS9002326 (invalid_client)");
  answering(502, {});
  assert.match(await refused(attempt, back(attempt)), /cannot be taken: .*status 502/);
});

test("no answer at all", async () => {
  const { attempt } = await begin(PROVIDER, REDIRECT);
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  assert.match(await refused(attempt, back(attempt)), /no answer from https:\/\/id\.example: .*CORS/);
});

test("a renewal keeps the refresh token where there is no new one", async () => {
  const asked = answering(200, { access_token: "b", token_type: "Bearer", expires_in: 60 });
  assert.deepEqual(await renew(PROVIDER, "first"), { token: "b", refresh: "first", life: 60 });
  assert.equal(asked[0].refresh_token, "first");
  assert.equal(asked[0].scope, "openid offline_access");
  answering(200, { access_token: "c", token_type: "Bearer", refresh_token: "second" });
  assert.equal((await renew(PROVIDER, "first")).refresh, "second");
});

test("whether a renewal may be tried again", async () => {
  const isFinal = () => renew(PROVIDER, "first").then(assert.fail, (error) => error.isFinal);
  answering(400, { error: "invalid_grant" });
  assert.equal(await isFinal(), true);
  answering(400, { error: "temporarily_unavailable" });
  assert.equal(await isFinal(), false);
  for (const status of [429, 503]) {
    answering(status, {});
    assert.equal(await isFinal(), false);
  }
  answering(429, { error: "slow_down" });
  assert.equal(await isFinal(), false);
  for (const failure of [new TypeError("network error"), new DOMException("over", "TimeoutError")]) {
    const body = new ReadableStream({ start: (stream) => stream.error(failure) });
    globalThis.fetch = async () => new Response(body, { headers: { "Content-Type": "application/json" } });
    assert.equal(await isFinal(), false);
  }
  globalThis.fetch = async () => {
    throw new TypeError("Failed to fetch");
  };
  assert.equal(await isFinal(), false);
});

test("a mistake of ours is told, too", () => {
  assert.match(refusal(new RangeError("odd"), PROVIDER).message, /^Signing in with Contoso failed: odd$/);
});
