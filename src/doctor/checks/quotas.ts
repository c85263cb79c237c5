// Used-up ResourceQuotas of the namespace: new pods of flow runs are then refused.

import { parseQuantity } from "../../base/quantity.ts";
import { objectIn, textIn } from "../../base/json.ts";
import type { AnyObject } from "../../kube/client/objects.ts";
import type { Answer } from "../answer.ts";
import { isForbidden, failedRequestFinding } from "../answer.ts";
import type { Finding } from "../finding.ts";
import { counted } from "../finding.ts";

const SECTION = "flow runs";
/** The resources that Jobs and their pods use. */
const JOB_RESOURCES = /^(?:pods|cpu|memory|(?:requests|limits)\..*|count\/(?:pods|jobs\.batch))$/;

/** One finding for each used-up quota; an ok finding if there is none. */
export function quotaFindings(quotas: Answer<readonly AnyObject[]>): readonly Finding[] {
  const about = { section: SECTION, check: "quota" } as const;
  if (!quotas.ok) {
    if (!isForbidden(quotas.error)) return [failedRequestFinding(about, quotas.error)];
    return [{ ...about, status: "skipped", message: "no permission to list ResourceQuotas" }];
  }
  const full = quotas.value.flatMap((quota): readonly Finding[] => {
    const exhausted = exhaustedIn(quota);
    if (exhausted.length === 0) return [];
    const { name, namespace } = quota.metadata;
    return [
      {
        ...about,
        status: "warning",
        message: `"${name}" is used up (${exhausted.join(", ")}), so no more pods of flow runs can start`,
        hint: `wait for pods to terminate, run kubectl prefect cleanup, or raise it: kubectl edit resourcequota ${name} -n ${namespace}`,
      },
    ];
  });
  if (full.length > 0) return full;
  if (quotas.value.length === 0) return [{ ...about, status: "ok", message: "no quota in the namespace" }];
  return [{ ...about, status: "ok", message: `${counted(quotas.value.length, "quota")}, not used up` }];
}

/** `pods 10 of 10`, for each used-up resource. */
function exhaustedIn({ status = {} }: AnyObject): readonly string[] {
  const used = objectIn(status["used"]);
  return Object.entries(objectIn(status["hard"])).flatMap(([resource, limit]) => {
    const [usedText, limitText] = [textIn(used[resource]), textIn(limit)];
    if (!JOB_RESOURCES.test(resource) || usedText === undefined || limitText === undefined) return [];
    const [taken, total] = [parseQuantity(usedText), parseQuantity(limitText)];
    return taken !== undefined && total !== undefined && taken >= total
      ? [`${resource} ${usedText} of ${limitText}`]
      : [];
  });
}
