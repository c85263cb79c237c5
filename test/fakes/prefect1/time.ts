// Moments as the fake's database keeps them: UTC, six decimals, so that comparing texts compares moments.

const MOMENT =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/i;

/** The stored form of a time that came from outside; a naive one is UTC. Undefined if it is no time. */
export function storedTime(text: string): string | undefined {
  const found = MOMENT.exec(text.trim());
  if (found === null) return undefined;
  const [, day, minute = "00:00", second = "00", fraction = "", zone = "Z"] = found;
  const at = Date.parse(`${day}T${minute}:${second}${fullOffset(zone)}`);
  if (Number.isNaN(at)) return undefined;
  return `${new Date(at).toISOString().slice(0, 19)}.${fraction.slice(0, 6).padEnd(6, "0")}+00:00`;
}

/** The stored form of a clock's moment. */
export function timeOf(at: Date): string {
  return `${at.toISOString().slice(0, 23)}000+00:00`;
}

/** As PostgreSQL prints a timestamptz: no zeros at the end of the fraction, no fraction when it is zero. */
export function shownTime(time: string): string {
  const fraction = time.slice(20, 26).replace(/0+$/, "");
  return `${time.slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}+00:00`;
}

/** `+02`, `+0200` and `Z` as JavaScript reads them. */
function fullOffset(zone: string): string {
  if (/^z$/i.test(zone)) return "Z";
  const digits = zone.replace(/\D/g, "").padEnd(4, "0");
  return `${zone.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}
