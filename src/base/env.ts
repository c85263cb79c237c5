// Environment variables as a value: only cli/context.ts reads process.env.

import type { Secrets } from "./secrets.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** The text of a file, or undefined when there is no such file. */
export type ReadFile = (path: string) => string | undefined;

export interface SettingsDeps {
  readonly env: Env;
  readonly readFile: ReadFile;
  /** Gets every key and password that is read. */
  readonly secrets?: Pick<Secrets, "add" | "addUrl"> | undefined;
}

/** Like Python's expandvars and expanduser: unknown variables stay as they are. */
export function expandVariables(text: string, env: Env): string {
  const valueOf = (match: string, plain: string | undefined, braced: string) => env[plain ?? braced] ?? match;
  const expanded = text.replace(/\$(?:(\w+)|\{([^}]*)\})/g, valueOf);
  const home = env["HOME"] ?? env["USERPROFILE"];
  return home === undefined ? expanded : expanded.replace(/^~(?=$|[/\\])/, () => home);
}
