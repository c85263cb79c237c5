// Compressed streams: lists of thousands of objects.

import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { bareServer, clientOf, place, stopAll, streamed } from "./servers.ts";

afterEach(stopAll);

const TEXT = "one line of many that resemble each other\n".repeat(10_000);
const HEAD = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n";

describe("a compressed stream", () => {
  it("brings the bytes that were compressed, over a connection that is kept", async () => {
    const { url, sockets } = await place((_, response) => {
      response.setHeader("content-encoding", "gzip");
      response.end(gzipSync(TEXT));
    });
    const client = clientOf(url);
    for (let count = 0; count < 3; count++) expect(await streamed(client, url)).toBe(TEXT);
    expect(sockets).toHaveLength(1);
  });

  it("fails if the connection breaks before its end", async () => {
    const { url } = await bareServer((socket) => {
      const body = gzipSync(TEXT);
      socket.end(`${HEAD}content-length: ${body.length}\r\n\r\n${body.toString("latin1", 0, 300)}`, "latin1");
    });
    await expect(streamed(clientOf(url), url)).rejects.toThrow("connection");
  });

  it("fails if it ends too early for its format, or has another", async () => {
    for (const body of [gzipSync(TEXT).subarray(0, 300), Buffer.from("no gzip")]) {
      const { url } = await place((_, response) => {
        response.setHeader("content-encoding", "gzip");
        response.end(body);
      });
      await expect(streamed(clientOf(url), url)).rejects.toThrow("the answer's compression is broken");
    }
  });

  it("fails when no byte comes any more", async () => {
    const { url } = await bareServer((socket) => {
      const begun = gzipSync(TEXT).toString("latin1", 0, 300);
      socket.write(`${HEAD}content-length: 100000\r\n\r\n${begun}`, "latin1");
    });
    await expect(streamed(clientOf(url), url, { idleMs: 100 })).rejects.toThrow("no byte");
  });
});
