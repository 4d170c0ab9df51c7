// The kinds of things, and all of one kind side by side: one row each, live, sorted by any column.

import { html, useMemo, useState } from "../vendor/preact.js";
import { bulk, get } from "../lib/api.js";
import { columnsOf, compare, partOf, valueAt } from "../lib/columns.js";
import { useLive, useModel } from "../lib/hooks.js";
import * as live from "../lib/live.js";
import * as model from "../lib/model.js";
import { counted, grouped, instant } from "../lib/format.js";
import { href, route } from "../lib/router.js";
import { stringify } from "../lib/exact.js";
import { useTicks } from "../lib/ticks.js";
import { Age, Dot, ElementLink, Failure, Value } from "./parts.js";

const MOST_TYPES = 400; // in the list; a filter finds the others
const MOST_ROWS = 300; // watched at once
const MOST_COLUMNS = 60;

export function Types() {
  const { path } = route.value;
  const type = model.types.value.get(path);
  return html`
    <div class="split types">
      <${List} chosen=${path} />
      <div class="divider still" aria-hidden="true"></div>
      <div class="view">${path ? html`<${Kind} id=${path} type=${type} key=${path} />` : html`<${Hint} />`}</div>
    </div>`;
}

function Hint() {
  return html`<div class="notice"><h1>Kinds</h1>
    <p>The bridge has found out which things are of one kind. Choose one to see all of them side by side.</p></div>`;
}

function List({ chosen }) {
  const [text, setText] = useState("");
  const all = [...model.types.value.values()];
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.filter((type) => words.every((word) => `${type.displayName} ${type.elementId}`.toLowerCase().includes(word)));
  const things = found.filter(({ schema }) => schema.type === "object");
  const values = found.filter(({ schema }) => schema.type !== "object");
  return html`
    <nav class="tree-pane" aria-label="Types">
      <div class="search"><label><span class="hidden-label">Filter types</span>
        <input type="search" placeholder="Filter ${counted(all.length, "type")}" value=${text} spellcheck=${false}
          onInput=${(event) => setText(event.target.value)} /></label></div>
      <div class="type-list">
        <${Group} title="Things, parts and documents" types=${things} chosen=${chosen} />
        <${Group} title="Values" types=${values} chosen=${chosen} />
        ${!found.length && html`<p class="notice">No type is called so.</p>`}
      </div>
    </nav>`;
}

function Group({ title, types, chosen }) {
  if (!types.length) return null;
  const sorted = [...types].sort((one, other) => compare(one.displayName, other.displayName));
  return html`<h2>${title}</h2><ul>
    ${sorted.slice(0, MOST_TYPES).map((type) => html`<li key=${type.elementId}><a href=${href("types", type.elementId)}
      aria-current=${type.elementId === chosen ? "true" : undefined} title=${`${type.displayName}\n${type.elementId}`}><span class="name">${type.displayName}</span>
      <span class="muted">${type.schema.unit ?? shape(type)}</span></a></li>`)}</ul>
    ${types.length > MOST_TYPES && html`<p class="muted">and ${counted(types.length - MOST_TYPES, "more")}: filter for them</p>`}`;
}

function shape({ schema }) {
  if (schema.type === "object") return schema.properties ? counted(Object.keys(schema.properties).length, "attribute") : "";
  return [schema.type].flat().join(" or ");
}

function Kind({ id, type }) {
  const { data, error } = useModel(
    (signal) => get(`v1/objects?${new URLSearchParams({ typeElementId: id })}`, { signal }),
    [id],
  );
  const [text, setText] = useState("");
  const [isSchema, setIsSchema] = useState(false);
  if (error && !data) return html`<${Failure} error=${error} what="Its elements" />`;
  if (!data) return html`<p class="notice">Loading…</p>`;
  if (!type) return html`<p class="notice">${data.length ? "Loading…" : "There is no such type, or you may not see it."}</p>`;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = data.filter(({ elementId }) => words.every((word) => elementId.toLowerCase().includes(word)));
  return html`
    <header class="head"><h1>${type.displayName}</h1><span class="badge">version ${type.version}</span>
      <span class="muted">${counted(data.length, "element")}</span><span class="spring"></span>
      <input type="search" aria-label="Filter by id" placeholder="Filter by id" value=${text} onInput=${(event) => setText(event.target.value)} />
      <button aria-expanded=${isSchema} onClick=${() => setIsSchema(!isSchema)}>Schema</button></header>
    <p class="muted mono">${id}</p>
    ${isSchema && html`<pre class="raw" tabindex="0" aria-label="Schema">${stringify(type.schema, 2)}</pre>`}
    <${Table} objects=${shown} type=${type} />`;
}

