// Which source each field of a Job came from, for `render --explain`.

export type FieldSource = "run config" | "template" | "agent option" | "forced" | "default";

/** Called with the path and source of a field; the source applies to everything below the path. */
export type Recorder = (path: string, source: FieldSource) => void;

/** Appends `.key`, or `["key"]` if the key is not a plain word. */
export function childPath(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[A-Za-z_][\w-]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}
