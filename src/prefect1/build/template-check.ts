// Validates the parts of a job template that the builder relies on; the Kubernetes API validates the rest.

import { arrayIn, isObject, objectIn, textIn, type JsonObject } from "../../base/json.ts";
import { shapeProblem, type Shape } from "../../base/shape.ts";

const META: Shape = { name: "string", namespace: "string", labels: {}, annotations: {} };
const CONTAINER: Shape = {
  name: "string",
  image: "string",
  env: [{}],
  resources: { requests: {}, limits: {} },
};
const JOB: Shape = {
  metadata: META,
  spec: { template: { metadata: META, spec: { containers: [CONTAINER] } } },
};

/** The first problem of a template without nulls, with the field's path; undefined: none. */
export function templateProblem(body: unknown): string | undefined {
  if (body === null || body === undefined) return "it is empty, not a Job";
  if (Array.isArray(body)) return "it is a list, not a Job";
  if (!isObject(body)) return "it is not an object";
  return kindProblem(body) ?? shapeProblem(body, JOB) ?? podProblem(body);
}

/** The path of a template can name any file, so its content must not appear in the message. */
function kindProblem({ kind, apiVersion }: JsonObject): string | undefined {
  if (kind !== undefined && kind !== "Job") {
    return matches(kind, /^[A-Z][A-Za-z]+$/) ? `it is a ${kind}, not a Job` : "it is not a Job";
  }
  if (apiVersion === undefined || apiVersion === "batch/v1") return undefined;
  const isVersion = matches(apiVersion, /^(?:[a-z0-9.-]+\/)?v\d[a-z0-9]*$/);
  return `its apiVersion is ${isVersion ? apiVersion : "none"}, it must be batch/v1`;
}

/** What the shape does not say. */
function podProblem(body: JsonObject): string | undefined {
  const pod = objectIn(objectIn(body["spec"])["template"])["spec"];
  if (!isObject(pod)) return "it has no spec.template.spec";
  for (const [at, container] of arrayIn(pod["containers"]).map(objectIn).entries()) {
    const path = `spec.template.spec.containers[${at}]`;
    if (textIn(container["image"])?.includes("{{") === true) return `${path}.image has braces`;
    const nameless = arrayIn(container["env"]).findIndex(
      (entry) => textIn(objectIn(entry)["name"]) === undefined,
    );
    if (nameless >= 0) return `${path}.env[${nameless}] has no name`;
  }
  return undefined;
}

function matches(value: unknown, shape: RegExp): value is string {
  return typeof value === "string" && shape.test(value);
}
