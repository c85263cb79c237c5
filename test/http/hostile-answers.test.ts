// Answers that would fill the memory or never end: they fail before the deadline, and errors are read only in part.

import https from "node:https";
import { afterEach, describe, expect, it } from "vitest";
import { retryAfterMs } from "../../src/http/retry-after.ts";
import { isCertificateError, type TransportError } from "../../src/http/errors.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../fakes/certificate.ts";
import { asking, bareServer, clientOf, listening, place, stopAll } from "./servers.ts";

afterEach(stopAll);

describe("an answer", () => {
  it("that announces more than anyone reads fails at once", async () => {
    const { url } = await bareServer((socket) =>
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n{"),
    );
    await expect(clientOf(url).request(asking(url))).rejects.toThrow("the answer is larger than 64 MiB");
  });

  it.each([
    ["two lengths", "content-length: 2\r\ncontent-length: 3\r\n\r\nok", "the answer is not HTTP"],
    ["too long a header", `x: ${"x".repeat(100_000)}\r\n\r\n`, "the headers of the answer are too large"],
  ])("with %s fails", async (_, rest, why) => {
    const { url } = await bareServer((socket) => socket.write(`HTTP/1.1 200 OK\r\n${rest}`));
    await expect(clientOf(url).request(asking(url))).rejects.toThrow(why);
  });

  it("without end is given up when it is larger than anyone reads", async () => {
    const chunk = `${(1024 * 1024).toString(16)}\r\n${"x".repeat(1024 * 1024)}\r\n`;
    const { url } = await bareServer((socket) => {
      const go = (): void => {
        while (socket.write(chunk));
      };
      socket.on("drain", go);
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      go();
    });
    await expect(clientOf(url).request(asking(url, { timeoutMs: 60_000 }))).rejects.toThrow(
      "the answer is larger than 64 MiB",
    );
  });

  it("that is an error is read only in part", async () => {
    const { url } = await place((_, response) => {
      response.writeHead(500);
      const go = (): void => {
        while (response.write("x".repeat(64 * 1024)));
      };
      response.on("drain", go);
      go();
    });
    const { status, body } = await clientOf(url).request(asking(url));
    expect(status).toBe(500);
    expect(body).toMatch(/^x+$/);
  });
});

describe("retryAfterMs", () => {
  const date = "Sat, 21 Nov 2026 03:04:05 GMT";

  it.each([
    [{ "retry-after": "3" }, 3_000],
    [{ "retry-after": "1.5" }, 1_500],
    [{ "retry-after": "999999999" }, 300_000],
    [{ "retry-after": "Sat, 21 Nov 2026 03:04:15 GMT", date }, 10_000],
    [{ "retry-after": "Sat, 21 Nov 2099 03:04:15 GMT", date }, 300_000],
    [{ "retry-after": "Sat, 21 Nov 2026 03:04:00 GMT", date }, undefined],
    [{ "retry-after": "Sat, 21 Nov 2026 03:04:15 GMT" }, undefined],
    [{ "retry-after": "soon", date }, undefined],
    [{ "retry-after": "-1" }, undefined],
    [{}, undefined],
  ])("reads %j as %s ms", (headers, ms) => {
    expect(retryAfterMs(headers)).toBe(ms);
  });
});

describe("a server that refuses the TLS connection", () => {
  it.each([
    ["TLSv1.3", "certificate required"],
    ["TLSv1.2", "handshake failure"],
  ] as const)(
    "over %s is named with its own word, and is not one whose certificate is wrong",
    async (version, word) => {
      const secure = { cert: CERTIFICATE, key: PRIVATE_KEY, ca: CERTIFICATE, maxVersion: version };
      const server = https.createServer({ ...secure, requestCert: true, rejectUnauthorized: true });
      const url = new URL((await listening(server)).href.replace("http:", "https:"));
      const client = clientOf(url, { tls: { ca: CERTIFICATE } });
      const refusal = await client.request(asking(url)).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ message: `the other side refuses the TLS connection: ${word}` });
      expect(isCertificateError(refusal as TransportError)).toBe(false);
    },
  );
});
