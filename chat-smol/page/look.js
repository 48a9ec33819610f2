// How names and times look.

/** Returns the hue of a name, 0 to 359: the same everywhere, whatever the case. The style sheet adds light and depth. */
export function hueOf(name) {
  let hash = 0x811c9dc5;
  for (const character of name.toLowerCase()) hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % 360;
}

const HOURS = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAYS = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const YEARS = new Intl.DateTimeFormat(undefined, { dateStyle: 'full' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });

export function hour(time) {
  return HOURS.format(time);
}

export function fullTime(time) {
  return FULL.format(time);
}

/** Returns the name of a day, as it is called today. */
export function day(time, now = Date.now()) {
  if (isSameDay(time, now)) return 'Today';
  if (isSameDay(time, now - 86_400_000)) return 'Yesterday';
  return (new Date(time).getFullYear() === new Date(now).getFullYear() ? DAYS : YEARS).format(time);
}

export function isSameDay(one, other) {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
