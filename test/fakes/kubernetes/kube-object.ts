// A Kubernetes object as the fake stores it: metadata is known, the rest is whatever was sent.

import type { JsonObject } from "../../../src/base/json.ts";
import type { Job, OwnerReference, Pod } from "../../../src/kube/client/objects.ts";

/** Metadata of a stored object. */
export interface ObjectMeta extends JsonObject {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly Owner[];
  readonly finalizers?: readonly string[];
}

/** An owner, with the mark that makes a Foreground deletion of it wait for this object. */
export interface Owner extends OwnerReference {
  readonly blockOwnerDeletion?: boolean;
}

/** A stored object. It is never changed in place: each write makes a new one. */
export interface KubeObject extends JsonObject {
  readonly metadata: ObjectMeta;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
}

/** The object with these metadata fields put over its own; undefined takes a field away. */
export function withMeta(
  object: KubeObject,
  fields: { readonly [Key in keyof ObjectMeta]?: unknown },
): KubeObject {
  const metadata: Record<string, unknown> = { ...object.metadata, ...fields };
  for (const key of Object.keys(fields)) if (metadata[key] === undefined) delete metadata[key];
  return { ...object, metadata: metadata as ObjectMeta };
}

/** The object without one of its finalizers. */
export function withoutFinalizer(object: KubeObject, finalizer: string): KubeObject {
  const rest = (object.metadata.finalizers ?? []).filter((other) => other !== finalizer);
  return withMeta(object, { finalizers: rest.length === 0 ? undefined : rest });
}

/** The object as a Job; the caller knows that it comes from the Jobs. */
export function asJob(object: KubeObject): Job {
  return { ...object, status: object.status ?? {} } as unknown as Job;
}

/** The object as a pod; the caller knows that it comes from the pods. */
export function asPod(object: KubeObject): Pod {
  return { ...object, status: object.status ?? {} } as unknown as Pod;
}

/** A moment as Kubernetes writes it: whole seconds, UTC. */
export function timestamp(at: Date): string {
  return `${at.toISOString().slice(0, 19)}Z`;
}

/** A moment as leases and events write it: microseconds, UTC. */
export function microTime(at: Date): string {
  return `${at.toISOString().slice(0, 23)}000Z`;
}
