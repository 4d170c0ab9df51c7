// Why messages are not used, in plain words, and how much of such a payload the bridge has kept. Pure.

/** Reasons for which a message is left out on purpose: nothing is wrong. */
export const EXPECTED = new Set(["command", "ignored", "no-value"]);

const LEAVE_OUT = 'A [[rule]] with use = "ignore", or [mqtt] exclude, leaves out topics that nobody needs.';

/** Why a message was not used, in plain words, and what to do: `[meaning, remedy]`. */
export const REASONS = {
  "malformed-json": [
    "The payload begins like JSON and is none. The element keeps its last value.",
    "Find out who publishes on the topic: mostly the program cuts long messages off, or puts JSON together by " +
      `hand. ${LEAVE_OUT}`,
  ],
  "json-depth": ["The JSON is nested too deeply.", `The publisher has to send a flatter document. ${LEAVE_OUT}`],
  "payload-size": [
    "The payload is larger than [limits] payload.",
    `Raise [limits] payload if such payloads are wanted. ${LEAVE_OUT}`,
  ],
  "topic-length": ["The topic is longer than [limits] topic.", "Shorten the topic, or raise [limits] topic."],
  "topic-levels": ["The topic has more levels than [limits] levels.", "Use fewer levels, or raise [limits] levels."],
  reserved: [
    "The first level of the topic is the bridge's own.",
    "Publish below another name. If this is another bridge that publishes its own state, leave it out with " +
      "[mqtt] exclude.",
  ],
  elements: [
    "There are as many elements as [limits] elements allows; new topics are not taken.",
    `Let silent elements go with expire_after, or raise [limits] elements. ${LEAVE_OUT}`,
  ],
  "new-elements": [
    "More new topics came in a minute than [limits] new_per_minute allows.",
    "Topics that speak again get in later. If topics hold numbers that never repeat, such as orders, leave them " +
      `out. ${LEAVE_OUT}`,
  ],
  "history-behind": [
    "The disk is slower than the messages: these, of QoS 0, are missing in history.",
    "See History. With [mqtt] qos = 1 (and publishers that use it) the broker keeps what the bridge cannot take yet.",
  ],
  "sparkplug-topic": [
    "The topic lies below spBv1.0 and is none of Sparkplug's: group/type/node or group/type/node/device.",
    `Publish it elsewhere. ${LEAVE_OUT}`,
  ],
  "sparkplug-unborn": [
    "Data came before the birth certificate that says what they mean.",
    "Let the edge node send its birth again (Node Control/Rebirth). With [mqtt] rebirth = true the bridge asks " +
      "for it itself; it then needs the right to publish to spBv1.0/+/NCMD/+.",
  ],
  "sparkplug-malformed": [
    "The payload is no Sparkplug B payload (protobuf).",
    "Check the edge node: JSON or text must not be published below spBv1.0.",
  ],
  "sparkplug-limit": [
    "There are more Sparkplug metrics, edge nodes or devices than the bridge can take.",
    `The detail says which. Split large births; these limits cannot be set. ${LEAVE_OUT}`,
  ],
  "sparkplug-compressed": [
    "The compressed Sparkplug payload cannot be unpacked.",
    "Check the edge node's compression: it must be DEFLATE or GZIP, and named so; or switch it off.",
  ],
  command: [
    "Its topic asks for something (set, get, cmd …), and is no value.",
    'As intended. If it does carry values, a [[rule]] with use = "value" takes it.',
  ],
  ignored: ["A rule of the configuration leaves it out.", "As intended."],
  "no-value": ["A state or a birth without values.", "Nothing needs to be done."],
};

/** Reasons whose details only repeat what they mean. */
const PLAIN = new Set([...EXPECTED, "malformed-json", "sparkplug-topic"]);

/** `{reason, isExpected, means, todo, detailOf}`; of a reason that is new here the details tell. */
export function aboutReason(reason) {
  const [means, todo] = REASONS[reason] ?? ["", "The detail of an example says more; so does the log."];
  const detailOf = (detail) => (PLAIN.has(reason) ? "" : detail);
  return { reason, isExpected: EXPECTED.has(reason), means, todo, detailOf };
}

/** What stands in a payload for bytes that are no text. */
export const NO_TEXT = "\ufffd";

/** How much of a payload is there: "" for all of it. `size` is in bytes. */
export function cutOf(payload, size) {
  const text = (payload ?? "").replaceAll(NO_TEXT, "?"); // one for each byte that is no text
  const shown = new TextEncoder().encode(text).length;
  return typeof size === "number" && size > shown ? size : "";
}
