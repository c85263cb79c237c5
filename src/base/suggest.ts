// Suggestions for mistyped words.

import { distance } from "fastest-levenshtein";

/** The closest word within two letters (one for words of up to three), or a third of its length; two swapped count as two. */
export function suggest(input: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, edits: distance(input, word) }))
    .filter(({ word, edits }) => edits <= Math.max(word.length > 3 ? 2 : 1, Math.floor(word.length / 3)))
    .sort((left, right) => left.edits - right.edits);
  return ranked[0]?.word;
}

/** The words that begin with the typed one, three at most; else the closest. */
export function closest(input: string, words: readonly string[]): readonly string[] {
  const longer = words.filter((word) => word.startsWith(input));
  return longer.length > 0 ? longer.slice(0, 3) : [suggest(input, words) ?? []].flat();
}

/** The hint for a value that is not one of these words. */
export function choiceHint(input: string, words: readonly string[]): string {
  const inLowerCase = words.map((word) => word.toLowerCase());
  const word = words[inLowerCase.indexOf(suggest(input.toLowerCase(), inLowerCase) ?? "")];
  return word === undefined ? `write ${words.join(" or ")}` : `did you mean ${word}?`;
}
