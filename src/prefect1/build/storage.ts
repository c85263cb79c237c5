// A flow's storage: checked as Prefect 1 checks it, and the image if it is Docker storage.

import type { JsonObject } from "../../base/json.ts";
import type { FlowRun } from "../flow-run.ts";
import { JobError } from "../../job/errors.ts";

/** Storage types of Core 1.4.1 and the fields without which their flows cannot be loaded. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
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

/** The image that Docker storage names, undefined for every other type. Throws JobError for a storage that is none. */
export function storageImage(flowRun: Pick<FlowRun, "id" | "flow">): string | undefined {
  const { storage } = flowRun.flow;
  const whose = `Flow run ${flowRun.id} has`;
  if (storage === null) throw new JobError(`${whose} a flow without \`storage\``);
  const type = storage["type"] ?? null;
  if (type === null) throw new JobError(`${whose} a \`storage\` without a \`type\``);
  const named = typeof type === "string" ? type : JSON.stringify(type);
  const needed = Object.hasOwn(NEEDED, named) ? NEEDED[named] : undefined;
  if (needed === undefined) throw new JobError(`${whose} a \`storage\` of the unknown type \`${named}\``);
  for (const field of needed) {
    if ((storage[field] ?? null) === null)
      throw new JobError(`${whose} \`${named}\` storage without \`${field}\``);
  }
  if (named === "Git" && absent(storage, "repo") && absent(storage, "git_clone_url_secret_name")) {
    throw new JobError(`${whose} \`Git\` storage without \`repo\` or \`git_clone_url_secret_name\``);
  }
  return named === "Docker" ? dockerImage(storage, whose) : undefined;
}

function dockerImage(storage: JsonObject, whose: string): string {
  if (storage["prefect_version"] === null)
    throw new JobError(`${whose} \`Docker\` storage whose \`prefect_version\` is null`);
  const name = storage["image_name"] ?? null;
  const tag = storage["image_tag"] ?? null;
  const registry = storage["registry_url"] ?? "";
  if (name === null || tag === null) {
    throw new JobError(
      `${whose} \`Docker\` storage that is missing required fields \`image_name\` and \`image_tag\``,
    );
  }
  if (typeof name !== "string" || typeof tag !== "string" || typeof registry !== "string") {
    throw new JobError(
      `${whose} \`Docker\` storage whose \`registry_url\`, \`image_name\` or \`image_tag\` is not a text`,
    );
  }
  return `${posixPath(registry, name)}:${tag}`;
}

/** Python's PurePosixPath(left, right): an absolute right side wins, repeated slashes and `.` go, `..` stays. */
function posixPath(left: string, right: string): string {
  const path = right.startsWith("/") || left === "" ? right : `${left}/${right}`;
  const root = /^\/\/(?!\/)/.test(path) ? "//" : path.startsWith("/") ? "/" : "";
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return `${root}${parts.join("/")}` || ".";
}

function absent(storage: JsonObject, field: string): boolean {
  return (storage[field] ?? null) === null;
}