/** The units of a machine's parts are told by the parts of one: field → unit. */
async function unitsIn(id) {
  const [{ result }] = await bulk("v1/objects/value", { elementIds: [id], maxDepth: 0 });
  const parts = Object.keys(result?.components ?? {}).slice(0, MOST_COLUMNS);
  const described = await Promise.all(parts.map((part) => model.describe(part).catch(() => null)));
  return new Map(described.filter(Boolean).map((object) => [partOf(object.elementId, id), model.unitOf(object)]));
}

function Table({ objects, type }) {
  useTicks();
  const first = objects[0]?.elementId;
  const { data: units } = useModel(() => (first ? unitsIn(first) : Promise.resolve(new Map())), [first]);
  const [order, setOrder] = useState({ by: "place", down: false });
  const columns = useMemo(() => columnsOf(type.schema, MOST_COLUMNS), [type]);
  const watched = useMemo(
    () => [...objects].sort((one, other) => compare(one.elementId, other.elementId)).slice(0, MOST_ROWS),
    [objects],
  );
  const rows = sorted(watched, order, columns);
  const sort = (by) => setOrder({ by, down: order.by === by && !order.down });
  const head = { order, sort };
  return html`
    ${objects.length > MOST_ROWS && html`<p class="muted">The first ${MOST_ROWS} of ${grouped(objects.length)}; filter for the others.</p>`}
    <div class="panel scroll flush"><table class="kind">
      <thead><tr>
        <${Heading} ...${head} by="place" name="Element" />
        <${Heading} ...${head} by="quality" name="Quality" /><${Heading} ...${head} by="age" name="Age" isNumber />
        ${columns.map((column) => html`<${Heading} key=${column.key} ...${head} by=${`value ${column.key}`} name=${column.name}
          above=${column.above} unit=${column.unit || units?.get(column.key)} isNumber=${column.isNumber} />`)}
      </tr></thead>
      <tbody>${rows.map((object) => html`<${Row} key=${object.elementId} object=${object} columns=${columns} />`)}</tbody>
    </table></div>`;
}

function sorted(objects, { by, down }, columns) {
  const column = columns.find(({ key }) => by === `value ${key}`);
  const key = (object) => {
    if (by === "place") return object.elementId;
    const now = live.latest(object.elementId);
    if (by === "quality") return now?.quality;
    if (by === "age") return now ? -instant(now.timestamp) : null;
    return column && now ? valueAt(now.value, column.path) : null;
  };
  const keyed = objects.map((object) => [key(object), object]);
  keyed.sort(([one], [other]) => {
    const isMissing = one === null || one === undefined || other === null || other === undefined;
    return compare(one, other) * (down && !isMissing ? -1 : 1);
  });
  return keyed.map(([, object]) => object);
}

function Heading({ by, name, above, unit, isNumber, order, sort }) {
  const isSorted = order.by === by;
  const direction = order.down ? "descending" : "ascending";
  return html`<th scope="col" class=${isNumber ? "number" : ""} aria-sort=${isSorted ? direction : undefined}>
    ${above && html`<span class="above">${above}</span>`}
    <button class="plain" onClick=${() => sort(by)}>${name}${unit && html` <span class="unit">${unit}</span>`}
      <span aria-hidden="true">${isSorted ? (order.down ? " ▼" : " ▲") : ""}</span></button></th>`;
}

function Row({ object, columns }) {
  const now = useLive(object.elementId);
  return html`<tr>
    <th scope="row"><${ElementLink} id=${object.elementId}>${object.displayName}<//><span class="above" title=${object.elementId}>${object.parentId}</span></th>
    <td>${now && !now.error ? html`<${Dot} quality=${now.quality} />` : now?.error ? "–" : "…"}</td>
    <td class="number muted">${now?.timestamp && html`<${Age} timestamp=${now.timestamp} />`}</td>
    ${columns.map(({ key, path, isNumber }) => html`<td key=${key} class=${isNumber ? "number" : ""}>
      ${now && !now.error && html`<${Value} value=${valueAt(now.value, path) ?? null} />`}</td>`)}
  </tr>`;
}
