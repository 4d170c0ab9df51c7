// A chart of some elements: history of the range, and then what comes.
//
// A range that ends now moves on: each update is one more point, and what has left the range is let go. A long range is
// aggregated by the bridge, its line is the mean in a band from least to greatest, and it is asked for anew now and then.
// A range that somebody has zoomed into stands still. Each unit has a scale of its own.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import uPlot from "../vendor/uplot.js";
import { now } from "../lib/api.js";
import * as history from "../lib/history.js";
import { useAnswer } from "../lib/hooks.js";
import * as live from "../lib/live.js";
import * as model from "../lib/model.js";
import { local, number } from "../lib/format.js";
import { append, doubts, held, lineOf, numeric, RANGES, summary, trim } from "../lib/trends.js";
import { Failure } from "./parts.js";

export const COLOURS = 8; // of style.css: --line-0 …
const REDRAW_MS = 250;
const REFRESH_MS = 30_000; // of an aggregated range
const STRIP = 6; // pixels
const REFILL = 4_000; // points of a line after which the bridge thins it anew

export function Trend({ ids, range, fixed = null, onZoom = () => {}, compact = false }) {
  const key = JSON.stringify(ids);
  const { data: objects } = useAnswer(() => Promise.all(ids.map((id) => model.describe(id).catch(() => null))), [key]);
  const [round, setRound] = useState(0);
  const span = RANGES.get(range) ?? RANGES.get("15m");
  const window = fixed ?? null;
  const { data, error, loading } = useAnswer(
    async (signal) => {
      const to = window ? window[1] : now();
      const from = window ? window[0] : to - span;
      return { ...(await history.trend(ids, from, to, signal)), from, to };
    },
    [`${key} ${range} ${window}`, round, live.reopened.value],
  );
  useEffect(() => {
    if (window || !data?.interval) return undefined;
    const timer = setInterval(() => document.hidden || setRound((before) => before + 1), REFRESH_MS);
    return () => clearInterval(timer);
  }, [key, range, Boolean(window), Boolean(data?.interval)]);
  if (error && !data) return html`<${Failure} error=${error} what="No history" />`;
  if (!data || !objects) return html`<div class=${compact ? "chart compact" : "chart"} aria-busy="true"></div>`;
  return html`
    <${Chart} ids=${ids} objects=${objects} data=${data} span=${window ? null : span} compact=${compact}
      onZoom=${onZoom} refill=${() => setRound((before) => before + 1)} isLoading=${loading} />
    ${data.partial && html`<p class="muted">${data.partial}</p>`}
    ${data.interval && html`<p class="muted">Means of ${data.interval} s with least and greatest, reckoned by the bridge; zoom in for single readings.</p>`}`;
}

function Chart({ ids, objects, data, span, compact, onZoom, refill, isLoading }) {
  const box = useRef(null);
  const [lines, setLines] = useState([]);
  const [view, setView] = useState([data.from / 1000, data.to / 1000]);
  const zoom = useRef(onZoom);
  zoom.current = onZoom;

  useEffect(() => {
    const isLive = Boolean(span && !data.interval);
    const made = ids.map((id, index) => ({ ...seriesOf(id, index, objects[index], data.found.get(id)), isLive }));
    setLines(made);
    const chart = draw(box.current, made, compact, (from, to) => zoom.current([from * 1000, to * 1000]));
    const show = () => {
      const to = span ? now() / 1000 : data.to / 1000;
      const from = span ? to - span / 1000 : data.from / 1000;
      if (isLive) for (const line of made) trim(line.mean, from);
      chart.setData(joined(made, from, to, Boolean(span)), false);
      chart.setScale("x", { min: from, max: to });
      setView([from, to]);
    };
    show();
    let timer = 0;
    const soon = () => {
      if (!timer) timer = setTimeout(() => ((timer = 0), document.hidden || show()), REDRAW_MS);
    };
    const ends = isLive ? made.map((line) => live.listen(line.id, (update) => hear(line, update, soon, refill))) : [];
    const moving = span ? setInterval(soon, 1_000) : 0;
    const resized = new ResizeObserver(() => chart.setSize(sizeOf(box.current, compact)));
    resized.observe(box.current);
    const recoloured = new MutationObserver(() => chart.redraw());
    recoloured.observe(document.documentElement, { attributes: true, attributeFilter: ["data-scheme"] });
    return () => {
      for (const end of ends) end();
      clearInterval(moving);
      clearTimeout(timer);
      resized.disconnect();
      recoloured.disconnect();
      chart.destroy();
    };
  }, [data, objects]);

  return html`
    <div class=${compact ? "chart compact" : "chart"} ref=${box} role="img" aria-busy=${isLoading}
      aria-label="Trend of ${lines.map((line) => line.name).join(", ")}; the table below has its figures"></div>
    <${Figures} lines=${lines} view=${view} compact=${compact} />`;
}

