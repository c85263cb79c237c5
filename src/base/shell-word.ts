// Words of a shell command that is shown, so that it can be pasted.

/** The word, in single quotes if a POSIX shell would read it as anything else. */
export function shellWord(word: string): string {
  return /^[\w./:@%+,-][\w./:@%+=,-]*$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
