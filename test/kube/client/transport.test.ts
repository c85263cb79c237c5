import { afterEach, describe, expect, it } from "vitest";
import { Transport } from "../../../src/kube/client/transport.ts";
import { bareServer, clientOf, stopAll } from "../../http/servers.ts";

afterEach(stopAll);

const NOBODY = {
  tls: () => Promise.resolve({}),
  headers: () => Promise.resolve({}),
  refresh: () => false,
};
const LIST = { action: "list jobs", verb: "list", resource: "jobs", path: "/jobs" } as const;

describe("a read", () => {
  it.each([
    {
      what: "has too much to do",
      first: "HTTP/1.1 429 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
      waitMs: 7_000,
    },
    {
      what: "starts",
      first: "HTTP/1.1 503 Starting\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n",
      waitMs: 10_000,
    },
    { what: "closes the connection", first: undefined, waitMs: 1_000 },
  ])("is sent again to a server that $what, after $waitMs ms", async ({ first, waitMs }) => {
    let requests = 0;
    const { url } = await bareServer((socket) => {
      if (requests++ > 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"items":[]}');
      else if (first === undefined) socket.resetAndDestroy();
      else socket.write(first);
    });
    const slept: number[] = [];
    const sleep = (ms: number): Promise<void> => Promise.resolve(void slept.push(ms));
    const transport = new Transport({
      server: url.origin,
      http: clientOf(url),
      credentials: NOBODY,
      timeoutMs: 30_000,
      clock: { sleep },
      userAgent: "test",
      nowMs: () => performance.now(),
    });
    expect(await transport.list(LIST, () => undefined)).toEqual({ items: [] });
    expect([requests, slept]).toEqual([2, [waitMs]]);
  });
});

it("a read is not sent again when its deadline would be over", async () => {
  const { url } = await bareServer((socket) =>
    socket.write("HTTP/1.1 429 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"),
  );
  const transport = new Transport({
    server: url.origin,
    http: clientOf(url),
    credentials: NOBODY,
    timeoutMs: 5_000,
    clock: { sleep: () => Promise.reject(new Error("it waits")) },
    userAgent: "test",
    nowMs: () => performance.now(),
  });
  await expect(transport.list(LIST, () => undefined)).rejects.toThrow("the server answered 429");
});

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
