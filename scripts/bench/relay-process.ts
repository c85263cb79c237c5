// A TCP relay that adds network latency.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { serve } from "./child.ts";

export interface RelayOptions {
  readonly host: string;
  readonly port: number;
  /** Milliseconds by which each direction is delayed. */
  readonly delayMs: number;
}

export type RelayCommands = typeof commands;

const commands = {
  /** Starts a relay to this address; returns its port. */
  open: ({ host, port, delayMs }: RelayOptions): Promise<number> => {
    const server = createServer((client) => {
      const upstream = connect({ host, port, noDelay: true });
      client.setNoDelay(true);
      pass(client, upstream, delayMs);
      pass(upstream, client, delayMs);
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  },
};

/** Timers of the same length fire in order, so the order of the bytes is kept. */
function pass(from: Socket, to: Socket, delayMs: number): void {
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), delayMs));
  from.on("close", () => setTimeout(() => to.destroy(), delayMs));
  from.on("error", () => {});
}

if (import.meta.main) serve(commands);
