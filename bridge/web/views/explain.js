// How a topic became an element, and what a payload would become: the facts that the bridge tells, in plain words. The
// form is in the address, `#/explain?topic=…&payload=…`, so that it can be shared; a long payload is not.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { ask } from "../lib/api.js";
import { bytes, counted, grouped, local, zone } from "../lib/format.js";
import { aboutReason, cutOf, NO_TEXT } from "../lib/reasons.js";
import { useAnswer, useFound } from "../lib/hooks.js";
import * as model from "../lib/model.js";
import { go, href, route } from "../lib/router.js";
import * as session from "../lib/session.js";
import { Facts } from "./facts.js";
import { Age, Copy, ElementLink, Failure } from "./parts.js";

const LONGEST = 1_500; // characters of a payload in the address
const SUGGESTED = 20;

export function Explain() {
  const mayAsk = session.me.value?.readsEverything !== false;
  return html`<div class="view explain"><div class="column">
    <header class="head"><h1>Explain</h1>
      <span class="muted">How did a topic become an element? What would a payload become?</span></header>
    ${mayAsk ? html`<${Inquiry} />` : html`<${NotPermitted} />`}</div></div>`;
}

function NotPermitted() {
  const name = session.me.value?.name ?? "NAME";
  return html`<section class="panel"><header><h2>For those who may read everything</h2></header>
    <p>Explanations speak of other elements and of the configuration, so they are for principals that may read
      <code>#</code>; you are <b>${name}</b> and may read less. On the bridge's machine somebody can allow it:</p>
    <pre>bridge token allow ${name.startsWith("oidc:") ? "NAME" : name} --read "#"</pre>
    <p class="remedy">Who comes from an identity provider needs a [[grant]] with read = ["#"] instead.</p>
    <button onClick=${() => location.reload()}>Look again</button></section>`;
}

/** The form and its answers. What is asked for is the address's topic; a trial is kept here, for it may be long. */
function Inquiry() {
  const { query } = route.value;
  const [form, setForm] = useState(() => formOf(query));
  const [trial, setTrial] = useState(() => trialOf(query));
  const [asked, setAsked] = useState(0); // rises when the same is asked again
  const own = useRef(location.hash); // the address that this form made: it needs no reading
  const known = useAnswer((signal) => explained(query.topic, signal), [query.topic, asked]);

  useEffect(() => {
    if (own.current === location.hash) return;
    own.current = null;
    setForm(formOf(query));
    setTrial(trialOf(query));
  }, [query.topic, query.payload]);

  const turnTo = (more) => {
    const to = { topic: form.topic.trim(), ...more };
    own.current = href("explain", "", to);
    go("explain", "", to, { replace: to.topic === query.topic });
  };
  const explain = () => {
    if (!form.topic.trim()) return;
    if (form.topic.trim() !== trial?.topic) setTrial(null);
    if (form.topic.trim() === query.topic) setAsked((count) => count + 1);
    turnTo();
  };
  const attempt = (payload, more = {}) => {
    if (!form.topic.trim()) return;
    const properties = propertiesIn(form.properties).found;
    setTrial({ topic: form.topic.trim(), payload, properties, at: performance.now(), ...more });
    turnTo(payload.length <= LONGEST ? { payload, cut: more.cut } : {});
  };
  const change = (more) => setForm((before) => ({ ...before, ...more }));
  const tryPayload = (payload, size) => {
    change({ payload, isOpen: true });
    attempt(payload, { cut: cutOf(payload, size) });
  };
  return html`
    <${Form} form=${form} change=${change} explain=${explain} attempt=${attempt} />
    ${trial && html`<${Trial} trial=${trial} known=${trial.topic === query.topic ? known.data : null} />`}
    ${query.topic && html`<${Known} topic=${query.topic} answer=${known} hasTrial=${Boolean(trial)}
      tryPayload=${tryPayload} open=${() => change({ isOpen: true })} />`}
    ${!query.topic && !trial && html`<p class="notice">Enter a topic as it is published, or an element's id. To see what
      a payload would become before anybody publishes it, paste it below the topic; nothing of it is stored.</p>`}`;
}

