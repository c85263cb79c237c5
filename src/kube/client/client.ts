// The Kubernetes API: each call is one request, its answer decoded.

import type { KubeApi, ObjectRef, Page, PageQuery, WatchEvent, WatchQuery } from "./api.ts";
import { kubeErrorOf } from "./errors.ts";
import { decodeWatchEvent, decodeObject } from "./decode.ts";
import { linesOf } from "../../base/lines.ts";
import type { KindMap, Resource } from "./objects.ts";
import type { Call, Transport } from "./transport.ts";
import { arrayIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";

/** Writes ask only for metadata in the response, since nothing reads it. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

interface ResourceInfo {
  readonly prefix: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const CORE = "/api/v1";
/** The API path and kind of each resource. */
const RESOURCES: Readonly<Record<Resource, ResourceInfo>> = {
  jobs: { prefix: "/apis/batch/v1", kind: "Job", namespaced: true },
  pods: { prefix: CORE, kind: "Pod", namespaced: true },
  events: { prefix: CORE, kind: "Event", namespaced: true },
  services: { prefix: CORE, kind: "Service", namespaced: true },
  poddisruptionbudgets: { prefix: "/apis/policy/v1", kind: "PodDisruptionBudget", namespaced: true },
  daskclusters: { prefix: "/apis/kubernetes.dask.org/v1", kind: "DaskCluster", namespaced: true },
  leases: { prefix: "/apis/coordination.k8s.io/v1", kind: "Lease", namespaced: true },
  namespaces: { prefix: CORE, kind: "Namespace", namespaced: false },
  nodes: { prefix: CORE, kind: "Node", namespaced: false },
  secrets: { prefix: CORE, kind: "Secret", namespaced: true },
  serviceaccounts: { prefix: CORE, kind: "ServiceAccount", namespaced: true },
  resourcequotas: { prefix: CORE, kind: "ResourceQuota", namespaced: true },
};

/** KubeApi over HTTP. client-node's typed client needs several times the CPU time per object. */
export class KubeClient implements KubeApi {
  readonly server: string;
  readonly clusterId: string;
  readonly #transport: Transport;

  constructor(transport: Transport, server: string, clusterId: string) {
    this.#transport = transport;
    this.server = server;
    this.clusterId = clusterId;
  }

  version: KubeApi["version"] = async (signal) => {
    const call = { action: "read the cluster's version", resource: "version", path: "/version", signal };
    const found = objectIn(await this.#transport.json({ ...call, verb: "get" }));
    const text = (key: string): string => textIn(found[key]) ?? "";
    return { major: text("major"), minor: text("minor"), gitVersion: text("gitVersion") };
  };

  async listPage<R extends Resource, Kept = KindMap[R]>(
    resource: R,
    query: PageQuery<R, Kept>,
    signal?: AbortSignal,
  ): Promise<Page<Kept>> {
    const { namespace, labelSelector, fieldSelector, limit, next, transform } = query;
    const items: Kept[] = [];
    const list = await this.#transport.list(
      {
        verb: "list",
        resource,
        path: pathOf(resource, namespace),
        action: `list ${resource}${inNamespace(namespace)}`,
        query: { labelSelector, fieldSelector, limit, continue: next },
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

  async *watch<R extends Resource>(
    resource: R,
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<WatchEvent<KindMap[R]>> {
    const action = `watch ${resource}${inNamespace(query.namespace)}`;
    const { namespace, idleMs, ...rest } = query;
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

  async get<R extends Resource>(
    resource: R,
    ref: ObjectRef,
    signal?: AbortSignal,
  ): Promise<KindMap[R] | undefined> {
    const path = pathOf(resource, ref.namespace, ref.name);
    const call = { resource, path, action: `read ${describeObject(resource, ref)}`, signal };
    const object = await this.#transport.json({ ...call, verb: "get", expect: [404] });
    return object === undefined ? undefined : decodeObject<R>(object);
  }

  create: KubeApi["create"] = async (resource, body, options = {}) => {
    const meta = objectIn(objectIn(body)["metadata"]);
    const name = textIn(meta["name"]) ?? "";
    const namespace = options.namespace ?? textIn(meta["namespace"]) ?? "";
    const action = `create ${describeObject(resource, { namespace, name })}`;
    const answer = await this.#transport.send({
      action,
      verb: "create",
      resource,
      path: pathOf(resource, namespace),
      query: { dryRun: options.dryRun === true ? "All" : undefined },
      accept: METADATA_ONLY,
      body: JSON.stringify(body),
      signal: options.signal,
      expect: [409],
    });
    if (answer.status !== 409) return "created";
    const conflict = kubeErrorOf(action, answer);
    // Quotas answer 409 as well, when many objects are created at once.
    if (conflict.reason !== "AlreadyExists") throw conflict;
    return "exists";
  };

  delete: KubeApi["delete"] = async (resource, ref, options = {}) => {
    const body = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions: { uid: options.uid, resourceVersion: options.resourceVersion },
      propagationPolicy: options.propagation,
      dryRun: options.dryRun === true ? ["All"] : undefined,
    };
    return (await this.#write({ verb: "delete", body }, resource, ref)) ?? "deleted";
  };

  patch: KubeApi["patch"] = async (resource, ref, body) => {
    const contentType = "application/merge-patch+json";
    return (await this.#write({ verb: "patch", body, contentType }, resource, ref)) ?? "patched";
  };

  replace: KubeApi["replace"] = async (resource, ref, body) =>
    (await this.#write({ verb: "update", body }, resource, ref)) ?? "replaced";

  streamPodLog: KubeApi["streamPodLog"] = async (pod, { idleMs = 0, ...query }, signal) => {
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
  };

  canI: KubeApi["canI"] = async (access, signal) => {
    const spec = { resourceAttributes: access };
    const review = { action: "check this user's permissions", kind: "SelfSubjectAccessReview", spec };
    return (await this.#review(review, signal))?.["allowed"] === true;
  };

  subjectAccessReview: KubeApi["subjectAccessReview"] = async (subject, access, signal) => {
    const spec = { ...subject, resourceAttributes: access };
    const review = { action: "check another user's permissions", kind: "SubjectAccessReview", spec };
    return (await this.#review(review, signal))?.["allowed"] === true;
  };

  whoAmI: KubeApi["whoAmI"] = async (signal) => {
    const review = { action: "read the current user", kind: "SelfSubjectReview", expect: [403, 404] };
    const found = objectIn((await this.#review(review, signal))?.["userInfo"]);
    const user = textIn(found["username"]);
    return user === undefined ? undefined : { user, groups: arrayIn(found["groups"]).map(String) };
  };

  close(): void {
    this.#transport.close();
  }

  /** Undefined: done. */
  async #write(
    { body, ...call }: Pick<Call, "verb" | "contentType"> & { readonly body: unknown },
    resource: Resource,
    ref: ObjectRef,
  ): Promise<"gone" | "changed" | undefined> {
    const path = pathOf(resource, ref.namespace, ref.name);
    const action = `${call.verb} ${describeObject(resource, ref)}`;
    const request = { ...call, action, resource, path, accept: METADATA_ONLY, expect: [404, 409] };
    const { status } = await this.#transport.send({ ...request, body: JSON.stringify(body) });
    if (status === 404) return "gone";
    return status === 409 ? "changed" : undefined;
  }

  /** The status of a review. */
  async #review(
    {
      kind,
      spec,
      ...rest
    }: Pick<Call, "action" | "expect"> & { readonly kind: string; readonly spec?: object },
    signal: AbortSignal | undefined,
  ): Promise<JsonObject | undefined> {
    const apiVersion = `${spec === undefined ? "authentication" : "authorization"}.k8s.io/v1`;
    const resource = `${kind.toLowerCase()}s`;
    const body = JSON.stringify({ apiVersion, kind, spec });
    const call = { ...rest, resource, path: `/apis/${apiVersion}/${resource}`, body, signal };
    const review = await this.#transport.json({ ...call, verb: "create" });
    return review === undefined ? undefined : objectIn(objectIn(review)["status"]);
  }
}

function describeObject(resource: Resource, ref: ObjectRef): string {
  return `${kindOf(resource)} "${ref.name}"${inNamespace(ref.namespace)}`;
}

function inNamespace(namespace: string | undefined): string {
  return namespace === undefined || namespace === "" ? " in all namespaces" : ` in namespace "${namespace}"`;
}

function kindOf(resource: Resource): string {
  return RESOURCES[resource].kind;
}

/** The path of a collection, or of one object in it. */
function pathOf(resource: Resource, namespace?: string, name?: string): string {
  const info = RESOURCES[resource];
  const inNamespace =
    info.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const object = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${info.prefix}${inNamespace}/${resource}${object}`;
}
