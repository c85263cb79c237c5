// All objects of the fake, their versions, and the history from which watches start.

import { withMeta } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import type { ResourceType } from "./resources.ts";
import { SortedKeys } from "./sorted-keys.ts";
import { Change, keyOf, Version } from "./version.ts";

/** Told of every change, in order. It must not write to the store before it returns: later listeners come after it. */
export type Listener = (change: Change) => void;

interface Shelf {
  readonly versions: Map<string, Version>;
  readonly keys: SortedKeys;
  readonly listeners: Set<Listener>;
  history: Change[];
  /** The last resourceVersion that history does not reach. */
  forgotten: number;
}

/** Where counting starts, so that small resourceVersions are too old at once. */
const FIRST_VERSION = 1_000;

/** Holds the objects. Every write makes a version and tells the listeners; nothing here waits or fails. */
export class Store {
  readonly #shelves = new Map<ResourceType, Shelf>();
  readonly #byUid = new Map<string, Version>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #listeners = new Set<Listener>();
  readonly #historySize: number;
  #at = FIRST_VERSION;

  /** Keeps the last `historySize` changes of each resource. */
  constructor(historySize: number) {
    this.#historySize = historySize;
  }

  /** The current resourceVersion. */
  get at(): number {
    return this.#at;
  }

  find(type: ResourceType, namespace: string | undefined, name: string): Version | undefined {
    return this.#shelf(type).versions.get(keyOf(namespace, name));
  }

  /** The object with this uid, as it is now. */
  byUid(uid: string): Version | undefined {
    return this.#byUid.get(uid);
  }

  /** The objects that name this uid as their owner. */
  dependents(uid: string): readonly Version[] {
    const uids = this.#dependents.get(uid) ?? [];
    return Array.from(uids, (dependent) => this.#byUid.get(dependent)).filter(
      (version) => version !== undefined,
    );
  }

  /** The objects of a resource, of one namespace or of all, in the order of a list. */
  all(type: ResourceType, namespace?: string): readonly Version[] {
    const { keys, versions } = this.#shelf(type);
    const wanted = keys.startingWith(namespace === undefined ? "" : `${namespace}/`);
    return wanted.map((key) => versions.get(key)).filter((version) => version !== undefined);
  }

  /** Stores a new object. The caller has seen that there is none of its name. */
  add(type: ResourceType, object: KubeObject): Version {
    const version = this.#next(type, object);
    this.#shelf(type).keys.add(version.key);
    this.#put(version);
    this.#tell(new Change("ADDED", version));
    return version;
  }

  /** Stores the next version of an object. */
  replace(previous: Version, object: KubeObject): Version {
    const version = this.#next(previous.type, object);
    this.#forgetOwners(previous);
    this.#put(version);
    this.#tell(new Change("MODIFIED", version, previous));
    return version;
  }

  /** Takes an object away; `last` is its state on leaving. */
  remove(previous: Version, last: KubeObject = previous.object): Version {
    const version = this.#next(previous.type, last);
    const shelf = this.#shelf(previous.type);
    shelf.versions.delete(previous.key);
    shelf.keys.remove(previous.key);
    this.#byUid.delete(previous.object.metadata.uid);
    this.#forgetOwners(previous);
    this.#tell(new Change("DELETED", version, previous));
    return version;
  }

  /** Every change after a resourceVersion, or undefined when history no longer reaches back to it. */
  changesAfter(type: ResourceType, at: number): readonly Change[] | undefined {
    const { history, forgotten } = this.#shelf(type);
    if (at < forgotten) return undefined;
    let first = history.length;
    while (first > 0 && (history[first - 1]?.version.at ?? 0) > at) first--;
    return history.slice(first);
  }

  /** The oldest resourceVersion from which a watch of the resource can start. */
  oldest(type: ResourceType): number {
    return this.#shelf(type).forgotten;
  }

  /** Forgets all history, as etcd does every few minutes. */
  compact(): void {
    for (const shelf of this.#shelves.values()) {
      shelf.history = [];
      shelf.forgotten = this.#at;
    }
  }

  /** Tells of the changes of one resource, or of all. The answer ends it. */
  listen(type: ResourceType | undefined, listener: Listener): () => void {
    const listeners = type === undefined ? this.#listeners : this.#shelf(type).listeners;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  #shelf(type: ResourceType): Shelf {
    let shelf = this.#shelves.get(type);
    if (shelf === undefined) {
      shelf = {
        versions: new Map(),
        keys: new SortedKeys(),
        listeners: new Set(),
        history: [],
        forgotten: FIRST_VERSION,
      };
      this.#shelves.set(type, shelf);
    }
    return shelf;
  }

  #next(type: ResourceType, object: KubeObject): Version {
    this.#at++;
    return new Version(type, withMeta(object, { resourceVersion: String(this.#at) }), this.#at);
  }

  #put(version: Version): void {
    const { uid, ownerReferences = [] } = version.object.metadata;
    this.#shelf(version.type).versions.set(version.key, version);
    this.#byUid.set(uid, version);
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
  }

  #forgetOwners(version: Version): void {
    const { uid, ownerReferences = [] } = version.object.metadata;
    for (const owner of ownerReferences) {
      const dependents = this.#dependents.get(owner.uid);
      dependents?.delete(uid);
      if (dependents?.size === 0) this.#dependents.delete(owner.uid);
    }
  }

  #tell(change: Change): void {
    const shelf = this.#shelf(change.version.type);
    shelf.history.push(change);
    // Trimmed in large steps: taking one entry off the front of an array each time would move all the others.
    if (shelf.history.length > 2 * this.#historySize) {
      shelf.history = shelf.history.slice(-this.#historySize);
      shelf.forgotten = (shelf.history[0]?.version.at ?? this.#at) - 1;
    }
    for (const listener of shelf.listeners) listener(change);
    for (const listener of this.#listeners) listener(change);
    change.slim();
  }
}
