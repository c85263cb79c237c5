// The auth provider `oidc`: whose token is sent, and how it is refreshed and kept.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/base/json.ts";
import { Secrets } from "../../../src/base/secrets.ts";
import { credentialsOf } from "../../../src/kube/auth/credentials.ts";
import { chooseTarget } from "../../../src/kube/auth/kubeconfig.ts";
import { clockOf } from "../../support/clock.ts";
import { startTlsServer } from "../../support/tls-server.ts";
import { ends, stopAll } from "../../http/servers.ts";

const CLIENT = "kube";
const NOW_S = Math.floor(Date.now() / 1_000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "oidc-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(stopAll);

/** A token that expires so many seconds from now; nobody checks its signature here. */
function idToken(issuer: string, lifeS: number): string {
  const part = (value: JsonObject): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: issuer, sub: "me", aud: CLIENT, iat: NOW_S, exp: NOW_S + lifeS };
  return `${part({ alg: "RS256" })}.${part(claims)}.c2ln`;
}

/** A provider that hands out this refresh token, if any; `asked`: the forms that it got. */
async function provider(next?: string, takes: "basic" | "post" = "post") {
  const asked: string[] = [];
  let issuer = "";
  const server = await startTlsServer((request, response) => {
    let form = "";
    request.on("data", (bytes) => (form += String(bytes)));
    request.on("end", () => {
      const json = (body: JsonObject, status = 200): void =>
        void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      if (request.url?.includes("well-known") === true)
        return json({ issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys` });
      const isBasic = request.headers.authorization !== undefined;
      if (isBasic !== (takes === "basic") && form.includes("first"))
        return json({ error: "invalid_client" }, 401);
      asked.push(form);
      if (form.includes("stolen")) return json({ error: "invalid_grant", error_description: "revoked" }, 400);
      const fresh = { access_token: "a", token_type: "Bearer", id_token: idToken(issuer, 3_600) };
      return json({ ...fresh, ...(next !== undefined && { refresh_token: next }) });
    });
  });
  issuer = server.url;
  ends.push(() => server.stop());
  return { issuer, asked, ca: server.certificate };
}

/** Credentials by a kubeconfig with this configuration of the provider. */
function credentials(config: Readonly<Record<string, string>>, name = "oidc") {
  const path = join(folder, "config");
  const user = { "auth-provider": { name, config } };
  const kubeconfig = {
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "c", user: "me" } }],
    clusters: [{ name: "c", cluster: { server: "https://api" } }],
    users: [{ name: "me", user }],
  };
  writeFileSync(path, `# mine\n${JSON.stringify(kubeconfig)}\n`);
  const readFile = (file: string): string => readFileSync(file, "utf8");
  const target = chooseTarget({ kubeconfig: path }, { env: {}, home: undefined, readFile });
  if (target === undefined) throw new Error("no target");
  const deps = { clock: clockOf({ now: () => new Date() }), env: {}, readFile, secrets: new Secrets() };
  return { path, headers: async () => (await credentialsOf(target, deps)).headers() };
}

describe("an oidc token", () => {
  it("is sent as long as it is valid", async () => {
    const token = idToken("https://unused.invalid", 60);
    const { headers } = credentials({ "id-token": token });
    expect(await headers()).toEqual({ authorization: `Bearer ${token}` });
  });

  it.each([
    { next: undefined, kept: "first", takes: "basic" as const },
    { next: "second", kept: "second", takes: "post" as const },
  ])(
    "that has expired is refreshed, and kept with refresh token $kept ($takes)",
    async ({ next, kept, takes }) => {
      const { issuer, asked, ca } = await provider(next, takes);
      const { headers, path } = credentials({
        "idp-issuer-url": issuer,
        "client-id": CLIENT,
        "client-secret": "hunter2-s3cret",
        "id-token": idToken(issuer, -60),
        "refresh-token": "first",
        "idp-certificate-authority-data": Buffer.from(ca).toString("base64"),
      });
      const fresh = idToken(issuer, 3_600);
      expect(await headers()).toEqual({ authorization: `Bearer ${fresh}` });
      expect(asked[0]).toContain("grant_type=refresh_token");
      const text = readFileSync(path, "utf8");
      expect(text).toContain("# mine");
      expect(text).toContain(fresh);
      expect(text).toMatch(new RegExp(`"?refresh-token"?: "?${kept}"?`));
    },
  );

  it("that cannot be refreshed says why, and sends nobody without one", async () => {
    await expect(credentials({ "client-id": CLIENT }).headers()).rejects.toThrow(
      "there is no valid id-token, and no refresh-token to get one with",
    );
    const { issuer, ca } = await provider();
    const { headers } = credentials({
      "idp-issuer-url": issuer,
      "client-id": CLIENT,
      "refresh-token": "stolen-s3cret",
      "idp-certificate-authority-data": Buffer.from(ca).toString("base64"),
    });
    await expect(headers()).rejects.toThrow("cannot get credentials from the auth provider: revoked");
  });

  it("is asked for again when the provider cannot be reached", async () => {
    const { headers } = credentials({ "idp-issuer-url": "https://127.0.0.1:9", "refresh-token": "first" });
    await expect(headers()).rejects.toMatchObject({
      message: "cannot get credentials from the auth provider: https://127.0.0.1:9: connection refused",
      retryable: true,
    });
  });
});

it.each([
  ["gcp", "gke-gcloud-auth-plugin"],
  ["azure", "kubelogin"],
  ["mine", "exec plugin"],
])("auth provider %s is refused with what to use", async (name, instead) => {
  const { headers } = credentials({ "cmd-path": "/bin/echo" }, name);
  await expect(headers()).rejects.toMatchObject({
    message: `cannot use the auth provider "${name}": Kubernetes has none of this name`,
    hint: expect.stringContaining(instead),
  });
});
