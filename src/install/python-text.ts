// Values as Python writes them in the manifest of Prefect's own install: sorted sets and json.dumps().

/** sorted(set(…)): each text once, sorted by code points; JavaScript alone compares UTF-16 units. */
export function pythonSortedSet(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort(byCodePoints);
}

/** json.dumps() of texts by name, with its separators and ASCII escapes: {"A": "1"}. */
export function pythonJson(entries: ReadonlyMap<string, string>): string {
  const members = [...entries].map(([name, value]) => `${jsonText(name)}: ${jsonText(value)}`);
  return `{${members.join(", ")}}`;
}

function byCodePoints(left: string, right: string): number {
  const others = Array.from(right, codeOf);
  for (const [index, code] of Array.from(left, codeOf).entries()) {
    const other = others[index];
    if (other === undefined) return 1;
    if (code !== other) return code - other;
  }
  return Array.from(left).length - others.length;
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

function jsonText(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
