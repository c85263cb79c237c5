// Whole numbers as people write them behind a flag.

import { SettingsError } from "./errors.ts";

/** A whole number of at least `least`, or undefined when the flag was not given. Throws SettingsError, naming the flag. */
export function wholeNumber(text: string | undefined, flag: string, least: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && text.trim() !== "") return number;
  throw new SettingsError(`cannot read ${flag} "${text}": not a whole number of at least ${least}`, {
    hint: `write it like ${flag} ${Math.max(least, 10)}`,
  });
}
