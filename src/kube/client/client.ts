// The Kubernetes API: each call is one request, its answer decoded.

import type {
  Access,
  CreateOptions,
  DeleteOptions,
  KubeApi,
  MergePatch,
  ObjectRef,
  Page,
  PageQuery,
  PodLogQuery,
  Subject,
  WatchEvent,
  WatchQuery,
} from "./api.ts";
import { kubeErrorOf } from "./errors.ts";
import { decodeWatchEvent, decodeObject } from "./decode.ts";
import { linesOf } from "../../base/lines.ts";
import type { KindMap, Resource } from "./objects.ts";
import { kindOf, pathOf } from "./resources.ts";
import type { Call, Transport } from "./transport.ts";
import { arrayIn, objectIn, textIn } from "../../base/json.ts";

/** Writes ask only for metadata in the response, since nothing reads it. */
const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

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

  async version(signal?: AbortSignal): Promise<{ major: string; minor: string; gitVersion: string }> {
    const call = { action: "read the cluster's version", verb: "get", resource: "version", path: "/version" };
    const found = objectIn(await this.#transport.json({ ...call, method: "GET", signal }));
    const text = (key: string): string => textIn(found[key]) ?? "";
    return { major: text("major"), minor: text("minor"), gitVersion: text("gitVersion") };
  }

  async listPage<R extends Resource, Kept = KindMap[R]>(
    resource: R,
    query: PageQuery<R, Kept>,
    signal?: AbortSignal,
  ): Promise<Page<Kept>> {
    const { namespace, labelSelector, fieldSelector, limit, next, transform } = query;
    const items: Kept[] = [];
    const list = await this.#transport.list(
      {
        ...readCall("list", resource, pathOf(resource, namespace)),
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
    const { labelSelector, fieldSelector, resourceVersion, timeoutSeconds } = query;
    const call: Call = {
      ...readCall("watch", resource, pathOf(resource, query.namespace)),
      action,
      query: {
        watch: 1,
        allowWatchBookmarks: true,
        labelSelector,
        fieldSelector,
        resourceVersion,
        timeoutSeconds,
      },
      signal,
    };
    const stream = await this.#transport.stream(call, query.idleMs);
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
    const call = {
      ...readCall("get", resource, path),
      action: `read ${describeObject(resource, ref)}`,
      signal,
    };
    const object = await this.#transport.json({ ...call, expect: [404] });
    return object === undefined ? undefined : decodeObject<R>(object);
  }

  async create(
    resource: Resource,
    body: unknown,
    options: CreateOptions = {},
  ): Promise<"created" | "exists"> {
    const meta = objectIn(objectIn(body)["metadata"]);
    const name = textIn(meta["name"]) ?? "";
    const namespace = options.namespace ?? textIn(meta["namespace"]) ?? "";
    const action = `create ${describeObject(resource, { namespace, name })}`;
    const answer = await this.#transport.send({
      action,
      verb: "create",
      resource,
      method: "POST",
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
  }

  async delete(
    resource: Resource,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<"deleted" | "gone" | "changed"> {
    const preconditions = { uid: options.uid, resourceVersion: options.resourceVersion };
    const answer = await this.#transport.send({
      ...writeCall("delete", resource, ref),
      method: "DELETE",
      body: JSON.stringify({
        apiVersion: "v1",
        kind: "DeleteOptions",
        preconditions,
        propagationPolicy: options.propagation,
        gracePeriodSeconds: options.gracePeriodSeconds,
        dryRun: options.dryRun === true ? ["All"] : undefined,
      }),
    });
    return outcome(answer.status, "deleted");
  }

  async patch(
    resource: Resource,
    ref: ObjectRef,
    patch: MergePatch,
  ): Promise<"patched" | "gone" | "changed"> {
    const answer = await this.#transport.send({
      ...writeCall("patch", resource, ref),
      method: "PATCH",
      contentType: "application/merge-patch+json",
      body: JSON.stringify(patch),
    });
    return outcome(answer.status, "patched");
  }

  async replace(resource: Resource, ref: ObjectRef, body: unknown): Promise<"replaced" | "gone" | "changed"> {
    const answer = await this.#transport.send({
      ...writeCall("update", resource, ref),
      method: "PUT",
      body: JSON.stringify(body),
    });
    return outcome(answer.status, "replaced");
  }

  async streamPodLog(
    pod: ObjectRef,
    query: PodLogQuery & { readonly idleMs?: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer> | undefined> {
    const { idleMs = 0, ...rest } = query;
    const stream = await this.#transport.stream(
      { ...logCall(pod, rest), signal, expect: [400, 404] },
      idleMs,
    );
    if (stream.status < 400) return stream.chunks;
    stream.close();
    return undefined;
  }

  canI(access: Access, signal?: AbortSignal): Promise<boolean> {
    return this.#review("SelfSubjectAccessReview", { resourceAttributes: access }, signal);
  }

  subjectAccessReview(subject: Subject, access: Access, signal?: AbortSignal): Promise<boolean> {
    return this.#review("SubjectAccessReview", { ...subject, resourceAttributes: access }, signal);
  }

  async whoAmI(signal?: AbortSignal): Promise<Subject | undefined> {
    const apiVersion = "authentication.k8s.io/v1";
    const review = await this.#transport.json({
      action: "read the current user",
      verb: "create",
      resource: "selfsubjectreviews",
      method: "POST",
      path: `/apis/${apiVersion}/selfsubjectreviews`,
      body: JSON.stringify({ apiVersion, kind: "SelfSubjectReview" }),
      signal,
      expect: [403, 404],
    });
    if (review === undefined) return undefined;
    const found = objectIn(objectIn(objectIn(review)["status"])["userInfo"]);
    const user = textIn(found["username"]);
    return user === undefined ? undefined : { user, groups: arrayIn(found["groups"]).map(String) };
  }

  close(): void {
    this.#transport.close();
  }

  async #review(
    kind: "SelfSubjectAccessReview" | "SubjectAccessReview",
    spec: object,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const apiVersion = "authorization.k8s.io/v1";
    const resource = `${kind.toLowerCase()}s`;
    const review = await this.#transport.json({
      action:
        kind === "SelfSubjectAccessReview"
          ? "check this user's permissions"
          : "check another user's permissions",
      verb: "create",
      resource,
      method: "POST",
      path: `/apis/${apiVersion}/${resource}`,
      body: JSON.stringify({ apiVersion, kind, spec }),
      signal,
    });
    return objectIn(objectIn(review)["status"])["allowed"] === true;
  }
}

function readCall(verb: string, resource: string, path: string): Omit<Call, "action"> {
  return { verb, resource, method: "GET", path };
}

function writeCall(verb: string, resource: Resource, ref: ObjectRef): Omit<Call, "method"> {
  const path = pathOf(resource, ref.namespace, ref.name);
  const action = `${verb} ${describeObject(resource, ref)}`;
  return { action, verb, resource, path, accept: METADATA_ONLY, expect: [404, 409] };
}

function logCall(pod: ObjectRef, query: PodLogQuery): Call {
  return {
    ...readCall("get", "pods/log", `${pathOf("pods", pod.namespace, pod.name)}/log`),
    action: `read the log of pod "${pod.name}"${inNamespace(pod.namespace)}`,
    query: { ...query },
  };
}

function outcome<Done extends string>(status: number, done: Done): Done | "gone" | "changed" {
  if (status === 404) return "gone";
  return status === 409 ? "changed" : done;
}

function describeObject(resource: Resource, ref: ObjectRef): string {
  return `${kindOf(resource)} "${ref.name}"${inNamespace(ref.namespace)}`;
}

function inNamespace(namespace: string | undefined): string {
  return namespace === undefined || namespace === "" ? " in all namespaces" : ` in namespace "${namespace}"`;
}
