// What deleting means: at once, after a pod's grace, or when the last finalizer has gone.

import type { JsonObject } from "../../../src/base/json.ts";
import { modified, notFound, unmet } from "./failure.ts";
import { asPod, timestamp, withMeta } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import type { Store } from "./store.ts";
import type { Version } from "./version.ts";

/** What becomes of dependents, as DeleteOptions spells it. */
export type Propagation = "Foreground" | "Background" | "Orphan";

/** How to delete, as DeleteOptions has it. */
export interface Deletion {
  readonly propagation?: Propagation | undefined;
  /** Seconds that a running pod gets to end. */
  readonly graceSeconds?: number | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** What came of a deletion: the object on its way out, or gone already. */
export interface Deleted {
  readonly object: KubeObject;
  readonly gone: boolean;
}

/** Holds an owner until its dependents have gone. */
export const FOREGROUND = "foregroundDeletion";
/** Holds an owner until its dependents no longer name it. */
export const ORPHAN = "orphan";

/** Deletes an object as far as it goes now. Throws a 409 Failure when a precondition does not hold. */
export function deleteVersion(
  store: Store,
  version: Version,
  options: Deletion & { readonly now: Date },
): Deleted {
  checkPreconditions(version, options);
  const marked = markDeleted(version, options);
  if (options.dryRun === true) return { object: marked ?? version.object, gone: marked === undefined };
  if (marked === undefined)
    return { object: store.remove(version, onLeaving(version, options.now)).object, gone: true };
  if (marked === version.object) return { object: marked, gone: false };
  return { object: store.replace(version, marked).object, gone: false };
}

/** Stores a new version, or takes the object away when it waited only for what this version no longer has. */
export function settle(store: Store, version: Version, next: KubeObject): KubeObject {
  if (!isFinallyGone(next)) return store.replace(version, next).object;
  store.remove(version, next);
  return next;
}

/** Ends the grace of a pod whose containers have stopped; finalizers may still hold it. */
export function endGrace(store: Store, pod: Version, now: Date): void {
  const ended = withMeta(pod.object, { deletionTimestamp: timestamp(now), deletionGracePeriodSeconds: 0 });
  const stored = store.replace(pod, ended);
  if (isFinallyGone(stored.object)) store.remove(stored);
}

function isFinallyGone(object: KubeObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
  return deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0 && finalizers.length === 0;
}

function checkPreconditions(version: Version, { uid, resourceVersion }: Deletion): void {
  const { metadata } = version.object;
  if (uid !== undefined && uid !== metadata.uid) {
    const told = `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid})`;
    throw unmet(
      version.type,
      metadata.name,
      `${told}. The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    const told = `the ResourceVersion in the precondition (${resourceVersion}) does not match`;
    const record = `the ResourceVersion in record (${metadata.resourceVersion})`;
    throw unmet(version.type, metadata.name, `${told} ${record}. The object might have been modified`);
  }
}

/** The object marked for deletion, itself when it is so already, or undefined when nothing holds it. */
function markDeleted(version: Version, options: Deletion & { readonly now: Date }): KubeObject | undefined {
  const { object, type } = version;
  const { deletionTimestamp, deletionGracePeriodSeconds, generation } = object.metadata;
  const finalizers = finalizersFor(version, options.propagation ?? type.propagation);
  const grace = type.kind === "Pod" ? graceOf(object, options.graceSeconds) : 0;
  const isMarked = deletionTimestamp !== undefined;
  // A namespace goes when the garbage collector has emptied it.
  if (type.kind === "Namespace") return isMarked ? object : terminating(object, options.now);
  if (finalizers.length === 0 && grace === 0) return undefined;
  const sameFinalizers = finalizers.join() === (object.metadata.finalizers ?? []).join();
  if (isMarked && sameFinalizers && grace >= (deletionGracePeriodSeconds ?? 0)) return object;
  const later = new Date(options.now.getTime() + grace * 1_000);
  return withMeta(object, {
    deletionTimestamp: timestamp(later),
    deletionGracePeriodSeconds: grace,
    finalizers: finalizers.length === 0 ? undefined : finalizers,
    ...(type.hasGeneration && !isMarked ? { generation: (generation ?? 1) + 1 } : {}),
  });
}

function terminating(namespace: KubeObject, now: Date): KubeObject {
  return { ...withMeta(namespace, { deletionTimestamp: timestamp(now) }), status: { phase: "Terminating" } };
}

function finalizersFor(version: Version, propagation: Propagation): readonly string[] {
  const own = (version.object.metadata.finalizers ?? []).filter(
    (name) => name !== FOREGROUND && name !== ORPHAN,
  );
  if (propagation === "Foreground") return [...own, FOREGROUND];
  return propagation === "Orphan" ? [...own, ORPHAN] : own;
}

// A pod that runs nowhere, or nothing any more, has nobody to wait for.
function graceOf(object: KubeObject, asked: number | undefined): number {
  const { spec, status } = asPod(object);
  if ((spec.nodeName ?? "") === "" || status.phase === "Succeeded" || status.phase === "Failed") return 0;
  const own: unknown = object.spec?.["terminationGracePeriodSeconds"];
  return Math.max(0, asked ?? (typeof own === "number" ? own : 30));
}

// A pod leaves with the marks of its deletion, other objects as they were.
function onLeaving(version: Version, now: Date): KubeObject {
  if (version.type.kind !== "Pod") return version.object;
  const { generation = 1, deletionTimestamp } = version.object.metadata;
  return withMeta(version.object, {
    deletionTimestamp: timestamp(now),
    deletionGracePeriodSeconds: 0,
    generation: deletionTimestamp === undefined ? generation + 1 : generation,
  });
}

/** The Status that tells of a deletion, for resources that do not answer with the object. */
export function deletedStatus(version: Version): JsonObject {
  const { type, object } = version;
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: object.metadata.name,
      ...(type.group === "" ? {} : { group: type.group }),
      kind: type.plural,
      uid: object.metadata.uid,
    },
  };
}

/** The object that a write may build on. Throws 404, or 409 when the writer has seen another version. */
export function writable(store: Store, ref: Wanted): Version {
  const version = store.find(ref.type, ref.namespace, ref.name);
  if (version === undefined) throw notFound(ref.type, ref.name);
  const { resourceVersion } = version.object.metadata;
  if (ref.seen !== undefined && ref.seen !== resourceVersion) throw modified(ref.type, ref.name);
  return version;
}

/** An object by name, and the version that its writer has seen. */
export interface Wanted {
  readonly type: Version["type"];
  readonly namespace: string | undefined;
  readonly name: string;
  readonly seen?: string | undefined;
}
