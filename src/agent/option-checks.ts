// What the value of an option may be: names that Kubernetes will accept, durations, numbers, words out of a short list.
// Each check throws SettingsError with the flag, what the value is not, and how to write it.

import { parseDuration } from "../base/duration.ts";
import { SettingsError } from "../base/errors.ts";
import { parseQuantity } from "../base/quantity.ts";
import { redactUrl } from "../base/redact-url.ts";
import { choiceHint } from "../base/suggest.ts";
import { wholeNumber } from "../base/whole-number.ts";
import type { OptionCheck } from "./option-row.ts";

const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** A DNS subdomain of at most 253 characters. */
const OBJECT_NAME = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
/** Not `.`, nor what begins with `..`, which would be a path. */
const SECRET_KEY = /^(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}$/;
const VARIABLE = /^[-._a-zA-Z][-._a-zA-Z0-9]*=/;
const NAME_HINT = "lower-case letters, digits, hyphens and dots, beginning and ending with a letter or digit";

export interface SecretEntry {
  readonly name: string;
  readonly key: string;
}

/** NAME or NAME:KEY, where KEY is `api-key` if left out. */
export function parseSecretEntry(text: string): SecretEntry {
  const at = text.indexOf(":");
  return at < 0 ? { name: text, key: "api-key" } : { name: text.slice(0, at), key: text.slice(at + 1) };
}

/** The names in a comma list such as that of --image-pull-secrets. */
export function namesIn(list: string | undefined): readonly string[] {
  return (list ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Name and value of each NAME=VALUE; all behind the first `=` is value, the last of a name wins. */
export function environmentIn(pairs: readonly string[] | undefined): ReadonlyMap<string, string> {
  return new Map(
    (pairs ?? []).map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** A check out of a pattern or condition. */
export function must(
  holds: RegExp | ((value: string) => boolean),
  wanted: string,
  hint: string,
): OptionCheck {
  return (value, flag) => {
    if (holds instanceof RegExp ? holds.test(value) : holds(value)) return;
    throw new SettingsError(`cannot read ${flag} "${value}": not ${wanted}`, { hint });
  };
}

/** One of these words, by default in this very spelling. */
export function oneOf(
  words: readonly string[],
  written: (value: string) => string = (value) => value,
): OptionCheck {
  return (value, flag) => {
    if (words.includes(written(value))) return;
    throw new SettingsError(`cannot read ${flag} "${value}": not one of ${words.join(", ")}`, {
      hint: choiceHint(value, words),
    });
  };
}

export const aDuration: OptionCheck = (value, flag) => void parseDuration(value, flag);
export const anAge: OptionCheck = (value, flag) =>
  void (value === "never" || parseDuration(value, flag, ", or never"));
export const aCount: OptionCheck = (value, flag) => void wholeNumber(value, flag, 1);

export const aNamespace = must(
  NAMESPACE,
  "a namespace",
  "lower-case letters, digits and hyphens, at most 63",
);
export const aServiceAccount = must(OBJECT_NAME, "one ServiceAccount's name", NAME_HINT);

export const secretNames: OptionCheck = (value, flag) => {
  const hint = `several have commas between them; each has ${NAME_HINT}`;
  const check = must(OBJECT_NAME, "a Secret's name", hint);
  for (const name of namesIn(value)) check(name, flag);
};

export const aSecretEntry = must(
  (value) => OBJECT_NAME.test(parseSecretEntry(value).name) && SECRET_KEY.test(parseSecretEntry(value).key),
  "one Secret as NAME or NAME:KEY",
  "such as prefect-credentials:api-key",
);

export const aLabel = must(/\S/, "a label", "give a label that is not empty, or leave out --label");

export const aVariable = must(
  VARIABLE,
  "NAME=VALUE",
  "such as --env REGION=eu; NAME has letters, digits, _, - and dots",
);

export const anId = must(/^[-\w]+$/, "one id", "copy the id from Prefect");

export const aWebAddress: OptionCheck = (value, flag) => {
  if (!/\s/.test(value) && /^https?:$/.test(URL.parse(value)?.protocol ?? "")) return;
  // It may hold a password.
  throw new SettingsError(`cannot read ${flag} "${redactUrl(value)}": not an http or https address`, {
    hint: "such as https://api.prefect.io or http://prefect-server-apollo:4200",
  });
};

const isQuantity = (value: string): boolean => (parseQuantity(value) ?? -1) >= 0;
export const aCpu = must(
  isQuantity,
  "a CPU quantity",
  "write cores like 2 or 0.5, or thousandths of a core like 500m",
);
const bytes = must(isQuantity, "a memory quantity", "write bytes with a unit, like 512Mi or 2Gi");
const wholeBytes = must(
  (value) => !/[mun]$/.test(value),
  "a whole number of bytes",
  "m means thousandths; write megabytes as M or Mi, like 512Mi",
);
export const aMemory: OptionCheck = (value, flag) => {
  bytes(value, flag);
  wholeBytes(value, flag);
};
