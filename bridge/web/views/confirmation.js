// The question before a value is written: what the plant has now, what it would get, and what it changed meanwhile.

import { html, useRef } from "../vendor/preact.js";
import { same } from "../lib/changes.js";
import { needsLines } from "../lib/editing.js";
import { counted, cut, visible, withBreaks } from "../lib/format.js";
import { stringify } from "../lib/exact.js";

const MOST = 12; // differences that are listed
const LONGEST = 200; // characters of one of them
const NARROW = { gridTemplateColumns: "fit-content(45%) minmax(0, 1fr)" };
const AS_IT_IS = { whiteSpace: "pre-wrap" };
const BREAKING = { overflowWrap: "anywhere" };

/**
 * `plan` is what `planned` says of the plant as it is now, `first` what it said when the question came up; `present` is
 * the plant's value. `named` says the kinds of values, too.
 */
export function Confirmation({ object, plan, first, present, unit, named, confirm, cancel }) {
  const opened = useRef(false);
  const open = (dialog) => {
    if (dialog && !opened.current) {
      opened.current = true;
      dialog.showModal();
    }
  };
  const shut = (then) => (event) => {
    event.currentTarget.closest("dialog").close(); // the focus goes back to where it was
    then();
  };
  const isMoved = !same(plan.meanwhile, first.meanwhile);
  return html`
    <dialog ref=${open} onClose=${cancel} aria-labelledby="write-title">
      <h2 id="write-title">Write ${object.displayName}?</h2>
      <p class="muted mono" style=${BREAKING}>${object.elementId}</p>
      <${isWhole(plan) ? Whole : Parts} plan=${plan} present=${present} unit=${unit} named=${named} />
      <div><p role="status" class="error">${isMoved && "It has changed since this question came up: look again."}</p>
        <p>It is published to the broker; whatever listens there may act on it.</p></div>
      <div class="row"><button class="main" onClick=${shut(confirm)}>Write it</button>
        <button onClick=${shut(cancel)}>Cancel</button></div>
    </dialog>`;
}

/** Whether there are no keys to compare. */
function isWhole({ rows, meanwhile }) {
  return [...rows, ...meanwhile].some(({ path }) => path.length === 0);
}

function Whole({ plan, present, unit, named }) {
  const [before] = plan.meanwhile.filter(({ path }) => path.length === 0);
  return html`
    <dl class="facts"><dt>Now</dt><dd>${told(present, unit, named)}</dd>
      <dt>New</dt><dd><b>${told(plan.value, unit, named)}</b></dd>
      ${before && html`<dt>Before</dt><dd>${told(before.before, unit, named)}</dd>`}</dl>
    ${before && html`<p>It has changed since the editor was opened.</p>`}`;
}

function Parts({ plan, present, unit, named }) {
  const { value, rows, meanwhile } = plan;
  const isSameValue = rows.length === 0;
  if (isSameValue && meanwhile.length === 0 && (value === null || typeof value !== "object")) {
    return html`<${Whole} plan=${plan} present=${present} unit=${unit} named=${named} />`;
  }
  return html`
    ${isSameValue
      ? html`<p>Nothing differs from what the plant has now; it is published all the same.</p>`
      : html`<${Differences} title="What changes, from now to new:" rows=${rows} />`}
    ${meanwhile.length > 0 && html`<${Differences} title="What the plant has changed since the editor was opened:"
      rows=${meanwhile} note=${(row) => (isTouched(row, rows) ? "is overwritten" : "stays")} />`}`;
}

function Differences({ title, rows, note }) {
  return html`<p>${title}</p>
    <dl class="facts" aria-label=${title} style=${NARROW}>
      ${rows.slice(0, MOST).map((row) => html`<dt style=${BREAKING}>${row.path.join(" / ")}</dt>
        <dd>${brief(row.before)} → <b>${brief(row.after)}</b>
          ${note && html` <span class="muted">(${note(row)})</span>`}</dd>`)}
    </dl>
    ${rows.length > MOST && html`<p class="muted">and ${counted(rows.length - MOST, "more difference")}</p>`}`;
}

/** Whether what is written goes over a difference. */
function isTouched({ path }, rows) {
  return rows.some((row) => path.every((part, index) => index >= row.path.length || part === row.path[index]));
}

function brief(value) {
  if (value === undefined) return html`<span class="muted">nothing</span>`;
  return cut(visible(stringify(value)), LONGEST);
}

/** All of a value, a number with all of its digits. */
function told(value, unit, named) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "object") return html`<pre class="raw" tabindex="0">${visible(stringify(value, 2), true)}</pre>`;
  const text = typeof value === "string" ? value || '""' : String(value);
  if (needsLines(text)) return html`<pre class="raw" tabindex="0">${withBreaks(text)}</pre>`;
  return html`<bdi style=${AS_IT_IS}>${visible(text)} ${unit}</bdi>
    ${named && html` <span class="muted">(${kindName(value)})</span>`}`;
}

function kindName(value) {
  return { string: "text", boolean: "true or false" }[typeof value] ?? "number";
}
