// A set of keys to look at soon: after the present turn, once each however often they were added.

/** Merges repeated keys and hands them over one after another, never inside the call that added them. */
export class Soon {
  readonly #work: (key: string) => void;
  readonly #keys = new Set<string>();
  #timer: NodeJS.Immediate | undefined;
  #stopped = false;

  constructor(work: (key: string) => void) {
    this.#work = work;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#keys.add(key);
    this.#timer ??= setImmediate(() => this.#run());
  }

  /** Forgets what waits, and takes nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#keys.clear();
    clearImmediate(this.#timer);
  }

  #run(): void {
    this.#timer = undefined;
    // A bounded share per turn, so that a burst of changes does not keep requests waiting.
    const share = [...this.#keys].slice(0, 200);
    for (const key of share) {
      this.#keys.delete(key);
      this.#work(key);
    }
    if (this.#keys.size > 0 && !this.#stopped) this.#timer ??= setImmediate(() => this.#run());
  }
}
