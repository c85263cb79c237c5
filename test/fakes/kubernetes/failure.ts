// The refusals of a Kubernetes API server, worded as it words them, and the Status body that carries them.

import type { JsonObject } from "../../../src/base/json.ts";
import { qualified, qualifiedKind } from "./resources.ts";
import type { ResourceType } from "./resources.ts";

/** One field that is wrong, and how. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** What a Failure says besides its message. */
export interface FailureDetails {
  readonly code: number;
  readonly reason?: string;
  readonly details?: JsonObject;
  /** Metadata of the Status; a list that expired puts a fresh continue token there. */
  readonly metadata?: JsonObject;
  readonly retryAfterSeconds?: number;
}

/** Ends a request with a Status. Thrown inside the fake only; a caller over HTTP sees the Status. */
export class Failure extends Error {
  readonly code: number;
  readonly body: JsonObject;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, given: FailureDetails) {
    super(message);
    this.name = "Failure";
    this.code = given.code;
    this.retryAfterSeconds = given.retryAfterSeconds;
    this.body = {
      kind: "Status",
      apiVersion: "v1",
      metadata: given.metadata ?? {},
      status: "Failure",
      message,
      ...(given.reason === undefined ? {} : { reason: given.reason }),
      ...(given.details === undefined ? {} : { details: given.details }),
      code: given.code,
    };
  }
}

function named(type: ResourceType, name: string, kind: string): JsonObject {
  return { ...(name === "" ? {} : { name }), ...(type.group === "" ? {} : { group: type.group }), kind };
}

/** For an object that is not there. */
export function notFound(type: ResourceType, name: string): Failure {
  const details = named(type, name, type.plural);
  return new Failure(`${qualified(type)} "${name}" not found`, { code: 404, reason: "NotFound", details });
}

/** For a path that names nothing. */
export function noSuchPath(): Failure {
  const message = "the server could not find the requested resource";
  return new Failure(message, { code: 404, reason: "NotFound", details: {} });
}

/** For a method that the path does not have. */
export function methodNotAllowed(): Failure {
  const message = "the server does not allow this method on the requested resource";
  return new Failure(message, { code: 405, reason: "MethodNotAllowed", details: {} });
}

/** For a patch in a form that is not read. */
export function unsupportedMediaType(): Failure {
  return new Failure("415: Unsupported Media Type", {
    code: 415,
    reason: "UnsupportedMediaType",
    details: {},
  });
}

/** For a name that is taken. */
export function alreadyExists(type: ResourceType, name: string): Failure {
  const details = named(type, name, type.plural);
  return new Failure(`${qualified(type)} "${name}" already exists`, {
    code: 409,
    reason: "AlreadyExists",
    details,
  });
}

/** For a write that names a version which is no longer the stored one. */
export function modified(type: ResourceType, name: string): Failure {
  const cause = "the object has been modified; please apply your changes to the latest version and try again";
  return new Failure(`Operation cannot be fulfilled on ${qualified(type)} "${name}": ${cause}`, {
    code: 409,
    reason: "Conflict",
    details: named(type, name, type.plural),
  });
}

/** For a precondition of a deletion, or a uid, that does not hold; the server names the kind here. */
export function unmet(type: ResourceType, name: string, cause: string): Failure {
  return new Failure(`Operation cannot be fulfilled on ${qualifiedKind(type)} "${name}": ${cause}`, {
    code: 409,
    reason: "Conflict",
    details: named(type, name, type.kind),
  });
}

/** For what cannot be read. */
export function badRequest(message: string): Failure {
  return new Failure(message, { code: 400, reason: "BadRequest" });
}

/** For a token that nobody has. */
export function unauthorized(): Failure {
  return new Failure("Unauthorized", { code: 401, reason: "Unauthorized" });
}

/** For what admission does not let in. */
export function forbidden(
  type: ResourceType,
  { name, causes }: { readonly name: string; readonly causes?: readonly Cause[] },
  why: string,
): Failure {
  const subject = name === "" ? qualified(type) : `${qualified(type)} "${name}"`;
  return new Failure(`${subject} is forbidden: ${why}`, {
    code: 403,
    reason: "Forbidden",
    details: { ...named(type, name, type.plural), ...(causes === undefined ? {} : { causes }) },
  });
}

/** For an object that breaks rules. `kind` and group are of what is invalid, which may be options of a call. */
export function invalid(
  type: Pick<ResourceType, "kind" | "group">,
  name: string,
  causes: readonly Cause[],
): Failure {
  const told = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const kind = type.group === "" ? type.kind : `${type.kind}.${type.group}`;
  const all = told.length === 1 ? told.join("") : `[${told.join(", ")}]`;
  return new Failure(`${kind} "${name}" is invalid: ${all}`, {
    code: 422,
    reason: "Invalid",
    details: {
      ...(name === "" ? {} : { name }),
      ...(type.group === "" ? {} : { group: type.group }),
      kind: type.kind,
      causes,
    },
  });
}

/** For a version that history no longer reaches. */
export function expired(message: string, metadata: JsonObject = {}): Failure {
  return new Failure(message, { code: 410, reason: "Expired", metadata });
}
