// Loads kubeconfig files like kubectl: merges them (the first file that defines an entry wins), chooses a context,
// applies flags. Credentials are loaded in credentials.ts.

import { dirname, isAbsolute, join, resolve } from "node:path";
import { parseAllDocuments, type Tags } from "yaml";
import { arrayIn, isObject, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { SettingsError, textOf } from "../../base/errors.ts";
import { redactUrl } from "../../base/redact-url.ts";
import type { SettingsDeps } from "../../base/env.ts";
import { hasPem } from "./identity.ts";

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
  /** Milliseconds; kubectl's --request-timeout. Infinity: no limit. */
  readonly requestTimeoutMs?: number | undefined;
  /** Reads wait for a server that has too much to do. The agent has its own ways to wait. */
  readonly waits?: boolean | undefined;
}

export interface KubeconfigDeps extends Pick<SettingsDeps, "env" | "readFile"> {
  readonly home: string | undefined;
}

/** The cluster and user to connect with. All paths are absolute. */
export interface Target {
  readonly server: string;
  readonly cluster: JsonObject;
  readonly user: JsonObject;
  /** Their names in the kubeconfig. */
  readonly contextName?: string | undefined;
  readonly clusterName?: string | undefined;
  readonly userName?: string | undefined;
  /** The file in which the user stands. */
  readonly userFile?: string | undefined;
  readonly namespace?: string | undefined;
  /** Which kubeconfig this is from, for messages. */
  readonly source: string;
}

/** Of several documents the first counts, of equal keys the last. A date or a time, such as the name of a namespace, is text. */
export const YAML_OF_KUBECTL = {
  logLevel: "error",
  version: "1.1",
  merge: true,
  uniqueKeys: false,
  customTags: (tags: Tags): Tags => tags.filter((each) => !isTime(each)),
} as const;

function isTime(tag: Tags[number]): boolean {
  return (
    typeof tag === "object" && (tag.tag.endsWith(":timestamp") || ("format" in tag && tag.format === "TIME"))
  );
}

type Kubeconfig = { readonly path: string; readonly content: JsonObject };

/** Where a pod has its ServiceAccount. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
const NO_KUBECONFIG = "there is no kubeconfig; specify one with --kubeconfig";
/** Entries that are paths, relative to the file in which they stand. */
const PATHS = ["certificate-authority", "client-certificate", "client-key", "tokenFile"];

/**
 * The target that kubectl would use, or undefined when there is no kubeconfig (the caller then tries the pod's service
 * account). Throws SettingsError when a file named by --kubeconfig is missing, or a file is invalid or incomplete.
 */
export function chooseTarget(flags: ConnectionFlags, deps: KubeconfigDeps): Target | undefined {
  const files = readFiles(flags, deps);
  const pick = (kind: string, name: string | undefined): JsonObject | undefined => {
    if (name === undefined || name === "") return undefined;
    const known = entriesOf(files, kind);
    const found = known.get(name);
    if (found !== undefined) return found;
    throw new SettingsError(`cannot find ${kind} "${name}" in the kubeconfig`, {
      hint: files.length === 0 ? NO_KUBECONFIG : `it has: ${[...known.keys()].join(", ") || "none"}`,
    });
  };
  const current = files.map(({ content }) => textIn(content["current-context"]) || undefined);
  const contextName = flags.context ?? current.find((name) => name !== undefined);
  const context = entriesOf(files, "context").get(contextName ?? "") ?? pick("context", flags.context);
  checkContext(context, contextName);
  const clusterName = flags.cluster ?? textIn(context?.["cluster"]);
  const userName = flags.user ?? textIn(context?.["user"]);
  const [cluster, user] = [pick("cluster", clusterName), pick("user", userName)];
  // As in kubectl, a kubeconfig that names no cluster may stand in a pod.
  const namesNone = cluster === undefined && user === undefined && flags.server === undefined;
  if (files.length === 0 || (namesNone && isInPod(deps))) return undefined;
  const source = files.map(({ path }) => path).join(", ");
  if (cluster === undefined && flags.server === undefined) {
    const lacking =
      contextName === undefined
        ? "no current context"
        : context === undefined
          ? `no context "${contextName}", which is the current one,`
          : `no cluster for context "${contextName}"`;
    throw new SettingsError(`cannot connect to a cluster: ${lacking} in ${source}`, {
      hint: "choose one with --context NAME, or for good with: kubectl config use-context NAME",
    });
  }
  const target = withFlags({ cluster, user }, flags, source);
  const namespace = textIn(context?.["namespace"]) || undefined;
  const hasUser = ({ content }: Kubeconfig): boolean =>
    arrayIn(content["users"]).some((each) => objectIn(each)["name"] === userName);
  const userFile = files.find(hasUser)?.path;
  return { ...target, contextName, clusterName, userName, userFile, namespace };
}

/** The names of its contexts, sorted. Throws as chooseTarget does for the files. */
export function contextNames(flags: ConnectionFlags, deps: KubeconfigDeps): readonly string[] {
  return [...entriesOf(readFiles(flags, deps), "context").keys()].sort();
}

