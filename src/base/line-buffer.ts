// Lines that leave together: a write costs a system call, and a busy agent says two sentences for every flow run.

const GATHER_MS = 50;

/** Holds lines back for a moment and hands them over as one text. */
export class LineBuffer {
  readonly #write: (text: string) => void;
  #text = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Takes a line, its end included; it is written within 50 ms. */
  add(line: string): void {
    this.#text += line;
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Writes what is held, now: before the process ends, or before something else is to be read after it. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#text;
    this.#text = "";
    if (text !== "") this.#write(text);
  }
}
