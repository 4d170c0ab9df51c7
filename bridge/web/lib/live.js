// Live values: one subscription of this tab, and its stream.
//
// Views say what they show (`watch`, `listen`); what many show is monitored once. What is shown is read once, and then
// follows the stream. When the stream ends, for whatever reason, it is opened again; when the subscription has gone, a
// new one is made. Memory is bounded by what is shown: of each element the latest value is kept, and nothing else.

import { batch, signal } from "../vendor/preact.js";
import { ApiError, bulk, now, send } from "./api.js";
import { parse } from "./exact.js";

const SILENCE_MS = 16_000; // the bridge sends a comment every 5 s
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const GATHER_MS = 40; // what a scroll shows is registered together
const AGAIN_MS = 3_000; // after a question that failed although the stream is open
const LINGER_MS = 3_000; // what is not shown any more may come back at once
const AT_ONCE = 5_000; // ids of one request

/** `{is: "off" | "connecting" | "live" | "broken", since, reason}`, `since` in milliseconds. */
export const connection = signal({ is: "off", since: now(), reason: "" });
/** Rises when the stream is open again after it broke: what failed meanwhile, or was missed, is to be asked for again. */
export const reopened = signal(0);
/** How many updates have come, for whoever wants to see that something does, and when the stream said anything last. */
export const received = { updates: 0, events: 0, at: -Infinity };

/** id → Watched */
const watched = new Map();
let subscription = null;
let running = null;
let replaceStream = () => {}; // while one is read
let gathering = 0;
let toRender = new Map();
let rendering = 0;

class Watched {
  constructor() {
    this.value = signal(null); // {value, quality, timestamp} or {error}
    this.users = 0;
    this.listeners = new Set();
    this.registered = false;
    this.read = false;
    this.heard = 0; // the event that told of it last
    this.leaving = 0;
  }
}

/**
 * The signal of an element's latest value: null until it is known, `{value, quality, timestamp}`, or `{error}` where the
 * bridge says why there is none. Each `watch` needs its `unwatch`.
 */
export function watch(id) {
  const found = entry(id);
  found.users += 1;
  clearTimeout(found.leaving);
  gather();
  return found.value;
}

export function unwatch(id) {
  const found = watched.get(id);
  if (!found) return;
  found.users -= 1;
  if (found.users === 0) found.leaving = setTimeout(() => drop(id), LINGER_MS);
}

/** Hear of every update of an element, where `watch` shows the latest only. Gives what ends it. */
export function listen(id, hear) {
  watch(id);
  watched.get(id).listeners.add(hear);
  return () => {
    watched.get(id)?.listeners.delete(hear);
    unwatch(id);
  };
}

/** The latest value that is known, without watching. */
export function latest(id) {
  return watched.get(id)?.value.peek() ?? null;
}

/** Begin to follow; `stop` ends it and lets go of the subscription. */
export function start() {
  if (running) return;
  running = new AbortController();
  follow(running.signal);
}

export function stop() {
  running?.abort();
  running = null;
  release();
  for (const [id, found] of watched) {
    found.registered = found.read = false;
    found.value.value = null;
    if (found.users === 0) watched.delete(id);
  }
  connection.value = { is: "off", since: now(), reason: "" };
}

/**
 * Open the stream anew, with what is sent as credentials now, before the old one ends with the old ones. The bridge ends
 * the old one when the new one is there; nothing is missed or said to be broken.
 */
export function takeOver() {
  replaceStream();
}

/** Let go of the subscription although the page ends: it would be kept for its time-to-live otherwise. */
export function release() {
  if (!subscription) return;
  const { clientId, subscriptionId } = subscription;
  subscription = null;
  const body = { clientId, subscriptionIds: [subscriptionId] };
  send("POST", "v1/subscriptions/delete", body, { keepalive: true, patience: 0 }).catch(() => {});
}

function entry(id) {
  let found = watched.get(id);
  if (!found) {
    found = new Watched();
    watched.set(id, found);
  }
  return found;
}

function drop(id) {
  const found = watched.get(id);
  if (!found || found.users > 0) return;
  watched.delete(id);
  if (found.registered) gather();
}

/** Ask again for what there was none of: the model has changed, it may be there now. */
export function askAgain() {
  for (const found of watched.values()) {
    if (found.value.peek()?.error) found.registered = found.read = false;
  }
  gather();
}

function gather(wait = GATHER_MS) {
  if (gathering || !running) return;
  gathering = setTimeout(async () => {
    gathering = 0;
    const signal = running?.signal;
    if (!signal) return;
    const [read, isRegistered] = await Promise.allSettled([readNew(signal), registerNew(signal)]);
    const isFailed = read.status === "rejected" || isRegistered.status === "rejected";
    if (isFailed && !signal.aborted && connection.peek().is === "live") gather(AGAIN_MS);
  }, wait);
}

/** What is shown for the first time does not wait for its next change. An update that comes meanwhile is the newer. */
async function readNew(signal) {
  const ids = [...watched].filter(([, found]) => !found.read).map(([id]) => id);
  for (const id of ids) watched.get(id).read = true;
  for (const part of parts(ids)) {
    const asked = received.events;
    let items;
    try {
      items = await bulk("v1/objects/value", { elementIds: part }, { signal });
    } catch (error) {
      for (const id of part) {
        const found = watched.get(id);
        if (found) found.read = false; // it is tried again
      }
      throw error;
    }
    batch(() => {
      for (const { id, result, error } of items) {
        const found = watched.get(id);
        if (found && found.heard <= asked) found.value.value = error ? { error } : vqt(result);
        if (found && !error && found.registered && !registered.has(id)) {
          found.registered = false; // it was refused before there was anything: that has come in between
          gather();
        }
      }
    });
  }
}

