// Lines of numbers over time, drawn by uPlot; without any it is the axis of time alone.

import { html, useEffect, useRef } from "../vendor/preact.js";
import uPlot from "../vendor/uplot.js";
import { now } from "../lib/api.js";
import * as live from "../lib/live.js";
import * as model from "../lib/model.js";
import { local, number } from "../lib/format.js";
import { append, doubtedSince, doubts, drawn as shapeOf, lineOf, numeric, trim, widened } from "../lib/trends.js";
import { SHORTEST, touched } from "./touch.js";

export const COLOURS = 8; // of style.css: --line-0 …
const REDRAW_MS = 250;
const STRIP = 6; // pixels
const REFILL = 4_000; // points of a line after which the bridge thins it anew
const AXIS = 52; // pixels of the axis alone

/**
 * `elements`: `[{id, index, name, object, isUnsure}]`; `below`: pixels for what comes below. `told` hears of what is
 * drawn: `lines(made)`, `view([from, to])` in seconds, `place({left, width})` of the plot in pixels, `zoom([from, to])`
 * in milliseconds, `refill()`, and `unlike()` when texts come where numbers were awaited. `also(at)` gives more lines
 * for the note at the pointer, `known()` the second up to which is known what holds. `redraw.current` is set to what
 * draws soon.
 */
export function Plot({ elements, below, data, span, known, compact, told, also, redraw, isLoading }) {
  const box = useRef(null);
  const doubted = useRef(new Map()).current; // id → since when its latest value is in doubt, or null
  const latest = useRef(null);
  latest.current = { told, also };

  useEffect(() => {
    const isLive = Boolean(span && !data.interval);
    const made = elements.map((element) => ({
      ...seriesOf(element, data.found.get(element.id)),
      isMoving: Boolean(span),
      doubtedSince: null,
    }));
    const say = (name, ...what) => latest.current.told[name](...what);
    say("lines", made);
    const size = () => sizeOf(box.current, made, compact, below);
    const chart = draw(box.current, made, size(), { say, known, also: (at) => latest.current.also(at) });
    const show = () => {
      const to = span ? now() / 1000 : data.to / 1000;
      const from = span ? to - span / 1000 : data.from / 1000;
      if (span) for (const line of made) keepUp(line, isLive, from, doubted);
      chart.setData(joined(made, from, Math.min(to, known())), false);
      chart.setScale("x", { min: from, max: to });
      say("view", [from, to]);
    };
    show();
    let timer = 0;
    const soon = () => {
      if (!timer) timer = setTimeout(() => ((timer = 0), document.hidden || show()), REDRAW_MS);
    };
    redraw.current = soon;
    const heard = (line) => (update) => isLive && hear(line, update, soon, say);
    const ends = span ? made.map((line) => live.listen(line.id, heard(line))) : [];
    data.meanwhile.end();
    const moving = span ? setInterval(soon, 1_000) : 0;
    const end = follow(box.current, chart, size);
    const endTouch = touched(chart.over, chart, (range) => say("zoom", range));
    return () => {
      redraw.current = () => {};
      for (const stop of ends) stop();
      clearInterval(moving);
      clearTimeout(timer);
      end();
      endTouch();
      chart.destroy();
    };
  }, [data, elements]);

  const kind = elements.length ? (compact ? "chart compact" : "chart") : "chart axis";
  return html`<div class=${kind} ref=${box} aria-busy=${isLoading} ...${labelOf(elements)}></div>`;
}

function labelOf(elements) {
  if (!elements.length) return { "aria-hidden": "true" };
  const names = elements.map(({ name }) => name).join(", ");
  return { role: "img", "aria-label": `Trend of ${names}; the table below has its figures` };
}

/** The chart follows the size of its box and the scheme of colours; gives what ends it. */
function follow(box, chart, size) {
  const resized = new ResizeObserver(() => chart.setSize(size()));
  resized.observe(box);
  const recoloured = new MutationObserver(() => chart.redraw());
  recoloured.observe(document.documentElement, { attributes: true, attributeFilter: ["data-scheme"] });
  return () => {
    resized.disconnect();
    recoloured.disconnect();
  };
}

function hear(line, update, soon, say) {
  if (line.isUnsure && typeof update.value === "string") say("unlike");
  if (!append(line.mean, update)) return;
  soon();
  if (line.mean.times.length > REFILL && !line.isFull) {
    line.isFull = true;
    say("refill");
  }
}

/** What was read and not heard counts, too; what has left the range is let go. A value may be in doubt meanwhile. */
function keepUp(line, isLive, from, doubted) {
  const latest = live.latest(line.id);
  if (latest && !latest.error) {
    if (isLive) append(line.mean, latest);
    doubted.set(line.id, doubtedSince(doubted.get(line.id), latest, now() / 1000));
  }
  line.doubtedSince = doubted.get(line.id) ?? null;
  if (isLive) trim(line.mean, from);
}

