// MQTT topic filters (MQTT 5, section 4.7). Pure.

/** Whether a filter covers a topic; wildcards at the front do not cover those that begin with $, but "#" alone does. */
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

/** Why somebody may not write on a topic, as far as `GET /me` tells; "" where they may. The bridge decides. */
export function whyNotWritable(me, topic) {
  if (!me?.writes?.enabled) return "Writing is off: [writes] enabled in the bridge's configuration.";
  const covers = (filters) => filters?.some((filter) => matches(filter, topic)) ?? false;
  if (!covers(me.write)) return `${me.name} may not write here. ${remedy(me, topic)}`;
  const { allow, deny } = me.writes;
  if (!covers(allow)) return "This topic is not among [writes] allow in the bridge's configuration.";
  return covers(deny) ? "This topic is among [writes] deny in the bridge's configuration." : "";
}

/** A command to copy, with nothing behind it. The filters that it names are all that there will be. */
function remedy(me, topic) {
  if (me.name.startsWith("oidc:")) {
    return `A [[grant]] of the bridge's configuration can let them, with write = [${JSON.stringify(topic)}]`;
  }
  const filters = [...(me.write ?? []), topic].map((filter) => ` --write ${quoted(filter)}`).join("");
  return `An admin can let them: bridge token allow ${quoted(me.name)}${filters}`;
}

/** As a shell takes it. */
function quoted(text) {
  if (/^[\w.@:+-]+$/.test(text)) return text;
  return /[$`"\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`;
}
