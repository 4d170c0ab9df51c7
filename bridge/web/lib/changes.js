// What somebody changed in a value, what the plant changed in it meanwhile, and what is to be sent. Pure.

import { isDocument } from "./fields.js";

/** Equal as JSON has it, whatever the order of keys; lists are compared whole. */
export function same(one, other) {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((part, index) => same(part, other[index]));
  }
  if (!isDocument(one) || !isDocument(other)) return one === other;
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}

/** Where two values differ: `[{path, before, after}]`, undefined for what is not there. */
export function differences(before, after, path = []) {
  if (same(before, after)) return [];
  if (!isDocument(before) || !isDocument(after)) return [{ path, before, after }];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => differences(own(before, key), own(after, key), [...path, key]));
}

/** The plant's present value with what was edited in it: keys that were not touched stay as the plant has them. */
export function merged(base, edited, present) {
  if (!isDocument(base) || !isDocument(edited) || !isDocument(present)) return same(base, edited) ? present : edited;
  const made = {};
  for (const key of new Set([...Object.keys(present), ...Object.keys(edited)])) {
    const value = merged(own(base, key), own(edited, key), own(present, key));
    if (value !== undefined) put(made, key, value);
  }
  return made;
}

/**
 * What to send: `{value, rows, meanwhile}`, or `{problem}`. `units` are the paths of the parts that are published on
 * their own; null where all of a value is one payload. `rows` are what the plant would get new, `meanwhile` what it has
 * changed, in what would be published, since the editor was opened with `base`.
 */
export function planned(base, edited, present, units = null) {
  if (units === null) {
    const value = [base, edited, present].every(isDocument) ? merged(base, edited, present) : edited;
    return { value, rows: differences(present, value), meanwhile: differences(base, present) };
  }
  if (!isDocument(edited)) return { problem: "must be an object of its parts' values" };
  const touched = touchedUnits(isDocument(base) ? base : {}, edited, units);
  const plan = { value: {}, rows: [], meanwhile: [] };
  for (const path of touched) {
    const [was, wanted, now] = [base, edited, present].map((value) => at(value, path));
    if (wanted === null) return { problem: `has null for ${path.join(" / ")}: write that part by itself` };
    const value = merged(was, wanted, now);
    place(plan.value, path, value);
    plan.rows.push(...differences(now, value, path));
    plan.meanwhile.push(...differences(was, now, path));
  }
  return touched.length ? plan : { problem: "is as it was: change one of its parts" };
}

/** The units that are not as they were. What is missing in the edited value is left alone. */
function touchedUnits(base, edited, units, path = []) {
  const found = [];
  for (const [key, value] of Object.entries(edited)) {
    const here = [...path, key];
    if (same(own(base, key), value)) continue;
    const isGroup = isDocument(value) && units.some((unit) => unit.length > here.length && begins(unit, here));
    if (isGroup) found.push(...touchedUnits(own(base, key) ?? {}, value, units, here));
    else found.push(here);
  }
  return found;
}

/** Of a value the parts at some paths. */
export function picked(value, paths) {
  const made = {};
  for (const path of paths) {
    const part = at(value, path);
    if (part !== undefined) place(made, path, part);
  }
  return made;
}

function begins(path, start) {
  return start.every((part, index) => part === path[index]);
}

function at(value, path) {
  return path.reduce((found, part) => own(found, part), value);
}

function own(value, key) {
  return isDocument(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function place(box, path, value) {
  const [key, ...rest] = path;
  if (rest.length === 0) put(box, key, value);
  else {
    if (!Object.hasOwn(box, key)) put(box, key, {});
    place(box[key], rest, value);
  }
}

/** Whatever it is called: `__proto__` is a key like others. */
function put(box, key, value) {
  Object.defineProperty(box, key, { value, enumerable: true, configurable: true, writable: true });
}
