// Tokens of the auth provider `oidc`, refreshed as client-go does it: it discovers the provider's token endpoint, takes the token
// that this gives, and checks nothing of it, which is the API server's to do. client-node's own way (2.0.1) fails for every
// provider, and openid-client refuses tokens that the API server takes.

import { ExpectedError, SettingsError, textOf } from "../../base/errors.ts";
import { arrayIn, jsonIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { HttpClient } from "../../http/client.ts";
import { trustedAuthorities } from "../../http/environment.ts";
import { TransportError } from "../../http/errors.ts";
import type { HttpAnswer } from "../../http/exchange.ts";
import { proxyFor } from "../../http/proxy.ts";
import { KubeError } from "../client/errors.ts";
import { pemIn, type CredentialDeps, type Identity } from "./identity.ts";
import { YAML_OF_KUBECTL, type Target } from "./kubeconfig.ts";

/** A token is renewed so long before it expires, as in client-go. */
const EARLY_MS = 10_000;
const TIMEOUT_MS = 30_000;
const SECRETS = ["id-token", "refresh-token", "client-secret"];
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
      `cannot use the auth provider "${textIn(name) ?? ""}": Kubernetes has none of this name`,
      { hint },
    );
  }
  let current = objectIn(config);
  const hide = (): void => deps.secrets?.addRenewed(...SECRETS.map((key) => textIn(current[key])));
  return async () => {
    hide();
    const nowMs = deps.clock.now().getTime();
    if (expiryOf(current) - EARLY_MS <= nowMs) current = await refreshed(current, target, deps);
    hide();
    const expiresAt = expiryOf(current);
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
  const refreshToken = textIn(config["refresh-token"]) ?? "";
  if (refreshToken === "") throw refused("there is no valid id-token, and no refresh-token to get one with");
  const issuer = URL.parse(textIn(config["idp-issuer-url"]) ?? "")?.href.replace(/\/$/, "");
  if (issuer === undefined) throw refused("its idp-issuer-url is not a URL");
  const send = sender(config, deps);
  const found = await send(`${issuer}/.well-known/openid-configuration`);
  const endpoint = URL.parse(textIn(objectIn(jsonIn(found.body))["token_endpoint"]) ?? "")?.href;
  if (found.status !== 200 || endpoint === undefined) throw unexpected(issuer, found);
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token: refreshToken });
  const answer = await granted(config, form, (headers, body) => send(endpoint, headers, body));
  const given = objectIn(jsonIn(answer.body));
  if (answer.status !== 200) {
    const why = textIn(given["error_description"]) ?? textIn(given["error"]);
    throw why === undefined ? unexpected(endpoint, answer) : refused(why);
  }
  const idToken = textIn(given["id_token"]);
  if (idToken === undefined) throw refused("the provider refreshes no id-token");
  const next = textIn(given["refresh_token"]) ?? refreshToken;
  const tokens = { "id-token": idToken, "refresh-token": next };
  await store(tokens, target).catch((error: unknown) => {
    // With the old one nobody gets in any more.
    if (next !== refreshToken)
      deps.user?.show(`warning: cannot keep the new refresh-token in the kubeconfig: ${textOf(error)}\n`);
  });
  return { ...config, ...tokens };
}

/** With the client's secret in the header, else in the form: some providers take only one of the two, as Go's oauth2 knows. */
async function granted(
  config: JsonObject,
  form: URLSearchParams,
  send: (headers: Readonly<Record<string, string>>, body: string) => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const [client = "", secret = ""] = ["client-id", "client-secret"].map((key) => textIn(config[key]));
  if (secret !== "") {
    const pair = [client, secret].map(encodeURIComponent).join(":");
    const answer = await send(
      { authorization: `Basic ${Buffer.from(pair).toString("base64")}` },
      String(form),
    );
    if (answer.status === 200) return answer;
  }
  const own = { client_id: client, ...(secret !== "" && { client_secret: secret }) };
  return send({}, String(new URLSearchParams([...form, ...Object.entries(own)])));
}

type Send = (url: string, headers?: Readonly<Record<string, string>>, body?: string) => Promise<HttpAnswer>;

/** Sends to the provider, with its CA, and through the proxy that kubectl would take. Throws KubeError. */
function sender(config: JsonObject, deps: CredentialDeps): Send {
  const own = pemIn(config, "idp-certificate-authority", deps);
  return async (address, headers = {}, body) => {
    const url = new URL(address);
    const ca = own ?? trustedAuthorities(["SSL_CERT_FILE"], deps);
    const client = new HttpClient(url, { tls: { ca }, proxy: proxyFor(url, deps.env, "kubectl") });
    const type = body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const request = { url, body, headers: { accept: "application/json", ...type, ...headers } };
    try {
      const method = body === undefined ? "GET" : "POST";
      return await client.request({ ...request, method, timeoutMs: TIMEOUT_MS, signal: deps.signal });
    } catch (error) {
      throw error instanceof TransportError ? failure(`${url.origin}: ${error.message}`, 0) : error;
    } finally {
      client.close();
    }
  };
}

function refused(detail: string): KubeError {
  return failure(detail, 401, "log in again");
}

/** An outage passes. */
function unexpected(url: string, { status }: HttpAnswer): KubeError {
  const detail = `${url} answered ${status} with something else than an OpenID provider`;
  return failure(detail, status >= 500 || status === 429 ? status : 401);
}

function failure(detail: string, status: number, hint?: string): KubeError {
  const action = "get credentials from the auth provider";
  return new KubeError(action, detail, { status, reason: "CredentialPlugin", hint });
}

/** Writes tokens to where the user stands in the kubeconfig. Throws when it cannot. */
async function store(
  tokens: Readonly<Record<string, string>>,
  { userFile, userName }: Target,
): Promise<void> {
  if (userFile === undefined) return;
  const { readFile, writeFile } = await import("node:fs/promises");
  const { isMap, parseAllDocuments } = await import("yaml");
  const documents = parseAllDocuments(await readFile(userFile, "utf8"), YAML_OF_KUBECTL);
  const [document] = documents;
  if (document === undefined || !("setIn" in document)) throw new ExpectedError("it is empty");
  const users = arrayIn(objectIn(document.toJS())["users"]).map(objectIn);
  const at = users.findIndex(({ name }) => name === userName);
  const config = document.getIn(["users", at, "user", "auth-provider", "config"]);
  if (!isMap(config)) throw new ExpectedError("the user's tokens do not stand there themselves");
  for (const [key, value] of Object.entries(tokens)) config.set(key, value);
  await writeFile(userFile, documents.map((each) => each.toString({ lineWidth: 0 })).join(""));
}
