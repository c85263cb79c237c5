// Python's way of writing values, as Prefect's own install puts them into its manifest: repr() of text, json.dumps().

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** str() of a list of texts: ['a', 'b']. */
export function pythonList(texts: readonly string[]): string {
  return `[${texts.map(pythonRepr).join(", ")}]`;
}

/** sorted(set(…)): each text once, by code points, where JavaScript alone would compare UTF-16 units. */
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

function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = Array.from(text, (char) => (char === quote ? `\\${quote}` : reprChar(char))).join("");
  return `${quote}${inner}${quote}`;
}

/** Python's str.isprintable(): no controls, formats, surrogates or unassigned ones, and of the spaces only the space. */
function reprChar(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  if (char === " " || !/[\p{C}\p{Z}]/u.test(char)) return char;
  const code = codeOf(char).toString(16);
  if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
  return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
}

function jsonText(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
