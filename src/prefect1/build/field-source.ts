// Where a field of a Job came from: the builder tells a recorder, if somebody asked.

export type FieldSource = "run config" | "template" | "agent option" | "forced" | "default";

/** Told of a field (and everything below it) as it is written. */
export type Recorder = (path: string, source: FieldSource) => void;

/** The path of a key below a path: `.key`, or `["key"]` where the key is no plain word. */
export function below(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
