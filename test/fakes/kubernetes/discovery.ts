// What kubectl asks before it asks anything else: the groups and resources that are served.

import type { JsonObject } from "../../../src/base/json.ts";
import { apiVersionOf, RESOURCES } from "./resources.ts";
import type { ResourceType } from "./resources.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/** The version that the fake says it is: the newest that its answers were compared with. */
export const VERSION: JsonObject = {
  major: "1",
  minor: "35",
  gitVersion: "v1.35.4",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "",
};

/** The discovery document at a path, or undefined when the path is none of discovery's. */
export function discovery(path: string): JsonObject | undefined {
  const [, root, first, second, more] = path.replace(/\/$/, "").split("/");
  if (more !== undefined) return undefined;
  if (root === "api") return first === undefined ? coreVersions() : resourceList("", first);
  if (root !== "apis" || first === "") return undefined;
  if (first === undefined)
    return { kind: "APIGroupList", apiVersion: "v1", groups: groupNames().map(groupOf) };
  if (!groupNames().includes(first)) return undefined;
  if (second === undefined) return { kind: "APIGroup", apiVersion: "v1", ...groupOf(first) };
  return resourceList(first, second);
}

function coreVersions(): JsonObject {
  return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
}

function groupNames(): readonly string[] {
  return [...new Set(RESOURCES.map((type) => type.group))].filter((group) => group !== "");
}

function groupOf(name: string): JsonObject {
  const version = RESOURCES.find((type) => type.group === name)?.version ?? "v1";
  const known = { groupVersion: `${name}/${version}`, version };
  return { name, versions: [known], preferredVersion: known };
}

function resourceList(group: string, version: string): JsonObject | undefined {
  const types = RESOURCES.filter((type) => type.group === group && type.version === version);
  const groupVersion = apiVersionOf({ group, version });
  if (types.length === 0) return undefined;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources: types.flatMap(entries) };
}

function entries(type: ResourceType): readonly JsonObject[] {
  const { plural, kind, namespaced, shortNames } = type;
  const main = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: VERBS, shortNames };
  const sub = (name: string, verbs: readonly string[]): JsonObject => {
    return { name: `${plural}/${name}`, singularName: "", namespaced, kind, verbs };
  };
  return [
    main,
    ...(type.hasStatus ? [sub("status", ["get", "patch", "update"])] : []),
    ...(kind === "Pod" ? [sub("log", ["get"])] : []),
  ];
}
