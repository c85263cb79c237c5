// Owners and dependents: what an owner's deletion does to the objects that name it, and their going to it.
// Namespaces are owners too, of all that is in them.

import type { Clock } from "../../../src/base/clock.ts";
import { deleteVersion, FOREGROUND, ORPHAN, settle } from "./deletion.ts";
import { withMeta, withoutFinalizer } from "./kube-object.ts";
import { RESOURCES, resourceNamed } from "./resources.ts";
import { Soon } from "./soon.ts";
import type { Store } from "./store.ts";
import type { Change, Version } from "./version.ts";

/** Deletes what a deleted owner leaves, and lets go an owner that waits for it. Always on, as in a cluster. */
export class GarbageCollector {
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;
  readonly #uids: Soon;
  readonly #namespaces = resourceNamed("namespaces");
  readonly #unlisten: () => void;

  constructor(store: Store, clock: Pick<Clock, "now" | "soon">) {
    this.#store = store;
    this.#clock = clock;
    this.#uids = new Soon(clock, (uid) => this.#collect(uid));
    this.#unlisten = store.listen(undefined, (change) => this.#note(change));
  }

  stop(): void {
    this.#unlisten();
    this.#uids.stop();
  }

  #note(change: Change): void {
    const { metadata } = change.version.object;
    if (change.kind === "DELETED") {
      for (const owner of metadata.ownerReferences ?? []) this.#uids.add(owner.uid);
      const home = this.#store.find(this.#namespaces, undefined, metadata.namespace ?? "");
      if (home?.object.metadata.deletionTimestamp !== undefined) this.#uids.add(home.object.metadata.uid);
    }
    if (change.kind === "DELETED" || metadata.deletionTimestamp !== undefined) this.#uids.add(metadata.uid);
  }

  #collect(uid: string): void {
    const owner = this.#store.byUid(uid);
    if (owner === undefined) {
      for (const dependent of this.#store.dependents(uid)) this.#abandon(dependent, uid);
      return;
    }
    if (owner.object.metadata.deletionTimestamp === undefined) return;
    if (owner.type === this.#namespaces) this.#empty(owner);
    const finalizers = owner.object.metadata.finalizers ?? [];
    if (finalizers.includes(ORPHAN)) this.#orphan(owner);
    else if (finalizers.includes(FOREGROUND)) this.#clear(owner);
  }

  /** The owner has gone: so does the dependent, unless another owner is left. */
  #abandon(dependent: Version, uid: string): void {
    const owners = dependent.object.metadata.ownerReferences ?? [];
    const living = owners.filter((owner) => owner.uid !== uid && this.#store.byUid(owner.uid) !== undefined);
    if (living.length > 0)
      this.#store.replace(dependent, withMeta(dependent.object, { ownerReferences: living }));
    else this.#delete(dependent);
  }

  #orphan(owner: Version): void {
    const { uid } = owner.object.metadata;
    for (const dependent of this.#store.dependents(uid)) {
      const rest = (dependent.object.metadata.ownerReferences ?? []).filter((other) => other.uid !== uid);
      const ownerReferences = rest.length === 0 ? undefined : rest;
      this.#store.replace(dependent, withMeta(dependent.object, { ownerReferences }));
    }
    this.#release(owner, ORPHAN);
  }

  /** Foreground: the dependents go first, and the owner when none is left that blocks it. */
  #clear(owner: Version): void {
    const { uid } = owner.object.metadata;
    for (const dependent of this.#store.dependents(uid)) {
      if (dependent.object.metadata.deletionTimestamp === undefined) this.#delete(dependent);
    }
    const isBlocked = this.#store
      .dependents(uid)
      .some(({ object }) =>
        object.metadata.ownerReferences?.some(
          (other) => other.uid === uid && other.blockOwnerDeletion === true,
        ),
      );
    if (!isBlocked) this.#release(owner, FOREGROUND);
  }

  #empty(namespace: Version): void {
    const { name } = namespace.object.metadata;
    const inside = RESOURCES.filter((type) => type.namespaced).flatMap((type) => this.#store.all(type, name));
    for (const version of inside) this.#delete(version);
    const isEmpty = RESOURCES.every((type) => !type.namespaced || this.#store.all(type, name).length === 0);
    if (isEmpty) this.#store.remove(namespace);
  }

  #delete(version: Version): void {
    deleteVersion(this.#store, version, { propagation: "Background", now: this.#clock.now() });
  }

  #release(owner: Version, finalizer: string): void {
    const current = this.#store.byUid(owner.object.metadata.uid);
    if (current !== undefined) settle(this.#store, current, withoutFinalizer(current.object, finalizer));
  }
}
