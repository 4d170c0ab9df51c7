// Who looks at this page. Credentials live as long as the tab: in its session storage, never in an address or a cookie.

import { signal } from "../vendor/preact.js";
import { ApiError, ask, identify } from "./api.js";

const KEY = "bridge.credentials";
const SENDABLE = /^[\x21-\x7e]+$/; // in a header

/** "checking", "in", "needed" (somebody has to sign in) or "away" (the bridge does not answer). */
export const state = signal("checking");
/** What `GET /me` says; null until somebody is in. */
export const me = signal(null);
/** Why somebody has to sign in again, or why the last attempt failed. */
export const reason = signal("");

/** At the start, and again while the bridge is away. */
export async function begin() {
  identify(sessionStorage.getItem(KEY), lost);
  try {
    me.value = await ask("GET", "me");
    state.value = "in";
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401) return;
    state.value = "away";
    reason.value = error.message;
    setTimeout(begin, 3_000);
  }
}

/** With `{token}`, or `{name, password}`. Whether it was right; `reason` tells why not. */
export async function signIn({ token, name, password }) {
  if (token && !SENDABLE.test(token.trim())) {
    reason.value = "This is no token: it has characters that a token cannot have.";
    return false;
  }
  const header = token ? `Bearer ${token.trim()}` : `Basic ${base64(`${name}:${password}`)}`;
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
  reason.value = "";
  state.value = "in";
  return true;
}

export function signOut() {
  leave("");
}

/** Said once: what was on its way is refused, too. */
function lost() {
  if (state.peek() !== "needed") leave(me.peek() ? "Your access has ended, or was changed. Sign in again." : "");
}

function leave(why) {
  sessionStorage.clear(); // what was opened, too: the next one may not see it
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

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
