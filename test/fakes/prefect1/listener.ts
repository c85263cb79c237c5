// The listening socket, which can go away and come back on the same port while the data stays.

import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Where to listen; port 0 is any free one. */
export interface ListenAt {
  readonly host: string;
  readonly port: number;
}

/** A server that may be opened and closed any number of times. */
export class Listener {
  readonly #onRequest: RequestListener;
  readonly #host: string;
  #port: number;
  #server: Server | undefined;

  constructor(onRequest: RequestListener, at: ListenAt) {
    this.#onRequest = onRequest;
    this.#host = at.host;
    this.#port = at.port;
  }

  /** The port; the one that was given out once it listens. */
  get port(): number {
    return this.#port;
  }

  get listening(): boolean {
    return this.#server !== undefined;
  }

  /** Listens; at the second time on the port of the first. */
  async open(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer(this.#onRequest);
    // Longer than any client's idle time, so that a reused connection is not closed under a request.
    server.keepAliveTimeout = 75_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, this.#host, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Refuses connections and drops those there are. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }
}
