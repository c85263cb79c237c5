// What must hold before the agent's first poll: Prefect accepts the key and knows the tenant, the namespace exists, and Jobs
// may be created and followed in it. An API that does not answer is waited for.

import { attempt } from "../base/attempt.ts";
import { ExpectedError, isRetryable, textOf } from "../base/errors.ts";
import { runAll } from "../base/run-all.ts";
import { missingPermissions } from "../kube/ask-permissions.ts";
import type { KubeApi } from "../kube/client/api.ts";
import { isForbidden } from "../kube/client/errors.ts";
import {
  agentPermissions,
  isEssential,
  permissionName,
  permissionsIn,
  type Permission,
} from "../kube/permissions.ts";
import { PrefectError } from "../orchestrator/errors.ts";
import type { WorkSource } from "../orchestrator/work-source.ts";
import type { AgentDeps } from "./deps.ts";
import { Outage } from "./outage.ts";

interface StartDeps extends Pick<AgentDeps, "log" | "clock"> {
  readonly kube: Pick<KubeApi, "get" | "canI" | "whoAmI">;
  readonly work: Pick<WorkSource, "authenticate">;
}

/** Throws PrefectError or KubeError for what is refused, ExpectedError (exit code 4) for what is missing. */
export async function checkStart(
  deps: StartDeps,
  { namespace, leaderElect }: { readonly namespace: string; readonly leaderElect: boolean },
  signal: AbortSignal,
): Promise<void> {
  // If something else than a Prefect API answers at the start, the address is wrong.
  const isFinal = (error: unknown): boolean =>
    !isRetryable(error) || (error instanceof PrefectError && error.failure === "unreadable");
  await runAll(
    signal,
    (s) => untilAnswered("Prefect API", { ...deps, isFinal }, s, () => deps.work.authenticate(s)),
    async (s) => {
      await untilAnswered("Kubernetes API", deps, s, () => checkNamespace(deps, namespace, s));
      await untilAnswered("Kubernetes API", deps, s, () => checkPermissions(deps, namespace, leaderElect));
    },
  );
}

/** Retries a call until the API answers; undefined when the signal aborts. Throws what is final: without `isFinal`, a refusal. */
// oxlint-disable-next-line max-params -- what, with what, until when, and the call itself
export async function untilAnswered<T>(
  what: string,
  deps: Pick<AgentDeps, "log" | "clock"> & { readonly isFinal?: (error: unknown) => boolean },
  signal: AbortSignal,
  call: () => Promise<T>,
): Promise<T | undefined> {
  const outage = new Outage(what, deps);
  while (!signal.aborted) {
    try {
      const result = await call();
      outage.recovered();
      return result;
    } catch (error) {
      if (signal.aborted) break;
      if (deps.isFinal?.(error) ?? !isRetryable(error)) throw error;
      await outage.backOff(error, signal);
    }
  }
  return undefined;
}

/** Without permission to read it, the namespace is taken for granted. */
async function checkNamespace({ kube }: StartDeps, name: string, signal: AbortSignal): Promise<void> {
  try {
    if ((await kube.get("namespaces", { namespace: "", name }, signal)) !== undefined) return;
  } catch (error) {
    if (isForbidden(error)) return;
    throw error;
  }
  throw new MissingError(`cannot create Jobs in namespace "${name}": it does not exist`, {
    hint: `create it with: kubectl create namespace ${name}; or choose another with -n`,
  });
}

/** Logs a warning for each feature that lacks permissions. */
async function checkPermissions(
  { kube, log }: StartDeps,
  namespace: string,
  leaderElect: boolean,
): Promise<void> {
  let missing: readonly Permission[];
  try {
    missing = await missingPermissions(kube, permissionsIn(agentPermissions(leaderElect), namespace));
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return log.warn("Cannot check the agent's permissions", { error: textOf(error) });
  }
  for (const [feature, permissions] of Map.groupBy(missing, ({ feature }) => feature)) {
    log.warn(`Missing permissions for ${feature}`, { missing: namesOf(permissions), namespace });
  }
  const essential = missing.filter(({ feature }) => isEssential(feature));
  if (essential.length === 0) return;
  throw new MissingError(`cannot work in namespace "${namespace}": not allowed to ${namesOf(essential)}`, {
    hint: await grantHint(kube, namespace, leaderElect),
  });
}

/**
 * `install --rbac` gives rights to the ServiceAccount `default`, `--rbac=minimal` to the one that it makes; anybody else must be
 * bound. A server before 1.26 does not tell who one is.
 */
async function grantHint(kube: StartDeps["kube"], namespace: string, leaderElect: boolean): Promise<string> {
  const asked = await attempt(() => kube.whoAmI());
  const user = (asked.ok && asked.value?.user) || undefined;
  const ofAccount = `system:serviceaccount:${namespace}:`;
  const isDefault = user === undefined || user === `${ofAccount}default`;
  const options = `${isDefault ? "" : "--rbac=minimal "}--rbac-only${leaderElect ? " --leader-elect" : ""}`;
  const print = `kubectl prefect install ${options} -n ${namespace}`;
  if (isDefault || user === `${ofAccount}prefect-agent`)
    return `grant it with: ${print} | kubectl apply -f -`;
  return `let an administrator bind "${user}" to the Role that this prints: ${print}`;
}

class MissingError extends ExpectedError {
  override readonly exitCode = 4;
}

function namesOf(permissions: readonly Permission[]): string {
  return [...new Set(permissions.map(({ access }) => permissionName(access)))].join(", ");
}
