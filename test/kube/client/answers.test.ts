// Answers that do not come from a Kubernetes API: of an access proxy, a portal, a load balancer.

import type { OutgoingHttpHeaders } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import { place, stopAll } from "../../http/servers.ts";

afterEach(stopAll);

const HTML = { "content-type": "text/html; charset=utf-8" };
const REF = { namespace: "flows", name: "job" };

async function answering(status: number, headers: OutgoingHttpHeaders, body: string): Promise<KubeApi> {
  const { url } = await place((_, response) => response.writeHead(status, headers).end(body));
  const deps = { env: {}, home: undefined, clock: systemClock, readFile: () => undefined, userAgent: "test" };
  return (await connectKube({ server: url.origin, requestTimeoutMs: 5_000 }, deps)).kube;
}

const CALLS: readonly (readonly [string, (kube: KubeApi) => Promise<unknown>])[] = [
  ["list", (kube) => kube.listPage("jobs", {})],
  ["get", (kube) => kube.get("jobs", REF)],
  ["create", (kube) => kube.create("jobs", { metadata: REF }, REF)],
  ["delete", (kube) => kube.delete("jobs", REF)],
  ["patch", (kube) => kube.patch("jobs", REF, {})],
  ["log", (kube) => kube.streamPodLog(REF, {}, new AbortController().signal)],
  [
    "watch",
    async (kube) => {
      const query = { resourceVersion: "1", timeoutSeconds: 1, idleMs: 1_000 };
      for await (const event of kube.watch("jobs", query, new AbortController().signal)) return event;
      return undefined;
    },
  ],
];

describe.each(CALLS)("%s", (_, call) => {
  it.each([
    { status: 200, headers: HTML, what: "a web page, perhaps one to sign in" },
    { status: 404, headers: HTML, what: "a web page, perhaps one to sign in" },
    {
      status: 302,
      headers: { location: "https://login.corp/sign-in?state=hunter2" },
      what: "a redirect to https://login.corp/sign-in, perhaps a page to sign in",
    },
  ])("calls a $status what it is, and does not take it for an answer", async ({ status, headers, what }) => {
    const kube = await answering(status, headers, "<html>hunter2</html>");
    await expect(call(kube)).rejects.toMatchObject({
      detail: `the server answered ${status} with ${what}`,
      hint: expect.stringContaining("check the server URL"),
      exitCode: 4,
      retryable: true,
    });
    kube.close();
  });
});

describe("an answer", () => {
  it.each([
    {
      what: "no JSON",
      status: 200,
      headers: {},
      detail: "the server answered 200 with something else than JSON",
    },
    { what: "a text that is sent as HTML", status: 503, headers: HTML, detail: "the server answered 503" },
    { what: "plain text", status: 500, headers: {}, detail: "the server answered 500" },
  ])("that is $what is no internal error, and is not repeated", async ({ status, headers, detail }) => {
    const kube = await answering(status, headers, "hunter2-s3cret");
    await expect(kube.listPage("jobs", {})).rejects.toMatchObject({ detail, retryable: true });
    kube.close();
  });

  it.each([
    { server: "Go, and so of the API server", text: "Client sent an HTTP request to an HTTPS server.\n" },
    {
      server: "nginx",
      text: "<html>\r\n<center>The plain HTTP request was sent to HTTPS port</center>\r\n</html>",
    },
    {
      server: "Apache",
      text: "<p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br /></p>",
    },
  ])("of $server to plain http says which URL is needed", async ({ text }) => {
    const kube = await answering(400, {}, text);
    await expect(kube.listPage("jobs", {})).rejects.toMatchObject({
      detail: "the server answered 400 with a demand for TLS: the URL must begin with https://",
      exitCode: 4,
    });
    kube.close();
  });

  it.each([429, 503])(
    "with a web page and %i is an outage: its hint is not to check the URL",
    async (status) => {
      const kube = await answering(status, HTML, "<html>later</html>");
      await expect(kube.listPage("jobs", {})).rejects.toMatchObject({ status, hint: undefined });
      kube.close();
    },
  );

  it.each([
    ["list", (kube: KubeApi) => kube.listPage("jobs", {})],
    ["object", (kube: KubeApi) => kube.get("jobs", REF)],
  ] as const)("that is JSON of something else is no %s", async (_, call) => {
    const kube = await answering(200, {}, '{"error":"session expired"}');
    await expect(call(kube)).rejects.toMatchObject({
      detail: "the server answered 200 with JSON that is not of Kubernetes",
      retryable: true,
    });
    kube.close();
  });

  it("that is no event ends the watch, and it can be tried again", async () => {
    const kube = await answering(200, {}, "hunter2-s3cret\n");
    const events = kube.watch(
      "jobs",
      { resourceVersion: "1", timeoutSeconds: 1, idleMs: 1_000 },
      new AbortController().signal,
    );
    const iterator = events[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual({ type: "OPEN" });
    await expect(iterator.next()).rejects.toMatchObject({
      detail: "the server sent something else than an event",
      retryable: true,
    });
    kube.close();
  });

  it("with Retry-After says when to ask again", async () => {
    const kube = await answering(429, { "retry-after": "7" }, "{}");
    await expect(kube.listPage("jobs", {})).rejects.toMatchObject({ retryAfterMs: 7_000 });
    kube.close();
  });
});
