// A pool of kept connections to one place, for requests whose answers are taken whole.
// Why not node:http: its request, response, two streams and an agent take twice the processor time of everything that is done
// here, and an agent that launches a thousand flow runs spends half of its time on requests.

import { fieldsOf } from "./answer-reader.ts";
import type { ReadAnswer } from "./answer-reader.ts";
import type { Connect } from "./connector.ts";
import { abortError, closedHere, noAnswer, transportError } from "./errors.ts";
import { KeptConnection } from "./kept-connection.ts";
import { textOf } from "./request-text.ts";
import type { HttpAnswer, HttpRequest } from "./exchange.ts";

export interface KeptConnectionsOptions {
  readonly connect: Connect;
  /** Connections at once; what is asked beyond them waits. */
  readonly atMost: number;
}

/** A request on its way: waiting for a connection, or sent over one. */
interface Errand {
  readonly text: string;
  readonly answered: (answer: ReadAnswer) => void;
  readonly failed: (error: unknown) => void;
  connection: KeptConnection | undefined;
}

/** A connection that is not open by then may never be. */
const SLOW_MS = 1_000;

/** Sends requests over as few connections as do; each carries one at a time, and is kept for the next. */
export class KeptConnections {
  readonly #origin: URL;
  readonly #connect: Connect;
  readonly #atMost: number;
  readonly #all = new Set<KeptConnection>();
  /** Those that were begun a moment ago and are not open yet, each with what ends the moment. */
  readonly #opening = new Map<KeptConnection, NodeJS.Timeout>();
  /** The one that was used last goes first: what is not needed is left to the server to close. */
  readonly #free: KeptConnection[] = [];
  readonly #queue = new Set<Errand>();

  constructor(origin: URL, options: KeptConnectionsOptions) {
    this.#origin = origin;
    this.#atMost = options.atMost;
    this.#connect = options.connect;
  }

  /** Whether it can carry the request: one to its own place, without a password in the address. */
  carries({ method, url }: HttpRequest): boolean {
    const { protocol, host } = this.#origin;
    return method !== "HEAD" && url.username === "" && url.host === host && url.protocol === protocol;
  }

  /** The whole answer as text, whatever its status. Throws TransportError. */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const { signal, timeoutMs } = request;
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
      const errand: Errand = {
        text: textOf(request),
        connection: undefined,
        answered: (answer) => {
          settled();
          resolve(new Answer(answer));
        },
        failed: (error) => {
          settled();
          reject(error);
        },
      };
      const giveUp = (error: Error): void => {
        errand.failed(error);
        this.#queue.delete(errand);
        errand.connection?.destroy(error);
      };
      const abort = (): void => giveUp(abortError(signal));
      const timer = setTimeout(() => giveUp(noAnswer(timeoutMs)), timeoutMs);
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.add(errand);
      this.#work();
    });
  }

  /** Ends every connection; who still waits for an answer hears that there will be none. */
  close(): void {
    const ended = closedHere();
    for (const errand of this.#queue) errand.failed(ended);
    this.#queue.clear();
    for (const connection of this.#all) connection.destroy(ended);
  }

  #work(): void {
    for (const errand of this.#queue) {
      try {
        const connection = this.#freeOne() ?? this.#another();
        if (connection === undefined) return;
        errand.connection = connection;
        connection.send(errand.text, errand);
      } catch (error) {
        // Certificates that cannot be read.
        errand.failed(transportError(error, false));
      }
      this.#queue.delete(errand);
    }
  }

  #freeOne(): KeptConnection | undefined {
    let connection = this.#free.pop();
    while (connection?.isUsable === false) connection = this.#free.pop();
    return connection;
  }

  /**
   * One more connection, if there may be one. As many are opened at a time as are open, at least two: a burst does not
   * begin with a flock of handshakes, and those after the first are short, by its session. One that takes its time
   * holds up no other.
   */
  #another(): KeptConnection | undefined {
    const all = this.#all.size;
    const opening = this.#opening.size;
    if (all >= this.#atMost || opening >= Math.max(2, all - opening)) return undefined;
    const connection = new KeptConnection(this.#connect(), {
      opened: (opened) => this.#notOpening(opened),
      free: (freed) => {
        this.#free.push(freed);
        this.#work();
      },
      closed: (ended) => {
        this.#all.delete(ended);
        const at = this.#free.indexOf(ended);
        if (at !== -1) this.#free.splice(at, 1);
        this.#notOpening(ended);
      },
    });
    this.#all.add(connection);
    this.#opening.set(connection, setTimeout(() => this.#notOpening(connection), SLOW_MS).unref());
    return connection;
  }

  #notOpening(connection: KeptConnection): void {
    clearTimeout(this.#opening.get(connection));
    this.#opening.delete(connection);
    this.#work();
  }
}

/** Its headers and its text are read when somebody asks for them: of most answers the status is enough. */
class Answer implements HttpAnswer {
  readonly #head: string;
  readonly #bytes: Buffer;
  readonly status: number;

  constructor({ head, status, body }: ReadAnswer) {
    this.#head = head;
    this.#bytes = body;
    this.status = status;
  }

  get body(): string {
    return this.#bytes.toString("utf8");
  }

  get headers(): Record<string, string> {
    return fieldsOf(this.#head);
  }
}
