// The Kubernetes API as the rest of the code uses it. Expected results such as `exists` are values; other failures throw
// KubeError.

import type { KindMap, Resource } from "./objects.ts";

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

export interface ListQuery {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** A page of a list. */
export interface PageQuery<R extends Resource, Kept = KindMap[R]> extends ListQuery {
  readonly limit?: number;
  /** The continue token of the page before. */
  readonly next?: string | undefined;
  /** The part of an object that the page shall have; undefined: leave it out. Called for each as it arrives. */
  readonly transform?: ((object: KindMap[R]) => Kept | undefined) | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** The continue token of the next page. */
  readonly next?: string | undefined;
}

export type WatchEvent<T> =
  /** The server has answered: the watch is open. */
  | { readonly type: "OPEN" }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface WatchQuery extends ListQuery {
  readonly resourceVersion: string;
  /** Seconds after which the server ends the watch without error. */
  readonly timeoutSeconds: number;
  /** The watch fails after so many milliseconds without data. */
  readonly idleMs: number;
}

export interface DeleteOptions {
  /** A precondition: delete the object only if it has this uid. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: "Foreground" | "Background" | "Orphan" | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface CreateOptions {
  readonly namespace?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PodLogQuery {
  readonly container?: string | undefined;
  readonly previous?: boolean | undefined;
  readonly follow?: boolean | undefined;
  readonly timestamps?: boolean | undefined;
  readonly tailLines?: number | undefined;
  readonly sinceSeconds?: number | undefined;
  /** Only lines from this time on, in the form of the log's own timestamps. */
  readonly sinceTime?: string | undefined;
}

export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
}

/** A user with all its groups, as the API server knows it. */
export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** `gone`: there is no such object. `changed`: it is another one meanwhile, so nothing was done. */
type Written<Done> = Promise<Done | "gone" | "changed">;

export interface KubeApi {
  /** The server's URL, for messages. */
  readonly server: string;
  /** Identifies the cluster: a hash of its CA, or of its URL if it has none. */
  readonly clusterId: string;
  version(signal?: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }>;
  listPage<R extends Resource, Kept = KindMap[R]>(
    resource: R,
    query: PageQuery<R, Kept>,
    signal?: AbortSignal,
  ): Promise<Page<Kept>>;
  /** Ends when the server ends the watch. Throws KubeError: reason Expired for 410, retryable for a lost connection. */
  watch<R extends Resource>(
    resource: R,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<KindMap[R]>>;
  /** Undefined when the object does not exist. */
  get<R extends Resource>(resource: R, ref: ObjectRef, signal?: AbortSignal): Promise<KindMap[R] | undefined>;
  /** Creates the object in `options.namespace`, else in its own namespace. */
  create(resource: Resource, body: unknown, options?: CreateOptions): Promise<"created" | "exists">;
  /** `changed`: the uid or resourceVersion no longer matches, so nothing was deleted. */
  delete(resource: Resource, ref: ObjectRef, options?: DeleteOptions): Written<"deleted">;
  /** A JSON merge patch. `changed`: the resourceVersion in the patch is no longer the object's. */
  patch(resource: Resource, ref: ObjectRef, patch: unknown): Written<"patched">;
  /** `changed`: the resourceVersion in the body is no longer the object's. */
  replace(resource: Resource, ref: ObjectRef, body: unknown): Written<"replaced">;
  /**
   * The log's bytes as they come; with `follow` until the container terminates. Undefined when the pod, container or log does
   * not exist. Throws TransportError after `idleMs` without a byte (default: never).
   */
  streamPodLog(
    pod: ObjectRef,
    query: PodLogQuery & { readonly idleMs?: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer> | undefined>;
  /** Whether the current user has this permission (SelfSubjectAccessReview). */
  canI(access: Access, signal?: AbortSignal): Promise<boolean>;
  /** Whether another user has this permission; needs permission to create SubjectAccessReviews. */
  subjectAccessReview(subject: Subject, access: Access, signal?: AbortSignal): Promise<boolean>;
  /** The current user (SelfSubjectReview); undefined before Kubernetes 1.28. */
  whoAmI(signal?: AbortSignal): Promise<Subject | undefined>;
  /** Closes all connections, so that the process can exit. */
  close(): void;
}

/** All objects of a query, fetched in pages. */
export async function* listAll<R extends Resource, Kept = KindMap[R]>(
  kube: Pick<KubeApi, "listPage">,
  resource: R,
  query: Omit<PageQuery<R, Kept>, "next"> & { readonly signal?: AbortSignal | undefined },
): AsyncGenerator<Kept> {
  const { signal, ...rest } = query;
  let next: string | undefined;
  do {
    const page = await kube.listPage(resource, { limit: 500, ...rest, next }, signal);
    yield* page.items;
    next = page.next;
  } while (next !== undefined);
}
