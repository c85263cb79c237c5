// Creating and changing objects, as requests ask for it.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../../src/base/clock.ts";
import { arrayIn, isObject, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import { checked, decodeObject, withoutNulls } from "./decode.ts";
import { withDefaults } from "./defaults.ts";
import { settle, writable } from "./deletion.ts";
import { alreadyExists, badRequest, Failure, forbidden, invalid, modified, notFound } from "./failure.ts";
import { unmet, unsupportedMediaType } from "./failure.ts";
import { timestamp } from "./kube-object.ts";
import type { KubeObject } from "./kube-object.ts";
import { jsonPatch, mergePatch } from "./patches.ts";
import { resourceNamed } from "./resources.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";
import type { Target } from "./target.ts";
import { generatedName, newUid } from "./unique.ts";
import { changeFaults } from "./validate-change.ts";
import { faultsOf } from "./validate.ts";
import type { Version } from "./version.ts";

/** What a write left behind. Dry runs leave nothing and tell the same. */
export interface Written {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** Refuses an object that is to be created; undefined: it is admitted. */
export type Admission = (resource: string, object: KubeObject) => Failure | undefined;

/** The writes of a store. */
export class Writes {
  /** Webhooks, policies and quotas. */
  admission: Admission | undefined;
  readonly #store: Store;
  readonly #clock: Pick<Clock, "now">;

  constructor(store: Store, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Creates the object in the body. Throws the Failures of the real server. */
  create(target: Target, body: string): Written {
    return this.#create(target, decodeObject(body, target.type));
  }

  /** Replaces the object, or its status, by the body. */
  update(target: Target, body: string): Written {
    const { type, namespace, name } = target;
    const given = decodeObject(body, type);
    const metadata = objectIn(given["metadata"]);
    checkName(textIn(metadata["name"]) ?? name, name);
    const version = this.#store.find(type, namespace, name);
    if (version === undefined && type.createOnUpdate && target.subresource === "") {
      const { resourceVersion: _seen, ...rest } = metadata;
      return this.#create(target, { ...given, metadata: { ...rest, name } });
    }
    const seen = textIn(metadata["resourceVersion"]);
    if (version !== undefined && seen === undefined && !type.unconditionalUpdate)
      throw versionRequired(type, name);
    return this.#change(writable(this.#store, { type, namespace, name, seen }), given, target);
  }

  /** Patches the object, or its status. The patch's form is its content type. */
  patch(target: Target, body: string, contentType: string): Written {
    const { type, namespace, name } = target;
    const version = this.#store.find(type, namespace, name);
    const apply = patcher(contentType, type);
    const patch = patchBody(body);
    if (version === undefined) throw notFound(type, name);
    const patched = apply(version.object, patch);
    const given = checked(withoutNulls(objectIn(patched)), type);
    const metadata = objectIn(given["metadata"]);
    checkName(textIn(metadata["name"]) ?? "", name);
    if (textIn(metadata["resourceVersion"]) !== version.object.metadata.resourceVersion)
      throw modified(type, name);
    return this.#change(version, given, target);
  }

  #create(target: Target, given: JsonObject): Written {
    const { type } = target;
    const metadata = objectIn(given["metadata"]);
    this.#checkNamespace(target, metadata);
    const object = this.#newObject(target, given);
    const causes = faultsOf(object, type);
    if (causes.length > 0) throw invalid(type, object.metadata.name, causes);
    const { namespace, name } = object.metadata;
    if (this.#store.find(type, namespace, name) !== undefined) throw alreadyExists(type, name);
    this.#admit(type, object);
    const refusal = this.admission?.(type.plural, object);
    if (refusal !== undefined) throw refusal;
    if (isDryRun(target.query)) return { object, created: true };
    return { object: this.#store.add(type, object).object, created: true };
  }

  #newObject({ type, namespace }: Target, given: JsonObject): KubeObject {
    const metadata = objectIn(given["metadata"]);
    const { status, ...rest } = given;
    const prefix = textIn(metadata["generateName"]) ?? "";
    const name = textIn(metadata["name"]) ?? (prefix === "" ? "" : generatedName(prefix));
    const { resourceVersion: _sent, selfLink: _link, managedFields: _fields, ...kept } = metadata;
    const object = {
      ...rest,
      ...(type.hasStatus || status === undefined ? {} : { status }),
      metadata: {
        name,
        ...(type.namespaced && namespace !== undefined ? { namespace } : {}),
        ...kept,
        ...(name === "" ? {} : { name }),
        uid: newUid(),
        creationTimestamp: timestamp(this.#clock.now()),
        ...(type.hasGeneration ? { generation: 1 } : {}),
      },
    } as unknown as KubeObject;
    return withDefaults(object, type.kind);
  }

  #checkNamespace({ type, namespace }: Target, metadata: JsonObject): void {
    if ((textIn(metadata["resourceVersion"]) ?? "") !== "") {
      throw new Failure("resourceVersion should not be set on objects to be created", { code: 500 });
    }
    if (!type.namespaced) return;
    if (namespace !== (textIn(metadata["namespace"]) ?? namespace)) {
      throw badRequest(
        "the namespace of the provided object does not match the namespace sent on the request",
      );
    }
    const namespaces = resourceNamed("namespaces");
    const home = this.#store.find(namespaces, undefined, namespace ?? "");
    if (home === undefined) throw notFound(namespaces, namespace ?? "");
    if (home.object.metadata.deletionTimestamp === undefined) return;
    const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
    const told = `namespace ${namespace} is being terminated`;
    const cause = { reason: "NamespaceTerminating", message: told, field: "metadata.namespace" };
    throw forbidden(type, { name: textIn(metadata["name"]) ?? "", causes: [cause] }, why);
  }

  /** Admission: a pod needs its ServiceAccount. */
  #admit(type: ResourceType, object: KubeObject): void {
    if (type.kind !== "Pod") return;
    const { name, namespace = "" } = object.metadata;
    const account = textIn(objectIn(object.spec)["serviceAccountName"]) ?? "default";
    if (this.#store.find(resourceNamed("serviceaccounts"), namespace, account) !== undefined) return;
    throw forbidden(type, { name }, missingAccount(namespace, account));
  }

  #change(version: Version, given: JsonObject, target: Target): Written {
    const { type } = target;
    const next = nextObject(version, given, target);
    const causes = [...faultsOf(next, type), ...changeFaults(version.object, next, type)];
    if (causes.length > 0) throw invalid(type, next.metadata.name, causes);
    if (isDeepStrictEqual(next, version.object)) return { object: version.object, created: false };
    if (isDryRun(target.query)) return { object: next, created: false };
    return { object: settle(this.#store, version, next), created: false };
  }
}

/** Why a pod whose ServiceAccount does not exist is refused. */
export function missingAccount(namespace: string, account: string): string {
  return `error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
}

/** Whether a query asks for a rehearsal. Throws a 422 Failure for what is neither nothing nor `All`. */
export function isDryRun(query: URLSearchParams): boolean {
  const given = query.get("dryRun") ?? "";
  if (given === "" || given === "All") return given === "All";
  const message = `Unsupported value: ["${given}"]: supported values: "All"`;
  const cause = { reason: "FieldValueNotSupported", message, field: "dryRun" };
  throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [cause]);
}

/** The object after a write: what the server owns stays, and so does the half that the write is not about. */
function nextObject({ object, type }: Version, given: JsonObject, { subresource }: Target): KubeObject {
  const sent = objectIn(given["metadata"]);
  const old = object.metadata;
  if (textIn(sent["uid"]) !== undefined && sent["uid"] !== old.uid) {
    throw unmet(
      type,
      old.name,
      `Precondition failed: UID in precondition: ${String(sent["uid"])}, UID in object meta: ${old.uid}`,
    );
  }
  const {
    managedFields: _fields,
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    ...rest
  } = sent;
  const { finalizers, ...kept } = rest;
  const metadata = {
    ...kept,
    ...(arrayIn(finalizers).length === 0 ? {} : { finalizers: arrayIn(finalizers).map(String) }),
    name: old.name,
    ...(old.namespace === undefined ? {} : { namespace: old.namespace }),
    uid: old.uid,
    resourceVersion: old.resourceVersion,
    creationTimestamp: old.creationTimestamp,
    ...(old.generation === undefined ? {} : { generation: old.generation }),
    ...(old.deletionTimestamp === undefined ? {} : { deletionTimestamp: old.deletionTimestamp }),
    ...(old.deletionGracePeriodSeconds === undefined
      ? {}
      : { deletionGracePeriodSeconds: old.deletionGracePeriodSeconds }),
  };
  if (subresource === "status") return { ...object, status: objectIn(given["status"]), metadata };
  const { status, ...body } = given;
  const shown = type.hasStatus ? object.status : status;
  const next: KubeObject = { ...body, metadata, ...(shown === undefined ? {} : { status: objectIn(shown) }) };
  const isNewSpec = type.hasGeneration && !isDeepStrictEqual(next.spec, object.spec);
  return isNewSpec ? { ...next, metadata: { ...metadata, generation: (old.generation ?? 0) + 1 } } : next;
}

function checkName(given: string, name: string): void {
  if (given === name) return;
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

function versionRequired(type: ResourceType, name: string): Failure {
  const message = "Invalid value: 0: must be specified for an update";
  const cause = { reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" };
  return invalid({ ...type, kind: type.plural }, name, [cause]);
}

function patchBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw badRequest(`error decoding patch: ${error instanceof Error ? error.message : ""}`);
  }
}

/** Strategic merge is read as merge: lists are replaced whole, not merged by their keys. */
function patcher(contentType: string, type: ResourceType): (object: KubeObject, patch: unknown) => unknown {
  const [form] = contentType.split(";");
  if (form === "application/json-patch+json") {
    return (object, patch) => {
      const done = jsonPatch(object, arrayIn(patch));
      if ("document" in done) return done.document;
      const message = "the server rejected our request due to an error in our request";
      throw new Failure(message, { code: 422, reason: "Invalid", details: {} });
    };
  }
  const isMerge = form === "application/merge-patch+json";
  if (!isMerge && (type.custom || form !== "application/strategic-merge-patch+json"))
    throw unsupportedMediaType();
  return (object, patch) => {
    if (!isObject(patch)) throw badRequest("error decoding patch: json: cannot unmarshal into an object");
    return mergePatch(object, patch);
  };
}
