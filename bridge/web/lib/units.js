// The parts of a composed element that are published on their own, each with a topic of its own.

import { bulk } from "./api.js";
import { isDocument } from "./fields.js";
import * as model from "./model.js";

/** Whether an element has no payload of its own: its value is made of its parts'. */
export function isComposed(object, value) {
  const system = object.metadata.system ?? {};
  return !system.receivedAt && !system.path && (object.isComposition || isDocument(value));
}

/** `[{path, topic}]` of an element's parts: `path` leads to them in its value. Raises `ApiError`. */
export async function unitsOf(object) {
  const id = object.elementId;
  const [{ result, error }] = await bulk("v1/objects/value", { elementIds: [id], maxDepth: 0 });
  if (error) throw error;
  const ids = Object.keys(result.components ?? {});
  const parts = await Promise.all(ids.map((part) => model.describe(part).catch(() => null)));
  return unitsAmong(parts.filter(Boolean), object.metadata.system?.topic ?? id);
}

/** The same of the parts' descriptions; `root` is the topic of what they are parts of. Pure. */
export function unitsAmong(parts, root) {
  const topics = parts.filter(isPublished).map(({ metadata }) => metadata.system.topic);
  const known = new Set(topics);
  const first = topics.filter((topic) => !liesBelow(topic, root, known));
  return first.map((topic) => ({ topic, path: levels(topic, root) }));
}

function isPublished({ metadata: { system } }) {
  return Boolean(system?.receivedAt && !system.path);
}

/** Whether a topic's value is no part of the whole: something above it has a payload of its own. */
function liesBelow(topic, root, known) {
  const path = levels(topic, root);
  return path.some((_, index) => index > 0 && known.has([root, ...path.slice(0, index)].join("/")));
}

function levels(topic, root) {
  return topic.slice(root.length + 1).split("/");
}
