// Whether all is well, and if not, what to do. The status is asked for every two seconds while somebody looks.

import { html, useEffect, useState } from "../vendor/preact.js";
import { ask, now } from "../lib/api.js";
import { age, bytes, counted, grouped, instant, local, number } from "../lib/format.js";
import * as about from "../lib/health.js";
import { useAnswer } from "../lib/hooks.js";
import { href } from "../lib/router.js";
import * as session from "../lib/session.js";
import { useTicks } from "../lib/ticks.js";
import { ElementLink, Failure } from "./parts.js";

const EVERY_MS = 2_000;
const REFUSED_EVERY_MS = 15_000;
const OLD_MS = 8_000; // an answer that is older is said to be
const FEW = 8; // rows of a table, before somebody wants all
const MOST = 500;

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
      <${Messages} messages=${status.messages} found=${of("messages")} /></div>
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
  const parts = [
    broker?.connected && "The broker is connected",
    typeof elements?.total === "number" && `${counted(elements.total, "element")} are served`,
    history && !history.problem && "history is being kept",
  ].filter(Boolean);
  return parts.length ? `${parts.join(", ")}.` : "Nothing is reported to be wrong.";
}

function show(panel) {
  const heading = document.getElementById(`health-${panel}`);
  heading?.scrollIntoView({ block: "start" });
  heading?.focus({ preventScroll: true });
}

const WORDS = { Bad: "failing", Uncertain: "look at this", Good: "as it should be", note: "good to know" };

function Badge({ level }) {
  return html`<span class="badge ${level}">${WORDS[level]}</span>`;
}

function Mark({ level }) {
  return html`<span class="dot ${level}" aria-hidden="true"></span>`;
}

/** A part of the bridge: whether it is as it should be, what is wrong and what to do, and its figures. */
function Panel({ id, title, found = [], aside, children }) {
  const level = about.LEVELS.find((one) => found.some((other) => other.level === one)) ?? "Good";
  return html`
    <section class="panel" aria-labelledby="health-${id}">
      <header><h2 id="health-${id}" tabindex="-1">${title}</h2>${aside}<${Badge} level=${level} /></header>
      ${found.filter(({ todo }) => todo).map((one, index, all) => html`<${Finding} key=${one.text} ...${one}
        isTold=${all.findIndex(({ todo }) => todo === one.todo) < index} />`)}
      ${children}
    </section>`;
}

/** `isTold`: another one has said what to do. */
function Finding({ level, text, todo, isTold }) {
  return html`<div class="finding ${level}"><p>${text}</p>${!isTold && html`<p class="remedy">${todo}</p>`}</div>`;
}

/** Names and figures; what is not told is left out. */
function Figures({ rows }) {
  const told = rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false);
  if (!told.length) return html`<p class="muted">Nothing is told.</p>`;
  return html`<dl class="facts">${told.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** How long ago, growing. */
export function Ago({ timestamp }) {
  useTicks();
  const ms = now() - instant(timestamp);
  if (Number.isNaN(ms)) return "–";
  const text = Math.abs(ms) < 1_000 ? "just now" : ms < 0 ? age(ms) : `${age(ms)} ago`;
  return html`<time datetime=${timestamp} title="${local(timestamp)} (${timestamp})">${text}</time>`;
}

function isNumber(value) {
  return typeof value === "number";
}

/** "yes" or "no"; null where neither is told. */
function yesOrNo(value, yes, no) {
  return value === undefined || value === null ? null : value ? yes : no;
}

function count(value) {
  return typeof value === "number" ? grouped(value) : value;
}

function since(timestamp) {
  return timestamp && html`${local(timestamp)} <span class="muted">(<${Ago} timestamp=${timestamp} />)</span>`;
}

function Broker({ broker, found }) {
  if (!broker) return null;
  const { connected, url, protocol, topics } = broker;
  return html`
    <${Panel} id="broker" title="Broker" found=${found}>
      <${Figures} rows=${[
        ["State", yesOrNo(connected, "connected", html`<span class="error">not connected</span>`)],
        ["Since", since(broker.since)],
        ["Address", url && html`<code>${url}</code>`],
        ["Protocol", protocol && (/^[\d.]+$/.test(protocol) ? `MQTT ${protocol}` : protocol)],
        ["Reads", topics?.length ? topics.map((filter) => html`<code key=${filter}>${filter}</code> `) : null],
        ["Reconnected", broker.reconnects !== undefined && `${count(broker.reconnects)} ×`],
        ["Sessions lost", broker.sessionsLost !== undefined && `${count(broker.sessionsLost)} ×`],
      ]} />
    <//>`;
}

