// Credentials of a kubeconfig user: tokens, passwords, certificates and files are read here, exec plugins run in exec-plugin.ts,
// tokens of OIDC are refreshed in auth-provider.ts, which is loaded only for them.

import { attempt } from "../../base/attempt.ts";
import { SettingsError } from "../../base/errors.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import { fileIn, hasPem, pemIn } from "./identity.ts";
import type { CredentialDeps, Credentials, Headers, Identity } from "./identity.ts";
import type { Target } from "./kubeconfig.ts";

/** Files are read again after this time, since tokens and certificates rotate; also what could not be read. */
const READ_AGAIN_MS = 10_000;

/** The credentials of a target's user. Throws SettingsError when a named file is missing. */
export async function credentialsOf(target: Target, deps: CredentialDeps): Promise<Credentials> {
  const { cluster } = target;
  checkCluster(target);
  checkUser(target);
  const impersonated = impersonation(target);
  // As with kubectl: what is not encrypted does not carry a token.
  if (target.server.startsWith("http:"))
    return {
      headers: () => Promise.resolve(impersonated),
      tls: () => Promise.resolve({}),
      refresh: () => false,
    };
  const read = await identityReader(target, deps);
  const server = {
    ca: pemIn(cluster, "certificate-authority", deps),
    servername: textIn(cluster["tls-server-name"]),
    rejectUnauthorized: cluster["insecure-skip-tls-verify"] === true ? false : undefined,
  };
  let readAt = deps.clock.ticks();
  /** An authority is renewed, too; while its file cannot be read, or is half written, the last one stays in use. */
  const readAuthority = async (): Promise<void> => {
    if (deps.clock.ticks() - readAt < READ_AGAIN_MS) return;
    readAt = deps.clock.ticks();
    const { value: ca } = await attempt(() => pemIn(cluster, "certificate-authority", deps));
    if (ca?.includes("-----END CERTIFICATE-----") === true) server.ca = ca;
  };
  deps.secrets?.addUrl(target.server);
  const identity = renewed(read, deps);
  return {
    headers: async () => ({ ...impersonated, ...authorization(target, await identity.current(), deps) }),
    tls: async () => {
      await readAuthority();
      const { cert, key } = await identity.current();
      return { ...server, cert, key };
    },
    refresh: () => {
      identity.renew();
      return ["exec", "auth-provider", "tokenFile", "client-certificate"].some((key) => key in target.user);
    },
  };
}

/** As in client-go, what stands in the kubeconfig itself comes before what a plugin or a provider gives. */
async function identityReader(target: Target, deps: CredentialDeps): Promise<() => Promise<Identity>> {
  const { user } = target;
  const stored = (): Promise<Identity> => storedIdentity(target, deps);
  if (["token", "tokenFile", "username"].some((key) => Boolean(user[key]))) return stored;
  if (isObject(user["exec"])) {
    if (hasPem(user, "client-certificate")) return stored;
    const { runPlugin } = await import("./exec-plugin.ts");
    return () => runPlugin(target, deps);
  }
  if (!isObject(user["auth-provider"])) return stored;
  const { providerReader } = await import("./auth-provider.ts");
  const given = providerReader(target, deps);
  return async () => {
    const [{ cert, key }, identity] = [await stored(), await given()];
    return cert === undefined ? identity : { ...identity, cert, key };
  };
}

/** Throws SettingsError for a cluster that kubectl refuses, too: without verification no CA is used. */
function checkCluster({ cluster, clusterName = "", source }: Target): void {
  if (!hasPem(cluster, "certificate-authority") || cluster["insecure-skip-tls-verify"] !== true) return;
  throw new SettingsError(
    `cannot use cluster "${clusterName}" of ${source}: it has a certificate-authority and insecure-skip-tls-verify`,
    { hint: "leave out one of the two" },
  );
}