async function explained(topic, signal) {
  if (!topic) return null;
  const answer = await ask("GET", `explain?${new URLSearchParams({ topic })}`, undefined, { signal });
  return { ...answer, at: Date.now() };
}

function formOf({ topic = "", payload = "" }) {
  return { topic, payload, properties: "", isOpen: payload !== "" };
}

function trialOf({ topic, payload, cut }) {
  return topic && payload ? { topic, payload, properties: {}, at: 0, cut: Number(cut) || "" } : null;
}

/** Lines of "name: value" as an object, and the first line that is none. */
function propertiesIn(text) {
  const lines = text.split("\n").filter((line) => line.trim());
  const wrong = lines.find((line) => line.indexOf(":") < 1);
  const pairs = lines.filter((line) => line.indexOf(":") > 0).map((line) => {
    const at = line.indexOf(":");
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  });
  return { found: Object.fromEntries(pairs), wrong };
}

function Form({ form, change, explain, attempt }) {
  const { topic, payload, properties, isOpen } = form;
  const suggested = useFound(form.isTyped && topic.trim().length > 1 ? topic : "", SUGGESTED);
  const { wrong } = propertiesIn(properties);
  const onSubmit = (event) => {
    event.preventDefault();
    explain();
  };
  const onKeyDown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) attempt(payload);
  };
  const onToggle = ({ target }) => target.open !== isOpen && change({ isOpen: target.open });
  const isLong = payload.length > LONGEST;
  return html`
    <form class="panel asking" onSubmit=${onSubmit}>
      <label for="explain-topic">Topic, or element id</label>
      <div class="row nowrap"><input id="explain-topic" class="mono" list="explain-topics" value=${topic} required
          spellcheck=${false} autocomplete="off" placeholder="acme/line1/press1/speed"
          onInput=${(event) => change({ topic: event.target.value, isTyped: true })} />
        <button class="main" type="submit">Explain</button></div>
      <datalist id="explain-topics">${suggested.map(({ elementId }) => html`<option
        key=${elementId} value=${elementId}></option>`)}</datalist>
      <details open=${isOpen} onToggle=${onToggle}>
        <summary>What would a payload become?</summary>
        <label for="explain-payload">Payload, as it would be published on this topic. It is looked at and not stored;
          nothing is published.</label>
        <textarea id="explain-payload" rows="6" spellcheck=${false} value=${payload} onKeyDown=${onKeyDown}
          placeholder=${'{"value": 21.5, "timestamp": "2026-01-31T08:00:00Z", "unit": "°C"}'}
          onInput=${(event) => change({ payload: event.target.value })}></textarea>
        <details class="inner"><summary>MQTT 5 user properties</summary>
          <label for="explain-properties">One a line, name: value (CloudEvents attributes, for example)</label>
          <textarea id="explain-properties" rows="3" spellcheck=${false} value=${properties}
            placeholder="ce-type: com.acme.press.StrokeDone" aria-invalid=${Boolean(wrong)}
            aria-describedby="explain-wrong"
            onInput=${(event) => change({ properties: event.target.value })}></textarea>
          <p id="explain-wrong" class="error" role="status">${wrong && `No “name: value”: ${wrong.slice(0, 80)}`}</p>
        </details>
        <div class="row">
          <button type="button" onClick=${() => attempt(payload)} disabled=${!topic.trim()}>Try this payload</button>
          <${Copy} text=${() => location.href} label="Copy link" />
          <span class="muted">${isLong ? "Too long for a link." : "Ctrl+Enter tries it."}</span>
        </div>
      </details>
    </form>`;
}

