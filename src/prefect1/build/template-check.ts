// Validates the parts of a job template that the builder relies on; the Kubernetes API validates the rest.

import { isObject } from "../../base/json.ts";
import type { JsonObject } from "../../base/json.ts";

/** The first problem of a template without nulls, with the field's path; undefined: none. */
export function templateProblem(body: unknown): string | undefined {
  if (!isObject(body)) return "it is not an object";
  const { kind, apiVersion } = body;
  // The path can name any file, so its content must not appear in the message.
  if (kind !== undefined && kind !== "Job") {
    return matches(kind, /^[A-Z][A-Za-z]+$/) ? `it is a ${kind}, not a Job` : "it is not a Job";
  }
  if (apiVersion !== undefined && apiVersion !== "batch/v1") {
    const isVersion = matches(apiVersion, /^(?:[a-z0-9.-]+\/)?v\d[a-z0-9]*$/);
    return `its apiVersion is ${isVersion ? apiVersion : "none"}, it must be batch/v1`;
  }
  return metaProblem(body, "metadata") ?? nameProblem(body) ?? specProblem(body);
}

function nameProblem(body: JsonObject): string | undefined {
  const metadata = body["metadata"];
  if (!isObject(metadata)) return undefined;
  for (const field of ["name", "namespace"]) {
    const value = metadata[field];
    if (value !== undefined && typeof value !== "string") return `metadata.${field} is not a string`;
  }
  return undefined;
}

function metaProblem(holder: JsonObject, path: string): string | undefined {
  const metadata = holder["metadata"];
  if (metadata === undefined) return undefined;
  if (!isObject(metadata)) return `${path} is not an object`;
  for (const field of ["labels", "annotations"]) {
    const value = metadata[field];
    if (value !== undefined && !isObject(value)) return `${path}.${field} is not an object`;
  }
  return undefined;
}

function specProblem(body: JsonObject): string | undefined {
  const spec = body["spec"];
  if (spec !== undefined && !isObject(spec)) return "spec is not an object";
  const podTemplate = spec?.["template"];
  if (podTemplate !== undefined && !isObject(podTemplate)) return "spec.template is not an object";
  const podSpec = podTemplate?.["spec"];
  if (podTemplate === undefined || podSpec === undefined) return "it has no spec.template.spec";
  if (!isObject(podSpec)) return "spec.template.spec is not an object";
  return metaProblem(podTemplate, "spec.template.metadata") ?? containersProblem(podSpec);
}

function containersProblem(podSpec: JsonObject): string | undefined {
  const path = "spec.template.spec.containers";
  const containers = podSpec["containers"];
  if (containers === undefined) return undefined;
  if (!Array.isArray(containers)) return `${path} is not a list`;
  for (const [at, container] of containers.entries()) {
    const problem = containerProblem(container, `${path}[${at}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function containerProblem(container: unknown, path: string): string | undefined {
  if (!isObject(container)) return `${path} is not an object`;
  for (const field of ["name", "image"]) {
    const value = container[field];
    if (value !== undefined && typeof value !== "string") return `${path}.${field} is not a string`;
    if (value?.includes("{{") === true) return `${path}.${field} has braces`;
  }
  return (
    envProblem(container["env"], `${path}.env`) ??
    resourcesProblem(container["resources"], `${path}.resources`)
  );
}

function envProblem(env: unknown, path: string): string | undefined {
  if (env === undefined) return undefined;
  if (!Array.isArray(env)) return `${path} is not a list`;
  const nameless = env.findIndex((entry) => !isObject(entry) || typeof entry["name"] !== "string");
  return nameless < 0 ? undefined : `${path}[${nameless}] has no name`;
}

function resourcesProblem(resources: unknown, path: string): string | undefined {
  if (resources === undefined) return undefined;
  if (!isObject(resources)) return `${path} is not an object`;
  for (const field of ["requests", "limits"]) {
    const value = resources[field];
    if (value !== undefined && !isObject(value)) return `${path}.${field} is not an object`;
  }
  return undefined;
}

function matches(value: unknown, shape: RegExp): value is string {
  return typeof value === "string" && shape.test(value);
}
