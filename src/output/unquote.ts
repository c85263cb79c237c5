// The escapes of quoted text in a JSONPath template: those of a Go string.

const ESCAPE =
  /\\(?:u([\da-fA-F]{4})|U([\da-fA-F]{8})|x([\da-fA-F]{2})|([0-7]{3})|([abfnrtv\\'"])|([\s\S]?))/g;
const SIMPLE: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The text between two quotes with its escapes resolved, or undefined when one of them is unknown. */
export function unquote(inner: string): string | undefined {
  let known = true;
  const text = inner.replaceAll(ESCAPE, (_, ...groups: (string | undefined)[]) => {
    const [u4, u8, hex, octal, simple] = groups;
    if (simple !== undefined) return SIMPLE[simple] ?? simple;
    const digits = u4 ?? u8 ?? hex;
    const code = digits !== undefined ? Number.parseInt(digits, 16) : Number.parseInt(octal ?? "", 8);
    if (code >= 0 && code <= 0x10_ff_ff) return String.fromCodePoint(code);
    known = false;
    return "";
  });
  return known ? text : undefined;
}
