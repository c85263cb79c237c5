import { afterEach, describe, expect, it } from "vitest";
import { Transport } from "../../../src/kube/client/transport.ts";
import { bareServer, clientOf, stopAll } from "../../http/servers.ts";

afterEach(stopAll);

describe("a stream after a 401", () => {
  it("retries with a new token, and closes the first response unread", async () => {
    const authorizations: string[] = [];
    const { url, sockets } = await bareServer((socket, request) => {
      authorizations.push(/authorization: (.*)\r\n/.exec(request)?.[1] ?? "");
      const status = authorizations.length === 1 ? "401 Unauthorized" : "200 OK";
      // Neither response ends.
      socket.write(`HTTP/1.1 ${status}\r\ntransfer-encoding: chunked\r\n\r\n4\r\none\n\r\n`);
    });
    let tokens = 0;
    const transport = new Transport({
      server: url.origin,
      http: clientOf(url),
      credentials: {
        tls: () => Promise.resolve({}),
        headers: () => Promise.resolve({ authorization: `Bearer ${tokens}` }),
        refresh: () => ++tokens > 0,
      },
      timeoutMs: 5_000,
      userAgent: "test",
      nowMs: () => performance.now(),
    });
    const call = { action: "watch jobs", verb: "watch", resource: "jobs", path: "/jobs" } as const;
    const { status } = await transport.stream(call, 5_000);
    expect([status, authorizations]).toEqual([200, ["Bearer 0", "Bearer 1"]]);
    await expect.poll(() => sockets.map(({ destroyed }) => destroyed)).toEqual([true, false]);
  });
});
