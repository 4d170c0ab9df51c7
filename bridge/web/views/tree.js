// The tree of things and parts. Children are asked for when they are opened; of the rows only those exist that can be
// seen, and only their values are watched.

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { useLive } from "../lib/hooks.js";
import * as model from "../lib/model.js";
import { go } from "../lib/router.js";
import { firstHit, rowsOf, windowOf } from "../lib/rows.js";
import { Age, Dot, Icon, Value } from "./parts.js";
import { marked, told, useSearch } from "./search.js";

const OPEN_KEY = "bridge.open";
const MOST_OPEN = 500; // remembered over a reload
const INDENT = 16;
const FEW_ROOTS = 3;

export function Tree({ chosen }) {
  const [text, setText] = useState("");
  const search = useSearch(text);
  const browse = useBrowse(chosen);
  const tree = useRef(null);
  const isSearch = text.trim() !== "";
  const [isWanted, setIsWanted] = useState(false); // the first hit is to be opened as soon as it is known
  useEffect(() => {
    if (!isWanted || !search.isCurrent) return;
    setIsWanted(false);
    const hit = search.rows[firstHit(search.rows, search.hits)];
    if (hit) go("plant", hit.id);
  }, [isWanted, search.isCurrent]);
  const type = (typed) => {
    setText(typed);
    setIsWanted(false);
  };
  const onKeyDown = (event) => {
    if (event.key === "Escape") type("");
    else if (event.key === "Enter" && isSearch) setIsWanted(true);
    else if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      tree.current?.focus();
    }
  };
  return html`
    <section class="tree-pane" aria-label="Elements">
      <div class="search"><label><span class="hidden-label">Search names, ids, types and units</span>
        <input type="search" value=${text} placeholder="Search names, ids, types, units" spellcheck=${false}
          autocomplete="off" onInput=${(event) => type(event.target.value)} onKeyDown=${onKeyDown} /></label></div>
      ${isSearch && html`<p class="found muted" role="status">${told(search)}</p>`}
      <${Rows} ...${isSearch ? search : browse} chosen=${chosen} focus=${tree} key=${isSearch ? "search" : "browse"} />
    </section>`;
}

/** The model as it is opened step by step. The way to what is chosen is opened, so that a link shows it. */
function useBrowse(chosen) {
  const [roots, setRoots] = useState(null);
  const [error, setError] = useState(null);
  const [children, setChildren] = useState(() => new Map());
  const [open, setOpen] = useState(readOpen);
  const isFirst = roots === null && open.size === 0; // nobody has opened anything in this tab
  const objects = useRef(new Map()).current;
  const revision = model.revision.value;

  const put = (pairs) => setChildren((before) => new Map([...before, ...pairs]));
  const load = (ids) =>
    ids.length &&
    model.children(ids).then(
      (found) => put(found.map(([id, below]) => [id, below.error ? below : below.map(entered)])),
      (error) => setChildren((before) => new Map([...ids.map((id) => [id, { error }]), ...before])), // the known stays
    );
  const entered = (object) => {
    objects.set(object.elementId, object);
    return object.elementId;
  };

  useEffect(() => {
    model.roots().then(
      (found) => {
        setRoots(found.map(entered));
        setError(null);
        if (isFirst && found.length) toggle(plants(found), true);
      },
      (failure) => setError(failure),
    );
    load([...open]); // opened before the reload, or open while the model has changed
    setChildren((before) => new Map([...before].filter(([id]) => open.has(id)))); // the others when they are opened
  }, [revision]);

  useEffect(() => {
    if (!chosen) return;
    model
      .describe(chosen)
      .then(model.pathTo)
      .then((path) => toggle(path.map(({ elementId }) => elementId), true))
      .catch(() => {}); // the element's own view says so
  }, [chosen]);

  const toggle = (ids, isOpen) => {
    load(ids.filter((id) => isOpen && !Array.isArray(children.get(id))));
    setOpen((before) => {
      const after = new Set(before);
      for (const id of ids) isOpen ? after.add(id) : after.delete(id);
      sessionStorage.setItem(OPEN_KEY, JSON.stringify([...after].slice(-MOST_OPEN)));
      return after;
    });
  };

  const rows = useMemo(() => rowsOf(roots ?? [], children, (id) => open.has(id)), [roots, children, open]);
  const isEmpty = roots?.every(isOwn);
  const none = error ? error.message : isEmpty ? NOTHING : "";
  return { rows, objects, toggle, none, follow: true };
}

