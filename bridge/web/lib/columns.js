// The columns of a kind's table, and the order of its rows. Pure.

import { pointer } from "./fields.js";

/** `[{key, path, name, above, unit, isNumber}]` of what a type declares; one column with the key "" for a plain value. */
export function columnsOf(schema, most) {
  const columns = [];
  const walk = (properties, path) => {
    for (const [name, inner] of Object.entries(properties)) {
      const here = [...path, name];
      if (inner?.properties && Object.keys(inner.properties).length) walk(inner.properties, here);
      else if (columns.length < most) columns.push(column(here, inner));
    }
  };
  if (schema?.properties && Object.keys(schema.properties).length) walk(schema.properties, []);
  else columns.push({ ...column([], schema), name: "value" });
  return columns;
}

function column(path, schema) {
  const shapes = [schema?.type].flat();
  return {
    key: pointer(path),
    path,
    name: String(path.at(-1) ?? "value"),
    above: path.slice(0, -1).join(" / "),
    unit: schema?.unit ?? "",
    isNumber: shapes.includes("number") || shapes.includes("integer"),
  };
}

/** The column of an element that is a part of another: what its id has beyond the other's, whether topic or field. */
export function partOf(id, owner) {
  return id.slice(owner.length).replace("#/", "/");
}

export function valueAt(value, path) {
  let found = value;
  for (const part of path) found = found?.[part];
  return found;
}

/** Numbers by size, everything else as text with its numbers by size ("vat2" before "vat10"); what is missing last. */
export function compare(one, other) {
  const [first, second] = [rank(one), rank(other)];
  if (first !== second) return first - second;
  if (first === 0) return Number(one) - Number(other);
  if (first === 1) return collator.compare(String(one), String(other));
  return 0;
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function rank(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return 2;
  return typeof value === "number" || typeof value === "bigint" || typeof value === "boolean" ? 0 : 1;
}
