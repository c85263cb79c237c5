// Inventory: lists Kubernetes objects; a resource that the user may not list becomes a warning, not an error.

import PQueue from "p-queue";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { listAll } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { KindMap, Resource } from "../kube/client/objects.ts";
import { Transform } from "../job/transform.ts";
import { transformed } from "./transform.ts";

/** Each connection costs a TLS handshake, which takes longer than a small list. */
const CONNECTIONS = 4;

/** The lists for one inventory. */
export class Listing {
  readonly #kube: Pick<KubeApi, "listPage">;
  readonly #queue = new PQueue({ concurrency: CONNECTIONS });
  readonly #signal: AbortSignal | undefined;
  readonly #transform = new Transform();
  readonly #forbidden = new Map<Resource, KubeError>();

  constructor(kube: Pick<KubeApi, "listPage">, signal?: AbortSignal) {
    this.#kube = kube;
    this.#signal = signal;
  }

  /** The resources that the user may not list, with the server's error. */
  get forbidden(): ReadonlyMap<Resource, KubeError> {
    return this.#forbidden;
  }

  /**
   * All objects of a query; none if the user may not list them, or if the cluster does not have this resource.
   * `onObject` is called for each object as its page arrives. Throws KubeError for everything else.
   */
  async all<R extends Resource>(
    resource: R,
    query: ListQuery,
    onObject?: (object: KindMap[R]) => void,
  ): Promise<readonly KindMap[R][]> {
    const transform = (object: KindMap[R]): KindMap[R] => transformed(this.#transform, resource, object);
    const pages = { ...query, transform, signal: this.#signal };
    const seen = (object: KindMap[R]): KindMap[R] => {
      onObject?.(object);
      return object;
    };
    const everyPage = () =>
      this.#queue.add(() => Array.fromAsync(listAll(this.#kube, resource, pages), seen));
    try {
      return await everyPage();
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // A continue token expires after some minutes; then the list starts again, once.
      if (error.status === 410) return everyPage();
      if (error.status === 404) return [];
      if (error.status !== 403) throw error;
      this.#forbidden.set(resource, error);
      return [];
    }
  }
}
