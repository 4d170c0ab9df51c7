// A document, or the value of a machine, as a table that follows it live.

import { html, useEffect, useRef } from "../vendor/preact.js";
import { fieldsOf, schemaAt } from "../lib/fields.js";
import { stringify } from "../lib/exact.js";
import { Value } from "./parts.js";

const MOST = 500;

export function Structure({ value, schema }) {
  const rows = fieldsOf(value, MOST);
  const before = useRef(new Map());
  const last = before.current;
  useEffect(() => {
    before.current = new Map(rows.map(({ key, value: now }) => [key, now]));
  });
  if (!rows.length) return html`<pre>${stringify(value, 2)}</pre>`;
  return html`
    <div class="scroll"><table class="structure">
      <thead><tr><th scope="col">Field</th><th scope="col" class="number">Value</th><th scope="col">About</th></tr></thead>
      <tbody>${rows.map((row) => html`<${Field} key=${row.key} row=${row} about=${schemaAt(schema, row.path)}
        isFresh=${last.has(row.key) && !row.isBranch && last.get(row.key) !== row.value} />`)}</tbody>
    </table></div>
    ${rows.length >= MOST && html`<p class="muted">The first ${MOST} fields; the rest is in the raw value below.</p>`}`;
}

function Field({ row, about, isFresh }) {
  const { name, level, value, isBranch } = row;
  const isList = Array.isArray(value) && !isBranch;
  const cell = useRef(null);
  useEffect(() => {
    if (!isFresh) return;
    cell.current.classList.remove("fresh");
    requestAnimationFrame(() => cell.current?.classList.add("fresh"));
  });
  return html`<tr>
    <th scope="row" style=${{ paddingLeft: `${10 + level * 18}px` }}>${name}</th>
    <td class="number" ref=${cell}>${!isBranch && (isList ? html`<code>${stringify(value)}</code>` : html`<${Value} value=${value} unit=${unitIn(about)} />`)}</td>
    <td class="muted">${about?.description ?? (isBranch && Array.isArray(value) ? "list" : "")}</td>
  </tr>`;
}

function unitIn(about) {
  return about?.unit ?? about?.["x-unit"] ?? "";
}
