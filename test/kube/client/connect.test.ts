// How a connection authenticates: certificates and tokens that change while it lives, and flags in a pod.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { ConnectionFlags } from "../../../src/kube/auth/kubeconfig.ts";
import type { KubeApi } from "../../../src/kube/client/api.ts";
import { connectKube } from "../../../src/kube/client/connect.ts";
import type { Connection } from "../../../src/kube/client/connect.ts";
import { FIRST, SECOND } from "../../support/client-certificates.ts";
import type { ClientCertificate } from "../../support/client-certificates.ts";
import { CERTIFICATE, SIGNED } from "../../fakes/certificate.ts";
import { startTlsServer } from "../../support/tls-server.ts";
import type { TlsServer } from "../../support/tls-server.ts";

const ends: (() => unknown)[] = [];
let passedMs = 0;
const clock = {
  ...systemClock,
  now: () => new Date(Date.now() + passedMs),
  ticks: () => systemClock.ticks() + passedMs,
};

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface SeenRequest {
  readonly user: string;
  readonly authorization: string | undefined;
  readonly headers: IncomingMessage["headers"];
}

/** An API server that admits by the CN of the client certificate, or by token. */
async function apiServer(admits: (seen: SeenRequest) => boolean) {
  const seen: SeenRequest[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { CN } = (request.socket as TLSSocket).getPeerCertificate().subject ?? {};
    const { authorization } = request.headers;
    const one = { user: String(CN ?? ""), authorization, headers: request.headers };
    seen.push(one);
    response.writeHead(admits(one) ? 200 : 401, { "content-type": "application/json" });
    response.write('{"items":[]}');
    if (request.url?.includes("/log") !== true) response.end();
  };
  const server = await startTlsServer(answer);
  ends.push(() => server.stop());
  return { server, seen };
}

function connect(
  files: Readonly<Record<string, string>>,
  flags: ConnectionFlags = {},
  env: Readonly<Record<string, string>> = {},
): Promise<Connection> {
  const readFile = (path: string): string | undefined => files[path];
  const deps = { env, home: "/home/user", clock, readFile, userAgent: "test" };
  return connectKube({ requestTimeoutMs: 5_000, ...flags }, deps).then((connection) => {
    ends.push(() => connection.kube.close());
    return connection;
  });
}

function kubeconfig({ url, certificate }: TlsServer, user: object, more: object = {}): string {
  const data = Buffer.from(certificate).toString("base64");
  return JSON.stringify({
    "current-context": "one",
    contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
    clusters: [{ name: "one", cluster: { server: url, "certificate-authority-data": data, ...more } }],
    users: [{ name: "one", user }],
  });
}

const PATH = "/home/user/.kube/config";

describe("the authority of a server, in a file", () => {
  it("is read again: a server whose certificate another one has signed since is trusted", async () => {
    let served = await startTlsServer();
    const { port } = new URL(served.url);
    const inFile = { "certificate-authority-data": undefined, "certificate-authority": "/ca" };
    const files: Record<string, string> = { [PATH]: kubeconfig(served, {}, inFile), "/ca": CERTIFICATE };
    const { kube } = await connect(files);
    await kube.version();
    await served.stop();
    served = await startTlsServer(undefined, "127.0.0.1", { ...SIGNED, port: Number(port) });
    ends.push(() => served.stop());
    await expect(kube.version()).rejects.toMatchObject({ reason: "BadCertificate" });
    files["/ca"] = "-----BEGIN CERTIFICATE-----\nhalf";
    passedMs += 11_000;
    await expect(kube.version()).rejects.toMatchObject({ reason: "BadCertificate" });
    files["/ca"] = SIGNED.cert;
    passedMs += 11_000;
    expect(await kube.version()).toBeDefined();
  });
});

describe("a client certificate in files", () => {
  const setting = async (admits: (seen: SeenRequest) => boolean) => {
    const { server, seen } = await apiServer(admits);
    const files: Record<string, string> = {
      [PATH]: kubeconfig(server, { "client-certificate": "/cert", "client-key": "/key" }),
    };
    const put = ({ cert, key }: ClientCertificate): void =>
      void Object.assign(files, { "/cert": cert, "/key": key });
    put(FIRST);
    return { files, put, seen, kube: (await connect(files)).kube };
  };

  it("is read again when it is refused, and used over new connections; an open stream goes on", async () => {
    let admitted = "first";
    const { put, seen, kube } = await setting(({ user }) => user === admitted);
    await kube.version();
    const stop = new AbortController();
    ends.push(() => stop.abort());
    const log = await kube.streamPodLog({ namespace: "a", name: "b" }, {}, stop.signal);
    const chunks = log?.[Symbol.asyncIterator]();
    expect(String((await chunks?.next())?.value)).toBe('{"items":[]}');
    put(SECOND);
    admitted = "second";
    await kube.version();
    expect(seen.map(({ user }) => user)).toEqual(["first", "first", "first", "second"]);
    // Still open: the server has not ended it.
    const next = chunks?.next();
    stop.abort();
    await expect(next).rejects.toMatchObject({ name: "AbortError" });
  });

  it("stays while its new key is not written yet, or its file is missing", async () => {
    const { files, seen, kube } = await setting(() => true);
    await kube.version();
    files["/cert"] = SECOND.cert;
    passedMs += 11_000;
    await kube.version();
    delete files["/key"];
    passedMs += 11_000;
    await kube.version();
    files["/key"] = SECOND.key;
    passedMs += 11_000;
    await kube.version();
    expect(seen.map(({ user }) => user)).toEqual(["first", "first", "first", "second"]);
  });
});