/** What the bridge knows of a topic, as of when it was asked. */
function Known({ topic, answer, hasTrial, tryPayload, open }) {
  const { data, error } = answer;
  if (error?.status === 403) return html`<${NotPermitted} />`;
  if (error?.status === 404) return html`<${Unknown} topic=${topic} hasTrial=${hasTrial} open=${open} />`;
  if (error) return html`<section class="panel"><${Failure} error=${error} what="No explanation" /></section>`;
  if (!data) return html`<p class="notice">Asking…</p>`;
  const { elementId, facts } = data;
  const { rejected, ...others } = facts;
  return html`
    <section class="panel" aria-labelledby="explain-known">
      <header><h2 id="explain-known">What it is</h2>
        <span class="muted">as of ${local(data.at - (data.at % 1000))} (${zone()})</span></header>
      <p class="row">${elementId
        ? html`<${ElementLink} id=${elementId}><code class="topic">${elementId}</code><//>
            <${Copy} text=${elementId} label="Copy id" />`
        : html`<span><code class="topic">${topic}</code> has no element: nothing that came on it could be
            used.</span>`}</p>
      ${elementId && data.topic !== elementId && html`<p class="muted">Published on
        ${" "}<code class="topic">${data.topic}</code></p>`}
      ${rejected && html`<${Rejection} said=${rejected.said} hasElement=${Boolean(elementId)}
        tryPayload=${tryPayload} />`}
      <${Facts} facts=${others} />
    </section>`;
}

function Unknown({ topic, hasTrial, open }) {
  return html`<section class="panel" role="status"><header><h2>Nobody has published on this topic</h2></header>
    <p>There is no element <code class="topic">${topic}</code>, and nothing came on it, or below it.
      Is it spelt as it is published, capitals included? Does [mqtt] topics cover it, and [mqtt] exclude not?</p>
    ${!hasTrial && html`<p>To see what it would become, paste a payload.</p>
      <button onClick=${() => {
        open();
        setTimeout(() => document.getElementById("explain-payload")?.focus(), 50); // once it is there
      }}>Paste a payload</button>`}</section>`;
}

/** What a payload would become. */
function Trial({ trial, known }) {
  const { topic, payload, properties, cut, at } = trial;
  const { data, error } = useAnswer(
    (signal) => ask("POST", "explain", { topic, payload, properties }, { signal }),
    [`${topic} ${payload}`, at],
  );
  if (error?.status === 403) return null; // what is known of the topic says so
  if (error) return html`<section class="panel"><${Failure} error=${error} what="Not looked at" /></section>`;
  if (!data) return html`<p class="notice">Trying…</p>`;
  const { becomes, ...facts } = data.facts;
  const isMalformed = looksLikeJson(payload, facts.codec) && saysNoText(known);
  const rejected = isMalformed ? { said: { reason: "malformed-json" } } : facts.rejected;
  delete facts.rejected;
  const isOther = data.elementId !== null && !becomes?.said.includes(data.elementId);
  return html`
    <section class="panel trial" aria-labelledby="explain-trial">
      <header>
        <h2 id="explain-trial">${rejected ? "This payload would not be used" : "What this payload would become"}</h2>
        <${Verdict} reason=${rejected?.said.reason} /></header>
      ${cut && html`<p class="finding Uncertain">The bridge keeps the beginning of rejected payloads only: this one had
        ${" "}${bytes(cut)}, so what is tried here is not all that came.</p>`}
      ${rejected && html`<${Rejection} said=${rejected.said} isTrial />`}
      ${becomes && !rejected && html`<${Becomes} said=${becomes.said} why=${becomes.why} />`}
      ${hints(topic, payload, data.facts, isMalformed).map((hint) => html`<p class="finding" key=${hint}>${hint}</p>`)}
      ${isMalformed && html`<p class="muted">On a topic that says texts, or that is new, it would be a text:</p>`}
      ${isOther && html`<p class="muted">The topic itself, <code>${data.elementId}</code>:</p>`}
      ${(!rejected || isMalformed) && html`<${Facts} facts=${facts} isTrial />`}
      ${!rejected && html`<p class="muted">As if it were the first message of an empty bridge: among the other elements
        of this plant, type and place may be others.</p>`}
    </section>`;
}