/** Throws SettingsError for what would silently be nobody. */
function checkUser({ user, userName, source }: Target): void {
  const wrong = (problem: string): SettingsError => {
    const whose = userName === undefined ? "the user" : `user "${userName}"`;
    return new SettingsError(`cannot use ${whose} of ${source}: ${problem}`, {
      hint: "correct the kubeconfig",
    });
  };
  for (const key of ["token", "username", "password", "as", "as-uid"])
    if (!["string", "undefined"].includes(typeof (user[key] ?? undefined)))
      throw wrong(`its ${key} is not a text: put it in quotes`);
  if (/\p{Cc}/u.test(textIn(user["token"]) ?? ""))
    throw wrong("its token has a line break, or another control character");
  const { "as-groups": groups = [], "as-user-extra": extra = {} } = user;
  const isList = (value: unknown): boolean =>
    Array.isArray(value) && value.every((each) => typeof each === "string");
  // To leave out what is wrong would give the user's own rights.
  if (groups !== null && !isList(groups)) throw wrong("its as-groups is not a list of texts");
  if (extra !== null && !(isObject(extra) && Object.values(extra).every(isList)))
    throw wrong("its as-user-extra is not lists of texts by name");
  const hasKey = hasPem(user, "client-key");
  const hasCertificate = hasPem(user, "client-certificate");
  const hasOther = ["token", "tokenFile", "username", "exec", "auth-provider"].some((key) =>
    Boolean(user[key]),
  );
  if (hasKey && !hasCertificate && hasOther) return;
  if (hasCertificate !== hasKey)
    throw wrong(
      hasKey ? "it has a client-key without its certificate" : "it has a client-certificate without its key",
    );
}

/** As in client-go, a token file takes precedence over a token, which holds while the file cannot be read. */
async function storedIdentity({ user }: Target, deps: CredentialDeps): Promise<Identity> {
  const token = textIn(user["token"]) || undefined;
  const file = await attempt(() => fileIn(user, "tokenFile", deps)?.trim());
  if (!file.ok && token === undefined) throw file.error;
  return {
    token: file.value || token,
    cert: pemIn(user, "client-certificate", deps),
    key: pemIn(user, "client-key", deps),
    renewAt: deps.clock.now().getTime() + READ_AGAIN_MS,
    expiresAt: Number.POSITIVE_INFINITY,
  };
}

/** Reads an identity once for all who wait for it, again when it is due. Until it expires it stays if that fails. */
function renewed(read: () => Promise<Identity>, { clock }: CredentialDeps) {
  let cached: Identity | undefined;
  let isDue = false;
  let pending: Promise<Identity> | undefined;
  return {
    current: async (): Promise<Identity> => {
      const nowMs = clock.now().getTime();
      if (cached !== undefined && !isDue && nowMs < cached.renewAt) return cached;
      try {
        pending ??= read().finally(() => (pending = undefined));
        isDue = false;
        cached = await pending;
      } catch (error) {
        if (cached === undefined || nowMs >= cached.expiresAt) throw error;
        cached = { ...cached, renewAt: nowMs + READ_AGAIN_MS };
      }
      return cached;
    },
    renew: () => {
      isDue = true;
    },
  };
}

function authorization(target: Target, { token }: Identity, { secrets }: CredentialDeps): Headers {
  secrets?.addRenewed(token);
  if (token !== undefined && token !== "") return { authorization: `Bearer ${token}` };
  const name = textIn(target.user["username"]);
  if (name === undefined || name === "") return {};
  const password = textIn(target.user["password"]) ?? "";
  const pair = `${name}:${password}`;
  secrets?.add(password, pair);
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function impersonation({ user }: Target): Headers {
  const headers: Headers = {};
  const [name, uid] = [textIn(user["as"]) || undefined, textIn(user["as-uid"]) || undefined];
  const groups = arrayIn(user["as-groups"]).map(String);
  const extra = Object.entries(objectIn(user["as-user-extra"]));
  if (name === undefined && (groups.length > 0 || uid !== undefined || extra.length > 0)) {
    throw new SettingsError("cannot impersonate a group, uid or extra without a user: --as is missing", {
      hint: "add --as USER",
    });
  }
  if (name !== undefined) headers["Impersonate-User"] = utf8(name);
  if (uid !== undefined) headers["Impersonate-Uid"] = utf8(uid);
  if (groups.length > 0) headers["Impersonate-Group"] = groups.map(utf8);
  for (const [key, values] of extra) {
    headers[`Impersonate-Extra-${headerKey(key)}`] = arrayIn(values).map((value) => utf8(String(value)));
  }
  return headers;
}

/** Like client-go's headerKeyEscape: what cannot stand in a header's name becomes %XX, and % itself too. */
function headerKey(key: string): string {
  return utf8(key).replaceAll(
    /[^\w!#$&'*+.^`|~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** Node sends each character of a header as one byte; Kubernetes reads the bytes as UTF-8. */
function utf8(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
