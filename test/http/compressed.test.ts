// Compressed streams: lists of thousands of objects.

import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { asking, bareServer, clientOf, place, stopAll, streamed } from "./servers.ts";

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

describe("an answer that a gateway has compressed unasked", () => {
  it("is read as it was, an error's, too, over a connection that is kept", async () => {
    const { url, sockets } = await place(({ url: path }, response) => {
      response.writeHead(path === "/error" ? 503 : 200, { "content-encoding": "gzip" });
      response.end(gzipSync(TEXT));
    });
    const client = clientOf(url);
    for (const path of ["/", "/error", "/"])
      expect((await client.request(asking(new URL(path, url)))).body).toBe(TEXT);
    expect(sockets).toHaveLength(1);
  });

  it("fails if it breaks off, is broken, or is larger than anyone reads", async () => {
    const answers = [
      gzipSync(TEXT).subarray(0, 300),
      Buffer.from("no gzip"),
      gzipSync(Buffer.alloc(65 * 1024 * 1024)),
    ];
    const { url } = await place(({ url: path = "" }, response) => {
      response.writeHead(200, { "content-encoding": "gzip" });
      response.end(answers[Number(path.slice(1))]);
    });
    const client = clientOf(url);
    const ask = (at: number): Promise<unknown> => client.request(asking(new URL(`/${at}`, url)));
    await expect(ask(0)).rejects.toThrow("the answer's compression is broken");
    await expect(ask(1)).rejects.toThrow("the answer's compression is broken");
    await expect(ask(2)).rejects.toThrow("the answer is larger than 64 MiB");
  });

  it("fails if the connection breaks before its end", async () => {
    const { url } = await bareServer((socket) => {
      const body = gzipSync(TEXT);
      socket.end(`${HEAD}content-length: ${body.length}\r\n\r\n${body.toString("latin1", 0, 300)}`, "latin1");
    });
    await expect(clientOf(url).request(asking(url))).rejects.toThrow("connection");
  });
});
