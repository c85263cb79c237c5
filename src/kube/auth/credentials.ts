// How a kubeconfig user proves who it is. Tokens, token files, passwords and certificates are read here;
// what needs a program or a provider (exec, OIDC, gcp, azure) is client-node's, loaded only for it.

import { SettingsError } from "../../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import { mustRead, tlsOf } from "./identity.ts";
import type { CredentialDeps, Credentials, Headers } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

const TOKEN_FILE_TTL_MS = 60_000;

/** The credentials of a target's user. Throws SettingsError when a named file is missing. */
export async function credentialsOf(target: Target, deps: CredentialDeps): Promise<Credentials> {
  const acting = impersonation(target);
  if (isObject(target.user["exec"]) || isObject(target.user["auth-provider"])) {
    const { pluginCredentials } = await import("./plugin-credentials.ts");
    return pluginCredentials(target, acting, deps);
  }
  const tls = tlsOf(target, deps);
  const token = tokenSource(target, deps);
  return {
    headers: () => Promise.resolve({ ...acting, ...authorization(target, token.read()) }),
    tls: () => Promise.resolve(tls),
    refresh: () => token.forget(),
  };
}

function impersonation(target: Target): Headers {
  const headers: Headers = {};
  const user = textIn(target.user["as"]);
  const uid = textIn(target.user["as-uid"]);
  const groups = arrayIn(target.user["as-groups"]).map(String);
  const extra = objectIn(target.user["as-user-extra"]);
  if (user === undefined && (groups.length > 0 || uid !== undefined)) {
    throw new SettingsError("cannot act as a group or uid alone: --as is missing", { hint: "add --as USER" });
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

/** A token file wins over a token, as in client-go, and is read again every minute: pods' tokens are rotated. */
function tokenSource(
  target: Target,
  deps: CredentialDeps,
): { read(): string | undefined; forget(): boolean } {
  const path = textIn(target.user["tokenFile"]);
  if (path === undefined || path === "") {
    const token = textIn(target.user["token"]);
    return { read: () => token, forget: () => false };
  }
  let known: { token: string; at: number } | undefined;
  return {
    read: () => {
      const now = deps.clock.now().getTime();
      if (known === undefined || now - known.at > TOKEN_FILE_TTL_MS) {
        known = { token: mustRead(path, "tokenFile", deps).trim(), at: now };
      }
      return known.token;
    },
    forget: () => {
      known = undefined;
      return true;
    },
  };
}
