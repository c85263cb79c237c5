// A relay of bytes that adds distance: between a person and a cluster lie milliseconds, which loopback has none of.

import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { serve } from "./child.ts";

export interface Distance {
  readonly host: string;
  readonly port: number;
  /** Milliseconds that every byte is under way, in each direction. */
  readonly delayMs: number;
}

export type RelayCommands = typeof commands;

const commands = {
  /** Listens on a port of its own, which is the answer, and passes on to there and back. */
  open: ({ host, port, delayMs }: Distance): Promise<number> => {
    const server = createServer((near) => {
      const far = connect({ host, port, noDelay: true });
      near.setNoDelay(true);
      pass(near, far, delayMs);
      pass(far, near, delayMs);
    });
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
    });
  },
};

/** Timers of one length fire in their order, so the bytes keep theirs. */
function pass(from: Socket, to: Socket, delayMs: number): void {
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), delayMs));
  from.on("close", () => setTimeout(() => to.destroy(), delayMs));
  from.on("error", () => {});
}

if (import.meta.main) serve(commands);
