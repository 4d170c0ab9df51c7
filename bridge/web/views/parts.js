// Small things that many views show.

import { html } from "../vendor/preact.js";
import { now } from "../lib/api.js";
import { age, cut, instant, local, QUALITIES, short, visible } from "../lib/format.js";
import { href } from "../lib/router.js";
import { useTicks } from "../lib/ticks.js";

export function Dot({ quality }) {
  const about = QUALITIES[quality] ? `${quality}: ${QUALITIES[quality]}` : "not known yet";
  return html`<span class="dot ${quality ?? "unknown"}" role="img" aria-label=${quality ?? "unknown"} title=${about}></span>`;
}

/** How old a timestamp is, growing; `ago` in words. */
export function Age({ timestamp, ago = false }) {
  useTicks();
  const ms = instant(timestamp);
  if (Number.isNaN(ms)) return null;
  const text = age(now() - ms);
  const words = text === "now" ? "just now" : text.startsWith("in ") ? text : `${text} ago`;
  return html`<time datetime=${timestamp} title="${local(timestamp)} (${timestamp})">${ago ? words : text}</time>`;
}

const BRIEF = 300; // characters of a text where there is room for one line: more than fit
const MOST_TITLE = 1_000;

/** One value in a line, with its unit. Of a long text the beginning; with `whole` all of it, in its lines. */
export function Value({ value, unit, whole = false }) {
  const isText = typeof value === "string" && value !== "";
  const text = !isText ? short(value) : whole ? visible(value, true) : short(cut(value, BRIEF));
  const title = whole || value === null || typeof value === "object" ? undefined : titleOf(value, text);
  return html`<bdi class="value" title=${title}>${text}</bdi>
    ${unit && value !== null && value !== undefined && html`<span class="unit"> ${unit}</span>`}`;
}

function titleOf(value, text) {
  return typeof value === "string" ? visible(cut(value, MOST_TITLE), true) : text;
}

export function ElementLink({ id, title, children }) {
  return html`<a href=${href("plant", id)} title=${title}>${children ?? id}</a>`;
}

/** What went wrong, and what can be done. */
export function Failure({ error, what }) {
  return html`<p class="error" role="alert">${what && `${what}: `}${REMEDIES[error.status] ?? ""}${error.message}</p>`;
}

const REMEDIES = { 403: "Not permitted. ", 404: "" };

/** Copies a text; says that it did. */
export function Copy({ text, label }) {
  const copy = async (event) => {
    const button = event.currentTarget;
    const said = (await copied(typeof text === "function" ? text() : text)) ? "Copied" : "Not copied";
    button.dataset.said = said;
    button.textContent = said;
    setTimeout(() => {
      button.textContent = label;
    }, 1_200);
  };
  return html`<button onClick=${copy} aria-live="polite">${label}</button>`;
}

/** Browsers give the clipboard to pages of HTTPS and this machine only; elsewhere the old way works. */
async function copied(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  return isDone;
}

const ICONS = {
  folder: "M2 4h5l1.5 2H14v7H2z",
  thing: "M8 1.5 14 5v6l-6 3.5L2 11V5zM2 5l6 3.5L14 5M8 8.5v6",
  object: "M5 2c-2 0-1 5-3 6 2 1 1 6 3 6M11 2c2 0 1 5 3 6-2 1-1 6-3 6",
  array: "M5 2H2.5v12H5M11 2h2.5v12H11M5.5 8h.2M8 8h.2M10.5 8h.2",
  number: "M1.5 11 5 6l3 4 6.500-7",
  integer: "M6 2 4.500 14M11.500 2 10 14M2.500 6h12M1.500 10h12",
  boolean: "M5 4h6a4 4 0 0 1 0 8H5a4 4 0 0 1 0-8zM11 6.500v3",
  string: "M3 4V2.500h10V4M8 2.500v11M6 13.500h4",
};

export function Icon({ kind }) {
  const path = ICONS[kind] ?? ICONS.object;
  return html`<svg class="icon ${kind}" viewBox="0 0 16 16" aria-hidden="true"><path d=${path} /></svg>`;
}