const FLOWS = [
  ["received", "Received", "taken from the broker"],
  ["stored", "Stored", "on the disk, or in memory, and acknowledged"],
  ["rejected", "Rejected", "could not be used, or are left out on purpose; see below"],
];

function Messages({ messages, found }) {
  if (!messages) return null;
  const totals = { ...messages, rejected: about.rejectedOf(messages) };
  return html`
    <${Panel} id="messages" title="Messages" found=${found}>
      <table class="flows"><thead><tr><th scope="col"><span class="hidden-label">Messages</span></th>
        <th scope="col" class="number">Now</th><th scope="col">Last 5 minutes</th>
        <th scope="col" class="number">Since start</th></tr></thead>
        <tbody>${FLOWS.map(([key, title, means]) => html`<tr key=${key}><th scope="row" title=${means}>${title}</th>
          <td class="number rate">${about.rateText(about.rateOf(samples, key))}</td>
          <td class="spark"><${Sparkline} name=${title} line=${about.lineOf(samples, key, Date.now())}
            isBad=${key === "rejected"} /></td>
          <td class="number">${count(totals[key] ?? "–")}</td></tr>`)}</tbody></table>
      <${Figures} rows=${[
        ["Duplicates", withNote(messages.duplicate, "said again what was known")],
        ["Unacknowledged", withNote(messages.unacknowledged, "on the way to the disk")],
      ]} />
    <//>`;
}

function withNote(value, note) {
  return isNumber(value) && html`${grouped(value)} <span class="muted">${note}</span>`;
}

const WIDTH = 300;
const HEIGHT = 30;

/** Rates as a line from five minutes ago to now; its text tells the greatest. */
function Sparkline({ name, line, isBad }) {
  const rates = line.flat().map(({ rate }) => rate);
  const most = Math.max(...rates, 0);
  const y = (rate) => (HEIGHT - 2 - (most ? rate / most : 0) * (HEIGHT - 4)).toFixed(1);
  const points = (piece) => piece.map(({ ago, rate }) => `${((1 - ago) * WIDTH).toFixed(1)},${y(rate)}`).join(" ");
  const told = rates.length ? `at most ${about.rateText(most)} in the last 5 minutes` : "nothing to show yet";
  const text = `${name}: ${told}`;
  return html`<svg class="sparkline ${isBad && most ? "bad" : ""}" viewBox="0 0 ${WIDTH} ${HEIGHT}"
      preserveAspectRatio="none" role="img" aria-label=${text}><title>${text}</title>
      ${line.map((piece) => html`<polyline key=${piece[0].ago} points=${points(piece)} />`)}</svg>
    <span class="most muted" aria-hidden="true">${most > 0 && `max ${about.rateText(most)}`}</span>`;
}

