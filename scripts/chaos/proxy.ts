// A TCP proxy in front of an API: connections can be cut, delayed, frozen or refused.

import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";

export interface Proxy {
  readonly port: number;
  /** Cuts all connections; new ones work. */
  cut(): void;
  /** Drops all data on old and new connections, which stay open. */
  freeze(): void;
  /** Delays all data. */
  slow(ms: number): void;
  /** Refuses new connections and cuts old ones. */
  refuse(): void;
  /** Ends the fault; cuts frozen connections. */
  repair(): void;
  stop(): Promise<void>;
}

/** Listens on this host and forwards to 127.0.0.1:target. */
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
    repair: () => {
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
