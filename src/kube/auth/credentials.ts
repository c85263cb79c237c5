// Credentials of a kubeconfig user. Tokens, token files, passwords and certificates are read here; exec plugins and
// auth providers (OIDC, gcp, azure) use client-node, which is loaded only for them.

import { SettingsError } from "../../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import { readRequiredFile, tlsOf } from "./identity.ts";
import type { CredentialDeps, Credentials, Headers } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

const TOKEN_FILE_TTL_MS = 60_000;

/** The credentials of a target's user. Throws SettingsError when a named file is missing. */
export async function credentialsOf(target: Target, deps: CredentialDeps): Promise<Credentials> {
  const impersonated = impersonation(target);
  if (isObject(target.user["exec"]) || isObject(target.user["auth-provider"])) {
    const { pluginCredentials } = await import("./plugin-credentials.ts");
    return pluginCredentials(target, impersonated, deps);
  }
  const tls = tlsOf(target, deps);
  const token = tokenSource(target, deps);
  return {
    headers: () => Promise.resolve({ ...impersonated, ...authorization(target, token.read()) }),
    tls: () => Promise.resolve(tls),
    refresh: () => token.clearCache(),
  };
}

function impersonation(target: Target): Headers {
  const headers: Headers = {};
  const user = textIn(target.user["as"]);
  const uid = textIn(target.user["as-uid"]);
  const groups = arrayIn(target.user["as-groups"]).map(String);
  const extra = objectIn(target.user["as-user-extra"]);
  if (user === undefined && (groups.length > 0 || uid !== undefined)) {
    throw new SettingsError("cannot impersonate a group or uid without a user: --as is missing", {
      hint: "add --as USER",
    });
  }
  if (user !== undefined) headers["Impersonate-User"] = user;
  if (uid !== undefined) headers["Impersonate-Uid"] = uid;
  if (groups.length > 0) headers["Impersonate-Group"] = groups;
  for (const [key, values] of Object.entries(extra)) {
    headers[`Impersonate-Extra-${key}`] = arrayIn(values).map(String);
  }
  return headers;
}

function authorization(target: Target, token: string | undefined): Headers {
  if (token !== undefined && token !== "") return { authorization: `Bearer ${token}` };
  const name = textIn(target.user["username"]);
  if (name === undefined || name === "") return {};
  const pair = `${name}:${textIn(target.user["password"]) ?? ""}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** As in client-go, a token file takes precedence over a token. It is read again every minute: pods' tokens rotate. */
function tokenSource(
  target: Target,
  deps: CredentialDeps,
): { read(): string | undefined; clearCache(): boolean } {
  const path = textIn(target.user["tokenFile"]);
  if (path === undefined || path === "") {
    const token = textIn(target.user["token"]);
    return { read: () => token, clearCache: () => false };
  }
  let cached: { token: string; at: number } | undefined;
  return {
    read: () => {
      const now = deps.clock.ticks();
      if (cached === undefined || now - cached.at > TOKEN_FILE_TTL_MS) {
        cached = { token: readRequiredFile(path, "tokenFile", deps).trim(), at: now };
      }
      return cached.token;
    },
    clearCache: () => {
      cached = undefined;
      return true;
    },
  };
}
