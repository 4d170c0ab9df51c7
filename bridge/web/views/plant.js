// The tree, and the element that is chosen in it.

import { html, useRef, useState } from "../vendor/preact.js";
import { stringify } from "../lib/exact.js";
import * as model from "../lib/model.js";
import { href, route } from "../lib/router.js";
import { Element } from "./element.js";
import { Tree } from "./tree.js";

const WIDTH_KEY = "bridge.tree-width";
const STEP = 24; // pixels a key press
const MOST_KINDS = 24;

export function Plant() {
  const { path } = route.value;
  const pane = useRef(null);
  const [width, setWidth] = useState(() => Number(localStorage.getItem(WIDTH_KEY)) || 0);
  const size = (pixels) => {
    const to = Math.max(220, Math.min(pixels, pane.current.clientWidth - 320));
    setWidth(to);
    localStorage.setItem(WIDTH_KEY, String(to));
  };
  const now = () => pane.current.firstElementChild.clientWidth;
  const drag = (event) => {
    const left = pane.current.getBoundingClientRect().left;
    const divider = event.currentTarget;
    divider.setPointerCapture(event.pointerId);
    const move = (moved) => size(moved.clientX - left);
    divider.addEventListener("pointermove", move);
    divider.addEventListener("lostpointercapture", () => divider.removeEventListener("pointermove", move), { once: true });
  };
  const onKeyDown = ({ key }) => {
    if (key === "ArrowLeft") size(now() - STEP);
    if (key === "ArrowRight") size(now() + STEP);
  };
  return html`
    <div class="split" ref=${pane} style=${width ? { "--tree-width": `${width}px` } : {}}>
      <${Tree} chosen=${path} />
      <div class="divider" role="separator" aria-orientation="vertical" aria-label="Width of the tree" tabindex="0"
        aria-valuenow=${width || 420} aria-valuemin="220" aria-valuemax="2000"
        onPointerDown=${drag} onKeyDown=${onKeyDown}></div>
      <div class="view element-view">
        ${path ? html`<${Element} id=${path} key=${path} />` : html`<${Welcome} />`}
      </div>
    </div>`;
}

function Welcome() {
  return html`<div class="column"><div class="notice"><h1>Your plant</h1>
    <p>Choose an element in the tree, or type into the search box: names, ids, types and units are looked through.</p>
    <p>Folders lead to things, things have parts, and parts have values.
      ${LEGEND.map(([quality, text]) => html` <span class="legend"><span class="dot ${quality}"></span> ${text}</span>`)}</p>
    </div><${Kinds} /></div>`;
}

const LEGEND = [["Good", "good"], ["Uncertain", "in doubt"], ["Bad", "bad"], ["GoodNoData", "nothing yet"]];

/** What there is, to begin with: the kinds that have parts. */
function Kinds() {
  const kinds = [...model.types.value.values()].filter(
    ({ namespaceUri, schema }) => schema.type === "object" && schema.properties && !namespaceUri.startsWith("urn:i3x-bridge"),
  );
  if (!kinds.length) return null;
  const shown = kinds.sort((one, other) => size(other) - size(one)).slice(0, MOST_KINDS);
  return html`<section class="panel"><header><h2>Kinds of things, each in a table</h2></header>
    <div class="row">${shown.map(({ elementId, displayName }) => html`<a class="button" href=${href("types", elementId)}>${displayName}</a>`)}
      ${kinds.length > shown.length && html`<a href=${href("types")}>all ${kinds.length}</a>`}</div></section>`;
}

function size({ schema }) {
  return stringify(schema.properties).length;
}
