// What the API server fills in when an object is created.

import { Buffer } from "node:buffer";
import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { KubeObject } from "./kube-object.ts";
import { withMeta } from "./kube-object.ts";

/** The new object, complete. Its status is the server's, not the sender's, where the resource has /status. */
export function withDefaults(object: KubeObject, kind: string): KubeObject {
  switch (kind) {
    case "Job":
      return { ...jobDefaults(object), status: {} };
    case "Pod":
      return { ...object, spec: podSpec(objectIn(object.spec), true), status: newPodStatus(object) };
    case "Service":
      return { ...object, spec: serviceSpec(objectIn(object.spec)), status: { loadBalancer: {} } };
    case "PodDisruptionBudget":
      return {
        ...object,
        status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      };
    case "Namespace":
      return namespaceDefaults(object);
    case "Event":
      return eventDefaults(object);
    case "Secret":
      return secretDefaults(object);
    default:
      return object;
  }
}

/** The labels by which a Job's pods are found. */
function jobLabels(name: string, uid: string): Readonly<Record<string, string>> {
  return {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
}

function jobDefaults(object: KubeObject): KubeObject {
  const { uid, name, labels } = object.metadata;
  const given = objectIn(object.spec);
  const template = objectIn(given["template"]);
  const templateMeta = objectIn(template["metadata"]);
  const podLabels = { ...objectIn(templateMeta["labels"]), ...jobLabels(name, uid) };
  const parallelism = given["parallelism"] ?? 1;
  const spec = {
    ...given,
    parallelism,
    // With a parallelism and no completions, a Job is a queue of work without a count.
    ...(given["completions"] === undefined && given["parallelism"] !== undefined
      ? {}
      : { completions: given["completions"] ?? 1 }),
    backoffLimit: given["backoffLimit"] ?? 6,
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } },
    manualSelector: false,
    template: {
      ...template,
      metadata: { ...templateMeta, labels: podLabels },
      spec: podSpec(objectIn(template["spec"]), false),
    },
    completionMode: given["completionMode"] ?? "NonIndexed",
    suspend: given["suspend"] ?? false,
    podReplacementPolicy:
      given["podReplacementPolicy"] ??
      (given["podFailurePolicy"] === undefined ? "TerminatingOrFailed" : "Failed"),
  };
  const isBare = labels === undefined || Object.keys(labels).length === 0;
  return { ...withMeta(object, { labels: isBare ? podLabels : labels }), spec };
}

/** A pod's spec with its defaults; `real` adds what only a pod gets, not a template. */
export function podSpec(spec: JsonObject, real: boolean): JsonObject {
  const account = textIn(spec["serviceAccountName"]) ?? textIn(spec["serviceAccount"]) ?? "default";
  return {
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
    ...(real ? { restartPolicy: "Always", enableServiceLinks: true, priority: 0 } : {}),
    ...spec,
    ...(real ? { serviceAccountName: account, serviceAccount: account } : {}),
    containers: arrayIn(spec["containers"]).map((container) => containerDefaults(objectIn(container))),
    ...(spec["initContainers"] === undefined
      ? {}
      : { initContainers: arrayIn(spec["initContainers"]).map((one) => containerDefaults(objectIn(one))) }),
  };
}

function containerDefaults(container: JsonObject): JsonObject {
  return {
    ...container,
    resources: container["resources"] ?? {},
    terminationMessagePath: container["terminationMessagePath"] ?? "/dev/termination-log",
    terminationMessagePolicy: container["terminationMessagePolicy"] ?? "File",
    imagePullPolicy: container["imagePullPolicy"] ?? pullPolicy(textIn(container["image"]) ?? ""),
  };
}

function pullPolicy(image: string): string {
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return image.includes("@") || (tag !== undefined && tag !== "latest") ? "IfNotPresent" : "Always";
}

function newPodStatus(pod: KubeObject): JsonObject {
  const hasResources = arrayIn(objectIn(pod.spec)["containers"]).some((container) => {
    const resources = objectIn(objectIn(container)["resources"]);
    return (
      Object.keys(objectIn(resources["limits"])).length +
        Object.keys(objectIn(resources["requests"])).length >
      0
    );
  });
  return { phase: "Pending", qosClass: hasResources ? "Burstable" : "BestEffort" };
}

function serviceSpec(spec: JsonObject): JsonObject {
  return {
    clusterIP: "10.0.0.10",
    clusterIPs: ["10.0.0.10"],
    type: "ClusterIP",
    sessionAffinity: "None",
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
    internalTrafficPolicy: "Cluster",
    ...spec,
    ports: arrayIn(spec["ports"]).map((value) => {
      const port = objectIn(value);
      return { protocol: "TCP", targetPort: port["port"], ...port };
    }),
  };
}

function namespaceDefaults(object: KubeObject): KubeObject {
  const labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  return {
    ...withMeta(object, { labels }),
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}

function eventDefaults(object: KubeObject): KubeObject {
  const involved = objectIn(object["involvedObject"]);
  return {
    ...object,
    involvedObject: { namespace: object.metadata.namespace, ...involved },
    source: object["source"] ?? {},
    firstTimestamp: object["firstTimestamp"] ?? null,
    lastTimestamp: object["lastTimestamp"] ?? null,
    eventTime: object["eventTime"] ?? null,
    reportingComponent: object["reportingComponent"] ?? "",
    reportingInstance: object["reportingInstance"] ?? "",
  };
}

function secretDefaults(object: KubeObject): KubeObject {
  const { stringData, data, ...rest } = object;
  const encoded = Object.entries(objectIn(stringData)).map(
    ([key, value]) => [key, Buffer.from(String(value)).toString("base64")] as const,
  );
  return {
    ...rest,
    data: { ...objectIn(data), ...Object.fromEntries(encoded) },
    type: object["type"] ?? "Opaque",
  };
}
