// How values, times and ages are written. Pure: "now" is an argument.

/** What the standard's qualities mean to somebody who looks at a value. */
export const QUALITIES = {
  Good: "good",
  Uncertain: "present, but in doubt: old, held, or from a source that is away",
  Bad: "no value: the source is unreachable or says so",
  GoodNoData: "nothing has been reported yet",
};

const SECOND = 1000;
const UNITS = [
  [365 * 86_400_000, "y"],
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [SECOND, "s"],
];

/** A number as people read it: at most nine significant digits, no exponent where it can be done without. */
export function number(value) {
  if (typeof value === "bigint" || Number.isInteger(value)) return String(value);
  const short = Number(value.toPrecision(9));
  const size = Math.abs(short);
  if (size !== 0 && (size < 1e-6 || size >= 1e15)) return short.toExponential();
  return String(short);
}

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const SURROGATES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * A text in which nothing is hidden and nothing turns the direction of the rest: the end of a line is shown as ↵, a tab
 * as ⇥, other control characters, marks of direction and what has no width as `\u202E`. With `hasLines`, ends of lines
 * and tabs stay. For eyes only: what is copied or exported is the text itself.
 */
export function visible(text, hasLines = false) {
  return text
    .replace(CONTROLS, (mark) => (hasLines && (mark === "\n" || mark === "\t") ? mark : symbolOf(mark)))
    .replace(SURROGATES, symbolOf);
}

/** The same in its lines, the end of each to be seen. */
export function withBreaks(text) {
  const parts = text.split(/(\r\n|\r|\n)/); // lines, and what parts them
  return parts.map((part, index) => (index % 2 ? `${SYMBOLS["\n"]}${part}` : visible(part, true))).join("");
}

const SYMBOLS = { "\n": "↵", "\t": "⇥", "\r": "\\r" };

function symbolOf(mark) {
  return SYMBOLS[mark] ?? `\\u${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** The beginning of a text that is too long for its place, and an ellipsis. */
export function cut(text, most) {
  if (text.length <= most) return text;
  const isWithinPair = /[\ud800-\udbff]/.test(text[most - 2]);
  return `${text.slice(0, isWithinPair ? most - 2 : most - 1)}…`;
}

const SHORT_TEXT = 60; // characters

/** A text as a short name of what it says, of a state say. */
export function worded(text) {
  return text === "" ? '""' : cut(visible(text), SHORT_TEXT);
}

/** Any value in one short line: of documents and lists how large they are. */
export function short(value) {
  switch (typeof value) {
    case "number":
    case "bigint":
      return number(value);
    case "string":
      return value === "" ? '""' : visible(value);
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "–";
  if (Array.isArray(value)) return `[${counted(value.length, "item")}]`;
  return `{${counted(Object.keys(value).length, "field")}}`;
}

export function counted(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** 1234567 → 1 234 567 with narrow spaces. */
export function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** Bytes as people read them. */
export function bytes(count) {
  const step = ["B", "kB", "MB", "GB", "TB"];
  let size = count;
  let index = 0;
  while (size >= 1000 && index < step.length - 1) {
    size /= 1000;
    index += 1;
  }
  return `${size >= 100 || index === 0 ? Math.round(size) : size.toFixed(1)} ${step[index]}`;
}

/** How long ago, in milliseconds: "now", "12 s", "3 min"; from the future "in 12 s". */
export function age(ms) {
  const size = Math.abs(ms);
  if (size < SECOND) return "now";
  const found = duration(size);
  return ms < 0 ? `in ${found}` : found;
}

export function duration(ms) {
  for (const [unit, name] of UNITS) {
    if (ms >= unit) return `${Math.floor(ms / unit)} ${name}`;
  }
  return `${Math.round(ms)} ms`;
}

/** How long something lasted, in its two largest units: "2 min 50 s". */
export function lasting(ms) {
  const at = UNITS.findIndex(([unit]) => ms >= unit);
  if (at < 0) return `${Math.round(ms)} ms`;
  const [unit, name] = UNITS[at];
  const whole = `${Math.floor(ms / unit)} ${name}`;
  const [finer, finerName] = UNITS[at + 1] ?? [];
  const rest = finer ? Math.floor((ms % unit) / finer) : 0;
  return rest ? `${whole} ${rest} ${finerName}` : whole;
}

/** Milliseconds since 1970 of a timestamp of the API; NaN where it is none. */
export function instant(timestamp) {
  return Date.parse(timestamp ?? "");
}

/** A timestamp in the time of this place: "2026-11-28 07:15:02.250". */
export function local(timestamp) {
  const ms = typeof timestamp === "number" ? timestamp : instant(timestamp);
  if (Number.isNaN(ms)) return "–";
  const at = new Date(ms);
  const two = (part) => String(part).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const milliseconds = at.getMilliseconds();
  const fraction = milliseconds ? `.${String(milliseconds).padStart(3, "0")}` : "";
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${fraction}`;
}

/** "Europe/Berlin", as a hint beside times. */
export function zone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}
