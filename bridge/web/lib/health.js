// What the bridge's status means: figures over time, what is not as it should be, and what to do about it. Pure: the
// status and its predecessors come in. Anything may be missing from a status, and is then not judged.

import { counted, duration, grouped, instant } from "./format.js";
import { EXPECTED, REASONS } from "./reasons.js";

const WINDOW_MS = 300_000; // what the small charts show, and what "lately" means
const RATE_MS = 10_000; // rates are means over so long
const GAP_MS = 10_000; // between two answers: a line breaks there
const MOST_SAMPLES = 400;

/** Where the findings of a level stand: the worst first. */
export const LEVELS = ["Bad", "Uncertain", "note"];

/** What silence, death and loss mean, and what to do: why → `{title, means, todo}`. */
export const DOUBTS = {
  dead: {
    title: "Source is offline",
    counts: (count) => `Offline, as their source says: ${counted(count, "element")}.`,
    means: "A last will, a status topic or a Sparkplug death certificate says that the source has gone.",
    todo:
      "See whether the device and its gateway run. Values return when it speaks again, or its status says " +
      "online. Which quality a death means is [model] on_death.",
  },
  stale: {
    title: "Silent",
    counts: (count) => `Silent for too long: ${counted(count, "element")}.`,
    means: "Nothing has come for longer than stale_after.",
    todo:
      "See whether the device is there. If it speaks seldom, give it a longer stale_after in a [[rule]] for its " +
      "topics.",
  },
  lost: {
    title: "Perhaps missed",
    counts: (count) => `Not confirmed since the broker or the bridge was away: ${counted(count, "element")}.`,
    means: "The broker or the bridge was away, so something newer may have been missed.",
    todo:
      "Each ends with the next message of its topic. To keep it short: a fixed [mqtt] client_id, a " +
      "session_expiry longer than outages, a broker that stores sessions, and retained messages for what speaks " +
      "seldom.",
  },
  unconfirmed: {
    title: "Known from the broker's stored copy",
    level: "note",
    counts: (count) => `Known from the broker's stored copy only, and so Uncertain: ${counted(count, "element")}.`,
    means: "The broker had it retained, without a time of its own, and nothing has come since: nobody can tell its age.",
    todo:
      "Nothing needs to be done: the next message of its topic confirms each. Payloads that have a timestamp need no " +
      "confirmation.",
  },
};

/* Figures over time */

/** What is remembered of one status; `at` is when it came, in milliseconds. */
export function sampleOf(status, at) {
  const { messages = {}, broker, subscriptions, writes } = status ?? {};
  return {
    at,
    started: status?.startedAt ?? null,
    received: messages?.received ?? null,
    stored: messages?.stored ?? null,
    rejected: messages ? rejectedOf(messages) : null,
    reasons: reasonsOf(messages),
    unacknowledged: messages?.unacknowledged ?? null,
    reconnects: broker?.reconnects ?? null,
    dropped: subscriptions?.dropped ?? null,
    failed: writes?.failed ?? null,
  };
}

/** Messages by the reason of their rejection; {} where nothing is told. */
export function reasonsOf(messages) {
  const told = messages?.rejected;
  return told !== null && typeof told === "object" ? told : {};
}

/** How many in all; null where nothing is told. */
export function rejectedOf(messages) {
  const told = messages?.rejected;
  if (told === null || told === undefined) return null;
  return typeof told === "object" ? Object.values(told).reduce((sum, count) => sum + count, 0) : told;
}

/** The samples with one more: of this run of the bridge only, and none that is too old to be shown. */
export function withSample(samples, sample) {
  const last = samples.at(-1);
  const isOther = last && (last.started !== sample.started || last.received > sample.received);
  const before = isOther ? [] : samples;
  return [...before.filter(({ at }) => sample.at - at <= WINDOW_MS), sample].slice(-MOST_SAMPLES);
}

/** Per second, over the last ten; null until there is something to compare. */
export function rateOf(samples, key) {
  const last = samples.at(-1);
  const first = samples.find(({ at }) => last.at - at <= RATE_MS + 1_000);
  return last && first !== last ? perSecond(first, last, key) : null;
}

