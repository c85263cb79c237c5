// Validates a flow's storage like Prefect 1, and reads the image of Docker storage.

import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";

/** The storage types of Core 1.4.1 and their required fields. */
const REQUIRED_FIELDS: Readonly<Record<string, readonly string[]>> = {
  Azure: ["container"],
  Bitbucket: ["project", "repo"],
  CodeCommit: ["repo"],
  Docker: [],
  GCS: ["bucket"],
  Git: ["flow_path"],
  GitHub: ["repo", "path"],
  GitLab: ["repo"],
  Local: [],
  Module: ["module"],
  S3: ["bucket"],
  Storage: [],
  Webhook: [
    "build_request_kwargs",
    "build_request_http_method",
    "get_flow_request_kwargs",
    "get_flow_request_http_method",
  ],
};

/** The image of Docker storage, undefined for other types. Throws JobError for invalid storage. */
export function storageImage(flowRun: Pick<FlowRun, "id" | "flow">): string | undefined {
  const { storage } = flowRun.flow;
  const error = (what: string): JobError => new JobError(`Flow run ${flowRun.id} has ${what}`);
  if (storage === null) throw error("a flow without `storage`");
  const type = storage["type"] ?? null;
  if (type === null) throw error("a `storage` without a `type`");
  const name = typeof type === "string" ? type : JSON.stringify(type);
  const required = Object.hasOwn(REQUIRED_FIELDS, name) ? REQUIRED_FIELDS[name] : undefined;
  if (required === undefined) throw error(`a \`storage\` of the unknown type \`${name}\``);
  const isMissing = (field: string): boolean => (storage[field] ?? null) === null;
  const missing = required.find(isMissing);
  if (missing !== undefined) throw error(`\`${name}\` storage without \`${missing}\``);
  if (name === "Git" && isMissing("repo") && isMissing("git_clone_url_secret_name"))
    throw error("`Git` storage without `repo` or `git_clone_url_secret_name`");
  return name === "Docker" ? dockerImage(storage, error) : undefined;
}

function dockerImage(storage: JsonObject, error: (what: string) => JobError): string {
  if (storage["prefect_version"] === null) throw error("`Docker` storage whose `prefect_version` is null");
  const name = storage["image_name"] ?? null;
  const tag = storage["image_tag"] ?? null;
  const registry = storage["registry_url"] ?? "";
  if (name === null || tag === null)
    throw error("`Docker` storage that is missing required fields `image_name` and `image_tag`");
  if (typeof name !== "string" || typeof tag !== "string" || typeof registry !== "string")
    throw error("`Docker` storage whose `registry_url`, `image_name` or `image_tag` is not a string");
  return `${posixPath(registry, name)}:${tag}`;
}

/** Like Python's PurePosixPath(left, right): an absolute right side wins, repeated slashes and `.` are removed, `..` stays. */
function posixPath(left: string, right: string): string {
  const path = right.startsWith("/") || left === "" ? right : `${left}/${right}`;
  const root = /^\/\/(?!\/)/.test(path) ? "//" : path.startsWith("/") ? "/" : "";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return `${root}${parts.join("/")}` || ".";
}
