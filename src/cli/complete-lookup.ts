// Values that completion finds outside: names in the kubeconfig, and namespaces of the cluster if it answers soon.

import { join } from "node:path";
import { arrayIn, objectIn, textIn } from "../base/json.ts";
import type { CliContext } from "./context.ts";
import type { Lookup } from "./flag-values.ts";

const CLUSTER_FLAGS = ["--kubeconfig", "--context", "--cluster", "--user", "--server"] as const;
/** Nobody waits longer for a completion. */
const PATIENCE_MS = 2_000;

/** The values there are; none when something is in the way. `words`: the command line so far. */
export async function lookUp(
  lookup: Lookup,
  words: readonly string[],
  context: CliContext,
): Promise<readonly string[]> {
  try {
    if (lookup === "files") return [];
    return lookup === "namespaces"
      ? await namespaces(words, context)
      : await kubeconfigNames(lookup, words, context);
  } catch {
    return [];
  }
}

async function namespaces(words: readonly string[], context: CliContext): Promise<string[]> {
  const [kubeconfig, contextName, cluster, user, server] = CLUSTER_FLAGS.map((flag) => valueOf(flag, words));
  const { kube } = await context.connectKube({
    kubeconfig,
    context: contextName,
    cluster,
    user,
    server,
    requestTimeoutMs: PATIENCE_MS,
  });
  try {
    const page = await kube.listPage("namespaces", { limit: 500 }, context.signal);
    return page.items.map((namespace) => namespace.metadata.name);
  } finally {
    kube.close();
  }
}

async function kubeconfigNames(
  list: "contexts" | "clusters" | "users",
  words: readonly string[],
  context: CliContext,
): Promise<string[]> {
  const { parse } = await import("yaml");
  const names = pathsOf(words, context).flatMap((path) => {
    const text = context.readFile(path);
    const file = text === undefined ? {} : objectIn(parse(text));
    return arrayIn(file[list]).map((entry) => textIn(objectIn(entry)["name"]) ?? "");
  });
  return [...new Set(names)].filter((name) => name !== "").sort();
}

function pathsOf(words: readonly string[], { env, home }: CliContext): string[] {
  const named = valueOf("--kubeconfig", words);
  if (named !== undefined) return [named];
  const listed = (env["KUBECONFIG"] ?? "").split(env["OS"] === "Windows_NT" ? ";" : ":").filter(Boolean);
  if (listed.length > 0) return listed;
  return home === undefined ? [] : [join(home, ".kube", "config")];
}

function valueOf(flag: string, words: readonly string[]): string | undefined {
  const at = words.lastIndexOf(flag);
  if (at >= 0) return words[at + 1];
  return words.findLast((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
