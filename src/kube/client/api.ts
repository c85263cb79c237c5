// The Kubernetes API as the rest of the code uses it: each call is one request, its answer decoded. Expected results such as
// `exists` are values; other failures throw KubeError.

import { arrayIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { linesOf } from "../../base/lines.ts";
import type { Access, Subject } from "../permissions.ts";
import { decodeObject, decodeWatchEvent, type WatchEvent } from "./decode.ts";
import { kubeErrorOf } from "./errors.ts";
import { describeObject, inNamespace, pathOf } from "./objects.ts";
import type { KindMap, ObjectRef, Resource } from "./objects.ts";
import type { Call, Transport } from "./transport.ts";

export interface ListQuery {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /**
   * What the API server has in memory suffices, which may be some moments old. It then does not read all objects from etcd to
   * find the few that are selected.
   */
  readonly fromCache?: boolean | undefined;
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
  readonly namespace: string;
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
  /** Milliseconds without a byte after which it throws TransportError; default: never. */
  readonly idleMs?: number;
}

/** `gone`: there is no such object. `changed`: it is another one meanwhile, so nothing was done. */
type Written<Done> = Promise<Done | "gone" | "changed">;

/** Writes ask only for metadata in the response, since nothing reads it. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/** client-node's typed client needs several times the CPU time per object. */
export class KubeApi {
  readonly #transport: Transport;
  readonly server: string;
  /** Identifies the cluster: a hash of its CA, or of its URL if it has none. */
  readonly clusterId: string;

  constructor(transport: Transport, server: string, clusterId: string) {
    this.#transport = transport;
    this.server = server;
    this.clusterId = clusterId;
  }

  async version(signal?: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }> {
    const call = { action: "read the cluster's version", resource: "version", path: "/version", signal };
    const { major, minor, gitVersion } = objectIn(await this.#transport.json({ ...call, verb: "get" }));
    return { major: textIn(major) ?? "", minor: textIn(minor) ?? "", gitVersion: textIn(gitVersion) ?? "" };
  }

  async listPage<R extends Resource, Kept = KindMap[R]>(
    resource: R,
    query: PageQuery<R, Kept>,
    signal?: AbortSignal,
  ): Promise<Page<Kept>> {
    const { namespace, labelSelector, fieldSelector, fromCache, limit, next, transform } = query;
    const resourceVersion = fromCache === true && next === undefined ? "0" : undefined;
    const items: Kept[] = [];
    const list = await this.#transport.list(
      {
        verb: "list",
        resource,
        path: pathOf(resource, namespace),
        action: `list ${resource}${inNamespace(namespace)}`,
        query: { labelSelector, fieldSelector, resourceVersion, limit, continue: next },
        signal,
      },
      (json) => {
        const object = decodeObject<R>(json);
        const kept = transform === undefined ? (object as Kept) : transform(object);
        if (kept !== undefined) items.push(kept);
      },
    );
    const meta = objectIn(objectIn(list)["metadata"]);
    return {
      items,
      resourceVersion: textIn(meta["resourceVersion"]) ?? "",
      next: textIn(meta["continue"]) || undefined,
    };
  }

  /** Ends when the server ends the watch. Throws KubeError: reason Expired for 410, retryable for a lost connection. */
  async *watch<R extends Resource>(
    resource: R,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<R>> {
    const { namespace, idleMs, ...rest } = query;
    const action = `watch ${resource}${inNamespace(namespace)}`;
    const parameters = { watch: 1, allowWatchBookmarks: true, ...rest };
    const call = { resource, path: pathOf(resource, namespace), action, query: parameters, signal };
    const stream = await this.#transport.stream({ ...call, verb: "watch" }, idleMs);
    yield { type: "OPEN" };
    for await (const lines of linesOf(stream.chunks)) {
      for (const line of lines) {
        const event = line.length === 0 ? undefined : decodeWatchEvent<R>(line, action);
        if (event !== undefined) yield event;
      }
    }
  }

  /** Undefined when the object does not exist. */
  async get<R extends Resource>(
    resource: R,
    ref: ObjectRef,
    signal?: AbortSignal,
  ): Promise<KindMap[R] | undefined> {
    const path = pathOf(resource, ref.namespace, ref.name);
    const call = { resource, path, action: `read ${describeObject(resource, ref)}`, signal };
    const object = await this.#transport.json({ ...call, verb: "get", expect: [404], mustHave: "metadata" });
    return object === undefined ? undefined : decodeObject<R>(object);
  }

  async create(resource: Resource, body: unknown, options: CreateOptions): Promise<"created" | "exists"> {
    const { namespace, dryRun, signal } = options;
    const name = textIn(objectIn(objectIn(body)["metadata"])["name"]) ?? "";
    const action = `create ${describeObject(resource, { namespace, name })}`;
    const answer = await this.#transport.send({
      action,
      verb: "create",
      resource,
      path: pathOf(resource, namespace),
      // Nobody reads its warnings, for which the API server would decode the object strictly.
      query: { dryRun: dryRun === true ? "All" : undefined, fieldValidation: "Ignore" },
      accept: METADATA_ONLY,
      body: JSON.stringify(body),
      signal,
      expect: [409],
    });
    if (answer.status !== 409) return "created";
    const conflict = kubeErrorOf(action, answer);
    // Quotas answer 409 as well, when many objects are created at once.
    if (conflict.reason !== "AlreadyExists") throw conflict;
    return "exists";
  }

  /** `changed`: the uid or resourceVersion no longer matches, so nothing was deleted. */
  async delete(resource: Resource, ref: ObjectRef, options: DeleteOptions = {}): Written<"deleted"> {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: options.uid, resourceVersion: options.resourceVersion },
      propagationPolicy: options.propagation,
      dryRun: options.dryRun === true ? ["All"] : undefined,
    };
    return (await this.#write({ verb: "delete", body }, resource, ref)) ?? "deleted";
  }

  /** A JSON merge patch. `changed`: the resourceVersion in the patch is no longer the object's. */
  async patch(resource: Resource, ref: ObjectRef, body: unknown): Written<"patched"> {
    return (await this.#write({ verb: "patch", body }, resource, ref)) ?? "patched";
  }

  /** `changed`: the resourceVersion in the body is no longer the object's. */
  async replace(resource: Resource, ref: ObjectRef, body: unknown): Written<"replaced"> {
    return (await this.#write({ verb: "update", body }, resource, ref)) ?? "replaced";
  }

  /**
   * The log's bytes as they come; with `follow` until the container terminates. Undefined when the pod, container or
   * log does not exist.
   */
  async streamPodLog(
    pod: ObjectRef,
    { idleMs = 0, ...query }: PodLogQuery,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer> | undefined> {
    const call: Call = {
      verb: "get",
      resource: "pods/log",
      path: `${pathOf("pods", pod.namespace, pod.name)}/log`,
      action: `read the log of pod "${pod.name}"${inNamespace(pod.namespace)}`,
      query,
      signal,
      expect: [400, 404],
    };
    const stream = await this.#transport.stream(call, idleMs);
    if (stream.status < 400) return stream.chunks;
    stream.close();
    return undefined;
  }

  /** Whether the current user has this permission, or `who`, which needs permission to create SubjectAccessReviews. */
  async canI(access: Access, signal?: AbortSignal, who?: Subject): Promise<boolean> {
    const kind = who === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
    const action = `check ${who === undefined ? "this" : "another"} user's permissions`;
    const review = { action, kind, spec: { ...who, resourceAttributes: access } };
    return (await this.#review(review, signal))["allowed"] === true;
  }

  /** The current user (SelfSubjectReview); undefined before Kubernetes 1.28. */
  async whoAmI(signal?: AbortSignal): Promise<Subject | undefined> {
    const review = { action: "read the current user", kind: "SelfSubjectReview", expect: [403, 404] };
    const found = objectIn((await this.#review(review, signal))["userInfo"]);
    const user = textIn(found["username"]);
    return user === undefined ? undefined : { user, groups: arrayIn(found["groups"]).map(String) };
  }

  close(): void {
    this.#transport.close();
  }

  /** Undefined: done. */
  async #write(
    { verb, body }: Pick<Call, "verb"> & { readonly body: unknown },
    resource: Resource,
    ref: ObjectRef,
  ): Promise<"gone" | "changed" | undefined> {
    const { status } = await this.#transport.send({
      verb,
      resource,
      path: pathOf(resource, ref.namespace, ref.name),
      action: `${verb} ${describeObject(resource, ref)}`,
      accept: METADATA_ONLY,
      body: JSON.stringify(body),
      expect: [404, 409],
    });
    if (status === 404) return "gone";
    return status === 409 ? "changed" : undefined;
  }

  /** The status of a review; empty for an expected error. */
  async #review(
    { kind, spec, ...rest }: Pick<Call, "action" | "expect"> & { kind: string; spec?: object },
    signal: AbortSignal | undefined,
  ): Promise<JsonObject> {
    const apiVersion = `${spec === undefined ? "authentication" : "authorization"}.k8s.io/v1`;
    const resource = `${kind.toLowerCase()}s`;
    const body = JSON.stringify({ apiVersion, kind, spec });
    const call = { ...rest, resource, path: `/apis/${apiVersion}/${resource}`, body, signal };
    return objectIn(objectIn(await this.#transport.json({ ...call, verb: "create" }))["status"]);
  }
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
