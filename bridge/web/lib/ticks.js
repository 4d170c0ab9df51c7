// A clock that components follow, so that ages on the screen grow.

import { signal } from "../vendor/preact.js";

const tick = signal(0);

setInterval(() => {
  if (!document.hidden) tick.value += 1;
}, 1_000);

/** Render the component anew each second. */
export function useTicks() {
  return tick.value;
}
