// A tree as the rows that are open. Pure: what is open and what is known below each element comes in.

/**
 * The visible rows, top to bottom: `{id, level, index, size, state}`. `children` is a map id → ids, "loading", or
 * `{error}`; what has no entry is asked for when it is opened. `level` begins at 1, `index` too.
 */
export function rowsOf(roots, children, isOpen) {
  const rows = [];
  const above = new Set();
  const walk = (ids, level) => {
    const size = ids.length;
    for (let index = 0; index < size; index += 1) {
      const id = ids[index];
      const below = children.get(id);
      const open = isOpen(id) && !above.has(id);
      rows.push({ id, level, index: index + 1, size, open });
      if (!open) continue;
      if (Array.isArray(below)) {
        above.add(id); // a cycle of relationships ends here
        walk(below, level + 1);
        above.delete(id);
      } else {
        const note = below?.error ? below.error.message : "loading…";
        rows.push({ id, level: level + 1, index: 1, size: 1, open: false, note });
      }
    }
  };
  walk(roots, 1);
  return rows;
}

/** What a search found as a tree: `{roots, children, hits}`, the elements above each hit included, in order. */
export function treeOf(results) {
  const roots = [];
  const children = new Map();
  const names = new Map();
  const hits = new Set();
  const seen = new Set();
  for (const found of results) {
    hits.add(found.elementId);
    let above = null;
    for (const { elementId, displayName } of [...found.path, found]) {
      names.set(elementId, displayName);
      if (!seen.has(elementId)) {
        seen.add(elementId);
        if (above === null) roots.push(elementId);
        else if (children.has(above)) children.get(above).push(elementId);
        else children.set(above, [elementId]);
      }
      above = elementId;
    }
  }
  return { roots, children, names, hits };
}

/** Where the first row is that a search has found itself; -1 where there is none. */
export function firstHit(rows, hits) {
  return rows.findIndex(({ id, note }) => hits.has(id) && !note);
}

/** The part of a list that can be seen: `[from, to)`, with some rows more on both sides. */
export function windowOf(scrollTop, height, rowHeight, count, more = 8) {
  const from = Math.max(0, Math.min(Math.floor(scrollTop / rowHeight) - more, count));
  const to = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + more);
  return [from, Math.max(from, to)];
}
