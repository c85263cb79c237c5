// Who asks, and what they may: bearer tokens, and rules that forbid.

import type { IncomingHttpHeaders } from "node:http";
import { isObject, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { badRequest, Failure, unauthorized } from "./failure.ts";

/** Forbids what it matches. What it leaves open matches everything. */
export interface AccessRule {
  readonly user?: string;
  readonly verbs?: readonly string[];
  /** Plurals, with their subresource where there is one: `jobs`, `pods/log`. */
  readonly resources?: readonly string[];
  readonly namespaces?: readonly string[];
}

/** One thing that somebody wants to do. */
export interface AccessRequest {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** The plural, with its subresource. */
  readonly resource: string;
  /** Empty for all namespaces, and for what is in none. */
  readonly namespace: string;
  readonly name: string;
}

/** Who may do what. Without tokens everybody is `admin`. */
export class Access {
  readonly #users: ReadonlyMap<string, string> | undefined;
  readonly #rules = new Set<AccessRule>();

  /** Takes `tokens` (token to user) and the rules that hold from the start. */
  constructor(tokens: Readonly<Record<string, string>> | undefined, rules: readonly AccessRule[]) {
    this.#users = tokens === undefined ? undefined : new Map(Object.entries(tokens));
    for (const rule of rules) this.#rules.add(rule);
  }

  /** Adds a rule; the answer takes it back. */
  forbid(rule: AccessRule): () => void {
    this.#rules.add(rule);
    return () => this.#rules.delete(rule);
  }

  /** The user of a request, whom it may impersonate included. Throws a 401 Failure for an unknown token. */
  userOf(headers: IncomingHttpHeaders): string {
    const user = this.#authenticated(headers.authorization);
    return textIn(headers["impersonate-user"]) ?? user;
  }

  /** Whether the request is granted. */
  allows(request: AccessRequest): boolean {
    if (request.user === ANONYMOUS) return false;
    return ![...this.#rules].some((rule) => matches(rule, request));
  }

  /** Throws a 403 Failure when the request is not granted. */
  check(request: AccessRequest): void {
    if (!this.allows(request)) throw refusal(request);
  }

  /** The answer to a SelfSubjectAccessReview of this user. */
  review(user: string, body: string): JsonObject {
    return this.#reviewed("SelfSubjectAccessReview", user, objectIn(parsed(body)["spec"]));
  }

  /** The answer to a SubjectAccessReview, of the user that it names. Throws a 403 Failure when `asking` may not ask. */
  reviewOther(asking: string, body: string): JsonObject {
    const resource = "subjectaccessreviews";
    this.check({ user: asking, verb: "create", group: REVIEWS, resource, namespace: "", name: "" });
    const given = objectIn(parsed(body)["spec"]);
    return this.#reviewed("SubjectAccessReview", textIn(given["user"]) ?? "", given);
  }

  #reviewed(kind: string, user: string, given: JsonObject): JsonObject {
    const asked = objectIn(given["resourceAttributes"]);
    const subresource = textIn(asked["subresource"]) ?? "";
    const plural = textIn(asked["resource"]) ?? "";
    const options: AccessRequest = {
      user,
      verb: textIn(asked["verb"]) ?? "",
      group: textIn(asked["group"]) ?? "",
      resource: subresource === "" ? plural : `${plural}/${subresource}`,
      namespace: textIn(asked["namespace"]) ?? "",
      name: textIn(asked["name"]) ?? "",
    };
    const status = { allowed: this.allows(options) };
    return { kind, apiVersion: `${REVIEWS}/v1`, metadata: {}, spec: given, status };
  }

  #authenticated(header: string | undefined): string {
    if (this.#users === undefined) return "admin";
    if (header === undefined || header === "") return ANONYMOUS;
    const user = this.#users.get(/^Bearer (.+)$/i.exec(header)?.[1] ?? "");
    if (user === undefined) throw unauthorized();
    return user;
  }
}

const ANONYMOUS = "system:anonymous";
const REVIEWS = "authorization.k8s.io";

/** The answer to a SelfSubjectReview. */
export function whoAmI(user: string, at: string): JsonObject {
  return {
    kind: "SelfSubjectReview",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { creationTimestamp: at },
    status: { userInfo: { username: user, uid: user, groups: ["system:authenticated"] } },
  };
}

function parsed(body: string): JsonObject {
  try {
    const value: unknown = JSON.parse(body);
    if (isObject(value)) return value;
  } catch {
    // Told below, as for a body that is JSON and no object.
  }
  throw badRequest("the object provided is unrecognized (must be of type SelfSubjectAccessReview)");
}

function matches(rule: AccessRule, options: AccessRequest): boolean {
  return (
    (rule.user === undefined || rule.user === options.user) &&
    (rule.verbs === undefined || rule.verbs.includes(options.verb)) &&
    (rule.resources === undefined || rule.resources.includes(options.resource)) &&
    (rule.namespaces === undefined || rule.namespaces.includes(options.namespace))
  );
}

function refusal(options: AccessRequest): Failure {
  const [plural = ""] = options.resource.split("/");
  const full = options.group === "" ? plural : `${plural}.${options.group}`;
  const subject = options.name === "" ? full : `${full} "${options.name}"`;
  const where = options.namespace === "" ? "at the cluster scope" : `in the namespace "${options.namespace}"`;
  const what = `User "${options.user}" cannot ${options.verb} resource "${options.resource}" in API group "${options.group}" ${where}`;
  return new Failure(`${subject} is forbidden: ${what}`, {
    code: 403,
    reason: "Forbidden",
    details: {
      ...(options.name === "" ? {} : { name: options.name }),
      ...(options.group === "" ? {} : { group: options.group }),
      kind: plural,
    },
  });
}
