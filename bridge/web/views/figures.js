// The table below a chart: last, least, mean and greatest of numbers; of texts the last, and how long each held.

import { html } from "../vendor/preact.js";
import * as live from "../lib/live.js";
import { counted, lasting, local, number, worded } from "../lib/format.js";
import { lastOf, percent, shares } from "../lib/states.js";
import { meanOf, numeric, summary } from "../lib/trends.js";
import { ElementLink } from "./parts.js";

const MOST = 5; // texts of an element that are told one by one

/** `elements`: `[{id, kind, name}]`, `lines` of `Plot`, `tracks` of `Timeline`, `view` in seconds. */
export function Figures({ elements, lines, tracks, view, until, shades, compact }) {
  const byId = new Map([...lines, ...tracks].map((one) => [one.id, one]));
  const isMixed = elements.some(({ kind }) => kind === "line");
  const numbers = isMixed
    ? html`<th scope="col" class="number">Least</th><th scope="col" class="number">Mean</th>
        <th scope="col" class="number">Greatest</th>${!compact && html`<th scope="col">Unit</th>`}`
    : html`<th scope="col">Held in this range</th>`;
  const wide = isMixed ? (compact ? 3 : 4) : 1; // columns beside the last value
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Figures"><table class="figures">
    <thead><tr><th scope="col">Element</th>
      <th scope="col" class=${isMixed ? "number" : ""}>Last</th>${numbers}</tr></thead>
    <tbody>${elements.map(({ id, kind, name }) => {
      const found = byId.get(id);
      if (kind === "none") return html`<${Unplotted} key=${id} id=${id} name=${name} wide=${wide + 1} />`;
      if (!found) return null;
      if (found.error) return html`<${Failed} key=${id} of=${found} wide=${wide + 1} />`;
      return kind === "states"
        ? html`<${Held} key=${id} track=${found} view=${view} until=${until} shades=${shades} wide=${wide} />`
        : html`<${Numbers} key=${id} line=${found} view=${view} until=${until} compact=${compact} />`;
    })}</tbody></table></div>`;
}

function Failed({ of, wide }) {
  return html`<tr><th scope="row" title=${of.id}>${of.name}</th>
    <td colspan=${wide} class="error">${of.error.message}</td></tr>`;
}

function Unplotted({ id, name, wide }) {
  return html`<tr><th scope="row" title=${id}>${name}</th>
    <td colspan=${wide} class="muted">Structured values have no trend;
      ${" "}<${ElementLink} id=${id}>its parts<//> may have one.</td></tr>`;
}

function Numbers({ line, view, until, compact }) {
  const found = figuresOf(line, view[0], until);
  return html`<tr><th scope="row" title=${line.id}><span class="swatch line-${line.colour}"></span>${line.name}</th>
    ${["last", "min", "mean", "max"].map((name) => html`<td class="number">${figure(line, found, name)}</td>`)}
    ${!compact && html`<td>${line.unit}</td>`}</tr>`;
}

/** `{last, min, mean, max}` of a line of `Plot` in a range, or null. */
function figuresOf(line, from, until) {
  const found = summary(line.mean, from, until);
  if (!found) return null;
  const mean = meanOf(line.mean, from, until, line.reckoned);
  if (!line.least) return { ...found, mean };
  const latest = line.isMoving ? live.latest(line.id) : null;
  return {
    last: latest && !latest.error ? numeric(latest.value) : line.last,
    min: extreme(Math.min, line.least.values, line.held),
    mean,
    max: extreme(Math.max, line.greatest.values, line.held),
  };
}

/** Of intervals, and of what held when the range began. */
function extreme(pick, values, held) {
  const all = held === null ? values : [...values, held];
  return all.reduce((one, other) => (one === null || other === null ? one ?? other : pick(one, other)), null);
}

function figure(line, found, name) {
  const value = found?.[name] ?? null;
  if (value === null) return "–";
  if (line.isSwitch && name !== "mean") return String(value === 1);
  return number(name === "mean" ? Number(value.toPrecision(6)) : value);
}

function Held({ track, view, until, shades, wide }) {
  const found = shares(track.line, view[0], until);
  const others = found.shares.slice(MOST);
  const rest = others.reduce((sum, { share }) => sum + share, 0);
  const last = lastOf(track.line, until);
  return html`<tr><th scope="row" title=${track.id}>${track.name}</th>
    <td class="last-text">${last === null ? "–" : worded(last)}</td>
    <td colspan=${wide} class="held">
      ${found.shares.slice(0, MOST).map((one) => html`<${Share} key=${one.text} of=${one}
        shade=${shades.get(one.text)} />`)}
      ${others.length > 0 && html`<span>${counted(others.length, "other text")} <b>${percent(rest)}</b></span> `}
      ${found.none > 0 && html`<span class="muted">no value ${percent(found.none)}</span> `}
      ${found.begin > view[0] && html`<span class="muted">nothing is known before
        ${" "}${local(Math.round(found.begin) * 1000)}</span>`}</td></tr>`;
}

function Share({ of, shade }) {
  const how = `${lasting(of.seconds * 1000)}${of.count > 1 ? `, ${of.count} times` : ""}`;
  return html`<span><span class="swatch line-${shade}"></span>${worded(of.text)} <b>${percent(of.share)}</b>
    ${" "}<span class="muted">(${how})</span></span> `;
}