function perSecond(first, last, key) {
  const seconds = (last.at - first.at) / 1000;
  const isKnown = typeof first[key] === "number" && typeof last[key] === "number";
  return isKnown && seconds > 0 ? Math.max(0, (last[key] - first[key]) / seconds) : null;
}

/** The rate from one answer to the next as pieces of a line, `[[{ago, rate}, …], …]`, `ago` from 0 (now) to 1. */
export function lineOf(samples, key, now) {
  const pieces = [[]];
  for (let index = 1; index < samples.length; index += 1) {
    const [first, last] = [samples[index - 1], samples[index]];
    const rate = perSecond(first, last, key);
    if (rate === null || last.at - first.at > GAP_MS) pieces.push([]);
    else pieces.at(-1).push({ ago: Math.min(1, (now - last.at) / WINDOW_MS), rate });
  }
  return pieces.filter((piece) => piece.length);
}

/** How much a count has risen within the samples. */
function rise(samples, key) {
  const known = samples.map((sample) => sample[key]).filter((count) => typeof count === "number");
  return known.length > 1 ? known.at(-1) - known[0] : 0;
}

/** Whether something waits for its acknowledgement longer than ten seconds: all that came since would be less. */
export function isStuck(samples) {
  const last = samples.at(-1);
  const before = samples.findLast(({ at }) => last.at - at >= RATE_MS);
  if (!before || !last.unacknowledged) return false;
  return last.unacknowledged > last.received - before.received;
}

/** The reasons that have come up lately, those that are no mistakes left out, the most frequent first. */
export function recentReasons(status, samples, now) {
  const counts = new Map();
  const before = samples[0]?.reasons ?? {};
  const isWatched = samples.length > 1;
  for (const [reason, count] of Object.entries(reasonsOf(status.messages))) {
    const more = isWatched ? count - (before[reason] ?? 0) : 0;
    if (more > 0) counts.set(reason, more);
  }
  for (const { reason, at } of status.rejected ?? []) {
    if (!counts.has(reason) && now - instant(at) < WINDOW_MS) counts.set(reason, 1);
  }
  const found = [...counts].filter(([reason]) => !EXPECTED.has(reason));
  return found.sort(([, one], [, other]) => other - one).map(([reason]) => reason);
}

/* Findings */

/**
 * What is not as it should be: `{panel, level, text, todo}`, the most important first. `panel` is where it is shown,
 * null for what has none.
 */
export function findingsOf(status, samples, now) {
  const found = [
    ...unready(status),
    ...ofBroker(status, samples),
    ...ofMessages(status, samples),
    ...ofRejected(status, samples, now),
    ...ofElements(status),
    ...ofSubscriptions(status, samples),
    ...ofHistory(status),
    ...ofWrites(status, samples),
    ...ofTypes(status),
    ...ofLimits(status),
  ];
  return found.sort((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level));
}

function finding(panel, level, text, todo = "") {
  return { panel, level, text, todo };
}

/** The bridge's own sentences come first: they are what `/readyz` says. */
function* unready(status) {
  const reasons = [status.reasons ?? []].flat();
  const told = reasons.length ? reasons : [status.broker?.problem ?? []].flat();
  for (const reason of told) yield finding(panelOf(reason), "Bad", sentence(reason), remedyOf(reason));
  if (!told.length && status.broker?.connected === false) {
    yield finding("broker", "Bad", "The broker is not connected.", RETRY);
  } else if (!told.length && status.ready === false) {
    yield finding(null, "Bad", "The bridge is not ready.", "Its log says more.");
  }
  const problem = status.history?.problem;
  if (problem && !told.some((reason) => reason.startsWith("history"))) {
    yield finding("history", "Bad", sentence(`history ${problem}`), DISK);
  }
}

const RETRY =
  "The bridge tries again by itself, at least every 30 s. Check that the broker runs and can be reached from " +
  "this machine, and that [mqtt] url is right. Meanwhile nothing new comes; values become Uncertain after " +
  "[model] broker_grace.";
const DISK =
  "The bridge goes on serving what it has, and acknowledges nothing: the broker keeps what comes. Make room on " +
  "the disk, or end the program that locks the file. It tries again every second and goes on by itself.";
const SLOW =
  "Use a faster disk, or leave out what nobody needs ([mqtt] exclude). Messages of QoS 0 that cannot wait are " +
  "rejected.";

