// Asks the API server for permissions: many at once, each once.

import PQueue from "p-queue";
import type { KubeApi } from "./client/api.ts";
import { permissionName, type Permission, type Subject } from "./permissions.ts";

const CONCURRENCY = 16;

/**
 * The permissions that somebody lacks; `who` undefined: the user that asks. Throws KubeError at the first question that is
 * not answered, and asks no more.
 */
export async function missingPermissions(
  kube: Pick<KubeApi, "canI">,
  permissions: readonly Permission[],
  { who, signal }: { readonly who?: Subject | undefined; readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Permission[]> {
  const distinct = new Map(permissions.map(({ access }) => [permissionName(access), access]));
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  try {
    const denied = await Promise.all(
      [...distinct].map(([name, access]) =>
        queue.add(async () => {
          either.throwIfAborted();
          return (await kube.canI(access, either, who)) ? [] : [name];
        }),
      ),
    );
    const names = new Set(denied.flat());
    return permissions.filter(({ access }) => names.has(permissionName(access)));
  } finally {
    stop.abort();
  }
}
