// A value as fields to edit, and what was typed as a value again. Pure.

import { parse, stringify } from "./exact.js";

/** What kind of field a schema asks for: "boolean", "choice", "number", "integer", "string" or "json". */
export function editorOf(schema, value) {
  if (Array.isArray(schema?.enum)) return "choice";
  const shape = [schema?.type].flat().find((one) => one && one !== "null") ?? shapeOf(value);
  return ["boolean", "number", "integer", "string"].includes(shape) ? shape : "json";
}

function shapeOf(value) {
  if (typeof value === "boolean" || typeof value === "string") return typeof value;
  return typeof value === "number" || typeof value === "bigint" ? "number" : "json";
}

/** What stands in a field at first. */
export function textOf(editor, value) {
  if (value === null || value === undefined) return "";
  return editor === "json" ? stringify(value, 2) : String(value);
}

/** `{value}` of what was typed, or `{problem}`. */
export function read(editor, text, schema) {
  switch (editor) {
    case "boolean":
      return text === "" ? { problem: "choose true or false" } : { value: text === "true" };
    case "choice": {
      const found = schema.enum.find((one) => String(one) === text);
      return found === undefined ? { problem: "choose one" } : { value: found };
    }
    case "string":
      return { value: text };
    case "json":
      return readJson(text);
    default:
      return readNumber(editor, text.trim().replace(",", "."), schema);
  }
}

function readNumber(editor, text, { minimum, maximum } = {}) {
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text)) return { problem: "must be a number" };
  const value = Number(text);
  if (!Number.isFinite(value)) return { problem: "is too large" };
  if (editor === "integer" && !Number.isInteger(value)) return { problem: "must be a whole number" };
  if (minimum !== undefined && value < minimum) return { problem: `must be at least ${minimum}` };
  if (maximum !== undefined && value > maximum) return { problem: `must be at most ${maximum}` };
  const isLong = /^[-+]?\d+$/.test(text) && !Number.isSafeInteger(value);
  return { value: isLong ? BigInt(text) : value };
}

function readJson(text) {
  try {
    return { value: parse(text) };
  } catch (error) {
    return { problem: `is no JSON: ${error.message}` };
  }
}