/** What to do, by what a reason says; the first that fits. */
const REMEDIES = [
  [/^history is behind/, SLOW],
  [/^history/, DISK],
  [/^the audit log/, "Make room, or let the bridge write there: [writes] audit_file."],
  [
    /client id/i,
    "Two clients with one id throw each other out. Stop the other one, or give each an [mqtt] client_id of its own.",
  ],
  [
    /filter .* granted with QoS/,
    "The broker allows no more. With QoS 0 messages may get lost; set [mqtt] qos to what it grants.",
  ],
  [
    /filter .* refused/,
    "Let the bridge's user read this filter in the broker's access list, or take it out of [mqtt] topics.",
  ],
  [
    /refuses (user|a client)/,
    "Set [mqtt] username, and the password in password_file or BRIDGE_MQTT_PASSWORD, as the broker knows them.",
  ],
  [
    /certificate|TLS/,
    "Check [mqtt] ca_file, cert_file and key_file, the host name in url, and how long the certificates are good.",
  ],
  [/^(the )?broker/, RETRY],
];

function remedyOf(reason) {
  const found = REMEDIES.find(([pattern]) => pattern.test(reason));
  return found ? found[1] : "Things stay as they were until this is mended. The log says more.";
}

function panelOf(reason) {
  if (/^history/.test(reason)) return "history";
  if (/^the audit log/.test(reason)) return "writes";
  return /^(the )?broker|filter |client id/i.test(reason) ? "broker" : null;
}