/** What is opened for somebody who comes for the first time: the plant, where there are not many. */
function plants(roots) {
  const ids = roots.map(({ elementId }) => elementId).filter((id) => !isOwn(id));
  return ids.length <= FEW_ROOTS ? ids : [];
}

/** Whether a root is the bridge's own. */
function isOwn(id) {
  return id.startsWith("$");
}

const NOTHING =
  "Nothing that you may read has been published yet. Elements appear here with the first messages; Health tells whether " +
  "the broker is there.";

function readOpen() {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(OPEN_KEY) ?? "[]"));
  } catch {
    return new Set();
  }
}

/** The rows that can be seen of all rows, and the keys of a tree (WAI-ARIA, tree view pattern). */
function Rows({ rows, objects, names, hits, to: searched, words, toggle, chosen, none, focus, follow, leavesAreKnown }) {
  const box = useRef(null);
  const [seen, setSeen] = useState({ top: 0, height: 600 });
  const [cursor, setCursor] = useState(follow ? chosen || null : null);
  const height = useRowHeight();
  const found = cursor === null ? -1 : rows.findIndex(({ id, note }) => id === cursor && !note);
  const at = Math.max(0, found < 0 && hits ? firstHit(rows, hits) : found);
  const typed = useRef({ text: "", at: 0 });

  useLayoutEffect(() => {
    const look = () => setSeen({ top: box.current.scrollTop, height: box.current.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    look();
    return () => observer.disconnect();
  }, []);

  const reveal = (index) => {
    const top = index * height;
    const view = box.current;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + height > view.scrollTop + view.clientHeight) view.scrollTop = top + height - view.clientHeight;
  };
  const move = (index) => {
    const to = Math.max(0, Math.min(index, rows.length - 1));
    if (rows[to]) {
      setCursor(rows[to].id);
      reveal(to);
    }
  };

  useEffect(() => {
    if (!hits) return;
    setCursor(null); // another search begins at its first hit
    reveal(Math.max(0, firstHit(rows, hits)));
  }, [searched]);

  const followed = useRef(null); // what is chosen is brought into view once, when it appears
  useEffect(() => {
    if (!follow || !chosen || followed.current === chosen) return;
    const index = rows.findIndex(({ id, note }) => id === chosen && !note);
    if (index < 0) return;
    followed.current = chosen;
    setCursor(chosen);
    reveal(index);
  }, [chosen, rows]);

  const isBranch = ({ id }) => hasBelow(model.known(id) ?? objects.get(id));
  const nameOf = (id) => objects.get(id)?.displayName ?? names?.get(id) ?? model.known(id)?.displayName ?? id;
  const onKeyDown = (event) => {
    const row = rows[at];
    if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(seen.height / height) - 1);
    const keys = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      PageDown: () => move(at + page),
      PageUp: () => move(at - page),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => {
        if (!row.open) return isBranch(row) && toggle([row.id], true);
        return rows[at + 1]?.level > row.level && move(at + 1);
      },
      ArrowLeft: () => (row.open ? toggle([row.id], false) : move(parentOf(rows, at))),
      Enter: () => go("plant", row.id),
      " ": () => go("plant", row.id),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    } else if (event.key.length === 1) {
      move(typeAhead(typed.current, event, rows, at, nameOf));
    }
  };

  const [from, to] = windowOf(seen.top, seen.height, height, rows.length);
  return html`
    ${none && html`<p class="notice">${none}</p>`}
    <div class="rows" role="tree" aria-label="Elements" tabindex="0" onKeyDown=${onKeyDown}
      ref=${(element) => {
        box.current = element;
        focus.current = element;
      }}
      onScroll=${(event) => setSeen({ top: event.target.scrollTop, height: event.target.clientHeight })}
      aria-activedescendant=${rows[at] && at >= from && at < to ? `row-${at}` : undefined}>
      <div class="all-rows" role="presentation" style=${{ height: `${rows.length * height}px` }}>
        ${rows.slice(from, to).map((row, offset) => {
          const index = from + offset;
          const key = row.note ? `${row.id} note` : row.id;
          const style = { top: `${index * height}px`, paddingLeft: `${(row.level - 1) * INDENT + 4}px` };
          if (row.note) {
            return html`<div class="tree-row muted" role="treeitem" aria-level=${row.level} key=${key} id="row-${index}"
              style=${style}><span class="opener"></span>${row.note}</div>`;
          }
          return html`<${Row} key=${key} index=${index} row=${row} name=${nameOf(row.id)} object=${objects.get(row.id)}
            style=${style} isChosen=${row.id === chosen} isCursor=${index === at} isHit=${hits?.has(row.id)} words=${words}
            leavesAreKnown=${leavesAreKnown} toggle=${toggle}
            choose=${() => {
              setCursor(row.id);
              followed.current = row.id;
              go("plant", row.id);
            }} />`;
        })}
      </div>
    </div>`;
}

