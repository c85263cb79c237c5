// Asks the API server for rights, many at once, each only once.

import { Limit } from "../base/limit.ts";
import type { KubeApi } from "../kube/client/api.ts";
import type { Answer } from "./answer.ts";
import { attempt } from "./answer.ts";
import { rightKey } from "./checks/permissions.ts";
import type { RightsQuestion, WantedRight } from "./checks/permissions.ts";

const AT_ONCE = 16;

/** Which of the rights are granted, by rightKey. One question that fails ends them all: the next would fail alike. */
export function askRights(
  kube: Pick<KubeApi, "canI" | "subjectAccessReview">,
  { who }: Pick<RightsQuestion, "who">,
  given: { readonly wanted: readonly WantedRight[]; readonly signal: AbortSignal },
): Promise<Answer<ReadonlyMap<string, boolean>>> {
  const unique = new Map(given.wanted.map(({ access }) => [rightKey(access), access]));
  const limit = new Limit(AT_ONCE);
  const stop = new AbortController();
  const signal = AbortSignal.any([given.signal, stop.signal]);
  return attempt(async () => {
    try {
      const answers = [...unique].map(([key, access]) =>
        limit.run(async (): Promise<[string, boolean]> => {
          signal.throwIfAborted();
          return [
            key,
            await (who === undefined
              ? kube.canI(access, signal)
              : kube.subjectAccessReview(who, access, signal)),
          ];
        }),
      );
      return new Map(await Promise.all(answers));
    } finally {
      stop.abort();
    }
  });
}
