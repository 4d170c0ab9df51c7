// Who looks at this page. Credentials live as long as the tab: in its session storage, never in an address or a cookie.

import { signal } from "../vendor/preact.js";
import { ApiError, ask, identify } from "./api.js";
import * as login from "./login.js";
import * as renewal from "./renewal.js";
import { notTaken } from "./tokens.js";

const KEY = "bridge.credentials";
const SENDABLE = /^[\x21-\x7e]+$/; // in a header

/** "checking", "in", "needed" (somebody has to sign in) or "away" (the bridge does not answer). */
export const state = signal("checking");
/** What `GET /me` says; null until somebody is in. */
export const me = signal(null);
/** Why somebody has to sign in again, or why the last attempt failed. */
export const reason = signal("");

/** Rises with each new token that the provider gave for one that was about to end. */
export const renewals = signal(0);
/** Where somebody signed in who has just signed out: the provider still knows them. Else null. */
export const left = signal(null);

let failure = ""; // what to say if it turns out that somebody has to sign in

/** At the start: who comes back from the provider is let in first. Who is in already stays, whatever the address says. */
export async function start() {
  const answer = login.takeAnswer();
  if (answer && !sessionStorage.getItem(KEY)) {
    try {
      const found = await login.finish(answer);
      sessionStorage.setItem(KEY, bearer(found.token));
      renewal.start(found, renewed);
      failure = notTaken(found.token, found.provider.name);
    } catch (error) {
      failure = error.message;
    }
  } else {
    renewal.resume(renewed);
  }
  await begin();
}

/** Again while the bridge is away. */
async function begin() {
  identify(sessionStorage.getItem(KEY), lost, ended);
  try {
    me.value = await ask("GET", "me");
    asked = performance.now();
    state.value = "in";
    failure = "";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return;
    state.value = "away";
    reason.value = error.message;
    setTimeout(begin, 3_000);
  }
}

const FRESH_MS = 15_000; // how old what `me` says may be where it matters
let asked = 0; // when `me` was asked for last, by the performance counter

/**
 * What somebody may do can change while the page is open: ask again, unless that was just done. While the bridge is
 * away, things stay as they are.
 */
export async function refresh(oldest = FRESH_MS) {
  const now = performance.now();
  if (state.peek() !== "in" || document.hidden || now - asked < oldest) return;
  asked = now;
  const before = me.peek();
  const found = await ask("GET", "me").catch(() => null);
  const isSame = found === null || JSON.stringify(found) === JSON.stringify(before);
  if (!isSame && me.peek() === before) me.value = found; // nobody else has signed in meanwhile
}

/** With `{token}`, or `{name, password}`. Whether it was right; `reason` tells why not. */
export async function signIn({ token, name, password }) {
  if (token && !SENDABLE.test(token.trim())) {
    reason.value = "This is no token: it has characters that a token cannot have.";
    return false;
  }
  const header = token ? bearer(token.trim()) : `Basic ${base64(`${name}:${password}`)}`;
  identify(header, () => {});
  try {
    me.value = await ask("GET", "me");
  } catch (error) {
    reason.value = refused(error, token);
    identify(sessionStorage.getItem(KEY), lost);
    return false;
  }
  sessionStorage.setItem(KEY, header);
  identify(header, lost);
  left.value = null;
  reason.value = "";
  state.value = "in";
  return true;
}

/** Leave for the provider; `reason` tells why that did not work. */
export async function signInThere() {
  reason.value = "";
  try {
    await login.go();
  } catch (error) {
    reason.value = error.message;
  }
}

export function signOut() {
  left.value = renewal.provider();
  leave("");
}

/** Said once: what was on its way is refused, too. */
function lost() {
  if (state.peek() !== "needed") leave(me.peek() ? "Your access has ended, or was changed. Sign in again." : failure);
}

/**
 * Whether there is a better token than the one that was refused. Whoever is in stays so while there may be one later:
 * raises `ApiError`. Whoever is not can sign in another way.
 */
async function ended(used) {
  if (!renewal.provider()) return false;
  if (used !== sessionStorage.getItem(KEY) || (await renewal.renew())) return true;
  if (!renewal.isPossible()) return false;
  const why = `${renewal.provider().name} does not answer to renew your access, which has ended`;
  if (state.peek() === "in") throw new ApiError(0, "No answer", why);
  failure ||= `${why}. Sign in again.`;
  return false;
}

function renewed(token) {
  sessionStorage.setItem(KEY, bearer(token));
  identify(bearer(token), lost, ended);
  renewals.value += 1;
  if (state.peek() === "in") lookAgain();
}

/** What somebody may do may have changed with the token. */
async function lookAgain() {
  const asking = sessionStorage.getItem(KEY);
  const found = await ask("GET", "me").catch(() => null);
  if (found && asking === sessionStorage.getItem(KEY)) me.value = found;
}

function leave(why) {
  renewal.stop();
  sessionStorage.clear(); // what was opened, too: the next one may not see it
  failure = "";
  identify(null, lost);
  me.value = null;
  reason.value = why;
  state.value = "needed";
}

function refused(error, token) {
  if (error.status !== 401) return error.message;
  const wrong = token ? "This token is not known, or has expired." : "Name or password is wrong.";
  return error.retryAfter ? `${wrong} Too many attempts: try again in ${error.retryAfter} s.` : wrong;
}

function bearer(token) {
  return `Bearer ${token}`;
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
