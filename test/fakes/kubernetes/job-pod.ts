// The pod that a Job makes from its template.

import type { Clock } from "../../../src/base/clock.ts";
import { objectIn } from "../../../src/base/json.ts";
import { podSpec, withDefaults } from "./defaults.ts";
import { TRACKING } from "./job-plan.ts";
import { timestamp } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import { generatedName, newUid } from "./unique.ts";

/** A new pod of a Job, not stored yet. */
export function podOf(job: KubeObject, clock: Pick<Clock, "now">): KubeObject {
  const { name, namespace = "default", uid } = job.metadata;
  const template = objectIn(objectIn(job.spec)["template"]);
  const { labels, annotations } = objectIn(template["metadata"]);
  const metadata = {
    name: generatedName(`${name}-`),
    generateName: `${name}-`,
    namespace,
    uid: newUid(),
    resourceVersion: "",
    generation: 1,
    creationTimestamp: timestamp(clock.now()),
    labels: labels as Record<string, string>,
    ...(annotations === undefined ? {} : { annotations: annotations as Record<string, string> }),
    ownerReferences: [
      { apiVersion: "batch/v1", kind: "Job", name, uid, controller: true, blockOwnerDeletion: true },
    ],
    finalizers: [TRACKING],
  };
  return withDefaults({ metadata, spec: podSpec(objectIn(template["spec"]), true) }, "Pod");
}
