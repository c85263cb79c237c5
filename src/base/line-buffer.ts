// Buffers log lines and writes them together, since every write is a system call.

const FLUSH_MS = 50;

export class LineBuffer {
  readonly #write: (text: string) => void;
  #text = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Adds a line with its line break. It is written within 50 ms. */
  add(line: string): void {
    this.#text += line;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Writes the buffered lines now: before the process exits, or before other output. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#write(text);
  }
}
