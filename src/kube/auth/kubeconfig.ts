// Loads kubeconfig files like kubectl: merges them (the first file that defines an entry wins), chooses a context,
// applies flags. Credentials are loaded in credentials.ts.

import { dirname, isAbsolute, join, resolve } from "node:path";
import type { JsonObject } from "../../base/json.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../base/json.ts";
import { SettingsError, textOf } from "../../base/errors.ts";
import { redactUrl } from "../../base/redact-url.ts";
import type { Env } from "../../base/env.ts";

/** kubectl's connection flags, as far as they are set. */
export interface ConnectionFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly cluster?: string | undefined;
  readonly user?: string | undefined;
  readonly server?: string | undefined;
  readonly certificateAuthority?: string | undefined;
  readonly tlsServerName?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
  readonly as?: string | undefined;
  readonly asGroups?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  /** Milliseconds; kubectl's --request-timeout. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface KubeconfigDeps {
  readonly env: Env;
  readonly home: string | undefined;
  /** The text of a file, or undefined when there is no such file. */
  readonly readFile: (path: string) => string | undefined;
  readonly parseYaml: (text: string) => unknown;
}

/** The cluster and user to connect with. All paths are absolute. */
export interface Target {
  readonly server: string;
  readonly cluster: JsonObject;
  readonly user: JsonObject;
  readonly contextName: string | undefined;
  /** Their names in the kubeconfig. */
  readonly clusterName?: string | undefined;
  readonly userName?: string | undefined;
  readonly namespace: string | undefined;
  /** Which kubeconfig this is from, for messages. */
  readonly source: string;
}

interface Merged {
  readonly clusters: Map<string, JsonObject>;
  readonly users: Map<string, JsonObject>;
  readonly contexts: Map<string, JsonObject>;
  currentContext: string | undefined;
  files: string[];
}

/**
 * The target that kubectl would use, or undefined when there is no kubeconfig (the caller then tries the pod's service
 * account). Throws SettingsError when a file named by --kubeconfig is missing, or a file is invalid or incomplete.
 */
export function chooseTarget(flags: ConnectionFlags, deps: KubeconfigDeps): Target | undefined {
  const merged = loadAll(flags, deps);
  if (merged === undefined) {
    for (const what of ["context", "cluster", "user"] as const) {
      if (flags[what] !== undefined) throw missing(what, flags[what], []);
    }
    return undefined;
  }
  const contextName = flags.context ?? merged.currentContext;
  const context = contextName === undefined ? undefined : merged.contexts.get(contextName);
  if (context === undefined && flags.context !== undefined) {
    throw missing("context", flags.context, [...merged.contexts.keys()]);
  }
  const clusterName = flags.cluster ?? textIn(context?.["cluster"]);
  const userName = flags.user ?? textIn(context?.["user"]);
  const cluster = pick("cluster", clusterName, merged.clusters);
  const user = pick("user", userName, merged.users);
  const source = merged.files.join(", ");
  if (cluster === undefined && flags.server === undefined) {
    throw new SettingsError(`cannot connect to a cluster: no current context in ${source}`, {
      hint: "choose one with --context NAME, or for good with: kubectl config use-context NAME",
    });
  }
  const target = withFlags({ cluster: cluster ?? {}, user: user ?? {} }, flags, source);
  return { ...target, contextName, clusterName, userName, namespace: textIn(context?.["namespace"]) };
}

/** The target with what the flags override. Throws SettingsError for flags that exclude each other. */
export function withFlags(
  parts: { readonly cluster: JsonObject; readonly user: JsonObject },
  flags: ConnectionFlags,
  source: string,
): Target {
  const cluster: Record<string, unknown> = { ...parts.cluster };
  const user: Record<string, unknown> = { ...parts.user };
  if (flags.server !== undefined) cluster["server"] = flags.server;
  // As in kubectl, the name belongs to the server, and one of these two flags also unsets the other's value.
  if (flags.server !== undefined || flags.tlsServerName !== undefined) {
    cluster["tls-server-name"] = flags.tlsServerName;
  }
  const { certificateAuthority: authority, insecureSkipTlsVerify: insecure = false } = flags;
  if (authority !== undefined && insecure) {
    throw new SettingsError(
      "cannot use --certificate-authority with --insecure-skip-tls-verify: without verification no CA is used",
      { hint: "leave out one of the two" },
    );
  }
  if (authority !== undefined || insecure) {
    cluster["insecure-skip-tls-verify"] = insecure;
    cluster["certificate-authority"] = authority === undefined ? undefined : resolve(authority);
    delete cluster["certificate-authority-data"];
  }
  if (flags.as !== undefined) user["as"] = flags.as;
  if (flags.asUid !== undefined) user["as-uid"] = flags.asUid;
  if (flags.asGroups !== undefined && flags.asGroups.length > 0) user["as-groups"] = flags.asGroups;
  return {
    server: serverOf(textIn(cluster["server"]), source),
    cluster,
    user,
    contextName: undefined,
    namespace: undefined,
    source,
  };
}

