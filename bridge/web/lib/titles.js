// What a page is called in tabs, bookmarks and the browser's history. Pure.

const LEVELS = 3; // of an id: enough to tell the same part of two machines apart

/** The title of a view that is called so, by the address it is at. */
export function titleOf(view, { path, query }) {
  const shown = [subjectOf(view, path, query)].filter(Boolean);
  return [...shown, ...(view === "Plant" && shown.length ? [] : [view]), "bridge"].join(" – ");
}

function subjectOf(view, path, query) {
  switch (view) {
    case "Plant":
      return lastLevels(path);
    case "Types":
      return path.slice(path.lastIndexOf("#") + 1);
    case "Trend":
      return elements(query.ids);
    case "Explain":
      return lastLevels(query.topic ?? "");
    default:
      return "";
  }
}

function elements(text) {
  const ids = listIn(text);
  const more = ids.length > 1 ? ` and ${ids.length - 1} more` : "";
  return ids.length ? lastLevels(ids[0]) + more : "";
}

function listIn(text) {
  try {
    return [JSON.parse(text)].flat().filter((id) => typeof id === "string");
  } catch {
    return [];
  }
}

/** "vat01 / process / temperature" of an id; fields of a document are levels as well. */
function lastLevels(id) {
  return id.split(/[#/]+/).filter(Boolean).slice(-LEVELS).join(" / ");
}
