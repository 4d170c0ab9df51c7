// One element: what it is, what it says now, what it belongs to, and how to ask for it from elsewhere.

import { html, useState } from "../vendor/preact.js";
import { useLive, useModel } from "../lib/hooks.js";
import * as model from "../lib/model.js";
import { local, visible } from "../lib/format.js";
import { stringify } from "../lib/exact.js";
import { isDocument } from "../lib/fields.js";
import { kindOf, kindOfValues } from "../lib/states.js";
import { href } from "../lib/router.js";
import * as snippets from "../lib/snippets.js";
import { Components } from "./components.js";
import { Age, Copy, Dot, ElementLink, Failure, Icon, Value } from "./parts.js";
import { Structure } from "./structure.js";
import { Trend } from "./trend.js";
import { Writing } from "./writing.js";

const LONG = 60; // characters that are still shown large
const GONE = new Set([403, 404]); // whatever was shown of it before

export function Element({ id }) {
  const { data: found, error } = useModel(() => model.describe(id), [id]);
  const { data: relations } = useModel(() => model.related(id), [id]);
  const now = useLive(id);
  if (error && (!found || GONE.has(error.status))) return html`<${Missing} id=${id} error=${error} />`;
  if (!found) return html`<p class="notice">Loading…</p>`;
  const type = model.types.value.get(found.typeElementId);
  const kind = model.kindOf(found);
  return html`
    <article class="column">
      <${Head} object=${found} type=${type} kind=${kind} />
      ${kind !== "folder" && html`<${Current} object=${found} now=${now} type=${type} />`}
      ${isPlottable(type, now) && html`
        <section class="panel"><header><h2>Trend</h2>
          <a class="button" href=${href("trend", "", { ids: JSON.stringify([id]) })}>Open in Trend</a></header>
          <${Trend} ids=${[id]} range="15m" compact /></section>`}
      <${Writing} object=${found} type=${type} now=${now} />
      <${Relations} relations=${relations} />
      <${Facts} object=${found} type=${type} />
      <${Raw} object=${found} type=${type} now=${now} />
    </article>`;
}

function Missing({ id, error }) {
  const isGone = error.status === 404;
  const title = isGone ? "No such element" : error.status ? "Not to be shown" : "No answer";
  return html`<div class="notice" role="alert"><h1>${title}</h1>
    <p><code>${id}</code></p>
    <p>${isGone
      ? "Nobody has published it, it was removed or expired, or you may not read it."
      : error.message}</p>
    <p><a href=${href("explain", "", { topic: id })}>What would become of this topic?</a></p></div>`;
}

function Head({ object, type, kind }) {
  const { data: path } = useModel(() => model.pathTo(object), [object.elementId]);
  return html`
    <nav aria-label="Path" class="path">
      ${(path ?? []).map(({ elementId, displayName }) => html`<${ElementLink} id=${elementId}>${displayName}<//> <span
        class="muted" aria-hidden="true">/</span> `)}
    </nav>
    <header class="head">
      <h1><${Icon} kind=${kind} /> ${object.displayName}</h1>
      <a class="badge" href=${href("types", object.typeElementId)} title=${object.typeElementId}>${type?.displayName ?? object.typeElementId}</a>
      ${object.isExtended && html`<span class="badge" title="The value has attributes that its type does not declare; see Schema">extended</span>`}
    </header>
    ${object.metadata.description && html`<p class="muted"><bdi>${visible(object.metadata.description)}</bdi></p>`}`;
}

/** The value, live; documents and composed values as a table. */
function Current({ object, now, type }) {
  const unit = model.unitOf(object);
  if (!now) return html`<section class="panel"><p class="muted">Waiting for the value…</p></section>`;
  if (now.error) return html`<section class="panel"><${Failure} error=${now.error} what="No value" /></section>`;
  const { value } = now;
  const isPlain = value === null || typeof value !== "object";
  const isComposed = object.isComposition && isDocument(value); // its parts tell it
  const isLong = String(value).length > LONG || /[\n\t]/.test(value);
  return html`
    <section class="panel" aria-label="Current value">
      <div class="current">
        ${isPlain && html`<p class=${isLong ? "big long" : "big"} tabindex=${isLong ? 0 : undefined}>
          <${Value} value=${value} unit=${unit} whole /></p>`}
        <p class="row"><span class="badge ${now.quality}"><${Dot} quality=${now.quality} /> ${now.quality}</span>
          <span>${local(now.timestamp)}</span>
          <span class="muted"><${Age} timestamp=${now.timestamp} ago /></span></p>
      </div>
      ${!isPlain && !isComposed && html`<${Structure} value=${value} schema=${type?.schema} />`}
      ${object.isComposition && html`<${Components} id=${object.elementId} />`}
    </section>`;
}

