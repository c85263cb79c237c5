// What happened in a world, in order: for people to read, and to compare two runs of one world.

export interface Entry {
  readonly atMs: number;
  readonly who: string;
  readonly what: string;
}

export class Chronicle {
  readonly #startMs: number;
  readonly entries: Entry[] = [];

  constructor(startMs: number) {
    this.#startMs = startMs;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
  }

  lines(): string[] {
    return this.entries.map(({ atMs, who, what }) => `${this.timeText(atMs)}  ${who.padEnd(12)}  ${what}`);
  }

  /** Time since the beginning of the world. */
  timeText(atMs: number): string {
    return new Date(atMs - this.#startMs).toISOString().slice(11, 23);
  }
}
