// What may not change once an object exists; the causes of a 422 for an update.

import { isDeepStrictEqual } from "node:util";
import { objectIn } from "../../../src/base/json.ts";
import type { Cause } from "./failure.ts";
import type { KubeObject } from "./kube-object.ts";
import type { ResourceType } from "./resources.ts";
import { wrong } from "./validate.ts";

const FIXED_IN_JOBS = ["template", "completions", "selector", "completionMode", "podFailurePolicy"];
const POD_RULE =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`," +
  "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)," +
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** What is wrong with going from one version to the next; nothing when the change is allowed. */
export function changeFaults(before: KubeObject, after: KubeObject, type: ResourceType): readonly Cause[] {
  const causes = finalizerFaults(before, after);
  if (type.kind === "Job") causes.push(...jobFaults(before, after));
  if (type.kind === "Pod" && hasOtherPodSpec(before, after)) causes.push(denied("spec", POD_RULE));
  return causes;
}

function finalizerFaults(before: KubeObject, after: KubeObject): Cause[] {
  if (before.metadata.deletionTimestamp === undefined) return [];
  const known = before.metadata.finalizers ?? [];
  const added = (after.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  const rule = "no new finalizers can be added if the object is being deleted, found new finalizers";
  return [denied("metadata.finalizers", `${rule} []string{${list}}`)];
}

function jobFaults(before: KubeObject, after: KubeObject): readonly Cause[] {
  const old = objectIn(before.spec);
  const next = objectIn(after.spec);
  // A suspended Job that never started may still get other scheduling directives.
  const isOpen = old["suspend"] === true && objectIn(before.status)["startTime"] === undefined;
  return FIXED_IN_JOBS.filter(
    (field) => !isDeepStrictEqual(part(old, field, isOpen), part(next, field, isOpen)),
  ).map((field) => wrong(`spec.${field}`, next[field], "field is immutable"));
}

function part(spec: Readonly<Record<string, unknown>>, field: string, isOpen: boolean): unknown {
  if (field !== "template" || !isOpen) return spec[field];
  const podSpec = objectIn(objectIn(spec["template"])["spec"]);
  return podSpec["containers"];
}

function hasOtherPodSpec(before: KubeObject, after: KubeObject): boolean {
  return !isDeepStrictEqual(fixedPodSpec(before), fixedPodSpec(after));
}

function fixedPodSpec(pod: KubeObject): unknown {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, ...spec } = objectIn(pod.spec);
  return {
    ...spec,
    containers: withoutImages(spec["containers"]),
    initContainers: withoutImages(spec["initContainers"]),
  };
}

function withoutImages(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container) => ({ ...objectIn(container), image: undefined }));
}

function denied(field: string, rule: string): Cause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${rule}`, field };
}
