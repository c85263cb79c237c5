// Parses Python literals, as Prefect 1 does, and JSON. Bare words (`[a, b]`) are strings.

/** Numbers stay strings, as they are written. */
export type Literal = null | boolean | string | readonly Literal[] | LiteralObject;
export interface LiteralObject {
  readonly [key: string]: Literal;
}

const CLOSING: Readonly<Record<string, string>> = { "[": "]", "(": ")", "{": "}" };
const WORDS: ReadonlyMap<string, Literal> = new Map<string, Literal>([
  ["none", null],
  ["null", null],
  ["true", true],
  ["false", false],
]);
const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "\n": "" };
const MAX_DEPTH = 50;

/** The value of a list, tuple, set, object or quoted string; undefined for anything else. */
export function parseLiteral(text: string): Literal | undefined {
  const scanner = new Scanner(text);
  try {
    if (!/["'[({]/.test(scanner.peek())) return undefined;
    const value = scanner.value(0);
    return scanner.peek() === "" ? value : undefined;
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
}

class NotALiteral extends Error {}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next character that is not white space, or "" at the end. */
  peek(): string {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    return this.#text.charAt(this.#at);
  }

  value(depth: number): Literal {
    const first = this.peek();
    if (depth > MAX_DEPTH) throw new NotALiteral();
    if (first === '"' || first === "'") return this.#quoted();
    const closing = CLOSING[first];
    if (closing === undefined) return this.#word();
    this.#at++;
    return this.#members(closing, depth);
  }

  #members(closing: string, depth: number): Literal {
    const items: Literal[] = [];
    const entries: [string, Literal][] = [];
    while (this.peek() !== closing) {
      const item = this.value(depth + 1);
      if (closing === "}" && this.peek() === ":") {
        this.#at++;
        entries.push([keyText(item), this.value(depth + 1)]);
      } else items.push(item);
      if (this.peek() === ",") this.#at++;
      else if (this.peek() !== closing) throw new NotALiteral();
    }
    this.#at++;
    if (closing !== "}" || items.length > 0) {
      if (entries.length > 0) throw new NotALiteral();
      return items;
    }
    return Object.fromEntries(entries);
  }

  #quoted(): string {
    const quote = this.#text.charAt(this.#at++);
    let value = "";
    for (;;) {
      const character = this.#text.charAt(this.#at++);
      if (character === "") throw new NotALiteral();
      if (character === quote) return value;
      value += character === "\\" ? this.#escape() : character;
    }
  }

  #escape(): string {
    const kind = this.#text.charAt(this.#at++);
    const digits = { x: 2, u: 4, U: 8 }[kind];
    if (digits === undefined) return ESCAPES[kind] ?? (/["'\\/]/.test(kind) ? kind : `\\${kind}`);
    const code = Number.parseInt(this.#text.slice(this.#at, this.#at + digits), 16);
    if (Number.isNaN(code) || code > 0x10ffff) throw new NotALiteral();
    this.#at += digits;
    return String.fromCodePoint(code);
  }

  /** A number or a bare word. */
  #word(): Literal {
    const word = /[^,:[\](){}"']*/y;
    word.lastIndex = this.#at;
    const found = (word.exec(this.#text)?.[0] ?? "").trimEnd();
    if (found === "") throw new NotALiteral();
    this.#at += found.length;
    const known = WORDS.get(found.toLowerCase());
    return known === undefined ? found : known;
  }
}

function keyText(key: Literal): string {
  if (typeof key === "string") return key;
  if (key === null || typeof key === "boolean") return String(key);
  throw new NotALiteral();
}
