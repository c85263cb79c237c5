// The name of a Job: a prefix from the template, and the identifier, which makes it unique.

import { objectIn } from "../../base/json.ts";
import type { Template } from "./template.ts";

/** With a hyphen and the identifier 57 characters, which leaves room for the pods' suffix within 63. */
const PREFIX_LENGTH = 48;
const DEFAULT_PREFIX = "prefect-job";

/** `<prefix>-<identifier>`: the prefix is the template's name, truncated, without trailing hyphens and dots. */
export function jobName(template: Template, identifier: string): string {
  return `${
    templateName(template)
      ?.slice(0, PREFIX_LENGTH)
      .replace(/[-.]+$/, "") || DEFAULT_PREFIX
  }-${identifier}`;
}

export function templateName(template: Template): string | undefined {
  const name = objectIn(template.body["metadata"])["name"];
  return typeof name === "string" && name !== "" ? name : undefined;
}
