// Tokens of the auth provider `oidc`, refreshed as client-go does it. openid-client does the protocol; client-node's own use of it
// (2.0.1) fails for every issuer, and forgets a refresh token that stays the same.

import * as oidc from "openid-client";
import { SettingsError, textOf } from "../../base/errors.ts";
import { arrayIn, jsonIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { HttpClient } from "../../http/client.ts";
import { trustedAuthorities } from "../../http/environment.ts";
import { proxyFor } from "../../http/proxy.ts";
import { KubeError } from "../client/errors.ts";
import { pemIn, type CredentialDeps, type Identity } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

/** A token is renewed so long before it expires, as in client-go. */
const EARLY_MS = 10_000;
const TIMEOUT_MS = 30_000;
/** What replaces the providers that Kubernetes had until 1.26. */
const INSTEAD: Readonly<Record<string, string>> = {
  gcp: "use gke-gcloud-auth-plugin: gcloud container clusters get-credentials CLUSTER",
  azure: "use kubelogin: kubelogin convert-kubeconfig",
};

/** Reads the token of the user's auth provider; refreshes it when it expires. Throws SettingsError for another than `oidc`. */
export function providerReader(target: Target, deps: CredentialDeps): () => Promise<Identity> {
  const { name, config } = objectIn(target.user["auth-provider"]);
  if (name !== "oidc") {
    const hint = INSTEAD[String(name)] ?? "use an exec plugin, or oidc";
    throw new SettingsError(
      `cannot use the auth provider "${String(name)}": Kubernetes has none of this name`,
      {
        hint,
      },
    );
  }
  let current = objectIn(config);
  return async () => {
    const nowMs = deps.clock.now().getTime();
    if (expiryOf(current) - EARLY_MS <= nowMs) current = await refreshed(current, target, deps);
    const expiresAt = expiryOf(current);
    for (const key of ["id-token", "refresh-token", "client-secret"]) deps.secrets?.add(textIn(current[key]));
    return { token: textIn(current["id-token"]), renewAt: expiresAt - EARLY_MS, expiresAt };
  };
}

/** In milliseconds since 1970; 0 for no token. */
function expiryOf(config: JsonObject): number {
  const [, payload = ""] = (textIn(config["id-token"]) ?? "").split(".");
  const { exp } = objectIn(jsonIn(Buffer.from(payload, "base64url").toString("utf8")));
  return typeof exp === "number" ? exp * 1_000 : 0;
}

/** The configuration with new tokens, which are written into the kubeconfig. Throws KubeError. */
async function refreshed(config: JsonObject, target: Target, deps: CredentialDeps): Promise<JsonObject> {
  const fields = ["idp-issuer-url", "client-id", "client-secret", "refresh-token"];
  const [issuer = "", client = "", secret, refreshToken = ""] = fields.map((key) => textIn(config[key]));
  if (refreshToken === "") throw failure("there is no valid id-token, and no refresh-token to get one with");
  try {
    const origin = new URL(issuer);
    const execute = origin.protocol === "http:" ? [oidc.allowInsecureRequests] : [];
    const options = { execute, timeout: TIMEOUT_MS / 1_000, [oidc.customFetch]: fetchFor(config, deps) };
    const provider = await oidc.discovery(origin, client, secret, undefined, options);
    const answer = await oidc.refreshTokenGrant(provider, refreshToken);
    if (answer.id_token === undefined) throw failure("the provider refreshes no id-token");
    const tokens = { "id-token": answer.id_token, "refresh-token": answer.refresh_token ?? refreshToken };
    await store(tokens, target).catch((error: unknown) => {
      // With the old one nobody gets in any more.
      if (tokens["refresh-token"] !== refreshToken)
        deps.user?.show(`warning: cannot keep the new refresh-token in the kubeconfig: ${textOf(error)}\n`);
    });
    return { ...config, ...tokens };
  } catch (error) {
    if (error instanceof KubeError) throw error;
    const { error_description: said } = error instanceof oidc.ResponseBodyError ? error : {};
    throw failure(said ?? textOf(error).split("\n")[0] ?? "");
  }
}

function failure(detail: string): KubeError {
  return new KubeError("get credentials from the auth provider", detail, {
    status: 401,
    reason: "CredentialPlugin",
    hint: "log in again",
  });
}

/** Requests to the provider, with its CA, and through the proxy that kubectl would take. */
function fetchFor(config: JsonObject, deps: CredentialDeps): oidc.CustomFetch {
  const own = pemIn(config, "idp-certificate-authority", deps);
  return async (address, { method, headers, body, signal }) => {
    const url = new URL(address);
    const ca = own ?? trustedAuthorities(["SSL_CERT_FILE"], deps);
    const client = new HttpClient(url, { tls: { ca }, proxy: proxyFor(url, deps.env, "kubectl") });
    try {
      const text = body === undefined || body === null ? undefined : String(body as URLSearchParams);
      const answer = await client.request({
        method,
        url,
        headers,
        body: text,
        timeoutMs: TIMEOUT_MS,
        signal,
      });
      const type = answer.headers["content-type"] ?? "";
      return new Response(answer.body, { status: answer.status, headers: { "content-type": type } });
    } finally {
      client.close();
    }
  };
}

/** Writes tokens to where the user stands in the kubeconfig. */
async function store(
  tokens: Readonly<Record<string, string>>,
  { userFile, userName }: Target,
): Promise<void> {
  if (userFile === undefined) return;
  const { readFile, writeFile } = await import("node:fs/promises");
  const { parseDocument } = await import("yaml");
  const document = parseDocument(await readFile(userFile, "utf8"));
  const users = arrayIn(objectIn(document.toJS())["users"]).map(objectIn);
  const at = users.findIndex(({ name }) => name === userName);
  for (const [key, value] of Object.entries(tokens))
    document.setIn(["users", at, "user", "auth-provider", "config", key], value);
  await writeFile(userFile, document.toString({ lineWidth: 0 }));
}