function hear(line, update, soon, refill) {
  if (!append(line.mean, update)) return;
  soon();
  if (line.mean.times.length > REFILL && !line.isFull) {
    line.isFull = true;
    refill();
  }
}

function seriesOf(id, index, object, found) {
  const type = object && model.types.peek().get(object.typeElementId);
  const shape = [type?.schema?.type].flat().find((one) => one !== "null");
  return {
    id,
    name: object?.displayName ?? id,
    unit: model.unitOf(object),
    isSwitch: shape === "boolean",
    isStepped: shape === "boolean" || shape === "integer",
    colour: index % COLOURS,
    error: found?.error ?? null,
    mean: lineOf(found?.rows ?? []),
    least: found?.least ? lineOf(found.least) : null,
    greatest: found?.greatest ? lineOf(found.greatest) : null,
  };
}

/** All lines over one axis of time, as uPlot wants them. */
function joined(lines, from, to, isLive) {
  const tables = [];
  for (const line of lines) {
    let [times, values] = isLive ? held(line.mean, to) : [line.mean.times, line.mean.values];
    if (!times.length && isLive) [times, values] = unchanged(line.id, from, to);
    tables.push([times, values]);
    if (line.least) tables.push([line.least.times, line.least.values], [line.greatest.times, line.greatest.values]);
  }
  return tables.some(([times]) => times.length) ? uPlot.join(tables) : [[], ...tables.map(() => [])];
}

/** What has not changed for longer than the range is a level line. */
function unchanged(id, from, to) {
  const value = stays(id);
  return value === null ? [[], []] : [[from, to], [value, value]];
}

function stays(id) {
  const last = live.latest(id);
  return last && !last.error ? numeric(last.value) : null;
}

function draw(box, lines, compact, onZoom) {
  const colour = (name) => colourOf(box, name);
  const series = [{}];
  const bands = [];
  const scales = new Map();
  for (const line of lines) {
    const scale = line.isSwitch ? "switch" : `unit ${line.unit}`;
    scales.set(scale, [...(scales.get(scale) ?? []), line]);
    const stroke = () => colour(`--line-${line.colour}`);
    const paths = line.isStepped && !line.least ? uPlot.paths.stepped({ align: 1 }) : undefined;
    series.push({ label: line.name, scale, stroke, width: 1.5, paths, points: { size: 4 } });
    if (line.least) {
      const at = series.length;
      const thin = { scale, stroke, width: 0.5, points: { show: false } };
      series.push({ ...thin, label: `${line.name}, least` }, { ...thin, label: `${line.name}, greatest` });
      bands.push({ series: [at + 1, at], fill: () => translucent(stroke()) });
    }
  }
  const sides = [...scales].map(([scale, own], index) => axis(scale, own, index, scales.size, colour));
  const options = {
    ...sizeOf(box, compact),
    ms: 1e-3,
    tzDate: (at) => new Date(at * 1000),
    scales: { x: { time: true, auto: false }, switch: { range: [-0.05, 1.05] } },
    series,
    bands,
    axes: [{ ...drawn(colour), space: 80, values: timeLabels }, ...sides],
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      drawClear: [(chart) => shade(chart, lines, colour)],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 8) return;
          onZoom(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
    plugins: [reading(lines)],
  };
  return new uPlot(options, [[], ...series.slice(1).map(() => [])], box);
}

/** One scale; where it is of a single line among others, in that line's colour. */
function axis(scale, own, index, count, colour) {
  const [line] = own;
  const named = count > 1 || line.unit;
  const stroke = own.length === 1 && count > 1 ? { stroke: () => colour(`--line-${line.colour}`) } : {};
  return {
    ...drawn(colour),
    ...stroke,
    scale,
    side: index % 2 ? 1 : 3,
    show: index < 4,
    size: 58,
    label: named && !line.isSwitch ? line.unit || "no unit" : undefined,
    labelSize: 18,
    labelFont: "12px system-ui, sans-serif",
    grid: { ...drawn(colour).grid, show: index === 0 },
    splits: line.isSwitch ? [0, 1] : undefined,
    values: (_chart, ticks) => ticks.map((tick) => (line.isSwitch ? String(tick === 1) : number(tick))),
  };
}

function drawn(colour) {
  const line = { stroke: () => colour("--line"), width: 1 };
  return { stroke: () => colour("--muted"), font: "12px system-ui, sans-serif", grid: line, ticks: line };
}