function serverOf(server: string | undefined, source: string): string {
  const text = server === undefined || server === "" ? "http://localhost:8080" : server;
  const full = text.includes("://") ? text : `https://${text}`;
  if (!URL.canParse(full))
    throw new SettingsError(`cannot read server "${redactUrl(text)}" of ${source}: not a URL`);
  return full.replace(/\/+$/, "");
}

function loadAll(flags: ConnectionFlags, deps: KubeconfigDeps): Merged | undefined {
  const merged: Merged = {
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    currentContext: undefined,
    files: [],
  };
  for (const path of pathsOf(flags, deps)) {
    const text = deps.readFile(path);
    if (text === undefined) {
      if (flags.kubeconfig !== undefined)
        throw new SettingsError(`cannot read kubeconfig "${path}": no such file`);
      continue;
    }
    merged.files.push(path);
    mergeIn(merged, parse(text, path, deps), path);
  }
  return merged.files.length === 0 ? undefined : merged;
}

function pathsOf(flags: ConnectionFlags, deps: KubeconfigDeps): string[] {
  if (flags.kubeconfig !== undefined) return [flags.kubeconfig];
  const listed = deps.env["KUBECONFIG"] ?? "";
  const separator = deps.env["OS"] === "Windows_NT" ? ";" : ":";
  if (listed !== "") return [...new Set(listed.split(separator).filter((path) => path !== ""))];
  return deps.home === undefined ? [] : [join(deps.home, ".kube", "config")];
}

function parse(text: string, path: string, deps: KubeconfigDeps): JsonObject {
  let parsed: unknown;
  try {
    parsed = deps.parseYaml(text);
  } catch (error) {
    // Only the first line, without what it quotes of the file: that may be a token.
    const first = (textOf(error).split("\n")[0] ?? "").replace(/:$/, "").replace(/:.*?(?= at line \d|$)/, "");
    throw new SettingsError(`cannot read kubeconfig "${path}": ${first}`);
  }
  if (parsed === null || parsed === undefined) return {};
  if (!isObject(parsed)) throw new SettingsError(`cannot read kubeconfig "${path}": not a kubeconfig`);
  return parsed;
}

function mergeIn(merged: Merged, file: JsonObject, path: string): void {
  merged.currentContext ??= textIn(file["current-context"]) || undefined;
  const base = dirname(resolve(path));
  for (const [name, context] of named(file["contexts"], "context")) add(merged.contexts, name, context);
  for (const [name, cluster] of named(file["clusters"], "cluster")) {
    add(merged.clusters, name, absolute(cluster, base, ["certificate-authority"]));
  }
  for (const [name, user] of named(file["users"], "user")) {
    const files = absolute(user, base, ["client-certificate", "client-key", "tokenFile"]);
    add(merged.users, name, withExecDirectory(files, base));
  }
}

function named(list: unknown, key: string): [string, JsonObject][] {
  return arrayIn(list).flatMap((entry): [string, JsonObject][] => {
    const name = textIn(objectIn(entry)["name"]);
    return name === undefined ? [] : [[name, objectIn(objectIn(entry)[key])]];
  });
}

/** The first file that defines an entry wins, as in kubectl. */
function add(into: Map<string, JsonObject>, name: string, value: JsonObject): void {
  if (!into.has(name)) into.set(name, value);
}

function absolute(value: JsonObject, base: string, keys: readonly string[]): JsonObject {
  const changed: Record<string, unknown> = { ...value };
  for (const key of keys) {
    const path = textIn(value[key]);
    if (path !== undefined && path !== "" && !isAbsolute(path)) changed[key] = join(base, path);
  }
  return changed;
}

/** A plugin path with a slash, such as ./bin/login, is relative to its kubeconfig; a bare name is looked up in PATH. */
function withExecDirectory(user: JsonObject, base: string): JsonObject {
  const exec = objectIn(user["exec"]);
  const command = textIn(exec["command"]);
  if (command === undefined || !/[\\/]/.test(command) || isAbsolute(command)) return user;
  return { ...user, exec: { ...exec, command: join(base, command) } };
}

function pick(what: string, name: string | undefined, from: Map<string, JsonObject>): JsonObject | undefined {
  if (name === undefined || name === "") return undefined;
  const found = from.get(name);
  if (found === undefined) throw missing(what, name, [...from.keys()]);
  return found;
}

function missing(what: string, name: string, known: readonly string[]): SettingsError {
  return new SettingsError(`cannot find ${what} "${name}" in the kubeconfig`, {
    hint:
      known.length === 0
        ? "there is no kubeconfig; specify one with --kubeconfig"
        : `it has: ${known.join(", ")}`,
  });
}
