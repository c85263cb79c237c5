// Values that completion finds outside: names in the kubeconfig, and, if the cluster answers soon, its namespaces and flow
// runs.

import { join } from "node:path";
import { arrayIn, objectIn, textIn } from "../../base/json.ts";
import { typedFlags } from "./typed-flags.ts";
import type { TypedFlags } from "./typed-flags.ts";
import type { Candidate } from "./runs.ts";
import type { CliContext } from "../context.ts";
import type { Lookup } from "../help/flag-values.ts";

/** Nobody waits longer for an answer, nor for all of them: a login program of the kubeconfig may ask and wait for ever. */
const PATIENCE_MS = 2_000;
const PATIENCE_IN_ALL_MS = 3_000;

/** A word that is being typed, and the command line before it. */
export interface Typed {
  readonly start: string;
  readonly before: readonly string[];
}

/** The values there are; none when something is in the way. */
export async function lookUp(
  lookup: Lookup,
  typed: Typed,
  context: CliContext,
): Promise<readonly Candidate[]> {
  const done = new AbortController();
  const tooLate = context.clock.sleep(PATIENCE_IN_ALL_MS, AbortSignal.any([done.signal, context.signal]));
  try {
    return await Promise.race([found(lookup, typed, context), tooLate.then(() => [])]);
  } catch {
    return [];
  } finally {
    done.abort();
  }
}

async function found(
  lookup: Lookup,
  { start, before }: Typed,
  context: CliContext,
): Promise<readonly Candidate[]> {
  const flags = typedFlags(before, PATIENCE_MS);
  switch (lookup) {
    case "files":
      return [];
    case "runs": {
      const { runCandidates } = await import("./runs.ts");
      return runCandidates(start, flags, context);
    }
    case "namespaces":
      return plain(await namespaces(flags, context));
    case "contexts":
    case "clusters":
    case "users":
      return plain(await kubeconfigNames(lookup, flags, context));
  }
}

function plain(words: readonly string[]): readonly Candidate[] {
  return words.map((word) => [word, ""]);
}

async function namespaces({ connection }: TypedFlags, context: CliContext): Promise<string[]> {
  const { kube } = await context.connectKube(connection);
  try {
    const page = await kube.listPage("namespaces", { limit: 500 }, context.signal);
    return page.items.map((namespace) => namespace.metadata.name);
  } finally {
    kube.close();
  }
}

async function kubeconfigNames(
  list: "contexts" | "clusters" | "users",
  flags: TypedFlags,
  context: CliContext,
): Promise<string[]> {
  const { parse } = await import("yaml");
  const names = pathsOf(flags, context).flatMap((path) => {
    const text = context.readFile(path);
    const file = text === undefined ? {} : objectIn(parse(text, { logLevel: "error" }));
    return arrayIn(file[list]).map((entry) => textIn(objectIn(entry)["name"]) ?? "");
  });
  return [...new Set(names)].filter((name) => name !== "").sort();
}

function pathsOf({ connection }: TypedFlags, { env, home }: CliContext): string[] {
  const named = connection.kubeconfig;
  if (named !== undefined) return [named];
  const listed = (env["KUBECONFIG"] ?? "").split(env["OS"] === "Windows_NT" ? ";" : ":").filter(Boolean);
  if (listed.length > 0) return listed;
  return home === undefined ? [] : [join(home, ".kube", "config")];
}