function vqt({ value, quality, timestamp }) {
  return { value, quality, timestamp };
}

let registering = Promise.resolve();
const registered = new Set(); // what the subscription monitors

/** One after the other: what is registered is what was asked last. */
function registerNew(signal) {
  registering = registering.catch(() => {}).then(() => registerNow(signal));
  return registering;
}

async function registerNow(signal) {
  if (!subscription) return;
  const target = subscription;
  const more = [...watched].filter(([, found]) => !found.registered).map(([id]) => id);
  const gone = [...registered].filter((id) => !watched.has(id));
  for (const part of parts(more)) {
    const items = await bulk("v1/subscriptions/register", { ...target, elementIds: part }, { signal });
    if (target !== subscription) return;
    for (const { id, error } of items) {
      const found = watched.get(id);
      if (found) found.registered = true; // a refusal is told by the value, and asked again with the next connection
      if (!error) registered.add(id);
    }
  }
  for (const part of parts(gone)) {
    await bulk("v1/subscriptions/unregister", { ...target, elementIds: part }, { signal });
    for (const id of part) registered.delete(id);
  }
}

function* parts(ids) {
  for (let at = 0; at < ids.length; at += AT_ONCE) yield ids.slice(at, at + AT_ONCE);
}

/** Until `signal` says stop: connect, read, and again. */
async function follow(signal) {
  let wait = FIRST_WAIT_MS;
  tell("connecting");
  while (!signal.aborted) {
    let why;
    try {
      await subscribe(signal);
      await readStream(signal, () => {
        wait = FIRST_WAIT_MS;
      });
      why = "the bridge ended the stream";
    } catch (error) {
      if (signal.aborted) return;
      why = error instanceof ApiError ? error.message : "the connection broke";
      if (error.status === 404) forget();
      if (error.status === 401) return;
      if (error.retryAfter) wait = Math.max(wait, error.retryAfter * 1000);
    }
    if (signal.aborted) return;
    tell("broken", why);
    await sleep(wait * (0.75 + Math.random() / 2), signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

function tell(is, reason = "") {
  const before = connection.peek();
  if (before.is !== is) connection.value = { is, since: now(), reason };
  else if (before.reason !== reason) connection.value = { ...before, reason };
}

/** The subscription has gone, or we have lost sight of it: everything is asked for anew. */
function forget() {
  subscription = null;
  registered.clear();
  for (const found of watched.values()) found.registered = found.read = false;
}

async function subscribe(signal) {
  if (!subscription) {
    const clientId = `explorer-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
    const answer = await send("POST", "v1/subscriptions", { clientId, displayName: "explorer page" }, { signal });
    const { subscriptionId } = (await answer.json()).result;
    forget();
    subscription = { clientId, subscriptionId };
  }
  for (const found of watched.values()) found.read = false; // what was missed in between
  await registerNew(signal);
  await readNew(signal);
}

async function readStream(outer, opened) {
  const silence = new AbortController();
  let watchdog = 0;
  const heard = () => {
    received.at = now();
    clearTimeout(watchdog);
    watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
  };
  const signal = AbortSignal.any([outer, silence.signal]);
  watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const answer = await openStream(signal);
    heard();
    opened();
    const wasBroken = connection.peek().is === "broken";
    tell("live");
    if (wasBroken) reopened.value += 1;
    let reader = readerOf(answer);
    let rest = "";
    let successor = null; // the answer, to come, of the stream that takes the place of this one
    replaceStream = () => {
      successor ??= openStream(signal);
      successor.catch(() => {}); // it is told below
    };
    for (;;) {
      const { done, value } = await reader.read();
      if (done && !successor) return;
      heard();
      if (done) {
        reader = readerOf(await successor);
        successor = null;
        rest = "";
      } else {
        rest = take(rest + value);
      }
    }
  } catch (error) {
    if (silence.signal.aborted) throw new ApiError(0, "Silence", "nothing has come from the bridge for a while");
    throw error;
  } finally {
    clearTimeout(watchdog);
    replaceStream = () => {};
  }
}

function openStream(signal) {
  const headers = { Accept: "text/event-stream" };
  return send("POST", "v1/subscriptions/stream", subscription, { signal, headers, patience: 0 });
}

function readerOf(answer) {
  return answer.body.pipeThrough(new TextDecoderStream()).getReader();
}

/** Take whole events out of the text; gives what is left. */
function take(text) {
  let from = 0;
  for (;;) {
    const end = text.indexOf("\n\n", from);
    if (end < 0) return text.slice(from);
    for (const line of text.slice(from, end).split("\n")) {
      if (line.startsWith("data:")) arrived(parse(line.slice(5)));
    }
    from = end + 2;
  }
}

function arrived(updates) {
  received.events += 1;
  received.updates += updates.length;
  for (const update of updates) {
    const found = watched.get(update.elementId);
    if (!found) continue;
    found.heard = received.events;
    const value = vqt(update);
    toRender.set(update.elementId, value);
    for (const hear of found.listeners) hear(value);
  }
  if (!rendering && toRender.size) rendering = document.hidden ? setTimeout(show, 250) : requestAnimationFrame(show);
}

/** At most once a frame, however many updates come. */
function show() {
  rendering = 0;
  const values = toRender;
  toRender = new Map();
  batch(() => {
    for (const [id, value] of values) {
      const found = watched.get(id);
      if (found) found.value.value = value;
    }
  });
}

function sleep(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}

