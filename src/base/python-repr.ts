// Lists in Python syntax: the flow run parses its agent's labels with Python's literal_eval.

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** Needs no escaping: printable ASCII without quotes and backslashes. */
const PLAIN = /^[ !#-&(-[\]-~]*$/;

/** `str(list)` of strings: `['a', "it's"]`. */
export function pythonList(items: readonly string[]): string {
  return `[${items.map(pythonText).join(", ")}]`;
}

/** `repr(str)`: single quotes, unless the text contains single quotes and no double quotes. */
function pythonText(text: string): string {
  if (PLAIN.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = "";
  for (const character of text) body += character === quote ? `\\${quote}` : escaped(character);
  return `${quote}${body}${quote}`;
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  // Like str.isprintable: everything but the categories Other and Separator, except the space.
  if (character === " " || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
