// From a parsed request to its answer: authorisation, then the verb.

import type { Clock } from "../../../src/base/clock.ts";
import { whoAmI } from "./access.ts";
import type { Access } from "./access.ts";
import { json, plain } from "./answer.ts";
import type { StreamedResponse, WholeResponse } from "../http-server.ts";
import { Deletes } from "./deletes.ts";
import { discovery, VERSION } from "./discovery.ts";
import { methodNotAllowed, noSuchPath, unsupportedMediaType } from "./failure.ts";
import { timestamp } from "./kube-object.ts";
import { Lists } from "./lists.ts";
import { PodLogs } from "./pod-logs.ts";
import { writable } from "./deletion.ts";
import { selectionOf } from "./selection.ts";
import type { Store } from "./store.ts";
import { ruleName } from "./target.ts";
import type { Target } from "./target.ts";
import { Version } from "./version.ts";
import { Watches } from "./watches.ts";
import { Writes } from "./writes.ts";
import type { Written } from "./writes.ts";

/** A request as it came in. */
export interface ApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly target: Target | undefined;
  readonly user: string;
  readonly contentType: string;
  readonly body: string;
}

const REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const OTHERS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const HEALTH = ["/healthz", "/livez", "/readyz"];

/** What a request is answered with. */
export type Answer = WholeResponse | StreamedResponse;

/** Answers requests from a store. */
export class ApiServer {
  readonly access: Access;
  readonly lists: Lists;
  readonly watches: Watches;
  readonly logs: PodLogs;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly writes: Writes;
  readonly #deletes: Deletes;

  constructor(store: Store, clock: Clock, options: { readonly access: Access; readonly bookmarkMs: number }) {
    this.#store = store;
    this.#clock = clock;
    this.access = options.access;
    this.lists = new Lists(store);
    this.watches = new Watches(store, clock, options.bookmarkMs);
    this.logs = new PodLogs(store, clock);
    this.writes = new Writes(store, clock);
    this.#deletes = new Deletes(store, clock);
  }

  /** The answer to a request. Throws a Failure for a refusal. */
  answer(request: ApiRequest): Answer {
    const { target, url } = request;
    // Clients that know both forms send JSON after this.
    if (request.contentType.startsWith("application/vnd.kubernetes.protobuf")) throw unsupportedMediaType();
    if (target !== undefined) {
      this.#authorise(request.user, target);
      return this.#serve(target, request);
    }
    return this.#besides(request) ?? notServed(url.pathname);
  }

  #authorise(user: string, target: Target): void {
    const { type, verb, namespace, name } = target;
    const where = type.namespaced ? namespace : type.kind === "Namespace" && name !== "" ? name : undefined;
    this.access.check({
      user,
      verb,
      group: type.group,
      resource: ruleName(target),
      namespace: where ?? "",
      name,
    });
  }

  #serve(target: Target, { body, contentType }: ApiRequest): Answer {
    const isCollection = target.name === "";
    if (target.subresource === "log") {
      if (target.verb !== "get") throw methodNotAllowed();
      return this.logs.read(target);
    }
    switch (target.verb) {
      case "get":
        return json(200, writable(this.#store, target).json);
      case "list":
        return json(200, this.lists.page(target, selectionOf(target)));
      case "watch":
        return this.watches.open(target);
      case "create":
        if (!isCollection) throw methodNotAllowed();
        return written(target, this.writes.create(target, body));
      case "update":
        if (isCollection) throw methodNotAllowed();
        return written(target, this.writes.update(target, body));
      case "patch":
        if (isCollection) throw methodNotAllowed();
        return written(target, this.writes.patch(target, body, contentType));
      case "delete":
        if (target.subresource !== "") throw methodNotAllowed();
        return json(200, this.#deletes.one(target, body));
      case "deletecollection":
        return json(200, this.#deletes.collection(target, body));
      default:
        throw methodNotAllowed();
    }
  }

  /** What is no resource of the table: health, version, reviews, discovery. */
  #besides({ url, method, user, body }: ApiRequest): Answer | undefined {
    const path = url.pathname;
    if (HEALTH.includes(path)) return plain(200, "ok");
    if (path === "/version") return json(200, JSON.stringify(VERSION, undefined, 2));
    if (method === "POST" && path === REVIEWS)
      return json(201, JSON.stringify(this.access.review(user, body)));
    if (method === "POST" && path === OTHERS)
      return json(201, JSON.stringify(this.access.reviewOther(user, body)));
    if (method === "POST" && path === WHO_AM_I) {
      return json(201, JSON.stringify(whoAmI(user, timestamp(this.#clock.now()))));
    }
    const found = discovery(path);
    return found === undefined ? undefined : json(200, JSON.stringify(found));
  }
}

function written({ type }: Target, { object, created }: Written): Answer {
  return json(created ? 201 : 200, new Version(type, object, 0).json);
}

// A group that is not there has nobody to word a Status.
function notServed(path: string): Answer {
  const parts = path.split("/");
  const isKnown = discovery(parts.slice(0, parts[1] === "api" ? 3 : 4).join("/")) !== undefined;
  if (isKnown && parts.length > 3) throw noSuchPath();
  return plain(404, "404 page not found\n");
}
