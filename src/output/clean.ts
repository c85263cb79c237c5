// Text that others wrote (names, messages, events, states) must not move the cursor, set titles, hide itself or reverse its
// letters. It is cleaned where text leaves the program: in the streams that `cleanStream` makes of stdout and stderr.

import type { Writable } from "node:stream";
import type { Secrets } from "../base/secrets.ts";

const STYLED = Symbol("styled");
const RAW = Symbol("raw");

const PRINTABLE_ASCII = /^[\n\t\u0020-\u007E]*$/;
/** Controls, bidi and zero-width characters, lone surrogates, line separators; not the selectors of emoji. */
const UNPRINTABLE = new RegExp(
  String.raw`[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]--[\n\t\uFE0E\uFE0F]]`,
  "gv",
);

/** The text with every character that a terminal does not show as ^[ or <U+202E>. Keeps tabs and line breaks. */
export function printable(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return text;
  return text.replaceAll("\r\n", "\n").replaceAll(UNPRINTABLE, visible);
}

/** As `printable`, in one line: a line break in a message could pass for another message. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*[\n\r\u0085\u2028\u2029]+\s*/g, " "));
}

/** ^[ for escape, as in kubectl. */
function visible(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
  return code === 0x7f ? "^?" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** The stream, but what is written to it is redacted and cleaned; `writeStyled` and `writeRaw` are the exceptions. */
export function cleanStream<Stream extends Writable>(
  stream: Stream,
  secrets: Pick<Secrets, "redact">,
): Stream {
  const send = (chunk: unknown, ...rest: unknown[]): boolean =>
    (stream.write as (...all: unknown[]) => boolean).call(stream, chunk, ...rest);
  const ways: Readonly<Record<string | symbol, unknown>> = {
    write: (text: unknown, ...rest: unknown[]) =>
      send(typeof text === "string" ? printable(secrets.redact(text)) : text, ...rest),
    [STYLED]: (text: string) => send(secrets.redact(text)),
    [RAW]: send,
  };
  return new Proxy(stream, {
    get: (target, key) => {
      if (Object.hasOwn(ways, key)) return ways[key];
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Writes text with the program's own colours and cursor movements; what others wrote in it must be `printable`. */
export function writeStyled(stream: { write(text: string): unknown }, text: string): boolean {
  return wayOf(stream, STYLED)(text);
}

/** Writes what must arrive unchanged: a log in a pipe, a manifest with the key that it holds by intent. */
export function writeRaw(stream: { write(text: string): unknown }, chunk: string | Buffer): boolean {
  return wayOf(stream, RAW)(chunk);
}

function wayOf(stream: object, key: symbol): (chunk: string | Buffer) => boolean {
  const way: unknown = Reflect.get(stream, key) ?? Reflect.get(stream, "write");
  return (chunk) => (way as (chunk: string | Buffer) => boolean).call(stream, chunk);
}
