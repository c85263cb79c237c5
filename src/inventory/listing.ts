// Inventory: lists that go on without what this user may not see. Each such resource is one line among the warnings.

import { Limit } from "../base/limit.ts";
import type { KubeApi, ListQuery } from "../kube/client/api.ts";
import { KubeError } from "../kube/client/errors.ts";
import type { KindMap, Resource } from "../kube/client/objects.ts";

/** Each connection costs a TLS handshake, which takes longer than a small list. */
const CONNECTIONS = 4;
const PAGE = 500;

/** The lists of one look at the cluster. */
export class Listing {
  readonly #kube: Pick<KubeApi, "listPage">;
  readonly #limit = new Limit(CONNECTIONS);
  readonly #signal: AbortSignal | undefined;
  readonly #warnings = new Set<string>();
  readonly #refusals = new Map<Resource, KubeError>();

  constructor(kube: Pick<KubeApi, "listPage">, signal?: AbortSignal) {
    this.#kube = kube;
    this.#signal = signal;
  }

  /** What could not be listed, in words. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** What could not be listed, by name. */
  get forbidden(): readonly Resource[] {
    return [...this.#refusals.keys()];
  }

  /** The server's answer for each of them. */
  get refusals(): ReadonlyMap<Resource, KubeError> {
    return this.#refusals;
  }

  /**
   * All objects of a query; none when they may not be listed, or when the cluster does not have this resource.
   * `seen` is told of each object as its page arrives. Throws KubeError for everything else.
   */
  async all<R extends Resource>(
    resource: R,
    query: ListQuery,
    seen?: (object: KindMap[R]) => void,
  ): Promise<readonly KindMap[R][]> {
    try {
      return await this.#everyPage(resource, query, seen);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      // A continue token lives for some minutes only; a slow reader begins anew, once.
      if (error.status === 410) return this.#everyPage(resource, query, seen);
      if (error.status === 404) return [];
      if (error.status !== 403) throw error;
      this.#warnings.add(error.message);
      this.#refusals.set(resource, error);
      return [];
    }
  }

  async #everyPage<R extends Resource>(
    resource: R,
    query: ListQuery,
    seen?: (object: KindMap[R]) => void,
  ): Promise<readonly KindMap[R][]> {
    const found: KindMap[R][] = [];
    let next: string | undefined;
    do {
      const asked = { ...query, limit: PAGE, next };
      const page = await this.#limit.run(() => this.#kube.listPage(resource, asked, this.#signal));
      for (const object of page.items) {
        found.push(object);
        seen?.(object);
      }
      next = page.next;
    } while (next !== undefined);
    return found;
  }
}
