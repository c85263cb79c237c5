// Reads kubectl's JSONPath templates: text with {actions} in it, an action being a chain of steps.
// The dialect is client-go's util/jsonpath, which is neither RFC 9535 nor Goessner's.

import { SettingsError } from "../base/errors.ts";
import { unquote } from "./unquote.ts";

export type FilterOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";

/** One step of a chain: from a list of values to the next list of values. */
export type Step =
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "wildcard" }
  | { readonly kind: "recursive" }
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "index"; readonly at: number }
  | {
      readonly kind: "slice";
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly step: number | undefined;
    }
  | { readonly kind: "union"; readonly members: readonly (readonly Step[])[] }
  | { readonly kind: "exists"; readonly path: readonly Step[] }
  | {
      readonly kind: "compare";
      readonly left: readonly Step[];
      readonly operator: FilterOperator;
      readonly right: readonly Step[];
    };

/** A piece of a template. */
export type Part =
  | { readonly kind: "print"; readonly steps: readonly Step[] }
  | { readonly kind: "range"; readonly steps: readonly Step[]; readonly body: readonly Part[] };

// Where a field name ends. A backslash takes the next character as it is.
const FIELD_END = /[\s.,[\]$@{}]/;
const FIELD_END_IN_FILTER = /[\s.,[\]$@{}!<>=~)]/;
const NAME_START = /[\p{L}\p{Nd}_]/u;
const OPERATORS = ["==", "!=", "<=", ">=", "<", ">"] as const;

