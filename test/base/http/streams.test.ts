// The transport under both APIs, as far as only months would show what is wrong with it.

import { once } from "node:events";
import http from "node:http";
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HttpClient } from "../../../src/base/http/client.ts";

let server: Server;
let url: URL;

beforeAll(async () => {
  server = http.createServer((_, response) => response.end("one\ntwo\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

/** How many listeners each kind of event has on a connection. */
function listenersOf(socket: Socket | undefined): Record<string, number> {
  const events = socket?.eventNames() ?? [];
  return Object.fromEntries(events.map((event) => [String(event), socket?.listenerCount(event) ?? 0]));
}

describe("HttpClient", () => {
  it("leaves nothing behind on a kept connection, however many streams it carried to their end", async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const client = new HttpClient(url, { agent });
    const stream = async (): Promise<Socket | undefined> => {
      const given = { method: "GET", url, headers: {}, timeoutMs: 5_000, idleMs: 5_000 };
      const { chunks } = await client.stream(given);
      let size = 0;
      for await (const chunk of chunks) size += chunk.length;
      expect(size).toBe(8);
      return Object.values(agent.freeSockets).flat()[0];
    };
    const first = await stream();
    const before = listenersOf(first);
    for (let count = 0; count < 20; count++) expect(await stream()).toBe(first);
    expect(listenersOf(first)).toEqual(before);
    client.close();
  });
});
