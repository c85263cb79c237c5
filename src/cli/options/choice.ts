// The values of flags that may stand alone, such as --dry-run and --dry-run=server.

import { Option } from "clipanion";
import { SettingsError } from "../../base/errors.ts";

/** An option that may stand alone; undefined: it was not given. */
export function choiceOption(names: string, description: string): string | boolean | undefined {
  return Option.String(names, { tolerateBoolean: true, description });
}

/** What the value of a flag means; the word `true` stands for the flag alone. Undefined without the flag. Throws SettingsError. */
export function choice<Meaning>(
  [flag, value]: readonly [flag: string, value: string | boolean | undefined],
  words: Readonly<Record<string, Meaning>>,
  hint: string,
): Meaning | undefined {
  if (value === undefined) return undefined;
  const found = Object.entries(words).find(([word]) => word === String(value));
  if (found !== undefined) return found[1];
  throw new SettingsError(`cannot read ${flag} "${value === true ? "" : value}"`, { hint });
}
