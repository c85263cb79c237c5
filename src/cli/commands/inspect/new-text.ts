// Kubernetes reports one error in many places: a container's state, events, the flow run's log. `inspect` shows it once. Pure.

/** Shorter text, such as "Error", may stand in many places. */
const MIN_LENGTH = 12;

/** The text without its end, or all of it, if that was shown before: `Failed to pull image "x"` of a longer message. */
export function newIn(text: string, shown: string): string {
  const known = comparable(shown);
  const starts = [0, ...[...text.matchAll(/: |\(/g)].map((match) => match.index + match[0].length)];
  const isShown = (start: number): boolean => {
    const end = comparable(text.slice(start));
    return end.length >= MIN_LENGTH && known.includes(end);
  };
  const start = starts.find(isShown);
  return start === undefined ? text : text.slice(0, start).replace(/(?:: | ?\()$/, "");
}

/** Without what differs between the reports of one error: case, brackets at the end, white space. */
function comparable(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(/[).]+$/, "");
}
