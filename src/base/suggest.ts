// Suggestions for mistyped words.

/** The closest word, if its edit distance is at most a third of its length. */
export function suggest(input: string, words: readonly string[]): string | undefined {
  const ranked = words
    .map((word) => ({ word, distance: distance(input, word) }))
    .filter(({ word, distance }) => distance <= Math.max(1, Math.floor(word.length / 3)))
    .sort((left, right) => left.distance - right.distance);
  return ranked[0]?.word;
}

/** Edit distance with transpositions (optimal string alignment). */
function distance(left: string, right: string): number {
  let before: readonly number[] = [];
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : replaced;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The hint for a value that is not one of these words. */
export function choiceHint(input: string, words: readonly string[]): string {
  const nearest = suggest(
    input.toLowerCase(),
    words.map((word) => word.toLowerCase()),
  );
  const word = words.find((each) => each.toLowerCase() === nearest);
  return word === undefined ? `write ${words.join(" or ")}` : `did you mean ${word}?`;
}
