// A document, or the value of a machine, as a table that follows it live.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { fieldsOf, schemaAt } from "../lib/fields.js";
import { stringify } from "../lib/exact.js";
import { counted, cut, grouped, visible } from "../lib/format.js";
import { Value } from "./parts.js";

const MOST = 500; // fields, or items of a list
const MOST_INLINE = 1_000; // characters of a text or a list within a document

export function Structure({ value, schema }) {
  const rows = fieldsOf(value, MOST);
  const before = useRef(new Map());
  const last = before.current;
  useEffect(() => {
    before.current = new Map(rows.map(({ key, value: now }) => [key, now]));
  });
  if (!rows.length) return html`<${List} items=${value} />`;
  return html`
    <div class="scroll"><table class="structure">
      <thead><tr><th scope="col">Field</th><th scope="col" class="number">Value</th><th scope="col">About</th></tr></thead>
      <tbody>${rows.map((row) => html`<${Field} key=${row.key} row=${row} about=${schemaAt(schema, row.path)}
        isFresh=${last.has(row.key) && !row.isBranch && last.get(row.key) !== row.value} />`)}</tbody>
    </table></div>
    ${rows.length >= MOST && html`<p class="muted">The first ${MOST} fields; the rest is in the raw value below.</p>`}`;
}

/** A list of plain values, in a box of its own; an empty document as well. */
function List({ items }) {
  const more = Array.isArray(items) ? items.length - MOST : 0;
  const shown = more > 0 ? items.slice(0, MOST) : items;
  return html`<pre class="raw" tabindex="0" aria-label="Items">${stringify(shown, 2)}</pre>
    ${more > 0 && html`<p class="muted">The first ${MOST} items of ${grouped(items.length)};
      the rest is in the raw value below.</p>`}`;
}

function Field({ row, about, isFresh }) {
  const { name, level, value, isBranch } = row;
  const isList = Array.isArray(value) && !isBranch;
  const shown = typeof value === "string" ? cut(value, MOST_INLINE) : value;
  const cell = useRef(null);
  useEffect(() => {
    if (!isFresh) return;
    cell.current.classList.remove("fresh");
    requestAnimationFrame(() => cell.current?.classList.add("fresh"));
  });
  return html`<tr>
    <th scope="row" style=${{ paddingLeft: `${10 + level * 18}px` }}><bdi>${visible(name)}</bdi></th>
    <td class="number" ref=${cell}>${!isBranch && (isList
      ? html`<code title=${counted(value.length, "item")}>${visible(cut(stringify(value), MOST_INLINE))}</code>`
      : html`<${Value} value=${shown} unit=${unitIn(about)} whole />`)}</td>
    <td class="muted">${about?.description ?? (isBranch && Array.isArray(value) ? "list" : "")}</td>
  </tr>`;
}

function unitIn(about) {
  return about?.unit ?? about?.["x-unit"] ?? "";
}
