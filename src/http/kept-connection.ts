// One kept connection, one request at a time on it.

import type { Socket } from "node:net";
import { AnswerReader } from "./answer-reader.ts";
import type { ReadAnswer } from "./answer-reader.ts";
import { closedEarly, transportError } from "./errors.ts";

/** Who asked: hears of the answer, or why there is none. */
export interface Waiting {
  answered(answer: ReadAnswer): void;
  failed(error: unknown): void;
}

export interface KeptConnectionEvents {
  /** The other side is there, and is who it shall be. */
  opened(connection: KeptConnection): void;
  /** Another request may be sent. */
  free(connection: KeptConnection): void;
  /** It has ended; whoever waits hears of it next. */
  closed(connection: KeptConnection): void;
}

/** Takes a socket that may still be connecting. It keeps the process alive only while a request is under way. */
export class KeptConnection {
  readonly #socket: Socket;
  readonly #events: KeptConnectionEvents;
  readonly #reader = new AnswerReader();
  #waiting: Waiting | undefined;
  #error: unknown;
  #used = false;

  constructor(socket: Socket, events: KeptConnectionEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on("data", (bytes: Buffer) => this.#read(() => this.#reader.add(bytes)));
    socket.on("end", () => {
      this.#read(() => this.#reader.end());
      // Node would first send what is left of the request, which nobody may be reading any more.
      socket.destroy();
    });
    socket.on("error", (error) => (this.#error = error));
    socket.on("close", () => this.#closed());
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => events.opened(this));
  }

  /** False from the moment at which the other side ended it, which is before `closed` tells of it. */
  get isUsable(): boolean {
    return this.#socket.writable;
  }

  /** Sends the text of a request. */
  send(request: string, waiting: Waiting): void {
    this.#waiting = waiting;
    this.#socket.ref();
    this.#socket.write(request);
  }

  /** Ends it; who waits for an answer hears of `error`. */
  destroy(error?: unknown): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #read(next: () => ReadAnswer | undefined): void {
    // What comes unasked, such as a 408 of a server that waited in vain, is no answer to the next request.
    if (this.#waiting === undefined) return this.destroy();
    try {
      const answer = next();
      if (answer !== undefined) this.#answered(this.#waiting, answer);
    } catch (error) {
      this.destroy(error);
    }
  }

  #answered(waiting: Waiting, answer: ReadAnswer): void {
    this.#waiting = undefined;
    this.#used = true;
    waiting.answered(answer);
    if (!answer.keep) return this.destroy();
    this.#socket.unref();
    this.#events.free(this);
  }

  #closed(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#events.closed(this);
    const stale = this.#used && !this.#reader.begun;
    waiting?.failed(this.#error === undefined ? closedEarly(stale) : transportError(this.#error, stale));
  }
}
