// The objects of its namespace that a pod names, and without which the kubelet does not start it.

import { arrayIn, objectIn, textIn, type JsonObject } from "../../base/json.ts";

export interface Reference {
  readonly resource: "secrets" | "configmaps" | "persistentvolumeclaims";
  readonly name: string;
  /** The entry that the object must have. */
  readonly key?: string;
}

/** What the spec of a pod names and does not call optional, each once. Pure. */
export function referencesOf(podSpec: JsonObject): readonly Reference[] {
  const containers = ["containers", "initContainers"].flatMap((field) => arrayIn(podSpec[field]));
  const found = [...containers.flatMap(ofContainer), ...arrayIn(podSpec["volumes"]).flatMap(ofVolume)];
  return [...new Map(found.map((each) => [JSON.stringify(each), each])).values()];
}

function ofContainer(container: unknown): readonly Reference[] {
  const { env, envFrom } = objectIn(container);
  const one = arrayIn(env).flatMap((variable) => {
    const { secretKeyRef, configMapKeyRef } = objectIn(objectIn(variable)["valueFrom"]);
    return [...required("secrets", secretKeyRef), ...required("configmaps", configMapKeyRef)];
  });
  const all = arrayIn(envFrom).flatMap((source) => {
    const { secretRef, configMapRef } = objectIn(source);
    return [...required("secrets", secretRef), ...required("configmaps", configMapRef)];
  });
  return [...one, ...all];
}

function ofVolume(volume: unknown): readonly Reference[] {
  const { secret, configMap, persistentVolumeClaim, projected } = objectIn(volume);
  return [
    ...required("secrets", secret),
    ...required("configmaps", configMap),
    ...required("persistentvolumeclaims", persistentVolumeClaim),
    ...arrayIn(objectIn(projected)["sources"]).flatMap(ofVolume),
  ];
}

function required(resource: Reference["resource"], reference: unknown): readonly Reference[] {
  const { name, secretName, claimName, key, items, optional } = objectIn(reference);
  const named = textIn(name ?? secretName ?? claimName);
  if (named === undefined || named === "" || optional === true) return [];
  // A volume's items are the entries that it needs.
  const keys = [key, ...arrayIn(items).map((item) => objectIn(item)["key"])].flatMap(
    (each) => textIn(each) ?? [],
  );
  if (keys.length === 0) return [{ resource, name: named }];
  return keys.map((entry) => ({ resource, name: named, key: entry }));
}