/** The target with what the flags override. Throws SettingsError for flags that exclude each other. */
export function withFlags(
  parts: { readonly cluster?: JsonObject | undefined; readonly user?: JsonObject | undefined },
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
  const isTls =
    cluster["insecure-skip-tls-verify"] === true ||
    hasPem(cluster, "certificate-authority") ||
    hasPem(user, "client-certificate");
  return { server: serverOf(textIn(cluster["server"]), isTls, source), cluster, user, source };
}

/** Whether this is a process in a pod, with a ServiceAccount. */
export function isInPod({ env, readFile }: Pick<KubeconfigDeps, "env" | "readFile">): boolean {
  return (env["KUBERNETES_SERVICE_HOST"] ?? "") !== "" && readFile(`${SERVICE_ACCOUNT}/token`) !== undefined;
}

/** Throws SettingsError for names that YAML reads as something else, such as `namespace: no`. */
function checkContext(context: JsonObject | undefined, name = ""): void {
  for (const key of ["cluster", "user", "namespace"]) {
    const value = context?.[key] ?? undefined;
    if (value === undefined || typeof value === "string") continue;
    throw new SettingsError(`cannot use context "${name}": its ${key} is not a text`, {
      hint: "put it in quotes in the kubeconfig",
    });
  }
}

/** As in client-go, a server without a scheme speaks TLS if there is anything to verify, or not to verify, it with. */
function serverOf(server: string | undefined, isTls: boolean, source: string): string {
  const text = server === undefined || server === "" ? "http://localhost:8080" : server;
  const full = text.includes("://") ? text : `${isTls ? "https" : "http"}://${text}`;
  const isUrl = URL.canParse(full) && !/\s/.test(full);
  if (!isUrl || !/^https?:/i.test(full)) {
    const problem = isUrl ? "not an http or https URL" : "not a URL";
    throw new SettingsError(`cannot read server "${redactUrl(text)}" of ${source}: ${problem}`);
  }
  return full.replace(/[?#].*$/s, "").replace(/\/+$/, "");
}

function readFiles(flags: ConnectionFlags, deps: KubeconfigDeps): readonly Kubeconfig[] {
  return pathsOf(flags, deps).flatMap((path) => {
    const text = deps.readFile(path);
    if (text !== undefined) return [{ path, content: contentOf(text, path) }];
    if (flags.kubeconfig === undefined) return [];
    throw new SettingsError(`cannot read kubeconfig "${path}": no such file`);
  });
}

function pathsOf(flags: ConnectionFlags, deps: KubeconfigDeps): string[] {
  if (flags.kubeconfig !== undefined) return [flags.kubeconfig];
  const listed = deps.env["KUBECONFIG"] ?? "";
  const separator = deps.env["OS"] === "Windows_NT" ? ";" : ":";
  if (listed !== "") return [...new Set(listed.split(separator).filter((path) => path !== ""))];
  return deps.home === undefined ? [] : [join(deps.home, ".kube", "config")];
}

function contentOf(text: string, path: string): JsonObject {
  let parsed: unknown;
  try {
    const [document] = parseAllDocuments(text, YAML_OF_KUBECTL);
    const [problem] = document?.errors ?? [];
    if (problem !== undefined) throw problem;
    parsed = document?.toJS();
  } catch (error) {
    // Only the first line, without what it quotes of the file: that may be a token.
    const first = (textOf(error).split("\n")[0] ?? "").replace(/:$/, "").replace(/:.*?(?= at line \d|$)/, "");
    throw new SettingsError(`cannot read kubeconfig "${path}": ${first}`);
  }
  if (!isObject(parsed ?? {})) throw new SettingsError(`cannot read kubeconfig "${path}": not a kubeconfig`);
  return objectIn(parsed);
}

/** The contexts, clusters or users by name: the first file that defines one wins, as in kubectl. */
function entriesOf(files: readonly Kubeconfig[], kind: string): ReadonlyMap<string, JsonObject> {
  const entries = new Map<string, JsonObject>();
  for (const { path, content } of files) {
    for (const entry of arrayIn(content[`${kind}s`]).map(objectIn)) {
      const name = textIn(entry["name"]);
      if (name === undefined || entries.has(name)) continue;
      entries.set(name, withAbsolutePaths(objectIn(entry[kind]), dirname(resolve(path))));
    }
  }
  return entries;
}

function withAbsolutePaths(entry: JsonObject, base: string): JsonObject {
  const changed: Record<string, unknown> = { ...entry };
  for (const key of PATHS) {
    const path = textIn(entry[key]);
    if (path !== undefined && path !== "" && !isAbsolute(path)) changed[key] = join(base, path);
  }
  const exec = objectIn(entry["exec"]);
  const command = textIn(exec["command"]) ?? "";
  // A plugin path with a slash, such as ./bin/login, is relative to its kubeconfig; a bare name is looked up in PATH.
  if (/[\\/]/.test(command) && !isAbsolute(command))
    changed["exec"] = { ...exec, command: join(base, command) };
  return changed;
}
