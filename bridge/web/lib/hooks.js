// What components use to show what is elsewhere: a live value, an answer of the bridge.

import { useEffect, useLayoutEffect, useMemo, useState } from "../vendor/preact.js";
import { ask } from "./api.js";
import { revision } from "./model.js";
import * as live from "./live.js";

/**
 * The latest value of an element, watched for as long as the component is there; see `live.watch`. A layout effect: one
 * that waits for the next frame would miss a row that has been scrolled past before.
 */
export function useLive(id) {
  const found = useMemo(() => live.watch(id), [id]);
  useLayoutEffect(() => () => live.unwatch(id), [id]);
  return found.value;
}

/**
 * `{data, error, loading}` of what `load(signal)` gives; asked again when one of `inputs` changes. The last data stay
 * until the new ones are there, unless `inputs[0]`, what is shown, is another.
 */
export function useAnswer(load, inputs) {
  const [answer, setAnswer] = useState({ data: null, error: null, loading: true, of: inputs[0] });
  useEffect(() => {
    const ended = new AbortController();
    setAnswer((before) => (before.of === inputs[0] ? { ...before, loading: true } : { data: null, error: null, loading: true, of: inputs[0] }));
    load(ended.signal).then(
      (data) => ended.signal.aborted || setAnswer({ data, error: null, loading: false, of: inputs[0] }),
      (error) => ended.signal.aborted || setAnswer((before) => ({ ...before, error, loading: false, of: inputs[0] })),
    );
    return () => ended.abort();
  }, inputs);
  return answer.of === inputs[0] ? answer : { data: null, error: null, loading: true };
}

/** The same, asked again when the model has changed. */
export function useModel(load, inputs) {
  return useAnswer(load, [...inputs, revision.value]);
}

const TYPING_MS = 150;

/** The elements that fit what is typed, the best first; of what was typed before there are none. */
export function useFound(text, limit) {
  const [answer, setAnswer] = useState({ to: "", results: [] });
  const words = text.trim();
  useEffect(() => {
    if (!words) return undefined;
    const ended = new AbortController();
    const timer = setTimeout(() => {
      const query = new URLSearchParams({ q: words, limit });
      ask("GET", `search?${query}`, undefined, { signal: ended.signal }).then(
        ({ results }) => setAnswer({ to: words, results }),
        () => {}, // nothing to choose from
      );
    }, TYPING_MS);
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [words, limit]);
  return words && answer.to === words ? answer.results : [];
}