function seriesOf({ id, index, name, object, isUnsure }, found) {
  const type = object && model.types.peek().get(object.typeElementId);
  const shape = [type?.schema?.type].flat().find((one) => one !== "null");
  const mean = lineOf(found?.rows ?? []);
  return {
    id,
    name,
    isUnsure,
    unit: model.unitOf(object),
    isSwitch: shape === "boolean",
    isStepped: shape === "boolean" || shape === "integer",
    colour: index % COLOURS,
    error: found?.error ?? null,
    mean,
    least: found?.least ? widened(mean, lineOf(found.least), Math.min) : null,
    greatest: found?.greatest ? widened(mean, lineOf(found.greatest), Math.max) : null,
    held: numeric(found?.held?.value),
    last: numeric(found?.last?.value),
    reckoned: found?.reckoned ?? null,
    added: new Set(), // times at which it is drawn and nothing was read
  };
}

/** All lines over one axis of time, up to when it is known what holds, as uPlot wants them. */
function joined(lines, from, until) {
  const tables = [];
  for (const line of lines) {
    const { times, values, added } = shapeOf(line.mean, from, until);
    line.added = added;
    tables.push([times, values]);
    if (line.least) tables.push([line.least.times, line.least.values], [line.greatest.times, line.greatest.values]);
  }
  if (!tables.length) return [[from, until]];
  return tables.some(([times]) => times.length) ? uPlot.join(tables) : [[], ...tables.map(() => [])];
}

function draw(box, lines, size, { say, also, known }) {
  const colour = (name) => colourOf(box, name);
  const { series, bands, scales } = drawnLines(lines, colour);
  const sides = [...scales].map(([scale, own], index) => axis(scale, own, index, scales.size, colour));
  const options = {
    ...size,
    ms: 1e-3,
    tzDate: (at) => new Date(at * 1000),
    scales: { x: { time: true, auto: false }, switch: { range: [-0.05, 1.05] } },
    series,
    bands,
    axes: [{ ...drawn(colour), space: 80, values: timeLabels }, ...sides],
    legend: { show: false },
    cursor: { show: lines.length > 0, drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
    hooks: {
      drawClear: [(chart) => shade(chart, lines, colour, known())],
      draw: [({ bbox }) => say("place", { left: bbox.left / devicePixelRatio, width: bbox.width / devicePixelRatio })],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < SHORTEST) return;
          say("zoom", [left, left + width].map((at) => chart.posToVal(at, "x") * 1000));
          chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
    plugins: lines.length ? [reading(lines, also)] : [],
  };
  return new uPlot(options, [[], ...series.slice(1).map(() => [])], box);
}

function drawnLines(lines, colour) {
  const series = [{}];
  const bands = [];
  const scales = new Map();
  for (const line of lines) {
    const scale = line.isSwitch ? "switch" : `unit ${line.unit}`;
    scales.set(scale, [...(scales.get(scale) ?? []), line]);
    const stroke = () => colour(`--line-${line.colour}`);
    const paths = line.isStepped && !line.least ? uPlot.paths.stepped({ align: 1 }) : undefined;
    series.push({ label: line.name, scale, stroke, width: 1.5, paths, points: { size: 4, filter: onlyRead(line) } });
    if (line.least) {
      const at = series.length;
      const thin = { scale, stroke, width: 0.5, points: { show: false } };
      series.push({ ...thin, label: `${line.name}, least` }, { ...thin, label: `${line.name}, greatest` });
      bands.push({ series: [at + 1, at], fill: () => translucent(stroke()) });
    }
  }
  return { series, bands, scales };
}

/** Dots, where there are some, are of readings only. */
function onlyRead(line) {
  return ({ data }, index, isShown) => {
    if (!isShown) return null;
    return data[0].map((_at, at) => at).filter((at) => data[index][at] != null && !line.added.has(data[0][at]));
  };
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
function shade(chart, lines, colour, until) {
  const { ctx, bbox } = chart;
  const isAlone = lines.length === 1;
  const strip = STRIP * devicePixelRatio;
  ctx.save();
  lines.forEach((line, index) => {
    const height = isAlone ? bbox.height : strip;
    const top = isAlone ? bbox.top : bbox.top + bbox.height - strip * (lines.length - index);
    ctx.fillStyle = colour(isAlone ? "--uncertain" : `--line-${line.colour}`);
    ctx.globalAlpha = isAlone ? 0.18 : 0.55;
    for (const [from, to] of doubts(line.mean, Math.min(chart.scales.x.max, until), line.doubtedSince)) {
      const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, Math.max(chart.valToPos(to, "x", true), left + 2));
      if (right > left) ctx.fillRect(left, top, right - left, height - 1);
    }
  });
  ctx.restore();
}

/** What the lines say where the pointer is, and what else there is to say. */
function reading(lines, also) {
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
          note.replaceChildren(...noteLines(chart, lines, idx, also));
          note.style.left = `${Math.min(left + 12, chart.over.clientWidth - note.offsetWidth)}px`;
        },
      ],
    },
  };
}

function noteLines(chart, lines, idx, also) {
  const rows = [local(chart.data[0][idx] * 1000)];
  let at = 1;
  for (const line of lines) {
    const value = nearest(chart.data[at], idx);
    if (value !== undefined) rows.push(`${line.name}: ${value === null ? "–" : number(value)} ${line.unit}`);
    at += line.least ? 3 : 1;
  }
  return [...rows, ...also(chart.data[0][idx])].map((text) => {
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

function sizeOf(box, lines, compact, below) {
  const height = compact ? 190 : Math.max(260, Math.min(460, innerHeight - 330 - below));
  return { width: Math.max(200, box.clientWidth), height: lines.length ? height : AXIS };
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
