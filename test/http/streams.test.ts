// Streams: watches, and logs that are followed.

import type http from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startTlsServer } from "../support/tls-server.ts";
import { bareServer, clientOf, place, stopAll, streamed, textOf, watching } from "./servers.ts";

afterEach(stopAll);

/** Reads until so much has come; then the stream is left. */
async function reads(chunks: AsyncIterable<Buffer>, wanted: string): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += String(chunk);
    if (text.length >= wanted.length) break;
  }
  return text;
}

/** Resolves when the server has seen the end of them all, however it came. */
async function closed(sockets: readonly Socket[]): Promise<void> {
  const ends = sockets.map(
    (socket) => new Promise((end) => (socket.destroyed ? end(true) : socket.once("close", end))),
  );
  await Promise.all(ends);
}

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

describe("a stream", () => {
  it("goes over the connection of one that has ended, whose timeout is over", async () => {
    const { url, sockets } = await place((_, response) => response.end("ok"));
    const client = clientOf(url);
    for (let count = 0; count < 15; count++) await streamed(client, url, { idleMs: 10_000 });
    expect(sockets).toHaveLength(1);
    expect(sockets[0]?.destroyed).toBe(false);
  });

  it("has its status and headers before its end, and its bytes as they come", async () => {
    let more = (): void => undefined;
    const { url } = await place((_, response) => {
      response.writeHead(200, { "X-Served-By": "me" });
      response.write("one\n");
      more = () => void response.write("two\n");
    });
    const { status, headers, chunks } = await clientOf(url).stream(watching(url));
    expect([status, headers["x-served-by"]]).toEqual([200, "me"]);
    const iterator = chunks[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe("one\n");
    more();
    expect(String((await iterator.next()).value)).toBe("two\n");
    await iterator.return?.();
  });

  it.each([
    ["with its length", (response: http.ServerResponse) => response.setHeader("content-length", "8")],
    ["in chunks", () => undefined],
    [
      "with the connection",
      (response: http.ServerResponse) => void (response.useChunkedEncodingByDefault = false),
    ],
  ])("ends %s", async (_, prepare) => {
    const { url } = await place((__, response) => {
      prepare(response);
      response.end("one\ntwo\n");
    });
    expect(await streamed(clientOf(url), url)).toBe("one\ntwo\n");
  });

  it("brings megabytes whole and in order", async () => {
    const lines = Array.from({ length: 100_000 }, (_, at) => `line ${at}, with some words behind it\n`).join(
      "",
    );
    const { url } = await place((_, response) => {
      for (let at = 0; at < lines.length; at += 30_000) response.write(lines.slice(at, at + 30_000));
      response.end();
    });
    expect((await streamed(clientOf(url), url)) === lines).toBe(true);
  });

  it("brings a refusal with its words", async () => {
    const { url } = await place((_, response) => void response.writeHead(410).end("too old"));
    const stream = await clientOf(url).stream(watching(url));
    expect([stream.status, await textOf(stream)]).toEqual([410, "too old"]);
  });

  it("breaks when the other side leaves in the middle, after all that had come", async () => {
    const { url } = await bareServer((socket) => socket.end(`${CHUNKED}3\r\none\r\n`));
    const { chunks } = await clientOf(url).stream(watching(url));
    const iterator = chunks[Symbol.asyncIterator]();
    expect(String((await iterator.next()).value)).toBe("one");
    const broken = { name: "TransportError", code: "ECONNRESET" };
    await expect(iterator.next()).rejects.toMatchObject(broken);
  });

  it("says that nobody listens", async () => {
    const { url } = await place((_, response) => response.end());
    await stopAll();
    const refused = { message: "connection refused", code: "ECONNREFUSED" };
    await expect(clientOf(url).stream(watching(url))).rejects.toMatchObject(refused);
  });

  it("waits for its headers no longer than it was told to", async () => {
    const { url } = await bareServer((socket) => socket.write("HTTP/1.1 200 OK\r\n"));
    const late = clientOf(url).stream(watching(url, { timeoutMs: 30 }));
    await expect(late).rejects.toMatchObject({ message: "no answer within 0.03 s", code: "ETIMEDOUT" });
  });

  it("outlives the deadline of its headers", async () => {
    const { url } = await bareServer((socket) => {
      socket.write(CHUNKED);
      setTimeout(() => socket.end("3\r\none\r\n0\r\n\r\n"), 1_000);
    });
    expect(await streamed(clientOf(url), url, { timeoutMs: 500 })).toBe("one");
  });

  it("ends at its deadline if that is for the whole of it", async () => {
    const { url, sockets } = await bareServer((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const text = streamed(clientOf(url), url, { timeoutMs: 50, limitsBody: true });
    await expect(text).rejects.toMatchObject({ message: "no answer within 0.05 s", code: "ETIMEDOUT" });
    await closed(sockets);
  });

  it("may be quiet for longer than a timer can be", async () => {
    const { url } = await bareServer((socket) => socket.end(`${CHUNKED}3\r\none\r\n0\r\n\r\n`));
    expect(await streamed(clientOf(url), url, { timeoutMs: Infinity, idleMs: Infinity })).toBe("one");
  });

  it("breaks after so long without a byte", async () => {
    const { url, sockets } = await bareServer((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const text = streamed(clientOf(url), url, { idleMs: 50 });
    await expect(text).rejects.toMatchObject({ message: "no byte for 0.05 s", code: "EQUIET" });
    await closed(sockets);
  });

  it.each(["before its headers", "in the middle"])("ends when its signal aborts %s", async (when) => {
    const end = new AbortController();
    const { url, sockets } = await bareServer((socket) => {
      if (when === "in the middle") socket.write(`${CHUNKED}3\r\none\r\n`);
      setImmediate(() => end.abort());
    });
    const text = streamed(clientOf(url), url, { signal: end.signal });
    await expect(text).rejects.toMatchObject({ name: "AbortError" });
    await closed(sockets);
  });

  it("is not begun when its signal has aborted", async () => {
    const { url, sockets } = await place((_, response) => response.end());
    const begun = clientOf(url).stream(watching(url, { signal: AbortSignal.abort() }));
    await expect(begun).rejects.toMatchObject({ name: "AbortError" });
    expect(sockets).toEqual([]);
  });

  it("leaves the connection when its reader does", async () => {
    const { url, sockets } = await bareServer((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const { chunks } = await clientOf(url).stream(watching(url));
    expect(await reads(chunks, "one")).toBe("one");
    await closed(sockets);
  });

  it("can be left unread", async () => {
    const { url, sockets } = await bareServer((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const stream = await clientOf(url).stream(watching(url));
    stream.close();
    await closed(sockets);
    await expect(textOf(stream)).rejects.toThrow(Error);
  });

  it("ends with its client", async () => {
    const { url } = await bareServer((socket) => socket.write(`${CHUNKED}3\r\none\r\n`));
    const client = clientOf(url);
    const stream = await client.stream(watching(url));
    const text = textOf(stream);
    client.close();
    await expect(text).rejects.toMatchObject({ name: "TransportError" });
  });

  it("lets the sender wait while nobody reads", async () => {
    let sent = 0;
    const part = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const { url } = await bareServer((socket) => {
      socket.write(CHUNKED);
      const send = (): void => {
        while (sent < 1_000) {
          sent++;
          if (!socket.write(part)) return void socket.once("drain", send);
        }
        socket.end("0\r\n\r\n");
      };
      send();
    });
    const { chunks } = await clientOf(url).stream(watching(url));
    // Until the sender has had to wait for a while: 64 MB are more than all buffers between hold.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(500);
    let size = 0;
    for await (const chunk of chunks) size += chunk.length;
    expect(size).toBe(1_000 * 65_536);
  });

  it("refuses what is no HTTP", async () => {
    const { url } = await bareServer((socket) => socket.write("SSH-2.0-OpenSSH_9\r\n\r\n"));
    const stream = clientOf(url).stream(watching(url));
    await expect(stream).rejects.toMatchObject({ name: "TransportError" });
  });
});

describe("streams of one client", () => {
  it("come over TLS from whom the client trusts, and from nobody else", async () => {
    const server = await startTlsServer((_, response) => void response.end("one\n"));
    const url = new URL(server.url);
    const trusting = clientOf(url, { tls: { ca: server.certificate } });
    expect(await Promise.all([1, 2, 3].map(() => streamed(trusting, url)))).toEqual([
      "one\n",
      "one\n",
      "one\n",
    ]);
    expect(server.asked).toHaveLength(3);
    await expect(streamed(clientOf(url), url)).rejects.toMatchObject({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
    expect(server.asked).toHaveLength(3);
    await server.stop();
  });

  it("brings ten thousand lines of three streams each in its order, and whole", async () => {
    const want = Array.from({ length: 10_000 }, (_, at) => `{"line":${at}}`).join("\n");
    const server = await startTlsServer((_, response) => {
      const lines = want.split("\n");
      const send = (from: number): void => {
        response.write(`${from === 0 ? "" : "\n"}${lines.slice(from, from + 500).join("\n")}`);
        if (from + 500 < lines.length) setImmediate(() => send(from + 500));
        else response.end();
      };
      send(0);
    });
    const url = new URL(server.url);
    const client = clientOf(url, { tls: { ca: server.certificate } });
    const texts = await Promise.all(
      ["jobs", "pods", "events"].map((path) => streamed(client, new URL(path, url))),
    );
    expect(texts.map((text) => text === want)).toEqual([true, true, true]);
    await server.stop();
  });

  it("leave nothing behind on a signal that outlives them", async () => {
    const { signal } = new AbortController();
    const listening = { count: 0 };
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...given: Parameters<typeof add>) => (listening.count++, add(...given));
    signal.removeEventListener = (...given: Parameters<typeof remove>) => (
      listening.count--,
      remove(...given)
    );
    const { url } = await place((_, response) => response.end("one\n"));
    const client = clientOf(url);
    for (let count = 0; count < 5; count++) await streamed(client, url, { signal });
    await expect.poll(() => listening.count).toBe(0);
  });
});
