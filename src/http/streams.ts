// Streams from one place: each over a connection of its own, all of them in one breath.

import { Breath } from "./breath.ts";
import type { Connect } from "./connector.ts";
import { fieldsOf } from "./answer-reader.ts";
import { abortError, closedHere, noAnswer, transportError } from "./errors.ts";
import type { HttpRequest, HttpStream } from "./exchange.ts";
import { textOf } from "./request-text.ts";
import { StreamedAnswer } from "./streamed-answer.ts";

export interface StreamRequest extends HttpRequest {
  /** Milliseconds without a byte after which the stream breaks; 0: never. */
  readonly idleMs: number;
}

/** Opens streams, and ends those that are open. */
export class Streams {
  readonly #connect: Connect;
  readonly #breath = new Breath();
  readonly #open = new Set<StreamedAnswer>();

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** Headers now, chunks as they come. Throws TransportError; so do the chunks. */
  async open(request: StreamRequest): Promise<HttpStream> {
    const { signal, timeoutMs, idleMs } = request;
    const text = textOf(request);
    const answer = this.#begin();
    const abort = (): void => answer.destroy(abortError(signal));
    signal?.addEventListener("abort", abort, { once: true });
    answer.onClose(() => signal?.removeEventListener("abort", abort));
    const timer = setTimeout(() => answer.destroy(noAnswer(timeoutMs)), timeoutMs);
    try {
      const { status, head } = await answer.ask(text);
      const close = (): void => answer.destroy(abortError(signal));
      return { status, headers: fieldsOf(head), chunks: answer.chunks(idleMs), close };
    } catch (error) {
      answer.destroy(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    const ended = closedHere();
    for (const answer of this.#open) answer.destroy(ended);
  }

  #begin(): StreamedAnswer {
    try {
      const answer = new StreamedAnswer(this.#connect, this.#breath);
      this.#open.add(answer);
      answer.onClose(() => this.#open.delete(answer));
      return answer;
    } catch (error) {
      throw transportError(error, false);
    }
  }
}