/** The parts of a template. Throws SettingsError with the character's position where it cannot be read. */
export function parseJsonPath(template: string): readonly Part[] {
  return new Parser(template).parse();
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): readonly Part[] {
    const root: Part[] = [];
    const open: Part[][] = [root];
    while (this.#at < this.#text.length) {
      const parts = open.at(-1) ?? root;
      if (this.#text[this.#at] !== "{") {
        parts.push({ kind: "print", steps: [{ kind: "literal", value: this.#plainText() }] });
        continue;
      }
      const start = this.#at;
      this.#at++;
      const keyword = this.#keyword();
      const steps = this.#chain("}");
      this.#expect("}", "the action that begins here is not closed", start);
      if (keyword === "end") {
        if (open.length === 1) this.#fail("there is no range to end", start);
        open.pop();
      } else if (keyword === "range") {
        const body: Part[] = [];
        parts.push({ kind: "range", steps, body });
        open.push(body);
      } else parts.push({ kind: "print", steps });
    }
    // A range that is still open ends with the template, as in kubectl.
    return root;
  }

  #plainText(): string {
    const brace = this.#text.indexOf("{", this.#at);
    const end = brace === -1 ? this.#text.length : brace;
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    return text;
  }

  #keyword(): "range" | "end" | undefined {
    const found = /^\s*(range|end)(?=[\s.,[\]$@{}]|$)/.exec(this.#text.slice(this.#at));
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found[1] === "range" ? "range" : "end";
  }

  /** Steps up to the end of the action, or of one side of a filter. */
  #chain(end: "}" | ")"): readonly Step[] {
    const steps: Step[] = [];
    for (;;) {
      const start = this.#at;
      const char = this.#text[start];
      if (char === undefined || char === "}" || (end === ")" && /[)=!<>]/.test(char))) return steps;
      if (char === " " || char === "@" || char === "$") this.#at++;
      else if (char === "[") steps.push(...this.#brackets());
      else if (char === '"' || char === "'") steps.push({ kind: "literal", value: this.#quoted() });
      else if (this.#text.startsWith("..", start)) this.#recursive(steps, end);
      else if (char === ".") {
        this.#at++;
        steps.push(this.#field(end));
      } else if (/[-+\d]/.test(char)) steps.push(this.#number());
      else if (NAME_START.test(char)) steps.push(this.#word());
      else this.#fail(`unexpected character "${char}"`, start, hintFor(char));
    }
  }

  #recursive(steps: Step[], end: "}" | ")"): void {
    if (steps.at(-1)?.kind === "recursive") this.#fail('".." stands twice in a row', this.#at);
    this.#at += 2;
    steps.push({ kind: "recursive" });
    if (NAME_START.test(this.#text[this.#at] ?? "")) steps.push(this.#field(end));
  }

  #field(end: "}" | ")"): Step {
    const stop = end === ")" ? FIELD_END_IN_FILTER : FIELD_END;
    let name = "";
    while (this.#at < this.#text.length) {
      if (this.#text[this.#at] === "\\") this.#at++;
      else if (stop.test(this.#text[this.#at] ?? "")) break;
      name += this.#text[this.#at] ?? "";
      this.#at++;
    }
    return name === "*" ? { kind: "wildcard" } : { kind: "field", name };
  }

  #number(): Step {
    const start = this.#at;
    const [digits] = /^[-+]?[\d.]*/.exec(this.#text.slice(start)) ?? [""];
    const value = Number(digits);
    if (!/\d/.test(digits) || Number.isNaN(value)) this.#fail(`"${digits}" is not a number`, start);
    this.#at += digits.length;
    return { kind: "literal", value };
  }

  #word(): Step {
    const start = this.#at;
    const [word] = /^[^\s.,[\]$@{}!<>=~)]+/.exec(this.#text.slice(start)) ?? [""];
    this.#at += word.length;
    if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
    return this.#fail(`unknown word "${word}"`, start, `a field begins with a dot: .${word}`);
  }

  #quoted(): string {
    const start = this.#at;
    const quote = this.#text[start];
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === "\\") this.#at++;
      else if (char === quote) {
        this.#at++;
        const inner = this.#text.slice(start + 1, this.#at - 1);
        return unquote(inner) ?? this.#fail("the quoted text has an unknown escape", start);
      }
    }
    return this.#fail("the quote is not closed", start);
  }

  /** `[0]`, `[1:3]`, `[*]`, `['key']`, `[?(…)]`, and several of them with commas between. */
  #brackets(): readonly Step[] {
    const start = this.#at;
    this.#at++;
    if (this.#text.startsWith("?(", this.#at)) return [this.#filter(start)];
    const members: (readonly Step[])[] = [];
    do {
      this.#skipBlanks();
      members.push(this.#subscript(start));
      this.#skipBlanks();
    } while (this.#take(","));
    this.#expect("]", "the bracket is not closed", start);
    const [only] = members;
    return members.length === 1 && only !== undefined ? only : [{ kind: "union", members }];
  }

  #subscript(start: number): readonly Step[] {
    const char = this.#text[this.#at];
    // Double quotes are ours: the key as it stands. In single quotes kubectl reads a path, so dots need a backslash.
    if (char === '"') return [{ kind: "field", name: this.#quoted() }];
    if (char === "'") return this.#quotedPath(start);
    if (this.#take("*")) return [{ kind: "slice", from: undefined, to: undefined, step: undefined }];
    const [text] = /^[^\],]*/.exec(this.#text.slice(this.#at)) ?? [""];
    const found = /^(-?\d+)?(?:(:)(-?\d+)?)?(?::(-?\d+)?)?$/.exec(text.trim());
    if (found === null || text.trim() === "") {
      const cause = this.#at + text.length >= this.#text.length ? "the bracket is not closed" : undefined;
      this.#fail(cause ?? `"${text.trim()}" is not an index`, start, hintForSubscript(text));
    }
    this.#at += text.length;
    const [from, to, step] = [found[1], found[3], found[4]].map((digits) =>
      digits === undefined ? undefined : Number(digits),
    );
    if (found[2] === undefined && from !== undefined) return [{ kind: "index", at: from }];
    return [{ kind: "slice", from, to, step }];
  }

  #quotedPath(start: number): readonly Step[] {
    const close = this.#text.indexOf("'", this.#at + 1);
    if (close === -1) this.#fail("the quote is not closed", start);
    const path = this.#text.slice(this.#at + 1, close);
    this.#at = close + 1;
    const inner = new Parser(`.${path}`);
    const steps = inner.#chain("}");
    if (inner.#at <= path.length) this.#fail(`"${path}" is not a key`, start);
    return steps;
  }

  #filter(start: number): Step {
    this.#at += 2;
    const left = this.#chain(")");
    if (/^[=!]?~/.test(this.#text.slice(this.#at, this.#at + 2))) {
      this.#fail("kubectl's dialect has no regular expressions", this.#at);
    }
    const operator = OPERATORS.find((one) => this.#text.startsWith(one, this.#at));
    this.#at += operator?.length ?? 0;
    const right = operator === undefined ? [] : this.#chain(")");
    if (!this.#take(")") || !this.#take("]")) {
      const odd = this.#text[this.#at];
      if (odd === undefined) this.#fail("the filter is not closed", start);
      this.#fail(`unexpected character "${odd}" in the filter`, this.#at);
    }
    if (operator === undefined) return { kind: "exists", path: left };
    if (right.length === 0) this.#fail("nothing to compare with", start);
    return { kind: "compare", left, operator, right };
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === " ") this.#at++;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string, cause: string, start: number): void {
    if (!this.#take(char)) this.#fail(cause, start);
  }

  #fail(cause: string, at: number, hint?: string): never {
    throw new SettingsError(`cannot read jsonpath "${this.#text}": ${cause} (character ${at + 1})`, { hint });
  }
}

function hintFor(char: string): string | undefined {
  if (char === "&" || char === "|") return "filter twice for a second condition; there is no && or ||";
  return char === "\n" || char === "\r" ? 'write a line break as {"\\n"}' : undefined;
}

function hintForSubscript(text: string): string | undefined {
  return /^[A-Za-z]/.test(text) ? `quote a key: ['${text.trim()}']` : undefined;
}
