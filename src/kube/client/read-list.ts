// Reads a list while its bytes arrive, object by object: a page of 500 Jobs has some megabytes, and parsed as a whole it takes
// several times as much.

import { ExpectedError } from "../../base/errors.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Nothing that the Kubernetes API stores is as long. */
const MAX_OBJECT = 16 * 1024 * 1024;

/**
 * Calls `onObject` with the JSON of each object in the list's `items`, and returns the JSON of the list without them. The text
 * is not checked: what is no JSON comes out as such. Throws an ExpectedError for an object over 16 MiB.
 */
export async function readList(
  chunks: AsyncIterable<Buffer>,
  onObject: (json: string) => void,
): Promise<string> {
  const list = new Text();
  const object = new Text();
  let depth = 0;
  let isInItems = false;
  let isInString = false;
  let isEscaped = false;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) isInString = false;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (depth === 2 && isInItems) from = at;
        if (depth === 1 && byte === OPEN_ARRAY) {
          isInItems = true;
          list.add(chunk.subarray(from, at + 1));
        }
        depth++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth--;
        if (depth === 2 && isInItems) {
          object.add(chunk.subarray(from, at + 1));
          onObject(object.take());
        } else if (depth === 1 && isInItems) {
          isInItems = false;
          from = at;
        }
      }
    }
    if (!isInItems) list.add(chunk.subarray(from));
    else if (depth > 2) object.add(chunk.subarray(from));
  }
  return list.take();
}

/** A text whose bytes arrive in parts. */
class Text {
  #parts: Buffer[] = [];
  #size = 0;

  add(part: Buffer): void {
    this.#parts.push(part);
    this.#size += part.length;
    if (this.#size > MAX_OBJECT)
      throw new ExpectedError("an object is larger than 16 MiB", { retryable: true });
  }

  /** The text so far; it starts anew. */
  take(): string {
    const [only] = this.#parts;
    const bytes = this.#parts.length === 1 && only !== undefined ? only : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#size = 0;
    return bytes.toString("utf8");
  }
}
