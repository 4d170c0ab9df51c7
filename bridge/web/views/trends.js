// Several elements on one chart: `#/trend?ids=["a","b"]&range=1h`, or `&from=…&to=…` where somebody has zoomed.

import { html, useState } from "../vendor/preact.js";
import { now } from "../lib/api.js";
import * as history from "../lib/history.js";
import * as model from "../lib/model.js";
import { useModel } from "../lib/hooks.js";
import { grouped, local } from "../lib/format.js";
import { useTicks } from "../lib/ticks.js";
import { go, route } from "../lib/router.js";
import { named } from "../lib/names.js";
import { earlier, later, nearer, wider } from "../lib/windows.js";
import { kindOf } from "../lib/states.js";
import { csv, RANGES } from "../lib/trends.js";
import { Failure } from "./parts.js";
import { Finder } from "./finder.js";
import { COLOURS, Trend } from "./trend.js";

const SOONEST = 1_000; // ms: nobody zooms in further

export function Trends() {
  const { query } = route.value;
  const ids = idsIn(query.ids);
  const range = RANGES.has(query.range) ? query.range : "15m";
  const fixed = Number(query.to) > Number(query.from) ? [Number(query.from), Number(query.to)] : null;
  const names = useNames(ids);
  const show = (more) => go("trend", "", { ids: ids.length ? JSON.stringify(ids) : "", range, ...more });
  const put = (after) => go("trend", "", { ...query, ids: after.length ? JSON.stringify(after) : "" });
  const zoom = ([from, to]) => to - from >= SOONEST && show({ from: Math.floor(from), to: Math.ceil(to) });
  return html`
    <div class="view"><div class="column wide">
      <section class="panel">
        <header><h1>Trend</h1>
          <div class="row" role="group" aria-label="Range">${[...RANGES.keys()].map((name) => html`<button
            aria-pressed=${!fixed && name === range} onClick=${() => show({ range: name })}>${name}</button>`)}</div>
        </header>
        <div class="row chosen-elements">
          ${ids.map((id, index) => html`<${Chosen} key=${id} id=${id} name=${names.get(id) ?? id}
            colour=${index % COLOURS}
            remove=${() => put(ids.filter((other) => other !== id))} />`)}
          ${ids.length < COLOURS && html`<${Finder} label="Add an element" choose=${(id) => !ids.includes(id) && put([...ids, id])} />`}
        </div>
        ${ids.length > 0 && html`<${Window} fixed=${fixed} span=${RANGES.get(range)} zoom=${zoom}
          back=${() => show({})} />`}
        ${ids.length
          ? html`<${Trend} ids=${ids} range=${range} fixed=${fixed} onZoom=${zoom} />
              <div class="row"><span class="muted">Drag across the chart to zoom in. Gaps are Bad; ${ids.length > 1 ? "strips at the bottom and hatched bands are" : "shaded or hatched is"} Uncertain.</span>
                <span class="spring"></span><${Export} ids=${ids} span=${RANGES.get(range)} fixed=${fixed} /></div>`
          : html`<p class="notice">Add elements by name, or open them from the tree. Numbers and booleans are
              drawn as lines, texts as bands; up to ${COLOURS} share the chart, each unit with its own scale. Structured values
              have no trend, their parts do.</p>`}
      </section></div></div>`;
}

/** What part of the past is shown, and how to get elsewhere without pointing. */
function Window({ fixed, span, zoom, back }) {
  useTicks();
  const at = now();
  const window = fixed ?? [at - span, at];
  const isLatest = later(window, at)[1] <= window[1];
  const to = (how) => () => zoom(how(window, now()));
  const narrow = fixed ? nearer : ([from, end]) => [(from + end) / 2, end];
  return html`<div class="row" role="group" aria-label="Part of the past">
    <${Step} go=${to(earlier)}>Earlier<//><${Step} go=${to(later)} isOff=${isLatest}>Later<//>
    <${Step} go=${to(narrow)} isOff=${window[1] - window[0] < 2 * SOONEST}>Zoom in<//>
    <${Step} go=${to(wider)}>Zoom out<//><${Step} go=${back} isOff=${!fixed}>Back to now<//>
    ${fixed && html`<span>${local(fixed[0])} to ${local(fixed[1])}</span>`}</div>`;
}

/** A button that keeps the focus where it can do nothing more. */
function Step({ go, isOff = false, children }) {
  return html`<button aria-disabled=${isOff} onClick=${() => isOff || go()}>${children}</button>`;
}

function idsIn(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? [...new Set(found)].filter((id) => typeof id === "string").slice(0, COLOURS) : [];
  } catch {
    return [];
  }
}

/** id → what it is called among the others. */
function useNames(ids) {
  const { data } = useModel(() => named(ids), ["names", JSON.stringify(ids)]);
  return new Map(data?.map(({ id, name }) => [id, name]));
}

function Chosen({ id, name, colour, remove }) {
  const { data } = useModel(() => model.describe(id), [id]);
  const kind = kindOf(model.types.value.get(data?.typeElementId)?.schema);
  const isLine = kind === "line" || kind === null;
  return html`<span class="badge chosen-element" title=${id}>${isLine && html`<span class="swatch line-${colour}"></span>`}
    <a href="#/plant/${encodeURIComponent(id)}">${name}</a>
    <button class="plain" aria-label="Remove ${id}" onClick=${remove}>✕</button></span>`;
}

function Export({ ids, span, fixed }) {
  const [state, setState] = useState(null);
  const save = async () => {
    const [from, to] = fixed ?? [now() - span, now()];
    setState({ text: "Reading…" });
    try {
      const { histories, isCut } = await history.everything(ids, from, to, undefined, (count) =>
        setState({ text: `${grouped(count)} rows…` }),
      );
      download(csv(histories), `bridge-${new Date(from).toISOString().slice(0, 19).replaceAll(":", "")}.csv`);
      setState({ text: isCut ? "Cut at 500 000 rows; choose a shorter range, or bridge history export" : "Saved" });
    } catch (error) {
      setState({ error });
    }
  };
  return html`${state?.error ? html`<${Failure} error=${state.error} what="Not exported" />` : html`<span role="status" class="muted">${state?.text}</span>`}
    <button onClick=${save}>Export CSV</button>`;
}

function download(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