/** By reason: what it means, what to do, and examples. */
function Rejected({ status, found }) {
  if (!status.messages && !status.rejected) return null;
  const counts = about.reasonsOf(status.messages);
  const examples = status.rejected ?? [];
  const reasons = [...new Set([...Object.keys(counts), ...examples.map(({ reason }) => reason)])];
  const groups = reasons
    .map((reason) => ({ ...about.aboutReason(reason), count: counts[reason], examples: latest(examples, reason) }))
    .sort((one, other) => (other.count ?? 0) - (one.count ?? 0));
  const wrong = groups.filter(({ isExpected }) => !isExpected);
  const expected = groups.filter(({ isExpected }) => isExpected);
  return html`
    <${Panel} id="rejected" title="Rejected payloads" found=${found}>
      ${!wrong.length && html`<p>Every payload could be used.</p>`}
      ${wrong.map((group) => html`<${Reason} key=${group.reason} ...${group} />`)}
      ${expected.length > 0 && html`<details><summary>Left out on purpose:
          ${" "}${expected.map((one) => `${one.reason} ${count(one.count ?? one.examples.length)}`).join(", ")}
        </summary>
        ${expected.map((group) => html`<${Reason} key=${group.reason} ...${group} />`)}</details>`}
    <//>`;
}

function latest(examples, reason) {
  const found = examples.filter((one) => one.reason === reason);
  return found.sort((one, other) => (instant(other.at) || 0) - (instant(one.at) || 0));
}

const EXAMPLES = 3;

function Reason({ reason, count: total, means, todo, isExpected, examples }) {
  const [isAll, setIsAll] = useState(false);
  const shown = examples.slice(0, isAll ? MOST : EXAMPLES);
  return html`
    <div class="reason">
      <h3><code>${reason}</code>
        <span class="badge ${isExpected ? "" : "Uncertain"}">${counted(total ?? examples.length, "message")}</span></h3>
      <p>${means} <span class="remedy">${todo}</span></p>
      ${shown.length > 0 && html`<ul class="examples">
        ${shown.map((one) => html`<${Example} key=${`${one.topic} ${one.at}`} ...${one} />`)}</ul>`}
      ${examples.length > EXAMPLES && html`<button class="plain" aria-expanded=${isAll}
        onClick=${() => setIsAll(!isAll)}>
        ${isAll ? "Fewer examples" : counted(examples.length - EXAMPLES, "more example")}</button>`}
    </div>`;
}

function Example({ reason, topic, payload, size, detail, at }) {
  const cut = about.cutOf(payload, size);
  const text = typeof payload === "string" ? payload : "";
  const told = [about.aboutReason(reason).detailOf(detail), cut && `the beginning of ${bytes(cut)}`].filter(Boolean);
  return html`<li>
    <p class="row"><code class="topic">${topic}</code><span class="spring"></span>
      <span class="muted"><${Ago} timestamp=${at} /></span>
      <a class="button" href=${href("explain", "", { topic, payload: text, cut })}>Explain<span
        class="hidden-label"> ${topic}</span></a></p>
    ${text ? html`<pre class="payload">${text}${cut && "…"}</pre>` : html`<p class="muted">(empty payload)</p>`}
    <p class="muted">${told.join("; ")}</p></li>`;
}

/** Elements whose values are in doubt, by why. */
function Stale({ stale, elements, found }) {
  if (!stale && !elements) return null;
  const rows = stale ?? [];
  const doubted = Object.keys(about.DOUBTS).filter((why) => elements?.[why] > 0);
  const whys = [...new Set([...doubted, ...rows.map(({ why }) => why)])];
  return html`
    <${Panel} id="stale" title="Elements in doubt" found=${found}>
      ${!whys.length && html`<p>No element is silent, offline or unconfirmed.</p>`}
      ${whys.map((why) => html`<${Doubt} key=${why} why=${why} total=${elements?.[why]}
        rows=${rows.filter((one) => one.why === why)} />`)}
    <//>`;
}

function Doubt({ why, total, rows }) {
  const { title, means, todo } = about.DOUBTS[why] ?? { title: why, means: "", todo: "" };
  return html`
    <div class="reason"><h3>${title}
        <span class="badge Uncertain">${counted(total ?? rows.length, "element")}</span></h3>
      <p>${means} <span class="remedy">${todo}</span></p>
      <${Table} caption=${title} head=${["Element", "Since"]} rows=${rows} total=${total}
        keyOf=${({ elementId }) => elementId}
        cells=${({ elementId, since: from }) => [html`<${ElementLink} id=${elementId} />`, since(from)]} />
    </div>`;
}

