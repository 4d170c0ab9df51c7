// MQTT topic filters (MQTT 5, section 4.7). Pure.

/** Whether a filter covers a topic; wildcards at the front do not cover topics that begin with $, but "#" alone does. */
export function matches(filter, topic) {
  if (filter === "#") return true;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  if (topic.startsWith("$") && (wanted[0] === "+" || wanted[0] === "#")) return false;
  for (let at = 0; at < wanted.length; at += 1) {
    if (wanted[at] === "#") return true;
    if (at >= levels.length) return false;
    if (wanted[at] !== "+" && wanted[at] !== levels[at]) return false;
  }
  return wanted.length === levels.length;
}

/** Why somebody may not write on a topic, as far as `GET /me` tells; "" where they may. The bridge has the last word. */
export function whyNotWritable(me, topic) {
  if (!me?.writes?.enabled) return "Writing is off: [writes] enabled in the bridge's configuration.";
  if (!me.write?.some((filter) => matches(filter, topic))) return `${me.name} may not write here: bridge token allow NAME --write.`;
  const { allow = [], deny = [] } = me.writes;
  if (!allow.some((filter) => matches(filter, topic))) return "This topic is not among [writes] allow in the bridge's configuration.";
  if (deny.some((filter) => matches(filter, topic))) return "This topic is among [writes] deny in the bridge's configuration.";
  return "";
}
