// Quotas of the namespace that are used up: new pods of flow runs are then refused.

import { parseQuantity } from "../../base/quantity.ts";
import { objectIn, textIn } from "../../base/json.ts";
import type { AnyObject } from "../../kube/client/objects.ts";
import type { Answer } from "../answer.ts";
import { isForbidden, unanswered } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted } from "../finding.ts";

const SECTION = "flow runs";
/** What Jobs and their pods count against. */
const OURS = /^(?:pods|cpu|memory|(?:requests|limits)\..*|count\/(?:pods|jobs\.batch))$/;

/** A finding for each quota that is used up; one that there is room where there is any quota. */
export function quotaFindings(quotas: Answer<readonly AnyObject[]>): readonly Finding[] {
  const about = { section: SECTION, check: "quota" } as const;
  if (!quotas.ok) {
    if (!isForbidden(quotas.error)) return [unanswered(about, quotas.error)];
    return [{ ...about, status: "skipped", message: "not allowed to list ResourceQuotas" }];
  }
  const full = quotas.value.flatMap((quota): readonly Finding[] => {
    const spent = spentIn(quota);
    if (spent.length === 0) return [];
    const { name, namespace } = quota.metadata;
    return [
      {
        ...about,
        status: "warning",
        message: `"${name}" is used up (${spent.join(", ")}): no more pods of flow runs can start`,
        hint: `wait for pods to end, remove what is left over, or raise it: kubectl edit resourcequota ${name} -n ${namespace}`,
      },
    ];
  });
  if (full.length > 0) return full;
  if (quotas.value.length === 0) return [{ ...about, status: "ok", message: "the namespace has none" }];
  return [{ ...about, status: "ok", message: `${counted(quotas.value.length, "quota")}, with room` }];
}

/** `pods 10 of 10`, for each resource of which nothing is left. */
function spentIn({ status = {} }: AnyObject): readonly string[] {
  const used = objectIn(status["used"]);
  return Object.entries(objectIn(status["hard"])).flatMap(([resource, limit]) => {
    const [has, may] = [textIn(used[resource]), textIn(limit)];
    if (!OURS.test(resource) || has === undefined || may === undefined) return [];
    const [taken, total] = [parseQuantity(has), parseQuantity(may)];
    return taken !== undefined && total !== undefined && taken >= total
      ? [`${resource} ${has} of ${may}`]
      : [];
  });
}
