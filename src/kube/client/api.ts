// The port to Kubernetes, in outcomes: what a caller expects to happen is a value, only surprises throw KubeError.

import type { KindMap, Resource } from "./objects.ts";

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

export interface ListQuery {
  /** Without it: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Token of the next page. */
  readonly next?: string | undefined;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface WatchQuery extends ListQuery {
  readonly resourceVersion: string;
  /** Seconds after which the server ends the watch in good order. */
  readonly timeoutSeconds: number;
  /** Milliseconds without a byte after which the connection counts as dead. */
  readonly idleMs: number;
}

export interface DeleteOptions {
  /** The object goes only if it still has this uid. */
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly propagation?: "Foreground" | "Background" | "Orphan" | undefined;
  readonly gracePeriodSeconds?: number | undefined;
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
  readonly limitBytes?: number | undefined;
}

export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string | undefined;
  readonly namespace?: string | undefined;
}

/** Whose right is asked for: a user as the API server knows it, with all its groups. */
export interface Subject {
  readonly user: string;
  readonly groups: readonly string[];
}

/** A patch of JSON merge form. */
export type MergePatch = Readonly<Record<string, unknown>>;

export interface KubeApi {
  /** The server's address, for messages. */
  readonly server: string;
  /** Something that differs between clusters: the digest of the CA, or of the address where there is none. */
  readonly clusterMark: string;
  version(signal?: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }>;
  listPage<R extends Resource>(
    resource: R,
    query: ListQuery & { readonly limit?: number; readonly next?: string | undefined },
    signal?: AbortSignal,
  ): Promise<Page<KindMap[R]>>;
  /** Ends when the server ends it; throws KubeError (reason Expired for 410, retryable for a lost connection). */
  watch<R extends Resource>(
    resource: R,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent<KindMap[R]>>;
  /** Undefined when there is none. */
  get<R extends Resource>(resource: R, ref: ObjectRef, signal?: AbortSignal): Promise<KindMap[R] | undefined>;
  /** Into the namespace of the options, else the body's own. */
  create(resource: Resource, body: unknown, options?: CreateOptions): Promise<"created" | "exists">;
  /** `changed`: another object or version stands there now, and it was left alone. */
  delete(
    resource: Resource,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<"deleted" | "gone" | "changed">;
  /** `changed`: the resourceVersion in the patch is no longer the object's. */
  patch(resource: Resource, ref: ObjectRef, patch: MergePatch): Promise<"patched" | "gone" | "changed">;
  /** Writes the whole object back; its resourceVersion must still be the stored one. */
  replace(resource: Resource, ref: ObjectRef, body: unknown): Promise<"replaced" | "gone" | "changed">;
  /** The text of a container's log, or undefined when pod, container or log are gone. */
  podLog(pod: ObjectRef, query: PodLogQuery, signal?: AbortSignal): Promise<string | undefined>;
  /** The log as it comes; ends with the container. */
  followPodLog(pod: ObjectRef, query: PodLogQuery, signal: AbortSignal): AsyncIterable<string>;
  /** Whether this user may do it (SelfSubjectAccessReview). */
  canI(access: Access, signal?: AbortSignal): Promise<boolean>;
  /** Whether somebody else may do it (SubjectAccessReview); to ask needs a right of its own. */
  subjectAccessReview(subject: Subject, access: Access, signal?: AbortSignal): Promise<boolean>;
  /** Who this user is to the server (SelfSubjectReview); undefined where it does not tell: before 1.28. */
  whoAmI(signal?: AbortSignal): Promise<Subject | undefined>;
  /** Frees sockets; the process can end. */
  close(): void;
}

/** Every object of a query, page after page. */
export async function* listAll<R extends Resource>(
  kube: Pick<KubeApi, "listPage">,
  resource: R,
  query: ListQuery & { readonly limit?: number; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<KindMap[R]> {
  const { signal, ...rest } = query;
  let next: string | undefined;
  do {
    const page = await kube.listPage(resource, { limit: 500, ...rest, next }, signal);
    yield* page.items;
    next = page.next;
  } while (next !== undefined);
}