function sentence(text) {
  const whole = String(text);
  return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}${/[.?!…]$/.test(whole) ? "" : "."}`;
}

function* ofBroker({ broker, messages }, samples) {
  if (!broker) return;
  if (rise(samples, "reconnects") > 1) {
    yield finding("broker", "Uncertain", "The connection to the broker comes and goes.",
      "Look at the network between, and whether another client uses the same [mqtt] client_id.");
  }
  if (broker.connected && messages?.received === 0) {
    yield finding("broker", "Uncertain", "The broker is connected, and nothing has come from it.",
      "Check that [mqtt] topics match what is published, and that the bridge's user may read it.");
  }
  if (broker.sessionsLost > 0) {
    const text = `The broker had forgotten the bridge ${times(broker.sessionsLost)}: what came meanwhile is missing.`;
    yield finding("broker", "note", text,
      "Set a fixed [mqtt] client_id and a session_expiry longer than outages, and let the broker store " +
        "sessions on its disk.");
  }
}

function* ofMessages({ messages }, samples) {
  if (!messages || !isStuck(samples)) return;
  const waiting = counted(messages.unacknowledged, "message");
  yield finding("messages", "Uncertain", `Waiting for the disk for longer than 10 s: ${waiting}.`,
    "The disk does not take what comes: is it full, slow or locked? See History. Of QoS 1 and 2 nothing is " +
      "lost, for the broker keeps them.");
}

function* ofRejected(status, samples, now) {
  for (const reason of recentReasons(status, samples, now)) {
    const example = (status.rejected ?? []).find((one) => one.reason === reason);
    const where = example?.topic ? `, such as on ${shortened(example.topic)}` : "";
    yield finding("rejected", "Uncertain", `Messages are rejected as ${reason}${where}.`);
  }
}

function* ofElements({ elements }) {
  for (const [why, { counts, level = "Uncertain" }] of Object.entries(DOUBTS)) {
    const count = elements?.[why];
    if (count > 0) yield finding("stale", level, counts(count));
  }
}

/** What nears its limit: how much there is, the limit, where it is shown, what it is, and what to do. */
function* ofLimits({ elements, subscriptions, connections, limits }) {
  const most = limits ?? {};
  const many = [
    [elements?.total, most.elements, "bridge", "elements", REASONS.elements[1]],
    [connections, most.connections, "bridge", "connections", "Close what nobody uses, or raise [connections] max."],
    [subscriptions?.total, most.subscriptions, "subscriptions", "subscriptions",
      "Clients should delete what they do not need any more; or raise [subscriptions] max."],
    [subscriptions?.streams, most.streams, "subscriptions", "streams",
      "Clients should close what they do not need any more; or raise [stream] max_open."],
    [subscriptions?.queued, most.queued, "subscriptions", "waiting updates", UNREAD],
  ];
  for (const [count, limit, panel, what, todo] of many) {
    if (typeof limit !== "number" || typeof count !== "number" || count <= 0.9 * limit) continue;
    yield finding(panel, "Uncertain", `There are ${grouped(count)} of at most ${grouped(limit)} ${what}.`, todo);
  }
}

function* ofSubscriptions({ subscriptions, limits }, samples) {
  if (!subscriptions) return;
  const more = rise(samples, "dropped");
  if (more > 0) {
    const lost = counted(more, "update");
    yield finding("subscriptions", "Uncertain", `Lost lately, because a queue was full: ${lost}.`, UNREAD);
  } else if (subscriptions.dropped > 0) {
    const lost = counted(subscriptions.dropped, "update");
    yield finding("subscriptions", "note", `Lost since the start, because a queue was full: ${lost}.`, UNREAD);
  }
  const most = typeof limits?.queue === "number" ? limits.queue : 10_000;
  for (const { displayName, clientId, queued } of subscriptions.list ?? []) {
    if (queued > most / 2) {
      const whom = displayName || clientId || "a client";
      yield finding("subscriptions", "Uncertain", `${grouped(queued)} updates wait for ${whom}.`, UNREAD);
    }
  }
}

const UNREAD =
  "A client does not read what it has subscribed to, or not fast enough; the oldest updates go first, and it " +
  "learns of the gap. Mend or stop the client: what nobody asks for goes after [subscriptions] ttl. For long " +
  "pauses raise [subscriptions] queue.";

function* ofHistory({ history }) {
  if (!history) return;
  if (history.backend === "memory") {
    yield finding("history", "note", "History is in memory only: the past is gone after a restart.",
      'Set [state] directory and [history] backend = "sqlite" to keep it.');
  }
  if (history.evicted > 0) {
    const isInMemory = history.backend === "memory";
    const bounds = isInMemory ? "rows_per_element and rows_total" : "keep_age, keep_rows and keep_bytes";
    yield finding("history", "note", `Gone to make room for newer ones: ${counted(history.evicted, "row")}.`,
      `As intended. How much is kept is [history] ${bounds}.`);
  }
}

function* ofWrites({ writes }, samples) {
  if (!writes) return;
  const lately = rise(samples, "failed") > 0;
  if (writes.failed > 0) {
    const text = `Failed${lately ? ", lately too" : ""}: ${counted(writes.failed, "write")}.`;
    yield finding("writes", lately ? "Uncertain" : "note", text,
      "The broker did not take the message, or the value did not come back within [writes] echo_timeout. Does " +
      "the device listen to the command topic ([writes] topic, write_to)? The audit log has each one with its " +
      "reason.");
  }
  if (writes.refused > 0) {
    yield finding("writes", "note", `Refused before anything was sent: ${counted(writes.refused, "write")}.`,
      "The client may not write there ([writes] allow, its own filters), or the value does not fit. The audit " +
        "log tells which.");
  }
}

function* ofTypes({ types }) {
  if (types?.settled === false) {
    yield finding("bridge", "note", "The model is young: names, places and types are provisional.",
      "It settles when nothing new has come for [model] discovery_window seconds.");
  }
}

function times(count) {
  return count === 1 ? "once" : `${grouped(count)} times`;
}

/** The two ends of a long topic: both matter. */
export function shortened(topic, most = 70) {
  if (topic.length <= most) return topic;
  const half = Math.floor((most - 1) / 2);
  return `${topic.slice(0, half)}…${topic.slice(-half)}`;
}

/** A rate as people read it. */
export function rateText(rate) {
  if (rate === null || rate === undefined) return "–";
  if (rate === 0) return "0 /s";
  if (rate < 0.1) return "< 0.1 /s";
  return `${rate >= 100 ? grouped(Math.round(rate)) : rate.toFixed(1)} /s`;
}

/** "3 d 4 h" of seconds. */
export function spanText(seconds) {
  const ms = seconds * 1000;
  const days = Math.floor(ms / 86_400_000);
  const rest = ms % 86_400_000;
  return days && rest >= 3_600_000 ? `${days} d ${duration(rest)}` : duration(ms);
}
