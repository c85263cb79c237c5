// Whole numbers in options.

import { SettingsError } from "./errors.ts";

/** The whole number, or undefined when the flag is not set. Throws SettingsError that names the flag. */
export function wholeNumber(text: string | undefined, flag: string, min: number): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= min && text.trim() !== "") return number;
  throw new SettingsError(`cannot read ${flag} "${text}": not a whole number of at least ${min}`, {
    hint: `write it like ${flag} ${Math.max(min, 10)}`,
  });
}
