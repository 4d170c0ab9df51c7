// The parts of Health: what each part of the bridge says of itself, whether that is as it should be, and what to do.

import { html, useState } from "../vendor/preact.js";
import { ask } from "../lib/api.js";
import { bytes, counted, grouped, instant, local, number } from "../lib/format.js";
import * as about from "../lib/health.js";
import { useAnswer } from "../lib/hooks.js";
import { aboutReason, cutOf } from "../lib/reasons.js";
import { href } from "../lib/router.js";
import * as session from "../lib/session.js";
import { Age, ElementLink, Failure } from "./parts.js";

const FEW = 8; // rows of a table, before somebody wants all
const MOST = 500;

const WORDS = { Bad: "failing", Uncertain: "look at this", Good: "as it should be", note: "good to know" };

export function Badge({ level }) {
  return html`<span class="badge ${level}">${WORDS[level]}</span>`;
}

export function Mark({ level }) {
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

export function isNumber(value) {
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
  return timestamp && html`${local(timestamp)} <span class="muted">(<${Age} timestamp=${timestamp} ago />)</span>`;
}

export function Broker({ broker, found }) {
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

export function Messages({ messages, samples, found }) {
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
export function Rejected({ status, found }) {
  if (!status.messages && !status.rejected) return null;
  const counts = about.reasonsOf(status.messages);
  const examples = status.rejected ?? [];
  const reasons = [...new Set([...Object.keys(counts), ...examples.map(({ reason }) => reason)])];
  const groups = reasons
    .map((reason) => ({ ...aboutReason(reason), count: counts[reason], examples: latest(examples, reason) }))
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
  const cut = cutOf(payload, size);
  const text = typeof payload === "string" ? payload : "";
  const told = [aboutReason(reason).detailOf(detail), cut && `the beginning of ${bytes(cut)}`].filter(Boolean);
  return html`<li>
    <p class="row"><code class="topic">${topic}</code><span class="spring"></span>
      <span class="muted"><${Age} timestamp=${at} ago /></span>
      <a class="button" href=${href("explain", "", { topic, payload: text, cut })}>Explain<span
        class="hidden-label"> ${topic}</span></a></p>
    ${text ? html`<pre class="payload">${text}${cut && "…"}</pre>` : html`<p class="muted">(empty payload)</p>`}
    <p class="muted">${told.join("; ")}</p></li>`;
}

/** Elements whose values are in doubt, by why. */
export function Stale({ stale, elements, found }) {
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
  const { title, means, todo, level = "Uncertain" } = about.DOUBTS[why] ?? { title: why, means: "", todo: "" };
  return html`
    <div class="reason"><h3>${title}
        <span class="badge ${level}">${counted(total ?? rows.length, "element")}</span></h3>
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
export function Drift({ events }) {
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
    last && html`<${Age} timestamp=${last.at} ago />`,
  ];
}

export function Subscriptions({ subscriptions, found }) {
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

export function History({ history, found }) {
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

export function Writes({ writes, found }) {
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

export function Bridge({ status, found }) {
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