function isPlottable(type, now) {
  const kind = kindOf(type?.schema) ?? kindOfValues(now ? [now.value] : []);
  return (kind === "line" || kind === "states") && !now?.error;
}

function Relations({ relations }) {
  if (!relations?.length) return null;
  const groups = new Map();
  for (const { sourceRelationship, object } of relations) {
    if (!groups.has(sourceRelationship)) groups.set(sourceRelationship, []);
    groups.get(sourceRelationship).push(object);
  }
  return html`
    <section class="panel"><header><h2>Relationships</h2></header>
      <dl class="facts">${[...groups].map(([name, objects]) => html`<${Group} name=${name} objects=${objects} />`)}</dl>
    </section>`;
}

const FEW = 12;
const MOST = 500;

function Group({ name, objects }) {
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? objects.slice(0, MOST) : objects.slice(0, FEW);
  const title = RELATIONS[name] ?? name;
  return html`<dt title=${name}>${title}</dt>
    <dd>${shown.map((object, index) => html`${index > 0 && ", "}<${ElementLink} id=${object.elementId}>${object.displayName}<//>`)}
      ${objects.length > shown.length && !isAll && html` <button class="plain" onClick=${() => setIsAll(true)}>and ${objects.length - FEW} more</button>`}
      ${isAll && objects.length > MOST && html` and ${objects.length - MOST} more: see the tree`}</dd>`;
}

const RELATIONS = { HasParent: "Lies in", HasChildren: "Contains", HasComponent: "Has parts", ComponentOf: "Part of" };

function Facts({ object, type }) {
  const { metadata } = object;
  const system = metadata.system ?? {};
  const rows = [
    ["Element id", html`<code>${object.elementId}</code> <${Copy} text=${object.elementId} label="Copy id" />`],
    ["Type", html`<a href=${href("types", object.typeElementId)}>${object.typeElementId}</a>${type && ` version ${type.version}`}`],
    ["Namespace", metadata.typeNamespaceUri],
    ["Unit", system.unit && `${system.unit}${system.unitCode ? ` (UNECE ${system.unitCode})` : ""}`],
    ["Topic", system.topic !== object.elementId && system.topic && html`<code>${system.topic}</code>`],
    ["Received", system.receivedAt && `${local(system.receivedAt)} (when the bridge got it)`],
    ...Object.entries(system)
      .filter(([name]) => !["topic", "unit", "unitCode", "receivedAt"].includes(name))
      .map(([name, value]) => [name, typeof value === "object" ? html`<code>${stringify(value)}</code>` : String(value)]),
  ];
  return html`
    <section class="panel"><header><h2>About</h2>
      <a class="button" href=${href("explain", "", { topic: object.elementId })}>Why is it so?</a></header>
      <dl class="facts">${rows.filter(([, value]) => value).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    </section>`;
}

/** For those who go on from here with a program. */
function Raw({ object, type, now }) {
  const texts = {
    curl: () => snippets.curl(object.elementId),
    Python: () => snippets.python(object.elementId),
    Value: () => stringify(now && !now.error ? now : null, 2),
    Schema: () => stringify({ ...type?.schema, ...extensions(object) }, 2),
    Object: () => stringify(object, 2),
  };
  const [shown, setShown] = useState(null);
  return html`
    <section class="panel"><header><h2>Use it elsewhere</h2></header>
      <div class="row" role="group" aria-label="What to show">
        ${Object.keys(texts).map((name) => html`<button aria-pressed=${shown === name}
          onClick=${() => setShown(shown === name ? null : name)}>${name}</button>`)}
        ${shown && html`<${Copy} text=${texts[shown]} label="Copy" key=${shown} />`}
      </div>
      ${shown && html`<pre class="raw" tabindex="0" aria-label=${shown}>${texts[shown]()}</pre>`}
    </section>`;
}

function extensions(object) {
  const more = object.metadata.schemaExtensions;
  return more ? { schemaExtensions: more } : {};
}
