// Requests whose answers are read whole.

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import net from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TransportError } from "../../src/http/errors.ts";
import { SIGNED } from "../fakes/certificate.ts";
import { startTlsServer } from "../support/tls-server.ts";
import { asking, bareServer, clientOf, ends, listening, place, stopAll } from "./servers.ts";

afterEach(async () => {
  vi.useRealTimers();
  await stopAll();
});

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("a request", () => {
  it("takes method, path, headers and body there, and the answer back", async () => {
    const { url } = await place(({ method, url: path, headers }, response, body) => {
      const { host, "x-many": many, "content-length": length } = headers;
      response.writeHead(207, { "X-Served-By": "me" });
      response.end(JSON.stringify({ method, path, host, many, length, body }));
    });
    const asked = new URL("/a/b?labels=x%3Dy,z", url);
    const given = { method: "PATCH", headers: { "X-Many": ["one", "two"] }, body: "Grüße" };
    const answer = await clientOf(url).request(asking(asked, given));
    expect(answer.status).toBe(207);
    expect(answer.headers["x-served-by"]).toBe("me");
    expect(JSON.parse(answer.body)).toEqual({
      method: "PATCH",
      path: "/a/b?labels=x%3Dy,z",
      host: url.host,
      many: "one, two",
      length: "7",
      body: "Grüße",
    });
  });

  it("brings large answers whole, with a length and in pieces", async () => {
    const text = "Grüße, ".repeat(300_000);
    const { url } = await place(({ url: path }, response) => {
      if (path === "/pieces")
        for (let at = 0; at < text.length; at += 50_000) response.write(text.slice(at, at + 50_000));
      response.end(path === "/pieces" ? "" : text);
    });
    const client = clientOf(url);
    for (const path of ["/whole", "/pieces"]) {
      const { body } = await client.request(asking(new URL(path, url)));
      expect(body === text).toBe(true);
    }
  });

  it("goes over the connection of the one before", async () => {
    const { url, sockets } = await place((_, response) => response.end("ok"));
    const client = clientOf(url);
    for (let count = 0; count < 5; count++) await client.request(asking(url));
    expect(sockets).toHaveLength(1);
  });

  it("says that nobody listens", async () => {
    const { url } = await place((_, response) => response.end());
    await stopAll();
    const refused = { message: "connection refused", code: "ECONNREFUSED", staleConnection: false };
    await expect(clientOf(url).request(asking(url))).rejects.toMatchObject(refused);
  });

  it("says that a token cannot be sent, without showing it", async () => {
    const { url } = await place((_, response) => response.end());
    const request = asking(url, { headers: { authorization: "Bearer hunter2\nmore" } });
    await expect(clientOf(url).request(request)).rejects.toMatchObject({
      message: "the key or token has a character that no header can hold, such as a line break",
    });
  });

  it("says that the answer broke off", async () => {
    const { url } = await bareServer((socket) =>
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"),
    );
    const broken = { name: "TransportError", code: "ECONNRESET", staleConnection: false };
    await expect(clientOf(url).request(asking(url))).rejects.toMatchObject(broken);
  });

  it("marks the loss of a kept connection of which no byte came: the server may have closed it before", async () => {
    const { url } = await bareServer((socket, _, at) => (at === 0 ? socket.write(OK) : socket.destroy()));
    const client = clientOf(url);
    await client.request(asking(url));
    await expect(client.request(asking(url))).rejects.toMatchObject({ staleConnection: true });
    await expect(client.request(asking(url))).resolves.toMatchObject({ body: "ok" });
  });

  it("ends at its deadline, whatever the server does later, and leaves no connection that could bring it", async () => {
    const { url, sockets } = await bareServer((socket, request) => {
      if (request.startsWith("GET /slow")) socket.write("HTTP/1.1 200 OK\r\n");
      else socket.write(OK);
    });
    const client = clientOf(url);
    const slow = client.request(asking(new URL("/slow", url), { timeoutMs: 30 }));
    await expect(slow).rejects.toMatchObject({ message: "no answer within 0.03 s", code: "ETIMEDOUT" });
    await expect(client.request(asking(url))).resolves.toMatchObject({ body: "ok" });
    expect(sockets).toHaveLength(2);
  });

  it.each([3_600_000_000, Infinity])(
    "waits with a limit of %s ms, longer than a timer can be",
    async (timeoutMs) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const asked = Promise.withResolvers<ServerResponse>();
      const { url } = await place((_, response) => asked.resolve(response));
      const answer = clientOf(url).request(asking(url, { timeoutMs }));
      const response = await asked.promise;
      vi.advanceTimersByTime(3_600_000);
      response.end("late");
      await expect(answer).resolves.toMatchObject({ body: "late" });
    },
  );

  it("ends when the server stops reading in the middle of it", async () => {
    const { url } = await bareServer((socket) => {
      socket.pause();
      socket.end();
    });
    const large = asking(url, { method: "POST", body: "x".repeat(16_000_000) });
    await expect(clientOf(url).request(large)).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("says of what length its body is, also where it has none", async () => {
    const { url } = await place(({ headers }, response) => response.end(headers["content-length"]));
    const client = clientOf(url);
    expect((await client.request(asking(url, { method: "POST", body: "abc" }))).body).toBe("3");
    expect((await client.request(asking(url, { method: "POST" }))).body).toBe("0");
    expect((await client.request(asking(url))).body).toBe("");
  });

  it("can be given up, before and while it is under way", async () => {
    const giveUp = new AbortController();
    const { url } = await bareServer(() => giveUp.abort());
    const client = clientOf(url);
    const aborted = { name: "AbortError" };
    const { signal } = giveUp;
    await expect(client.request(asking(url, { signal }))).rejects.toMatchObject(aborted);
    await expect(client.request(asking(url, { signal }))).rejects.toMatchObject(aborted);
  });
});

describe("kept connections", () => {
  it("are no more than allowed; what is asked beyond them waits for its turn", async () => {
    const held: ServerResponse[] = [];
    let full: () => void = () => undefined;
    const isFull = new Promise<void>((resolve) => (full = resolve));
    const { url, sockets } = await place((_, response) => {
      held.push(response);
      if (held.length === 2) full();
      if (held.length > 2) response.end("ok");
    });
    const client = clientOf(url, { maxSockets: 2 });
    const answers = Array.from({ length: 6 }, () => client.request(asking(url)));
    await isFull;
    for (const response of held.slice()) response.end("ok");
    expect((await Promise.all(answers)).map(({ body }) => body)).toEqual(Array(6).fill("ok"));
    expect(sockets).toHaveLength(2);
  });

  it("do not hold a request beyond its deadline that waits for one", async () => {
    const { url } = await place(() => undefined);
    const client = clientOf(url, { maxSockets: 1 });
    const held = client.request(asking(url));
    held.catch(() => undefined);
    const waiting = client.request(asking(url, { timeoutMs: 30 }));
    await expect(waiting).rejects.toMatchObject({ message: "no answer within 0.03 s" });
  });

  it("pass over a request that was given up before its turn", async () => {
    const seen: (string | undefined)[] = [];
    const giveUp = new AbortController();
    const { url } = await place(({ url: path }, response) => {
      seen.push(path);
      giveUp.abort();
      response.end("ok");
    });
    const client = clientOf(url, { maxSockets: 1 });
    const first = client.request(asking(new URL("/first", url)));
    const second = client.request(asking(new URL("/second", url), { signal: giveUp.signal }));
    const third = client.request(asking(new URL("/third", url)));
    await expect(second).rejects.toMatchObject({ name: "AbortError" });
    await Promise.all([first, third]);
    expect(seen).toEqual(["/first", "/third"]);
  });

  it("are not used again after an answer that ends them", async () => {
    const { url, sockets } = await place((_, response) =>
      response.setHeader("connection", "close").end("ok"),
    );
    const client = clientOf(url);
    for (let count = 0; count < 3; count++) expect((await client.request(asking(url))).body).toBe("ok");
    expect(sockets).toHaveLength(3);
  });

  it("are not used again after they brought something unasked", async () => {
    const { url, sockets } = await bareServer((socket) => {
      socket.write(OK, () => socket.write("HTTP/1.1 408 Request Timeout\r\ncontent-length: 4\r\n\r\nlate"));
    });
    const client = clientOf(url);
    for (let count = 0; count < 3; count++) {
      await expect(client.request(asking(url))).resolves.toMatchObject({ status: 200, body: "ok" });
      const socket = sockets[count];
      if (socket?.destroyed === false) await once(socket, "close");
    }
    expect(sockets).toHaveLength(3);
  });

  it("are opened beside others that never come to be", async () => {
    const backend = await startTlsServer((_, response) => void response.end("ok"));
    ends.push(() => backend.stop());
    let opened = 0;
    const balancer = net.createServer((socket) => {
      ends.push(() => socket.destroy());
      if (++opened > 2) socket.pipe(net.connect(Number(new URL(backend.url).port), "127.0.0.1")).pipe(socket);
    });
    const { port } = await listening(balancer);
    const url = new URL(`https://127.0.0.1:${port}/`);
    const client = clientOf(url, { tls: { ca: backend.certificate } });
    const answers = Array.from({ length: 6 }, () => client.request(asking(url)));
    const lost = Promise.allSettled(answers.slice(0, 2));
    await expect(Promise.all(answers.slice(2))).resolves.toHaveLength(4);
    client.close();
    await lost;
  });

  it("tell who waits when they are closed", async () => {
    const { url } = await bareServer(() => client.close());
    const client = clientOf(url, { maxSockets: 1 });
    const answers = await Promise.allSettled([client.request(asking(url)), client.request(asking(url))]);
    expect(
      answers.map((each) => each.status === "rejected" && each.reason instanceof TransportError),
    ).toEqual([true, true]);
  });

  it("report an answer that is not HTTP", async () => {
    const { url } = await bareServer((socket) => socket.write("220 mail.example ESMTP\r\n\r\n"));
    await expect(clientOf(url).request(asking(url))).rejects.toMatchObject({
      message: "the answer is not HTTP",
    });
  });

  it.each([
    ["a line break in a value", { authorization: "Bearer secret\r\nx: y" }],
    ["a character that headers cannot have", { authorization: "Bearer secret\u2028" }],
    ["an invalid name", { "impersonate-extra a": "secret" }],
  ])("send nothing with %s, and do not print it", async (_, headers) => {
    const { url, sockets } = await place((__, response) => response.end());
    const refused = await clientOf(url)
      .request(asking(url, { headers }))
      .catch((error: unknown) => String(error));
    expect(refused).toMatch(/header/i);
    expect(refused).not.toContain("secret");
    expect(sockets).toHaveLength(0);
  });

  it("let the process end", async () => {
    const { url, sockets } = await place((_, response) => response.end("ok"));
    const script = `
      const { HttpClient } = await import(${JSON.stringify(import.meta.resolve("../../src/http/client.ts"))});
      const url = new URL(${JSON.stringify(url.href)});
      const answer = await new HttpClient(url).request({ method: "GET", url, headers: {}, timeoutMs: 60_000 });
      process.stdout.write(answer.body);`;
    const { execFile } = await import("node:child_process");
    const { promisify } = await import("node:util");
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout).toBe("ok");
    expect(sockets).toHaveLength(1);
  });
});