/** A table that begins with few rows. */
function Table({ caption, head, rows, total, cells, keyOf, numbers = [] }) {
  const [isAll, setIsAll] = useState(false);
  if (!rows.length) return null;
  const shown = rows.slice(0, isAll ? MOST : FEW);
  const untold = Math.max(total ?? 0, rows.length) - shown.length;
  const place = (index) => (numbers.includes(index) ? "number" : "");
  return html`
    <div class="scroll"><table><caption class="hidden-label">${caption}</caption>
      <thead><tr>${head.map((name, index) => html`<th scope="col" class=${place(index)}>${name}</th>`)}</tr></thead>
      <tbody>${shown.map((row, at) => html`<tr key=${keyOf(row, at)}>
        ${cells(row).map((cell, index) => html`<td class=${place(index)}>${cell}</td>`)}</tr>`)}</tbody>
    </table></div>
    ${rows.length > FEW && html`<button class="plain" aria-expanded=${isAll} onClick=${() => setIsAll(!isAll)}>
      ${isAll ? "Show fewer" : `Show ${grouped(Math.min(rows.length, MOST) - FEW)} more`}</button>`}
    ${untold > 0 && (isAll || rows.length <= FEW) && html`<p class="muted">and ${grouped(untold)} more</p>`}`;
}

/** Settled types that met something new. Nothing is lost by it, so it is told and not complained of. */
function Drift({ events }) {
  const { data, error } = useAnswer((signal) => ask("GET", "drift", undefined, { signal }), ["drift", events]);
  const types = data?.types ?? [];
  return html`
    <${Panel} id="drift" title="Drift of types" found=${types.length ? [{ level: "note" }] : []}
        aside=${data && html`<span class="muted">${counted(data.total ?? types.length, "event")}</span>`}>
      ${error?.status === 403 && html`<p>Drift speaks of everything, so it is for who may read everything:
        <code>bridge token allow ${session.me.value?.name ?? "NAME"} --read "#"</code></p>`}
      ${error && error.status !== 403 && html`<${Failure} error=${error} what="Drift is not known" />`}
      ${data && !types.length && html`<p>No settled type has met anything that it was not made for.</p>`}
      ${types.length > 0 && html`
        <p>A settled type has met something that it was not made for; types only widen, and no value is lost.
          <span class="remedy"> If somebody changed the device or its payloads on purpose, nothing needs to be done. If
          not, look at the element. To keep types as they are, write them down with <code>bridge learn</code> and name
          the file in [model] file.</span></p>
        <${Table} caption="Drift of types" head=${["Type", "What happened last", "Element", "When"]} rows=${types}
          keyOf=${({ typeElementId }) => typeElementId} cells=${driftCells} />`}
    <//>`;
}

function driftCells({ typeElementId, events = [] }) {
  const [last, ...earlier] = events;
  return [
    html`<a href=${href("types", typeElementId)}>${typeElementId}</a>`,
    html`${last?.what}${earlier.length > 0 && html`<details>
      <summary>${counted(earlier.length, "earlier event")}</summary>
      <ul class="plain-list">${earlier.map(({ what, at, elementId }) => html`<li>${what}
        ${" "}<span class="muted">${local(at)},</span> <${ElementLink} id=${elementId} /></li>`)}</ul></details>`}`,
    last && html`<${ElementLink} id=${last.elementId} />`,
    last && html`<${Ago} timestamp=${last.at} />`,
  ];
}

