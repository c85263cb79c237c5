// The agent asks at its start what it may do, and says exactly what is missing and which feature is off.

import { ExpectedError, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Limit } from "../base/limit.ts";
import type { Access, KubeApi } from "../kube/client/api.ts";
import type { AccessRow, Feature } from "../kube/permissions.ts";
import { agentAccess } from "../kube/permissions.ts";
import { KubeError } from "../kube/client/errors.ts";

/** Without these the agent is none. */
const ESSENTIAL: readonly Feature[] = ["launching flow runs", "following flow runs"];
const AT_ONCE = 8;

export interface MissingRight {
  readonly access: Access;
  readonly feature: Feature;
}

/** The rights that this user lacks in the namespace. Throws KubeError when the question is not answered. */
export async function missingRights(
  kube: Pick<KubeApi, "canI">,
  namespace: string,
  rows: readonly AccessRow[],
): Promise<MissingRight[]> {
  const limit = new Limit(AT_ONCE);
  const wanted = rows.flatMap(({ group, resource, subresource, verbs, feature }) =>
    verbs.map((verb) => ({ access: { verb, group, resource, subresource, namespace }, feature })),
  );
  const answers = await Promise.all(wanted.map(({ access }) => limit.run(() => kube.canI(access))));
  return wanted.filter((_, at) => answers[at] !== true);
}

/** Says what is missing. Throws when without it nothing can be launched or followed; an unanswered question is no reason to stop. */
export async function checkPermissions(
  deps: { readonly kube: KubeApi; readonly log: Log },
  namespace: string,
  leaderElect: boolean,
): Promise<void> {
  let missing: MissingRight[];
  try {
    missing = await missingRights(deps.kube, namespace, agentAccess(leaderElect));
  } catch (error) {
    if (error instanceof KubeError && error.status === 401) throw error;
    return deps.log.warn("Could not ask for the agent's own rights", { error: textOf(error) });
  }
  const byFeature = Map.groupBy(missing, ({ feature }) => feature);
  for (const [feature, rights] of byFeature) {
    deps.log.warn(`Without these rights there is no ${feature}`, {
      missing: rights.map(nameOf).join(", "),
      namespace,
    });
  }
  const fatal = [...byFeature.keys()].filter(
    (feature) => ESSENTIAL.includes(feature) || feature === "leader election",
  );
  if (fatal.length === 0) return;
  const rights = missing.filter(({ feature }) => fatal.includes(feature)).map(nameOf);
  throw new RightsError(
    `cannot work in namespace "${namespace}": not allowed to ${[...new Set(rights)].join(", ")}`,
  );
}

class RightsError extends ExpectedError {
  override readonly exitCode = 4;

  constructor(message: string) {
    super(message, { hint: "grant them with: kubectl prefect install --rbac=minimal | kubectl apply -f -" });
  }
}

function nameOf({ access: { verb, group, resource, subresource } }: MissingRight): string {
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return `${verb} ${group === "" ? name : `${name}.${group}`}`;
}
