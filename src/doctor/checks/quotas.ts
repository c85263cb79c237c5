// Used-up ResourceQuotas of the namespace: new pods of flow runs are then refused.

import { objectIn, textIn } from "../../base/json.ts";
import { parseQuantity } from "../../base/quantity.ts";
import { listAll } from "../../kube/client/api.ts";
import type { AnyObject } from "../../kube/client/objects.ts";
import { checkOf, counted, kubectl } from "../finding.ts";

const { check, ok, warning } = checkOf({ section: "flow runs", check: "quota" });
/** The resources that Jobs and their pods use. */
const JOB_RESOURCES = /^(?:pods|cpu|memory|(?:requests|limits)\..*|count\/(?:pods|jobs\.batch))$/;

export const quotas = check(async ({ kubernetes, signal }) => {
  const { kube, namespace } = await kubernetes.cluster();
  const found = await Array.fromAsync(listAll(kube, "resourcequotas", { namespace, signal }));
  const full = found.filter((quota) => exhaustedIn(quota).length > 0);
  if (full.length === 0) return [ok(`${counted(found.length, "quota")}, none used up`)];
  return full.map((quota) => {
    const { name } = quota.metadata;
    const resources = exhaustedIn(quota).join(", ");
    return warning(`"${name}" is used up (${resources}), so no more pods of flow runs can start`, {
      hint: "wait for pods to terminate, clean up, or raise the quota",
      look: kubectl(`describe quota ${name}`, namespace),
    });
  });
});

/** `pods 10 of 10`, for each used-up resource. */
export function exhaustedIn({ status = {} }: Pick<AnyObject, "status">): readonly string[] {
  const used = objectIn(status["used"]);
  return Object.entries(objectIn(status["hard"])).flatMap(([resource, limit]) => {
    const [usedText = "", limitText = ""] = [textIn(used[resource]), textIn(limit)];
    const [taken, total] = [parseQuantity(usedText), parseQuantity(limitText)];
    if (!JOB_RESOURCES.test(resource) || taken === undefined || total === undefined) return [];
    return taken >= total ? [`${resource} ${usedText} of ${limitText}`] : [];
  });
}
