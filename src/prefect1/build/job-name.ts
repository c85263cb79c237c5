// A Job's name: a prefix that people choose, and the identifier that makes it one of a kind.

import { objectIn } from "../../base/json.ts";
import type { Template } from "./template.ts";

/** Of the prefix; with a hyphen and the identifier 57, which leaves room for the pods' own suffix within 63. */
const PREFIX_LENGTH = 48;
const DEFAULT_PREFIX = "prefect-job";

/** `<prefix>-<identifier>`: the prefix is the template's name, cut, without a hyphen or dot where it was cut. */
export function jobName(template: Template, identifier: string): string {
  return `${
    templateName(template)
      ?.slice(0, PREFIX_LENGTH)
      .replace(/[-.]+$/, "") || DEFAULT_PREFIX
  }-${identifier}`;
}

/** The name that the template gives, if it gives one. */
export function templateName(template: Template): string | undefined {
  const name = objectIn(template.body["metadata"])["name"];
  return typeof name === "string" && name !== "" ? name : undefined;
}
