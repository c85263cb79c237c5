// What a request is about: its path and method, read as Kubernetes reads them.

import { resourceAt } from "./resources.ts";
import type { ResourceType } from "./resources.ts";

/** A request to a resource. */
export interface Target {
  readonly type: ResourceType;
  /** Undefined across namespaces, and for what is in none. */
  readonly namespace: string | undefined;
  /** Empty for a collection. */
  readonly name: string;
  readonly subresource: "" | "status" | "log";
  readonly verb: string;
  readonly query: URLSearchParams;
}

/** The target of a path, or undefined when the path names no resource that is served. */
export function targetOf(method: string, url: URL): Target | undefined {
  const parts = url.pathname.split("/").filter((part) => part !== "");
  const found = parts[0] === "api" ? ["", ...parts.slice(1)] : parts.slice(1);
  if (parts[0] !== "api" && parts[0] !== "apis") return undefined;
  const [group = "", version = "", ...given] = found.map((part) => decodeURIComponent(part));
  // The deprecated prefix for watching a collection.
  const isWatchPath = given[0] === "watch";
  const rest = isWatchPath ? given.slice(1) : given;
  const isInNamespace = rest[0] === "namespaces" && rest.length > 2 && rest[2] !== "status";
  const [plural = "", name = "", subresource = "", ...more] = isInNamespace ? rest.slice(2) : rest;
  const type = resourceAt(group, version, plural);
  if (type === undefined || more.length > 0 || !hasSubresource(type, subresource)) return undefined;
  if (type.namespaced ? !isInNamespace && name !== "" : isInNamespace) return undefined;
  const query = url.searchParams;
  const isWatch = name === "" && (isWatchPath || ["true", "1"].includes(query.get("watch") ?? ""));
  return {
    type,
    namespace: isInNamespace ? rest[1] : undefined,
    name,
    subresource: subresource === "status" || subresource === "log" ? subresource : "",
    verb: verbOf(method, name === "", isWatch),
    query,
  };
}

function hasSubresource(type: ResourceType, subresource: string): boolean {
  if (subresource === "") return true;
  return subresource === "status" ? type.hasStatus : subresource === "log" && type.kind === "Pod";
}

function verbOf(method: string, isCollection: boolean, isWatch: boolean): string {
  switch (method) {
    case "GET":
    case "HEAD":
      if (isWatch) return "watch";
      return isCollection ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return isCollection ? "deletecollection" : "delete";
    default:
      return method.toLowerCase();
  }
}

/** The plural with its subresource, as access rules name it. */
export function ruleName(target: Pick<Target, "type" | "subresource">): string {
  return target.subresource === "" ? target.type.plural : `${target.type.plural}/${target.subresource}`;
}