describe("a list", () => {
  it.each([
    [{}, "gzip"],
    [{ "disable-compression": false }, "gzip"],
    [{ "disable-compression": true }, "identity"],
  ])("with %j in the kubeconfig is asked for with accept-encoding %s", async (more, encoding) => {
    const { server, seen } = await apiServer(() => true);
    const { kube } = await connect({ [PATH]: kubeconfig(server, { token: "x" }, more) });
    await kube.listPage("jobs", {});
    expect(seen.map(({ headers }) => headers["accept-encoding"])).toEqual([encoding]);
  });
});

describe("a token file", () => {
  it("is read again when the token is refused", async () => {
    let admitted = "one";
    const { server, seen } = await apiServer(({ authorization }) => authorization === `Bearer ${admitted}`);
    const files = { [PATH]: kubeconfig(server, { tokenFile: "/token" }), "/token": "one\n" };
    const { kube } = await connect(files);
    await kube.version();
    files["/token"] = "two\n";
    admitted = "two";
    await kube.version();
    expect(seen.map(({ authorization }) => authorization)).toEqual([
      "Bearer one",
      "Bearer one",
      "Bearer two",
    ]);
  });
});

describe("in a pod", () => {
  const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

  async function pod(
    flags: ConnectionFlags,
    ca?: string,
  ): Promise<{ kube: KubeApi; seen: readonly SeenRequest[] }> {
    const { server, seen } = await apiServer(() => true);
    const { hostname, port } = new URL(server.url);
    const files = {
      [`${ACCOUNT}/token`]: "pod-token",
      [`${ACCOUNT}/ca.crt`]: ca ?? server.certificate,
      [`${ACCOUNT}/namespace`]: "flows",
      [`${process.cwd()}/own.crt`]: server.certificate,
    };
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    return { kube: (await connect(files, flags, env)).kube, seen };
  }

  it("the service account's token and CA are used", async () => {
    const { kube, seen } = await pod({});
    await kube.version();
    expect(seen[0]?.authorization).toBe("Bearer pod-token");
  });

  it("--as, --as-uid and --as-group are sent", async () => {
    const { kube, seen } = await pod({ as: "kim", asUid: "u-18", asGroups: ["team:a", "team:b"] });
    await kube.version();
    expect(seen[0]?.headers).toMatchObject({
      "impersonate-user": "kim",
      "impersonate-uid": "u-18",
      "impersonate-group": "team:a, team:b",
    });
  });

  it.each([
    ["--insecure-skip-tls-verify", { insecureSkipTlsVerify: true }],
    ["--certificate-authority", { certificateAuthority: "own.crt" }],
  ])("%s replaces the mounted CA", async (_, flags) => {
    const { kube } = await pod(flags, FIRST.cert);
    await expect(kube.version()).resolves.toMatchObject({ major: "" });
  });

  it("--tls-server-name is what the certificate is checked for", async () => {
    const { kube } = await pod({ tlsServerName: "other.example.com" });
    await expect(kube.version()).rejects.toThrow(/does not match/);
    await expect((await pod({ tlsServerName: "localhost" })).kube.version()).resolves.toBeDefined();
  });

  it("--server is where the service account's token goes", async () => {
    const { server, seen } = await apiServer(() => true);
    const { kube } = await pod({ server: server.url });
    await kube.version();
    expect(seen[0]?.authorization).toBe("Bearer pod-token");
  });

  it.each([
    ["context", { context: "one" }],
    ["cluster", { cluster: "one" }],
    ["user", { user: "one" }],
  ])("--%s fails, because there is no kubeconfig", async (what, flags) => {
    await expect(pod(flags)).rejects.toThrow(`cannot find ${what} "one" in the kubeconfig`);
  });
});

describe("a kubeconfig without a CA", () => {
  const setting = async (
    env: Readonly<Record<string, string>>,
    files: Readonly<Record<string, string>> = {},
  ) => {
    const { server } = await apiServer(() => true);
    const config = JSON.parse(kubeconfig(server, {})) as { clusters: [{ cluster: object }] };
    config.clusters[0].cluster = { server: server.url };
    const all = { [PATH]: JSON.stringify(config), "/ca.crt": server.certificate, ...files };
    return connect(all, {}, env);
  };

  it("trusts the authorities of SSL_CERT_FILE", async () => {
    const { kube } = await setting({ SSL_CERT_FILE: "/ca.crt" });
    await expect(kube.version()).resolves.toBeDefined();
  });

  it("fails with a hint how to name a CA", async () => {
    const { kube } = await setting({});
    await expect(kube.version()).rejects.toMatchObject({
      hint: expect.stringContaining("certificate-authority"),
    });
  });

  it.each([
    ["is missing", "/absent", 'cannot read SSL_CERT_FILE "/absent": no such file'],
    ["has no certificate", "/empty", 'cannot read SSL_CERT_FILE "/empty": it has no certificate'],
  ])("names SSL_CERT_FILE when it %s", async (_, path, why) => {
    await expect(setting({ SSL_CERT_FILE: path }, { "/empty": "no PEM" })).rejects.toThrow(why);
  });
});