describe("kept connections over TLS", () => {
  it("trust whom they are told to, and are kept", async () => {
    const server = await startTlsServer();
    ends.push(() => server.stop());
    const client = clientOf(new URL(server.url), { tls: { ca: server.certificate } });
    for (const path of ["/a", "/b"])
      expect((await client.request(asking(new URL(path, server.url)))).body).toBe("{}");
    expect(server.asked).toEqual(["/a", "/b"]);
  });

  it("trust a certificate whose own authority is not there, as Go does", async () => {
    const server = await startTlsServer(undefined, undefined, SIGNED);
    ends.push(() => server.stop());
    const client = clientOf(new URL(server.url), { tls: { ca: server.certificate } });
    expect((await client.request(asking(new URL(server.url)))).body).toBe("{}");
  });

  it.each([
    ["nobody has vouched for", {}, "self-signed certificate"],
    ["is for another name", { servername: "prefect.example" }, /does not match/],
    ["is for another address", { servername: "10.0.0.1" }, /does not match/],
  ])("refuse a server whose certificate %s, before they have sent anything", async (_, tls, why) => {
    const server = await startTlsServer();
    ends.push(() => server.stop());
    const ca = "servername" in tls ? { ca: server.certificate } : {};
    const client = clientOf(new URL(server.url), { tls: { ...tls, ...ca } });
    await expect(client.request(asking(new URL(server.url)))).rejects.toThrow(why);
    expect(server.asked).toEqual([]);
  });

  it("say what is wrong with certificates that cannot be read", async () => {
    const server = await startTlsServer();
    ends.push(() => server.stop());
    const client = clientOf(new URL(server.url), { tls: { cert: "-----BEGIN CERTIFICATE-----\nnone" } });
    for (let count = 0; count < 2; count++) {
      const refused = client.request(asking(new URL(server.url)));
      await expect(refused).rejects.toMatchObject({
        name: "TransportError",
        message: expect.stringMatching(/PEM/i),
      });
    }
  });
});
