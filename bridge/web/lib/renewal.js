// A provider's token is replaced before it ends, where there is a refresh token; one request at a time, because most
// providers take each refresh token once. Whoever leaves meanwhile gets nothing.

import { clockAhead } from "./api.js";
import { claims, renewAfter } from "./tokens.js";

const KEY = "bridge.login";
const AGAIN_MS = 5_000; // after a provider that did not answer

let kept = null; // {provider, refresh, begun, life}: who signed in where
let told = () => {};
let timer = 0;
let asking = null;

/** Follow what `login.finish` gave; `hear` is given each new token. */
export function start({ provider, token, refresh, life }, hear) {
  const until = claims(token)?.exp;
  const known = life ?? (typeof until === "number" ? until - (Date.now() + clockAhead) / 1_000 : null);
  sessionStorage.setItem(KEY, JSON.stringify({ provider, refresh, life: known, begun: Date.now() }));
  resume(hear);
}

/** Go on after a reload. */
export function resume(hear) {
  kept = JSON.parse(sessionStorage.getItem(KEY));
  told = hear;
  if (kept?.refresh && kept.life !== null) later(Math.max(0, kept.begun + renewAfter(kept.life) - Date.now()));
}

export function stop() {
  clearTimeout(timer);
  kept = asking = null;
  sessionStorage.removeItem(KEY);
}

/** Where somebody signed in who did so at a provider, else null. */
export function provider() {
  return kept?.provider ?? null;
}

/** Whether there may be a new token, now or when the provider answers again. */
export function isPossible() {
  return Boolean(kept?.refresh);
}

/** Whether there is a new token now. */
export function renew() {
  asking ??= kept?.refresh ? replaced(kept) : Promise.resolve(false);
  const mine = asking;
  return mine.finally(() => {
    if (asking === mine) asking = null;
  });
}

function later(wait) {
  clearTimeout(timer);
  timer = setTimeout(renew, wait);
}

async function replaced(from) {
  const oauth = await import("./oauth.js");
  try {
    const found = await oauth.renew(from.provider, from.refresh, clockAhead / 1_000);
    if (kept !== from) return false;
    start({ provider: from.provider, ...found }, told);
    told(found.token);
    return true;
  } catch (error) {
    if (kept !== from) return false;
    if (error.isFinal ?? true) from.refresh = null;
    else later(AGAIN_MS);
    return false;
  }
}
