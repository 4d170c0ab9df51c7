// OAuth 2.0 with a code and PKCE, as a public client (RFC 6749, 7636, 9207; OpenID Connect Core 1.0, 3.1). A provider
// is what `GET /login` says of it. Nothing here knows the page: addresses, storage and time come from whoever calls.

import * as oauth from "../vendor/oauth.js";

const TOLERANCE_S = 60; // that the provider's clock may differ from the bridge's
const PATIENCE_MS = 30_000;
const TOO_MANY = 429; // requests: later there is an answer
const TOLD = 300; // characters of what a provider says

/** `message` is for people. `isFinal`: asking again is no use. */
export class LoginError extends Error {
  constructor(message, isFinal = true) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** `{to, attempt}`: where to send somebody, and what to remember until they come back to `redirect`. */
export async function begin(provider, redirect) {
  const { clientId, metadata, scopes } = provider;
  const attempt = {
    provider,
    redirect,
    state: oauth.generateRandomState(),
    verifier: oauth.generateRandomCodeVerifier(),
    nonce: scopes.includes("openid") ? oauth.generateRandomNonce() : null, // it comes back in an ID token only
  };
  const to = new URL(metadata.authorization_endpoint);
  const asked = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirect,
    scope: scopes.join(" "),
    state: attempt.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: "S256",
    ...(attempt.nonce && { nonce: attempt.nonce }),
  };
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
  return { to: to.href, attempt };
}

/**
 * `{token, refresh, life}` for what came back, as URLSearchParams: `refresh` null where there is none, `life` in
 * seconds, null where it is not told. `skew`: how far the right time is ahead of this clock, in seconds. Raises
 * `LoginError`.
 */
export async function finish(attempt, parameters, skew = 0) {
  const { provider, redirect, state, verifier, nonce } = attempt;
  if (parameters.get("state") !== state) {
    const why = "does not fit what this tab has asked for (state)";
    throw new LoginError(`The answer of ${provider.name} ${why}. Sign in again.`);
  }
  return work(provider, skew, async (server, client, options) => {
    const good = oauth.validateAuthResponse(server, client, parameters, state);
    const asked = await oauth.authorizationCodeGrantRequest(
      server, client, oauth.None(), good, redirect, verifier, options,
    );
    return oauth.processAuthorizationCodeResponse(server, client, asked, { expectedNonce: nonce ?? undefined });
  });
}

/** The same for a refresh token. The scopes are said again: without them Entra ID gives none (AADSTS90009). */
export async function renew(provider, refresh, skew = 0) {
  const found = await work(provider, skew, async (server, client, options) => {
    const asked = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), refresh, {
      ...options,
      additionalParameters: { scope: provider.scopes.join(" ") },
    });
    return oauth.processRefreshTokenResponse(server, client, asked);
  });
  return { ...found, refresh: found.refresh ?? refresh };
}

async function work(provider, skew, ask) {
  const server = provider.metadata;
  const client = {
    client_id: provider.clientId,
    [oauth.clockSkew]: Math.round(skew),
    [oauth.clockTolerance]: TOLERANCE_S,
  };
  const options = {
    signal: AbortSignal.timeout(PATIENCE_MS),
    [oauth.allowInsecureRequests]: server.issuer.startsWith("http:"), // the bridge has such a one on its machine only
  };
  try {
    const found = await ask(server, client, options);
    return { token: found.access_token, refresh: found.refresh_token ?? null, life: found.expires_in ?? null };
  } catch (error) {
    throw refusal(error, provider);
  }
}

/** What went wrong, for people. */
export function refusal(error, { name, metadata }) {
  if (error instanceof LoginError) return error;
  if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
    const more = error.error_description ? ` (${error.error})` : "";
    const isFinal = !(error.status === TOO_MANY || error.error === "temporarily_unavailable");
    return new LoginError(`${name} refuses: ${shortened(error.error_description ?? error.error)}${more}`, isFinal);
  }
  if (error instanceof oauth.OperationProcessingError) {
    const { cause } = error;
    const status = cause instanceof Response && !cause.ok ? `, status ${cause.status}` : "";
    const hasBrokenOff = cause instanceof TypeError || cause?.name === "TimeoutError";
    const isFinal = !(cause?.status >= 500 || cause?.status === TOO_MANY || hasBrokenOff);
    return new LoginError(`The answer of ${name} cannot be taken: ${shortened(error.message)}${status}`, isFinal);
  }
  if ((error instanceof TypeError && !error.code) || error.name === "TimeoutError") {
    const { origin } = new URL(metadata.token_endpoint);
    const why = `it cannot be reached, or ${name} does not let this page ask (CORS), as it lets a single-page application`;
    return new LoginError(`This browser gets no answer from ${origin}: ${why}.`, false);
  }
  return new LoginError(`Signing in with ${name} failed: ${shortened(String(error.message ?? error))}`);
}

function shortened(text) {
  return text.length > TOLD ? `${text.slice(0, TOLD)}…` : text;
}
