// Signing in at an identity provider: there, and back to this page with a code in its address.
//
// What is remembered in between is in the tab's session storage, and counts once. The address is cleaned before
// anything else happens, so that a code is never in the history; what was shown before is shown again.

import { ask, clockAhead } from "./api.js";
import { restore } from "./router.js";

const ATTEMPT = "bridge.login.attempt";

/** The address that the provider has to know: this page's own, without what follows. */
export function redirectUri() {
  return location.origin + location.pathname;
}

/** Why this browser cannot do it, else "". PKCE needs a hash, which pages have in secure contexts only. */
export function hindrance(name) {
  return globalThis.crypto?.subtle ? "" : `Signing in with ${name} needs https.`;
}

/** What the bridge says of the provider; null: there is none. Raises `ApiError`. */
export async function describe() {
  return (await ask("GET", "login")).provider;
}

/** Leave for the provider. Raises `LoginError` and `ApiError`. */
export async function go() {
  const [oauth, provider] = await Promise.all([import("./oauth.js"), describe()]);
  if (!provider?.metadata) {
    throw new oauth.LoginError(
      `The bridge cannot reach ${provider?.name ?? "the provider"}, or cannot use its answer; the bridge's log says more. ` +
        "Try again in a few seconds.",
    );
  }
  const { to, attempt } = await oauth.begin(provider, redirectUri());
  sessionStorage.setItem(ATTEMPT, JSON.stringify({ ...attempt, hash: location.hash }));
  location.assign(to);
}

/** At the start: `{attempt, parameters}` where somebody comes back, else null. `parameters` null: without an answer. */
export function takeAnswer() {
  const found = new URLSearchParams(location.search);
  const parameters = found.has("code") || found.has("error") ? found : null;
  const attempt = JSON.parse(sessionStorage.getItem(ATTEMPT));
  sessionStorage.removeItem(ATTEMPT);
  if (parameters) restore(attempt?.hash ?? "");
  return attempt || parameters ? { attempt, parameters } : null;
}

/** `{provider, token, refresh, life}` for what came back. Raises `LoginError`. */
export async function finish({ attempt, parameters }) {
  const oauth = await import("./oauth.js");
  if (!attempt) {
    throw new oauth.LoginError("An answer of the provider came that this tab has not asked for. Sign in again.");
  }
  const { provider } = attempt;
  if (!parameters) {
    throw new oauth.LoginError(
      `You came back from ${provider.name} without an answer. If it did not know this page: the redirect URI ` +
        `${attempt.redirect} must be registered there, letter by letter, for the client ${provider.clientId}.`,
    );
  }
  await describe().catch(() => {}); // its answer sets the clock
  return { provider, ...(await oauth.finish(attempt, parameters, clockAhead / 1_000)) };
}
