// What components use to show what is elsewhere: a live value, an answer of the bridge.

import { useEffect, useLayoutEffect, useMemo, useState } from "../vendor/preact.js";
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
