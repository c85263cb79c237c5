// PostgreSQL's jsonb: equality, containment (`@>`), keys, and the `path` argument of a jsonb column.

import { isObject } from "../../../src/base/json.ts";

/** Deep equality; the order of keys does not count. */
export function jsonEquals(a: unknown, b: unknown): boolean {
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => jsonEquals(item, b[i]));
  }
  if (!isObject(a)) return a === b;
  if (!isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && jsonEquals(a[key], b[key]))
  );
}

/** `whole @> part`. At the top an array may also contain a bare scalar; further down it may not. */
export function jsonContains(whole: unknown, part: unknown): boolean {
  if (Array.isArray(whole) && !Array.isArray(part) && !isObject(part)) return whole.includes(part);
  return containsWithin(whole, part);
}

function containsWithin(whole: unknown, part: unknown): boolean {
  if (Array.isArray(part)) {
    return Array.isArray(whole) && part.every((item) => whole.some((own) => containsWithin(own, item)));
  }
  if (!isObject(part)) return whole === part;
  if (!isObject(whole)) return false;
  return Object.keys(part).every((key) => Object.hasOwn(whole, key) && containsWithin(whole[key], part[key]));
}

/** `value ? key`: a key of an object, or a text in an array. */
export function jsonHasKey(value: unknown, key: unknown): boolean {
  if (Array.isArray(value)) return value.includes(key);
  return isObject(value) ? Object.hasOwn(value, String(key)) : value === key;
}

/** The value at a path such as `$.context.tags[0]`; null where there is nothing. */
export function jsonAt(value: unknown, path: string): unknown {
  const steps = path.replace(/^\$/, "").split(/[.[\]"']+/);
  let at: unknown = value;
  for (const step of steps) {
    if (step === "") continue;
    if (Array.isArray(at)) at = at[Number(step)];
    else at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at ?? null;
}