function Subscriptions({ subscriptions, found }) {
  if (!subscriptions) return null;
  const { total, streams, items, queued, dropped, list = [] } = subscriptions;
  const rows = [...(list ?? [])].sort((one, other) => (other.queued ?? 0) - (one.queued ?? 0));
  const figures = [
    ["open", total],
    ["with a stream", streams],
    ["monitored items", items],
    ["updates waiting", queued],
    ["updates lost", dropped],
  ];
  return html`
    <${Panel} id="subscriptions" title="Subscriptions and streams" found=${found}>
      <p class="row figures-row">${figures.filter(([, value]) => isNumber(value))
        .map(([name, value]) => html`<span><b>${grouped(value)}</b> <span class="muted">${name}</span></span>`)}</p>
      ${rows.length
        ? html`<${Table} caption="Subscriptions" head=${["Name", "Client", "Of whom", "Items", "Waiting", "Read by"]}
            rows=${rows} total=${total} numbers=${[3, 4]} keyOf=${(one, at) => at} cells=${subscriptionCells} />
          <p class="muted">What waits goes to a stream at once; clients without one ask for it with sync.</p>`
        : html`<p>No client has subscribed to anything.</p>`}
    <//>`;
}

function subscriptionCells({ displayName, clientId, owner, items, queued, streaming }) {
  const client = clientId ? html`<code>${clientId}</code>` : "–";
  const way = streaming ? "stream" : "sync";
  return [displayName || "–", client, owner || "–", count(items ?? "–"), count(queued ?? "–"), way];
}

function History({ history, found }) {
  if (!history) return null;
  const hasDisk = history.backend !== "memory" && isNumber(history.pending);
  return html`
    <${Panel} id="history" title="History" found=${found}>
      <${Figures} rows=${[
        ["Kept in", history.backend],
        ["Rows", count(history.rows)],
        ["Size", typeof history.bytes === "number" && `about ${bytes(history.bytes)}`],
        ["Not yet on disk", hasDisk && counted(history.pending, "row")],
        ["Writable", yesOrNo(history.writable, "yes", "no")],
        ["Oldest", since(history.oldest)],
        ["Kept for", history.keepAge ? about.spanText(history.keepAge) : null],
        ["Gone for newer", history.evicted > 0 && counted(history.evicted, "row")],
      ]} />
    <//>`;
}

const OUTCOMES = { ok: "Succeeded", refused: "Refused", failed: "Failed" };

function Writes({ writes, found }) {
  const rows = Object.entries(writes ?? {}).filter(([, value]) => typeof value === "number");
  const isUsed = rows.some(([, value]) => value > 0);
  const isOff = session.me.value?.writes?.enabled === false;
  return html`
    <${Panel} id="writes" title="Writes" found=${found}>
      ${isOff && html`<p>Writing values is off.
        <span class="remedy"> It is switched on with [writes] enabled = true, and allow.</span></p>`}
      ${!isOff && !isUsed && html`<p>Nobody has written a value since the start.</p>`}
      ${isUsed && html`<${Figures} rows=${rows.map(([name, value]) => [OUTCOMES[name] ?? name, count(value)])} />`}
    <//>`;
}

function Bridge({ status, found }) {
  const { elements, types, limits, connections } = status;
  const fixed = flat(limits ?? {});
  const revision = isNumber(types?.revision) && `revision ${types.revision}`;
  const model = [yesOrNo(types?.settled, "settled", "young"), revision];
  return html`
    <${Panel} id="bridge" title="This bridge" found=${found}>
      <${Figures} rows=${[
        ["Version", status.version],
        ["Started", since(status.startedAt)],
        ["Elements", count(elements?.total)],
        ["Types", count(types?.total)],
        ["Model", model.filter(Boolean).join(", ")],
        ["Connections", typeof connections === "object" && connections ? inWords(connections) : count(connections)],
      ]} />
      ${fixed.length > 0 && html`<details><summary>Limits</summary><${Figures} rows=${fixed} /></details>`}
    <//>`;
}

function inWords(figures) {
  return flat(figures).map(([name, value]) => `${name} ${value}`).join(", ");
}

/** Figures in figures, as rows. */
function flat(figures, above = "") {
  return Object.entries(figures).flatMap(([name, value]) => {
    const whole = above ? `${above}.${name}` : name;
    if (value !== null && typeof value === "object") return flat(value, whole);
    if (value === null) return [];
    return [[whole, Number.isInteger(value) ? grouped(value) : isNumber(value) ? number(value) : String(value)]];
  });
}
