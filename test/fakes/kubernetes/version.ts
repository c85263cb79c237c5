// One version of one object, and one change from a version to the next. Both turn themselves into JSON at
// most once while they are current, however many lists and watches send them.

import { apiVersionOf } from "./resources.ts";
import type { ResourceType } from "./resources.ts";
import type { KubeObject } from "./kube-object.ts";

/** An object at a resourceVersion. Immutable. */
export class Version {
  readonly type: ResourceType;
  readonly object: KubeObject;
  /** The resourceVersion as a number. */
  readonly at: number;
  #json: string | undefined;

  constructor(type: ResourceType, object: KubeObject, at: number) {
    this.type = type;
    this.object = object;
    this.at = at;
  }

  /** Sorts objects as etcd does: by namespace, then by name. */
  get key(): string {
    return keyOf(this.object.metadata.namespace, this.object.metadata.name);
  }

  /** JSON with kind and apiVersion, as a GET and a watch send it. */
  get json(): string {
    return `{"kind":"${this.type.kind}","apiVersion":"${apiVersionOf(this.type)}",${this.#rest().slice(1)}`;
  }

  /** JSON as an item of a list: built-in types leave out kind and apiVersion there. */
  get item(): string {
    return this.type.custom ? this.json : this.#rest();
  }

  /** Gives the text back to memory; it is made again if anybody asks. */
  slim(): void {
    this.#json = undefined;
  }

  #rest(): string {
    if (this.#json === undefined) {
      const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = this.object;
      this.#json = JSON.stringify({ metadata, ...rest });
    }
    return this.#json;
  }
}

/** What a watch calls a change. */
export type ChangeType = "ADDED" | "MODIFIED" | "DELETED";

/** What happened to an object at one resourceVersion. */
export class Change {
  readonly kind: ChangeType;
  /** The version after the change; for a deletion the last state, at the deletion's resourceVersion. */
  readonly version: Version;
  readonly previous: Version | undefined;
  readonly #frames = new Map<ChangeType, Buffer>();

  constructor(kind: ChangeType, version: Version, previous?: Version) {
    this.kind = kind;
    this.version = version;
    this.previous = previous;
  }

  /** The watch event of this change, for a watch to which it is an ADDED, MODIFIED or DELETED. */
  frame(as: ChangeType): Buffer {
    let frame = this.#frames.get(as);
    if (frame === undefined) {
      frame = eventFrame(as, this.#shown(as));
      this.#frames.set(as, frame);
    }
    return frame;
  }

  /** Gives back what only the watches of the moment needed; history keeps the objects. */
  slim(): void {
    this.#frames.clear();
    this.previous?.slim();
  }

  // An object that leaves a watch's selection is sent as it last was inside it, at the version of its leaving.
  #shown(as: ChangeType): Version {
    if (as !== "DELETED" || this.kind === "DELETED" || this.previous === undefined) return this.version;
    const { object, type } = this.previous;
    const metadata = { ...object.metadata, resourceVersion: String(this.version.at) };
    return new Version(type, { ...object, metadata }, this.version.at);
  }
}

/** One line of a watch. */
export function eventFrame(kind: ChangeType, version: Version): Buffer {
  return Buffer.from(`{"type":"${kind}","object":${version.json}}\n`);
}

/** Where an object stands among those of its resource. */
export function keyOf(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}
