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

/** Half of each object, which nobody reads, at this depth of the list. */
const MANAGED_FIELDS = '"managedFields":';
const METADATA_DEPTH = 4;

/**
 * Calls `onObject` with the JSON of each object in the list's `items`, and returns the JSON of the list without them. Of the
 * objects, managedFields are left empty, if they come in one chunk with their name. The text is not checked: what is no JSON comes out as such. Throws an ExpectedError for an object over 16 MiB.
 */
export async function readList(
  chunks: AsyncIterable<Buffer>,
  onObject: (json: string) => void,
): Promise<string> {
  const reader = new ListReader(onObject);
  for await (const chunk of chunks) reader.read(chunk);
  return reader.rest();
}

class ListReader {
  readonly #onObject: (json: string) => void;
  readonly #list = new Text();
  readonly #object = new Text();
  #depth = 0;
  #isInItems = false;
  #isInString = false;
  #isEscaped = false;
  #isInManagedFields = false;

  constructor(onObject: (json: string) => void) {
    this.#onObject = onObject;
  }

  read(chunk: Buffer): void {
    let from = 0;
    // Fields are slow in a loop over millions of bytes.
    let isInString = this.#isInString;
    let isEscaped = this.#isEscaped;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (isInString) {
        if (isEscaped) isEscaped = false;
        else if (byte === QUOTE) isInString = false;
        else if (byte === BACKSLASH) isEscaped = true;
      } else if (byte === QUOTE) isInString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        if (this.#isInItems && this.#depth === 2) from = at;
        if (this.#depth === 1 && byte === OPEN_ARRAY) {
          this.#list.add(chunk.subarray(from, at + 1));
          this.#isInItems = true;
        } else if (this.#depth === METADATA_DEPTH && areManagedFields(chunk, at)) {
          this.#object.add(chunk.subarray(from, at + 1));
          this.#isInManagedFields = true;
        }
        this.#depth++;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        this.#depth--;
        if (this.#isInItems && this.#depth === 2) {
          this.#object.add(chunk.subarray(from, at + 1));
          this.#onObject(this.#object.take());
        } else if (this.#isInManagedFields && this.#depth === METADATA_DEPTH) {
          this.#isInManagedFields = false;
          from = at;
        } else if (this.#isInItems && this.#depth === 1) {
          this.#isInItems = false;
          from = at;
        }
      }
    }
    this.#isInString = isInString;
    this.#isEscaped = isEscaped;
    if (!this.#isInItems) this.#list.add(chunk.subarray(from));
    else if (this.#depth > 2 && !this.#isInManagedFields) this.#object.add(chunk.subarray(from));
  }

  /** The list without its objects. */
  rest(): string {
    return this.#list.take();
  }
}

function areManagedFields(chunk: Buffer, openAt: number): boolean {
  const from = openAt - MANAGED_FIELDS.length;
  return from >= 0 && chunk.toString("latin1", from, openAt) === MANAGED_FIELDS;
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
