// What elements are called where several are shown together: on chips, in lanes, in figures and in notes.

import * as model from "./model.js";
import { distinct } from "./trends.js";

/** `[{id, name, object}]`, `object` null where there is none; names as short as tells them apart. */
export async function named(ids) {
  const objects = await Promise.all(ids.map((id) => model.describe(id).catch(() => null)));
  const above = await Promise.all(objects.map((object) => (object ? model.pathTo(object) : [])));
  const paths = objects.map((object, index) => [...above[index].map(nameOf), object ? nameOf(object) : ids[index]]);
  const least = await Promise.all(objects.map(fewest));
  const names = distinct(paths, least);
  return ids.map((id, index) => ({ id, name: names[index], object: objects[index] }));
}

function nameOf({ displayName }) {
  return displayName;
}

/** A part is called with what it is a part of. */
async function fewest(object) {
  if (!object?.parentId) return 1;
  const owner = await model.describe(object.parentId).catch(() => null);
  return owner?.isComposition ? 2 : 1;
}
