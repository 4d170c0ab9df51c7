// The address bar names what is shown: `#/view/path?key=value`. Ids of elements stay readable in it.

import { signal } from "../vendor/preact.js";

/** `{view, path, query}`; `path` is an element's or a type's id, "" where there is none. */
export const route = signal(parseHash(globalThis.location?.hash ?? ""));

export function start() {
  addEventListener("hashchange", () => {
    route.value = parseHash(location.hash);
  });
}

/** The address of a view, as an `href`. */
export function href(view, path = "", query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = new URLSearchParams(pairs).toString();
  return `#/${view}${path ? `/${encodeId(path)}` : ""}${search ? `?${search}` : ""}`;
}

/** Go there; `replace`: without a step in the browser's history. */
export function go(view, path = "", query = {}, { replace = false } = {}) {
  const to = href(view, path, query);
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, "", to);
    route.value = parseHash(to);
  } else {
    location.hash = to;
  }
}

/** Show what `hash` names, at the address without a query; no step in the browser's history. */
export function restore(hash) {
  history.replaceState(null, "", location.pathname + hash);
  route.value = parseHash(hash);
}

export function parseHash(hash) {
  const [where, search = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const [view, path = ""] = split(where, "/");
  return { view: view || "plant", path: decodeId(path), query: Object.fromEntries(new URLSearchParams(search)) };
}

/** All that would end the path, or that a browser would change; blanks and slashes stay readable. */
export function encodeId(id) {
  return encodeURIComponent(id).replaceAll("%2F", "/").replaceAll("%3A", ":").replaceAll("%24", "$");
}

function decodeId(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function split(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
