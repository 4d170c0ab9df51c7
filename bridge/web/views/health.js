// Whether all is well, and if not, what to do. The status is asked for every two seconds while somebody looks.

import { html, useEffect, useState } from "../vendor/preact.js";
import { ask, now } from "../lib/api.js";
import { counted, grouped, local } from "../lib/format.js";
import * as about from "../lib/health.js";
import * as session from "../lib/session.js";
import { useTicks } from "../lib/ticks.js";
import {
  Badge, Bridge, Broker, Drift, History, isNumber, Mark, Messages, Rejected, Stale, Subscriptions, Writes,
} from "./panels.js";
import { Failure } from "./parts.js";

const EVERY_MS = 2_000;
const REFUSED_EVERY_MS = 15_000;
const OLD_MS = 8_000; // an answer that is older is said to be

export function Health() {
  const isAdmin = session.me.value?.admin !== false;
  return html`<div class="view health"><div class="column">
    <header class="head"><h1>Health</h1></header>
    ${isAdmin ? html`<${Status} />` : html`<${NotAdmin} />`}</div></div>`;
}

/** What was seen stays when somebody comes back to this view. */
let samples = [];

function Status() {
  const [seen, setSeen] = useState({ status: null, error: null, at: 0 });
  usePolling(async (signal) => {
    try {
      const status = await ask("GET", "status", undefined, { signal });
      samples = about.withSample(samples, about.sampleOf(status, Date.now()));
      setSeen({ status, error: null, at: Date.now() });
    } catch (error) {
      if (signal.aborted) return EVERY_MS;
      setSeen((before) => ({ ...before, error }));
      return error.status >= 400 && error.status < 500 ? REFUSED_EVERY_MS : EVERY_MS;
    }
    return EVERY_MS;
  });
  const { status, error, at } = seen;
  if (error?.status === 403) return html`<${NotAdmin} />`;
  if (!status && error) return html`<${Failure} error=${error} what="The status is not known" />`;
  if (!status) return html`<p class="notice">Loading…</p>`;
  const found = about.findingsOf(status, samples, now());
  const of = (panel) => found.filter((one) => one.panel === panel);
  return html`
    ${error && html`<${Old} at=${at} error=${error} />`}
    <${Overall} status=${status} found=${found} />
    <div class="grid pair"><${Broker} broker=${status.broker} found=${of("broker")} />
      <${Messages} messages=${status.messages} samples=${samples} found=${of("messages")} /></div>
    <${Rejected} status=${status} found=${of("rejected")} />
    <${Stale} stale=${status.stale} elements=${status.elements} found=${of("stale")} />
    <${Drift} events=${status.types?.driftEvents} />
    <${Subscriptions} subscriptions=${status.subscriptions} found=${of("subscriptions")} />
    <div class="grid"><${History} history=${status.history} found=${of("history")} />
      <${Writes} writes=${status.writes} found=${of("writes")} />
      <${Bridge} status=${status} found=${of("bridge")} /></div>`;
}

/** `load(signal)` gives after how many milliseconds it wants to be called again; not while nobody sees the page. */
function usePolling(load) {
  useEffect(() => {
    let ended = null;
    let timer = 0;
    const stop = () => {
      ended?.abort();
      ended = null;
      clearTimeout(timer);
    };
    const look = async (run) => {
      const wait = await load(run.signal);
      if (ended === run) timer = setTimeout(look, wait, run);
    };
    const turn = () => {
      stop();
      if (document.hidden) return;
      ended = new AbortController();
      look(ended);
    };
    document.addEventListener("visibilitychange", turn);
    turn();
    return () => {
      document.removeEventListener("visibilitychange", turn);
      stop();
    };
  }, []);
}

function Old({ at, error }) {
  useTicks();
  if (Date.now() - at < OLD_MS) return null;
  return html`<p class="panel error" role="alert">
    These figures are of ${local(at)}: ${error.message}. The page keeps trying.</p>`;
}

/** What is told about the bridge is for admins; whether it works at all is for everybody. */
function NotAdmin() {
  const [answer, setAnswer] = useState(null);
  usePolling(async (signal) => {
    try {
      setAnswer(await ask("GET", "readyz", undefined, { signal }));
    } catch (error) {
      if (!signal.aborted) setAnswer({ ready: error.status === 503 ? false : null, reasons: [error.message] });
    }
    return REFUSED_EVERY_MS;
  });
  const name = session.me.value?.name ?? "NAME";
  return html`
    <section class="panel"><header><h2>The bridge ${readiness(answer)}</h2></header>
      <p>${READINESS[answer?.ready] ?? (answer ? `No answer: ${answer.reasons[0]}.` : "")}</p></section>
    <section class="panel"><header><h2>More is told to admins</h2></header>
      <p>You are signed in as <b>${name}</b>, who is no admin. Figures, rejected payloads and reasons speak of
        everything that the bridge reads, so they are for admins. On the bridge's machine somebody can make you one:</p>
      <pre>bridge token allow ${name.startsWith("oidc:") ? "NAME" : name} --admin</pre>
      <p class="remedy">Who comes from an identity provider needs a [[grant]] with admin = true instead.</p>
      <button onClick=${() => location.reload()}>Look again</button></section>`;
}

function readiness(answer) {
  if (!answer) return "is being asked…";
  return answer.ready ? "is ready" : answer.ready === false ? "is not ready" : "does not say whether it is ready";
}

const READINESS = {
  true: "The broker is connected and history can be written.",
  false: "The broker is not connected, or something cannot be written. An admin sees here what it is.",
};

/** One line that tells whether to worry, and then what about. */
function Overall({ status, found }) {
  const grave = found.filter(({ level }) => level !== "note");
  const isBad = grave.some(({ level }) => level === "Bad");
  const none = status.ready ? "All is well" : "Nothing to look at";
  const text = grave.length ? `${counted(grave.length, "thing")} to look at` : none;
  const level = isBad ? "Bad" : grave.length ? "Uncertain" : "Good";
  return html`
    <section class="panel overall ${level}" aria-label="Overall">
      <header><h2 role="status"><${Mark} level=${level} /> ${isBad ? `Not working as it should: ${text}` : text}</h2>
        ${isNumber(status.uptime) && html`<span class="muted">up for ${about.spanText(status.uptime)}</span>`}
        ${status.version && html`<span class="muted">version ${status.version}</span>`}</header>
      ${!grave.length && html`<p>${well(status)}</p>`}
      ${grave.length > 0 && html`<ol class="matters">${grave.map((one) => html`<li key=${one.text}>
        <${Badge} level=${one.level} /> <span>${one.panel
          ? html`<button class="plain link" onClick=${() => show(one.panel)}>${one.text}</button>`
          : html`${one.text} <span class="remedy">${one.todo}</span>`}</span></li>`)}</ol>`}
    </section>`;
}

function well({ broker, elements, history }) {
  const held = elements?.unconfirmed;
  const parts = [
    broker?.connected && "The broker is connected",
    typeof elements?.total === "number" && `${counted(elements.total, "element")} are served`,
    held > 0 && `of ${grouped(held)} only the broker's stored copy is known`,
    history && !history.problem && "history is being kept",
  ].filter(Boolean);
  return parts.length ? `${parts.join(", ")}.` : "Nothing is reported to be wrong.";
}

function show(panel) {
  const heading = document.getElementById(`health-${panel}`);
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}
