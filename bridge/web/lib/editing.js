// A value as fields to edit, and what was typed as a value again. Pure.

import { parse, stringify } from "./exact.js";

const SCALARS = ["boolean", "number", "integer", "string"];
const LONG = 80; // characters of a text that a single line does not show well

/**
 * What kind of field a schema asks for: "boolean", "choice", "number", "integer", "string", "json", or "any" where the
 * type allows several of them.
 */
export function editorOf(schema, value) {
  if (Array.isArray(schema?.enum)) return "choice";
  const shapes = kindsOf(schema);
  if (shapes.length > 1) return "any";
  return shapes[0] ?? shapeOf(value);
}

/** The kinds of field that a schema allows, each once; a number may be a whole one. */
export function kindsOf(schema) {
  const shapes = [schema?.type].flat().filter((one) => one && one !== "null");
  const kinds = [...new Set(shapes.map((shape) => (SCALARS.includes(shape) ? shape : "json")))];
  return kinds.includes("number") ? kinds.filter((kind) => kind !== "integer") : kinds;
}

/** A schema that allows what another one of the same place allows, too; that one may be null. */
export function widened(schema, other) {
  return kindsOf(other).length > 1 && !schema?.enum ? { ...schema, type: other.type } : schema;
}

/** What is wrong, as a sentence. */
export function sentence(problem) {
  return problem.startsWith("choose") ? `C${problem.slice(1)}.` : `The value ${problem}.`;
}

function shapeOf(value) {
  if (typeof value === "boolean" || typeof value === "string") return typeof value;
  return typeof value === "number" || typeof value === "bigint" ? "number" : "json";
}

/** What stands in a field at first. */
export function textOf(editor, value) {
  if (value === null || value === undefined) return "";
  const isJson = editor === "json" || (editor === "any" && typeof value === "object");
  return isJson ? stringify(value, 2) : String(value);
}

/**
 * What stands in a field that has become another one, "choice" instead of "string" say: what was typed, where both take
 * numbers and it fits; nothing where there is something to choose, since nobody chose; else the present value.
 */
export function textAfter(editor, former, text, { schema, value }) {
  const takeNumbers = [editor, former].every((one) => ["number", "integer", "any"].includes(one));
  if (takeNumbers && !read(editor, text, schema ?? {}, value).problem) return text;
  return editor === "boolean" || editor === "choice" ? "" : textOf(editor, value);
}

/** Whether a text needs more than one line. */
export function needsLines(text) {
  return text.length > LONG || /[\r\n]/.test(text);
}

/** A text that a field of several lines gave back, its line breaks as they were: fields know but one kind. */
export function withBreaksOf(before, text) {
  return typeof before === "string" && before.includes("\r\n") ? text.replace(/\r?\n/g, "\r\n") : text;
}

/** `{value}` of what was typed, or `{problem}`. `present` is what the plant has, where that decides what is meant. */
export function read(editor, text, schema, present) {
  switch (editor) {
    case "boolean":
      return text === "true" || text === "false" ? { value: text === "true" } : { problem: "choose true or false" };
    case "choice": {
      const found = schema.enum.find((one) => String(one) === text);
      return found === undefined ? { problem: "choose one" } : { value: found };
    }
    case "string":
      return { value: text };
    case "json":
      return readJson(text);
    case "any":
      return readAny(text, schema, present);
    default:
      return readNumber(text.trim(), schema);
  }
}

/**
 * As the first kind that it fits; as a text before all others where the plant has a text. What reads as a number that
 * will not do is no text, unless somebody says so: the kind can be chosen.
 */
function readAny(text, schema, present) {
  const kinds = kindsOf(schema);
  const isText = kinds.includes("string");
  if (isText && typeof present === "string") return { value: text };
  const found = kinds.filter((kind) => kind !== "string").map((kind) => read(kind, text, schema));
  const fitting = found.find(({ problem }) => !problem);
  if (fitting) return fitting;
  const takesNumbers = kinds.includes("number") || kinds.includes("integer");
  const failed = takesNumbers && readNumber(text.trim(), schema);
  if (failed && (failed.problem !== NO_NUMBER || !isText)) return failed;
  return isText ? { value: text } : found.at(-1);
}

const NO_NUMBER = "must be a number";
const PLAIN = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** A type that has seen whole numbers only may take others, too: that is for the bridge to say. */
function readNumber(typed, { minimum, maximum } = {}) {
  const doubt = ambiguity(typed);
  if (doubt) return { problem: doubt };
  const text = typed.replace(",", ".");
  if (!PLAIN.test(text)) return { problem: NO_NUMBER };
  const value = Number(text);
  if (!Number.isFinite(value)) return { problem: "is too large" };
  if (minimum !== undefined && value < minimum) return { problem: `must be at least ${minimum}` };
  if (maximum !== undefined && value > maximum) return { problem: `must be at most ${maximum}` };
  const isLong = /^[-+]?\d+$/.test(text) && !Number.isSafeInteger(value);
  return { value: isLong ? BigInt(text) : value };
}

/** A comma is a decimal one, unless it may as well part thousands: "1,234" is a lot to some, and little to others. */
function ambiguity(text) {
  const without = text.replaceAll(",", "");
  if (without === text || !PLAIN.test(without)) return "";
  const isParted = text.indexOf(",") !== text.lastIndexOf(",") || text.includes(".");
  if (isParted) return `has commas that seem to part thousands: write ${without} if that is meant`;
  if (!/,\d{3}(e|$)/i.test(text)) return "";
  const decimal = text.replace(",", ".");
  return `has a comma that can be read in two ways: write ${without} or ${decimal}, whichever is meant`;
}

function readJson(text) {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { problem: `is no JSON: ${error.message}` };
  }
}