function Verdict({ reason }) {
  if (!reason) return html`<span class="badge Good">used</span>`;
  const { isExpected } = aboutReason(reason);
  return html`<span class="badge ${isExpected ? "" : "Bad"}">${isExpected ? "left out" : "rejected"}</span>`;
}

function Becomes({ said, why }) {
  const all = said.length === 1 ? "one element" : `${counted(said.length, "element")} ${why ?? ""}`.trim();
  return html`<p>It gives a value to ${all}:</p>
    <ul class="plain-list">${said.map((id) => html`<li key=${id}><${Perhaps} id=${id} /></li>`)}</ul>`;
}

/** An element that may be there already. */
function Perhaps({ id }) {
  const { data } = useAnswer(() => model.describe(id).catch(() => null), [id]);
  const name = html`<code class="topic">${id}</code>`;
  return data
    ? html`<${ElementLink} id=${id}>${name}<//> <span class="muted">(is there)</span>`
    : html`${name} <span class="muted">(would be new)</span>`;
}

/** What the facts alone do not tell. */
function hints(topic, payload, { codec, rejected }, isMalformed) {
  if (topic.startsWith("spBv1.0/")) {
    return ["Sparkplug payloads are binary (protobuf) and cannot be pasted as text; what is tried here is the topic."];
  }
  if (payload.includes(NO_TEXT)) {
    return [`Where ${NO_TEXT} stands there was something that is no text, so this is not quite what came.`];
  }
  if (rejected || !looksLikeJson(payload, codec)) return [];
  if (isMalformed) return [`Where it goes wrong${syntaxProblem(payload)}`];
  return [
    `It begins like JSON, and is none${syntaxProblem(payload)} On an element that has said anything but text, such a ` +
      "message is rejected as malformed-json, and the last value stays.",
  ];
}

function looksLikeJson(payload, codec) {
  return codec?.said === "text" && /^\s*[{["]/.test(payload);
}

/** Whether a topic has an element with payloads of its own, by whose type it says anything but texts. */
function saysNoText(known) {
  if (!known?.elementId || known.facts.codec?.said !== "JSON") return false;
  const type = model.types.value.get(known.facts.type?.said)?.schema?.type;
  return type !== undefined && ![type].flat().includes("string");
}

function syntaxProblem(payload) {
  try {
    JSON.parse(payload);
    return ".";
  } catch (error) {
    return `: ${error.message}.`;
  }
}

/** Why a message was not used, and what to do. */
function Rejection({ said, isTrial, hasElement, tryPayload }) {
  const { reason, detail, payload, at, times } = said;
  const { means, todo, isExpected, detailOf } = aboutReason(reason);
  const cut = cutOf(payload, said.bytes);
  const often = times > 1 ? `, ${grouped(times)} times in all` : "";
  const verdict = isExpected ? "Left out" : "Rejected";
  const size = cut ? `the beginning of ${bytes(cut)}` : bytes(said.bytes ?? 0);
  return html`
    <div class="finding ${isExpected ? "" : "Bad"}">
      <h3>${isTrial ? verdict : "The last message that could not be used"}: <code>${reason}</code></h3>
      <p>${means} ${detailOf(detail) && html`<span class="muted">(${detail})</span>`}</p>
      <p class="remedy">${todo}</p>
      ${!isTrial && html`
        ${payload ? html`<pre class="payload">${payload}${cut && "…"}</pre>` : html`<p class="muted">(empty)</p>`}
        <p class="row muted"><span>${local(at)} (<${Age} timestamp=${at} ago />), ${size}${often}.
          ${hasElement && " The element has the values of its other messages."}</span>
          <button onClick=${() => tryPayload(payload, said.bytes)}>Try this payload</button></p>`}
    </div>`;
}
