// The rules that an object must keep; the causes of a 422.

import { arrayIn, objectIn, textIn } from "../../../src/base/json.ts";
import type { JsonObject } from "../../../src/base/json.ts";
import type { Cause } from "./failure.ts";
import type { KubeObject } from "./kube-object.ts";
import type { ResourceType } from "./resources.ts";

const SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const LABEL_NAME = /^(?:[a-z0-9.-]+\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const ENV_NAME = /^[ -<>-~]+$/;
const STANDARD_FINALIZERS = ["orphan", "foregroundDeletion", "kubernetes"];

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start" +
  " and end with an alphanumeric character (e.g. 'example.com', regex used for validation is" +
  " '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL_RULE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end" +
  " with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is" +
  " '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_NAME_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric" +
  " character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is" +
  " '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and" +
  " end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is" +
  " '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const ENV_NAME_RULE =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

/** What is wrong with an object, field by field; nothing when it may be stored. */
export function faultsOf(object: KubeObject, type: ResourceType): readonly Cause[] {
  const causes = metaFaults(object);
  const spec = objectIn(object.spec);
  if (type.kind === "Job") causes.push(...jobFaults(spec));
  if (type.kind === "Pod") causes.push(...podFaults(spec, "spec"));
  if (type.kind === "Service" && arrayIn(spec["ports"]).length === 0 && spec["clusterIP"] !== "None") {
    causes.push(required("spec.ports"));
  }
  if (
    type.kind === "Lease" &&
    spec["leaseDurationSeconds"] !== undefined &&
    !(Number(spec["leaseDurationSeconds"]) > 0)
  ) {
    causes.push(wrong("spec.leaseDurationSeconds", spec["leaseDurationSeconds"], "must be greater than 0"));
  }
  return causes;
}

/** A cause for a value that breaks a rule. */
export function wrong(field: string, value: unknown, rule: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${rule}`, field };
}

/** A cause for a field that must be there. */
function required(field: string, rule?: string): Cause {
  const message = rule === undefined ? "Required value" : `Required value: ${rule}`;
  return { reason: "FieldValueRequired", message, field };
}

function unsupported(field: string, value: unknown, supported: readonly string[]): Cause {
  const list = supported.map((one) => `"${one}"`).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", message, field };
}

function metaFaults(object: KubeObject): Cause[] {
  const { name, labels, finalizers = [] } = object.metadata;
  const causes: Cause[] = [];
  if (name === "") causes.push(required("metadata.name", "name or generateName is required"));
  else if (name.length > 253) causes.push(wrong("metadata.name", name, "must be no more than 253 bytes"));
  else if (!SUBDOMAIN.test(name)) causes.push(wrong("metadata.name", name, SUBDOMAIN_RULE));
  causes.push(...labelFaults(objectIn(labels), "metadata.labels"));
  finalizers.forEach((finalizer, at) => {
    if (finalizer.includes("/") || STANDARD_FINALIZERS.includes(finalizer)) return;
    const rule = "name is neither a standard finalizer name nor is it fully qualified";
    causes.push(wrong(`metadata.finalizers[${at}]`, finalizer, rule));
  });
  return causes;
}

function labelFaults(labels: JsonObject, field: string): Cause[] {
  return Object.entries(labels).flatMap(([name, value]) => {
    const causes: Cause[] = [];
    if (!LABEL_NAME.test(name)) causes.push(wrong(field, name, LABEL_NAME_RULE));
    const text = textIn(value) ?? "";
    if (text.length > 63) causes.push(wrong(field, text, "must be no more than 63 bytes"));
    else if (!LABEL_VALUE.test(text)) causes.push(wrong(field, text, LABEL_VALUE_RULE));
    return causes;
  });
}

function jobFaults(spec: JsonObject): Cause[] {
  const template = objectIn(spec["template"]);
  const podSpec = objectIn(template["spec"]);
  const numbers = [
    "backoffLimit",
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
  ];
  const causes = numbers
    .filter((field) => Number(spec[field] ?? 0) < 0)
    .map((field) => wrong(`spec.${field}`, spec[field], "must be greater than or equal to 0"));
  causes.push(...labelFaults(objectIn(objectIn(template["metadata"])["labels"]), "spec.template.labels"));
  causes.push(...podFaults(podSpec, "spec.template.spec"));
  if (podSpec["restartPolicy"] !== "OnFailure" && podSpec["restartPolicy"] !== "Never") {
    causes.push(required("spec.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"'));
  }
  return causes;
}

function podFaults(spec: JsonObject, path: string): Cause[] {
  const containers = arrayIn(spec["containers"]);
  if (containers.length === 0) return [required(`${path}.containers`)];
  const seen = new Set<unknown>();
  const causes: Cause[] = [];
  for (const list of ["initContainers", "containers"]) {
    arrayIn(spec[list]).forEach((value, at) => {
      const container = objectIn(value);
      causes.push(...containerFaults(container, `${path}.${list}[${at}]`));
      if (seen.has(container["name"])) {
        const message = `Duplicate value: ${JSON.stringify(container["name"])}`;
        causes.push({ reason: "FieldValueDuplicate", message, field: `${path}.${list}[${at}].name` });
      }
      seen.add(container["name"]);
    });
  }
  return causes;
}

function containerFaults(container: JsonObject, path: string): Cause[] {
  const causes: Cause[] = [];
  const name = textIn(container["name"]) ?? "";
  if (name === "") causes.push(required(`${path}.name`));
  else if (!LABEL.test(name)) causes.push(wrong(`${path}.name`, name, LABEL_RULE));
  if ((textIn(container["image"]) ?? "") === "") causes.push(required(`${path}.image`));
  const policy = container["imagePullPolicy"] ?? "Always";
  const policies = ["Always", "IfNotPresent", "Never"];
  if (!policies.some((known) => known === policy))
    causes.push(unsupported(`${path}.imagePullPolicy`, policy, policies));
  arrayIn(container["env"]).forEach((variable, at) => {
    const field = `${path}.env[${at}].name`;
    const envName = textIn(objectIn(variable)["name"]) ?? "";
    if (envName === "") causes.push(required(field));
    else if (!ENV_NAME.test(envName)) causes.push(wrong(field, envName, ENV_NAME_RULE));
  });
  return causes;
}
