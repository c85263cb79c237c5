// One answer that is read as it comes, over a connection of its own: a watch, a log that is followed.

import type { Socket } from "node:net";
import { AnswerReader } from "./answer-reader.ts";
import type { ReadAnswer, ReadHead } from "./answer-reader.ts";
import type { Breath } from "./breath.ts";
import type { Connect } from "./connector.ts";
import { closedEarly, noByte, transportError } from "./errors.ts";

/** Bytes that one reading takes at most. */
const READ_BYTES = 65_536;
/** Bytes that are held at most; then the sender has to wait for whoever reads. */
const HELD_AT_MOST = 1_048_576;

/** Connects at once. Throws when certificates cannot be read. */
export class StreamedAnswer {
  readonly #socket: Socket;
  readonly #breath: Breath;
  readonly #reader = new AnswerReader();
  #head: ReadHead | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isFull = false;
  /** Bytes that came since the last breath. */
  #fresh = 0;
  #end: { readonly error?: Error } | undefined;
  #wake = (): void => undefined;

  constructor(connect: Connect, breath: Breath) {
    this.#breath = breath;
    const read = (size: number, bytes: Uint8Array): boolean => {
      this.#fresh += size;
      this.#read(() => this.#reader.add(Buffer.from(bytes.buffer, bytes.byteOffset, size)));
      return true;
    };
    // One buffer for all that comes: the bytes of the body leave it before the next reading.
    this.#socket = connect({ buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback: read });
    this.#socket.on("end", () => {
      this.#read(() => this.#reader.end());
      this.#ended({ error: closedEarly(false) });
    });
    this.#socket.on("error", (error) => this.destroy(error));
    this.#socket.on("close", () => this.#ended({ error: closedEarly(false) }));
  }

  /** Called when the connection is closed, by whichever side. */
  onClose(tell: () => void): void {
    this.#socket.once("close", tell);
  }

  /** Sends a request, and returns how its answer begins. Throws TransportError. */
  async ask(request: string): Promise<ReadHead> {
    this.#socket.write(request);
    for (;;) {
      if (this.#head !== undefined) return this.#head;
      if (this.#end?.error !== undefined) throw this.#end.error;
      await this.#change();
    }
  }

  /** The bytes of its body; the connection ends with the last of them, or with whoever stops reading. Throws TransportError. */
  async *chunks(idleMs: number): AsyncGenerator<Buffer> {
    this.#socket.setTimeout(idleMs, () => this.destroy(noByte(idleMs)));
    try {
      for (;;) {
        if (this.#held.length > 0) yield this.#take();
        else if (this.#end === undefined) await this.#change();
        else if (this.#end.error === undefined) return;
        else throw this.#end.error;
      }
    } finally {
      this.#socket.destroy();
    }
  }

  /** Ends the connection; who reads hears of `error`. */
  destroy(error: unknown): void {
    const told = transportError(error, false);
    this.#ended({ error: told instanceof Error ? told : new Error(String(told)) });
  }

  /** For the breath: nothing more is read, unless so much comes that every reading is worth its while. */
  pause(): void {
    if (this.#fresh < READ_BYTES) this.#socket.pause();
  }

  /** For the breath: what has come may be read, unless too much of it is held. */
  resume(): void {
    this.#fresh = 0;
    if (!this.#isFull && this.#end === undefined) this.#socket.resume();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #take(): Buffer {
    const taken = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    if (!this.#isFull) return taken;
    this.#isFull = false;
    this.resume();
    return taken;
  }

  #read(next: () => ReadAnswer | undefined): void {
    if (this.#end !== undefined) return;
    try {
      const answer = next();
      this.#head ??= answer ?? this.#reader.heading;
      this.#hold(answer === undefined ? this.#reader.takeBody() : [answer.body]);
      if (answer !== undefined) return this.#ended({});
    } catch (error) {
      return this.destroy(error);
    }
    this.#breath.hold(this);
    this.#wake();
  }

  #hold(parts: readonly Buffer[]): void {
    const copy = Buffer.concat(parts);
    if (copy.length === 0) return;
    this.#held.push(copy);
    this.#heldBytes += copy.length;
    if (this.#heldBytes < HELD_AT_MOST) return;
    this.#isFull = true;
    this.#socket.pause();
  }

  #ended(end: { readonly error?: Error }): void {
    this.#end ??= end;
    this.#breath.leave(this);
    this.#socket.destroy();
    this.#wake();
  }
}
