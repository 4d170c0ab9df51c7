// What there is: elements, their places, their types. Asked for when it is shown, kept within bounds, and asked for
// again when `$bridge/model/version` rises, or where that is hidden, every few seconds.

import { effect, signal } from "../vendor/preact.js";
import { bulk, get, send } from "./api.js";
import * as live from "./live.js";

const VERSION = "$bridge/model/version";
const POLL_MS = 10_000;
const SHORTEST_MS = 2_000; // between two looks at a model that changes all the time
const GATHER_MS = 30;
const MOST_KEPT = 20_000; // elements with their metadata

/** Rises when the model has changed and views should ask again. */
export const revision = signal(0);
/** type id → type; a new map when it has changed. */
export const types = signal(new Map());

const DOWN = new Set(["HasChildren", "HasComponent"]);

/** id → {object, of: revision}; the oldest go first. */
const kept = new Map();

/** Begin to follow the model; gives what ends it. */
export function start() {
  let isPolling = false;
  let poller = 0;
  const version = live.watch(VERSION);
  let last = null;
  const poll = async () => {
    const changed = await hasChanged();
    if (changed) changedNow();
    if (isPolling) poller = setTimeout(poll, POLL_MS);
  };
  const ended = effect(() => {
    const now = version.value;
    if (now?.error && !isPolling) {
      isPolling = true;
      poll(); // from now on changes are seen
    } else if (now && !now.error && now.value !== last) {
      last = now.value;
      changedNow();
    }
  });
  const before = live.reopened.peek();
  const endedAgain = effect(() => {
    if (live.reopened.value > before) changedNow();
  });
  loadTypes();
  return () => {
    ended();
    endedAgain();
    isPolling = false;
    clearTimeout(poller);
    clearTimeout(waiting);
    waiting = 0;
    live.unwatch(VERSION);
    kept.clear();
    types.value = new Map();
  };
}

let waiting = 0;
let looked = 0;

/** Not more often than the bridge and the browser take well. */
function changedNow() {
  if (waiting) return;
  const since = performance.now() - looked;
  waiting = setTimeout(
    async () => {
      waiting = 0;
      const began = performance.now();
      await loadTypes();
      revision.value += 1;
      live.askAgain();
      looked = performance.now() + 10 * (performance.now() - began);
    },
    Math.max(100, SHORTEST_MS - since),
  );
}

let tag = "";

async function hasChanged() {
  try {
    const answer = await send("GET", "v1/objects?root=true", undefined, { headers: tag ? { "If-None-Match": tag } : {} });
    const before = tag;
    tag = answer.headers.get("ETag") ?? "";
    return answer.status !== 304 && before !== "";
  } catch {
    return false;
  }
}

async function loadTypes() {
  try {
    const found = await get("v1/objecttypes");
    types.value = new Map(found.map((type) => [type.elementId, type]));
  } catch {
    // the connection tells it; the next change asks again
  }
}

export function roots() {
  return get("v1/objects?root=true");
}

/**
 * What lies right below elements, things and parts, in the order of the bridge: `[[id, objects or {error}], …]`. Raises
 * `ApiError`.
 */
export async function children(ids) {
  const items = await bulk("v1/objects/related", { elementIds: ids });
  return items.map(({ id, result, error }) => [id, error ? { error } : below(result)]);
}

function below(relations) {
  return relations.filter(({ sourceRelationship }) => DOWN.has(sourceRelationship)).map(({ object }) => object);
}

/** All relationships of an element: `[{sourceRelationship, object}]`. Raises `ApiError`. */
export async function related(id) {
  const [{ result, error }] = await bulk("v1/objects/related", { elementIds: [id] });
  if (error) throw error;
  return result;
}

let asked = new Map(); // id → {promise, settle}

/**
 * An element with its metadata; what many ask for is asked for together. Raises `ApiError`. It is as of the model that
 * `revision` tells, so ask again when that rises.
 */
export function describe(id) {
  const known = kept.get(id);
  if (known && known.of === revision.peek()) return Promise.resolve(known.object);
  let question = asked.get(id);
  if (!question) {
    if (asked.size === 0) setTimeout(describeAll, GATHER_MS);
    question = Promise.withResolvers ? Promise.withResolvers() : withResolvers();
    question.promise.catch(() => {}); // whoever asked may have gone
    asked.set(id, question);
  }
  return question.promise;
}

/** What is known of an element without asking; null where nothing is. */
export function known(id) {
  return kept.get(id)?.object ?? null;
}

async function describeAll() {
  const questions = asked;
  asked = new Map();
  const of = revision.peek();
  try {
    const items = await bulk("v1/objects/list", { elementIds: [...questions.keys()], includeMetadata: true });
    for (const { id, result, error } of items) {
      if (error) questions.get(id).reject(error);
      else {
        keep(id, result, of);
        questions.get(id).resolve(result);
      }
    }
  } catch (error) {
    for (const { reject } of questions.values()) reject(error);
  }
}

function keep(id, object, of) {
  kept.delete(id);
  kept.set(id, { object, of });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** The elements above one, root first, as `{elementId, displayName}`. */
export async function pathTo(object) {
  const path = [];
  const seen = new Set([object.elementId]);
  let above = object.parentId;
  while (above !== null && !seen.has(above)) {
    seen.add(above);
    const found = await describe(above).catch(() => null);
    if (!found) break;
    path.unshift({ elementId: found.elementId, displayName: found.displayName });
    above = found.parentId;
  }
  return path;
}

/** What an element is, in one word, for its icon: folder, thing, number, integer, boolean, string, array, object. */
export function kindOf(object, all = types.value) {
  const type = all.get(object.typeElementId);
  if (type?.sourceTypeId?.includes("FolderType")) return "folder";
  const shape = type?.schema?.type;
  if (shape && shape !== "object") return Array.isArray(shape) ? shape.find((one) => one !== "null") : shape;
  return object.isComposition ? "thing" : "object";
}

/** Whether something was published for it, so that its value is not made of its parts'. */
export function hasOwnValue(object) {
  return object?.metadata?.system?.receivedAt !== undefined;
}

export function unitOf(object) {
  return object?.metadata?.system?.unit ?? "";
}