function timeLabels(_chart, ticks, _axis, _space, step) {
  let day = "";
  return ticks.map((tick) => {
    const text = local(tick * 1000);
    const [date, time] = text.split(" ");
    const short = step >= 86_400 ? "" : step < 60 ? time.slice(0, 8) : time.slice(0, 5);
    const isNew = date !== day && (day !== "" || step >= 86_400);
    day = date;
    return isNew ? [short, date.slice(5)].filter(Boolean).join("\n") : short || date.slice(5);
  });
}

/** When a line is in doubt: a band behind it, or where lines share the chart, a strip each in its own colour. */
function shade(chart, lines, colour) {
  const { ctx, bbox } = chart;
  const isAlone = lines.length === 1;
  const strip = STRIP * devicePixelRatio;
  ctx.save();
  lines.forEach((line, index) => {
    const height = isAlone ? bbox.height : strip;
    const top = isAlone ? bbox.top : bbox.top + bbox.height - strip * (lines.length - index);
    ctx.fillStyle = colour(isAlone ? "--uncertain" : `--line-${line.colour}`);
    ctx.globalAlpha = isAlone ? 0.18 : 0.55;
    for (const [from, to] of doubts(line.mean, chart.scales.x.max)) {
      const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, Math.max(chart.valToPos(to, "x", true), left + 2));
      if (right > left) ctx.fillRect(left, top, right - left, height - 1);
    }
  });
  ctx.restore();
}

/** What the lines say where the pointer is. */
function reading(lines) {
  let note;
  return {
    hooks: {
      init: [
        (chart) => {
          note = document.createElement("div");
          note.className = "chart-note";
          note.hidden = true;
          chart.over.append(note);
        },
      ],
      setCursor: [
        (chart) => {
          const { idx, left } = chart.cursor;
          note.hidden = idx === null || idx === undefined || left < 0;
          if (note.hidden) return;
          note.replaceChildren(...noteLines(chart, lines, idx));
          note.style.left = `${Math.min(left + 12, chart.over.clientWidth - note.offsetWidth)}px`;
        },
      ],
    },
  };
}

function noteLines(chart, lines, idx) {
  const rows = [local(chart.data[0][idx] * 1000)];
  let at = 1;
  for (const line of lines) {
    const value = nearest(chart.data[at], idx);
    if (value !== undefined) rows.push(`${line.name}: ${value === null ? "–" : number(value)} ${line.unit}`);
    at += line.least ? 3 : 1;
  }
  return rows.map((text) => {
    const row = document.createElement("div");
    row.textContent = text;
    return row;
  });
}

/** What a line said last, at this time or before. */
function nearest(values, idx) {
  for (let at = idx; at >= 0; at -= 1) if (values[at] !== undefined) return values[at];
  return undefined;
}

function Figures({ lines, view, compact }) {
  const rows = lines.map((line) => [line, summary(line.mean, view[0], view[1]) ?? steady(line)]);
  return html`<div class="scroll"><table class="figures">
    <thead><tr><th scope="col">Element</th><th scope="col" class="number">Last</th><th scope="col" class="number">Least</th>
      <th scope="col" class="number">Mean</th><th scope="col" class="number">Greatest</th>${!compact && html`<th scope="col">Unit</th>`}</tr></thead>
    <tbody>${rows.map(([line, found]) => html`<tr key=${line.id}>
      <th scope="row" title=${line.id}><span class="swatch line-${line.colour}"></span>${line.name}</th>
      ${line.error
        ? html`<td colspan="5" class="error">${line.error.message}</td>`
        : ["last", "min", "mean", "max"].map((name) => html`<td class="number">${figure(line, found, name)}</td>`)}
      ${!compact && !line.error && html`<td>${line.unit}</td>`}</tr>`)}</tbody></table></div>`;
}

/** The figures of what has not changed for longer than the range. */
function steady(line) {
  const value = line.isLive ? stays(line.id) : null;
  return value === null ? null : { last: value, min: value, mean: value, max: value };
}

function figure(line, found, name) {
  if (!found) return "–";
  const extreme = name === "min" ? line.least : name === "max" ? line.greatest : null;
  const values = extreme?.values.filter((value) => value !== null && value !== undefined);
  const value = values?.length ? Math[name](...values) : found[name];
  if (line.isSwitch && name !== "mean" && Number.isInteger(value)) return String(value === 1);
  const isReckoned = name === "mean" || (name === "last" && line.least);
  return number(isReckoned ? Number(value.toPrecision(6)) : value);
}

function sizeOf(box, compact) {
  return { width: Math.max(200, box.clientWidth), height: compact ? 190 : Math.max(260, Math.min(460, innerHeight - 330)) };
}

function translucent(rgb) {
  return rgb.replace("rgb(", "rgba(").replace(")", ", 0.22)");
}

/** A colour of style.css as the canvas knows it. */
function colourOf(box, name) {
  const probe = box.querySelector(".probe") ?? box.appendChild(Object.assign(document.createElement("span"), { className: "probe" }));
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
