// The search over the tree: what it finds, and how that is marked.

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { ask } from "../lib/api.js";
import { grouped } from "../lib/format.js";
import * as model from "../lib/model.js";
import { rowsOf, treeOf } from "../lib/rows.js";

const FOUND = 500; // results of a search
const TYPING_MS = 150;

/** What a search finds, with what lies above it, all of it open. */
export function useSearch(text) {
  const [found, setFound] = useState(NONE);
  const [closed, setClosed] = useState(() => new Set());
  const words = text.trim();
  const revision = model.revision.value;
  useEffect(() => {
    if (!words) {
      setFound(NONE);
      return undefined;
    }
    const ended = new AbortController();
    setFound((before) => ({ ...before, loading: true }));
    const timer = setTimeout(() => {
      ask("GET", `search?${new URLSearchParams({ q: words, limit: FOUND })}`, undefined, { signal: ended.signal }).then(
        ({ total, results }) => {
          const objects = new Map(results.map((object) => [object.elementId, object]));
          setClosed(new Set());
          setFound({ ...treeOf(results), to: words, total, objects, error: null, loading: false });
        },
        (error) => ended.signal.aborted || setFound({ ...NONE, to: words, error }),
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [words, revision]);
  const toggle = (ids, isOpen) =>
    setClosed((before) => {
      const after = new Set(before);
      for (const id of ids) isOpen ? after.delete(id) : after.add(id);
      return after;
    });
  const rows = useMemo(
    () => rowsOf(found.roots, found.children, (id) => found.children.has(id) && !closed.has(id)),
    [found, closed],
  );
  const isCurrent = found.to === words && !found.loading;
  return { ...found, rows, toggle, isCurrent, words: words.toLowerCase().split(/\s+/), leavesAreKnown: true };
}

const NONE = { to: "", roots: [], children: new Map(), names: new Map(), hits: new Set(), objects: new Map(), total: 0 };

/** How much was found. */
export function told({ total, roots, error, loading }) {
  if (error) return error.message;
  if (loading && !roots.length) return "Searching…";
  if (!total) return "Nothing found";
  return total > FOUND ? `${grouped(total)} found, the best ${FOUND} shown` : `${grouped(total)} found`;
}

/** The words of a search within a name. */
export function marked(name, words) {
  const parts = [];
  const lower = name.toLowerCase();
  if (lower.length !== name.length) return name;
  let from = 0;
  while (from < name.length) {
    const [at, word] = words
      .map((one) => [lower.indexOf(one, from), one])
      .filter(([found, one]) => found >= 0 && one)
      .sort((one, other) => one[0] - other[0])[0] ?? [-1];
    if (at < 0) break;
    parts.push(name.slice(from, at), html`<mark>${name.slice(at, at + word.length)}</mark>`);
    from = at + word.length;
  }
  parts.push(name.slice(from));
  return parts;
}