function parentOf(rows, at) {
  for (let index = at - 1; index >= 0; index -= 1) if (rows[index].level < rows[at].level) return index;
  return at;
}

/** Letters that are typed in quick succession look for a name that begins so, from here on and around. */
function typeAhead(typed, event, rows, at, nameOf) {
  typed.text = event.timeStamp - typed.at > 700 ? event.key : typed.text + event.key;
  typed.at = event.timeStamp;
  const text = typed.text.toLowerCase();
  const start = text.length > 1 ? at : at + 1;
  for (let step = 0; step < rows.length; step += 1) {
    const index = (start + step) % rows.length;
    if (nameOf(rows[index].id).toLowerCase().startsWith(text)) return index;
  }
  return at;
}

function useRowHeight() {
  return useMemo(() => parseInt(getComputedStyle(document.documentElement).getPropertyValue("--row"), 10) || 30, []);
}

function Row({ row, index, name, object, style, isChosen, isCursor, isHit, words, toggle, choose, leavesAreKnown }) {
  const described = useDescribed(row.id);
  const found = described ?? object;
  const kind = found ? model.kindOf(found) : "folder";
  const isBranch = leavesAreKnown ? row.open || hasBelow(described) : hasBelow(described ?? object);
  const onOpener = (event) => {
    event.stopPropagation();
    toggle([row.id], !row.open);
  };
  return html`
    <div id="row-${index}" class="tree-row ${isChosen ? "chosen" : ""} ${isCursor ? "cursor" : ""}" role="treeitem"
      aria-level=${row.level} aria-posinset=${row.index} aria-setsize=${row.size} aria-selected=${isChosen}
      aria-expanded=${isBranch ? row.open : undefined} data-id=${row.id} style=${style} onClick=${choose}
      onDblClick=${() => isBranch && toggle([row.id], !row.open)}>
      <span class="opener" aria-hidden="true" onClick=${isBranch ? onOpener : undefined}>${isBranch && (row.open ? "▾" : "▸")}</span>
      <${Icon} kind=${kind} />
      <span class="name" title=${row.id}>${isHit ? marked(name, words) : name}</span>
      ${found && kind !== "folder" && kind !== "thing" && html`<${LiveValue} id=${row.id} unit=${model.unitOf(described)} />`}
    </div>`;
}

/** Until it is known: a folder, and what is composed, may have something below. */
function hasBelow(object) {
  if (!object) return true;
  if (!object.metadata) return object.isComposition || model.kindOf(object) === "folder";
  const { HasChildren = [], HasComponent = [] } = object.metadata.relationships;
  return HasChildren.length + HasComponent.length > 0;
}

function useDescribed(id) {
  const [object, setObject] = useState(() => model.known(id));
  const revision = model.revision.value;
  useEffect(() => {
    let isHere = true;
    model.describe(id).then(
      (found) => isHere && setObject(found),
      () => {},
    );
    return () => {
      isHere = false;
    };
  }, [id, revision]);
  return object;
}

function LiveValue({ id, unit }) {
  const now = useLive(id);
  if (!now) return html`<span class="live muted">…</span>`;
  if (now.error) return html`<span class="live muted" title=${now.error.message}>–</span>`;
  return html`<span class="live"><span class="reading"><${Value} value=${now.value} unit=${unit} /></span>
    <${Dot} quality=${now.quality} /><span class="age muted"><${Age} timestamp=${now.timestamp} /></span></span>`;
}
