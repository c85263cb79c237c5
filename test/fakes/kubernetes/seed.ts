// What is there from the start, and objects that are put there without a request.

import type { Clock } from "../../../src/base/clock.ts";
import { objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { withDefaults } from "./defaults.ts";
import { timestamp } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import { NODE } from "./pod-outcomes.ts";
import { resourceNamed } from "./resources.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";
import { newUid } from "./unique.ts";

type Now = Pick<Clock, "now">;

/** Stores an object as given, its metadata completed; what a given status says counts. */
export function seedObject(
  store: Store,
  clock: Now,
  given: { type: ResourceType; object: JsonObject },
): KubeObject {
  const { type, object } = given;
  const sent = objectIn(object["metadata"]);
  const namespace = type.namespaced ? (textIn(sent["namespace"]) ?? "default") : undefined;
  const name = textIn(sent["name"]) ?? "";
  const before = store.find(type, namespace, name);
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: before?.object.metadata.uid ?? newUid(),
    resourceVersion: "",
    creationTimestamp: before?.object.metadata.creationTimestamp ?? timestamp(clock.now()),
    ...(type.hasGeneration ? { generation: 1 } : {}),
    ...sent,
  };
  const complete = withDefaults({ ...object, metadata }, type.kind);
  const shown =
    object["status"] === undefined ? complete : { ...complete, status: objectIn(object["status"]) };
  return (before === undefined ? store.add(type, shown) : store.replace(before, shown)).object;
}

/** Adds a namespace. */
export function addNamespace(store: Store, clock: Now, name: string): void {
  seedObject(store, clock, { type: resourceNamed("namespaces"), object: { metadata: { name } } });
}

/** Adds the one node. */
export function addNode(store: Store, clock: Now): void {
  const at = timestamp(clock.now());
  const ready = {
    type: "Ready",
    status: "True",
    lastHeartbeatTime: at,
    lastTransitionTime: at,
    reason: "KubeletReady",
  };
  const status = {
    capacity: { cpu: "2", memory: "8Gi", pods: "110" },
    conditions: [ready],
    addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
  };
  const metadata = { name: NODE, labels: { "kubernetes.io/hostname": NODE } };
  seedObject(store, clock, { type: resourceNamed("nodes"), object: { metadata, spec: {}, status } });
}

/** Gives every new namespace its ServiceAccount `default`, until stopped. */
export function keepAccounts(store: Store, clock: Now): { stop: () => void } {
  const type = resourceNamed("serviceaccounts");
  const give = (namespace: string): void => {
    const home = store.find(resourceNamed("namespaces"), undefined, namespace);
    if (home === undefined || home.object.metadata.deletionTimestamp !== undefined) return;
    if (store.find(type, namespace, "default") !== undefined) return;
    seedObject(store, clock, { type, object: { metadata: { name: "default", namespace } } });
  };
  const stop = store.listen(resourceNamed("namespaces"), ({ kind, version }) => {
    // Not now: the others are still being told of the namespace.
    if (kind === "ADDED") queueMicrotask(() => give(version.object.metadata.name));
  });
  return { stop };
}
