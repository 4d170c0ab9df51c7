// The parts of an element as a table that follows them live: each with its own value, unit, quality and age.

import { html, useEffect, useState } from "../vendor/preact.js";
import { bulk } from "../lib/api.js";
import { useLive, useModel } from "../lib/hooks.js";
import * as model from "../lib/model.js";
import { isDocument } from "../lib/fields.js";
import { counted } from "../lib/format.js";
import { Age, Dot, ElementLink, Failure, Icon, Value } from "./parts.js";

const MOST = 300;

export function Components({ id }) {
  const { data, error } = useModel(async () => {
    const [found] = await bulk("v1/objects/value", { elementIds: [id], maxDepth: 0 });
    if (found.error) throw found.error;
    return Object.keys(found.result.components ?? {});
  }, [id]);
  if (error && !data) return html`<${Failure} error=${error} what="Its parts" />`;
  if (!data) return html`<p class="muted">Loading its parts…</p>`;
  return html`
    <div class="scroll"><table class="components">
      <thead><tr><th scope="col" class="name">Part</th><th scope="col" class="number">Value</th>
        <th scope="col" class="quality"><span class="hidden-label">Quality</span></th>
        <th scope="col" class="number age">Age</th></tr></thead>
      <tbody>${data.slice(0, MOST).map((part) => html`<${Part} key=${part} id=${part} root=${id} />`)}</tbody>
    </table></div>
    ${data.length > MOST && html`<p class="muted">${counted(data.length - MOST, "part")} more: see the tree.</p>`}`;
}

function Part({ id, root }) {
  const { data: object } = useModel(() => model.describe(id), [id]);
  const level = useLevel(object, root);
  if (!object) {
    return html`<tr><th scope="row" class="muted">${id.slice(root.length + 1)}</th><td></td><td></td><td></td></tr>`;
  }
  const kind = model.kindOf(object);
  const style = { paddingLeft: `${level * 18}px` };
  const name = html`<th scope="row"><span class="part" style=${style}><${Icon} kind=${kind} />
    <${ElementLink} id=${id} title=${object.displayName}>${object.displayName}<//></span></th>`;
  const { isComposition } = object;
  if (isComposition && !model.hasOwnValue(object)) {
    return html`<tr class="branch">${name}<td></td><td></td><td></td></tr>`;
  }
  return html`<tr class=${isComposition ? "branch" : ""}>${name}
    <${Cells} id=${id} unit=${model.unitOf(object)} isBranch=${isComposition} /></tr>`;
}

/** Of a document whose fields are parts the rows below tell the value. */
function Cells({ id, unit, isBranch }) {
  const now = useLive(id);
  if (!now || now.error) return html`<td class="number muted">${now?.error ? "–" : "…"}</td><td></td><td></td>`;
  const isTold = isBranch && isDocument(now.value);
  return html`<td class="number">${!isTold && html`<${Value} value=${now.value} unit=${unit} />`}</td>
    <td><${Dot} quality=${now.quality} /></td><td class="number muted"><${Age} timestamp=${now.timestamp} /></td>`;
}

/** How far below the root a part lies. */
function useLevel(object, root) {
  const [level, setLevel] = useState(0);
  useEffect(() => {
    if (!object) return;
    model.pathTo(object).then((path) => {
      const at = path.findIndex(({ elementId }) => elementId === root);
      setLevel(at < 0 ? 0 : path.length - 1 - at);
    });
  }, [object, root]);
  return level;
}
