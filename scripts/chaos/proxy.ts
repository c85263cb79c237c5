// A proxy of bytes before an API: what it serves can be cut, slowed, frozen half-open, or refused.

import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export interface Proxy {
  readonly port: number;
  /** Cuts all connections; new ones are served. */
  cut(): void;
  /** Nothing passes any more, on old and new connections alike; they stay open. */
  freeze(): void;
  /** Every chunk waits so many milliseconds. */
  slow(ms: number): void;
  /** New connections are refused, old ones cut. */
  refuse(): void;
  /** As if nothing had been; what was frozen is cut. */
  heal(): void;
  stop(): Promise<void>;
}

/** Listens at this host and passes bytes on to 127.0.0.1:target. */
export async function startProxy(target: number, host = "127.0.0.1"): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let mode: "pass" | "freeze" | "refuse" = "pass";
  let delayMs = 0;
  const server: Server = createServer((client) => {
    if (mode === "refuse") return void client.destroy();
    const upstream = connect(target, "127.0.0.1");
    join(client, upstream);
    join(upstream, client);
  });
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on("data", (chunk) => {
      if (mode === "freeze") return;
      if (delayMs === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), delayMs);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze: () => void (mode = "freeze"),
    slow: (ms) => void (delayMs = ms),
    refuse: () => {
      mode = "refuse";
      cut();
    },
    heal: () => {
      const wasFrozen = mode === "freeze";
      mode = "pass";
      delayMs = 0;
      if (wasFrozen) cut();
    },
    stop: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
