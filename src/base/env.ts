// Environment variables as a value: only main.ts reads those of the process.

import type { Secrets } from "./secrets.ts";

export type Env = Readonly<Record<string, string | undefined>>;

/** The text of a file, or undefined when there is no such file. */
export type ReadFile = (path: string, encoding?: "latin1") => string | undefined;

export interface SettingsDeps {
  readonly env: Env;
  readonly readFile: ReadFile;
  /** Gets every key and password that is read. */
  readonly secrets?: Pick<Secrets, "add" | "addRenewed" | "addUrl"> | undefined;
}

/** Variables can hold variables; as in Prefect, no more than so deep. */
const MAX_DEPTH = 10;

/** The user's home folder as `read` finds it; undefined where there is none: a user without HOME that only has a number. */
export function homeFolder(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Like Python's expandvars and expanduser, until nothing changes: unknown variables stay as they are. */
export function expandVariables(text: string, env: Env, depth = 1): string {
  const valueOf = (match: string, plain: string | undefined, braced: string) => env[plain ?? braced] ?? match;
  const home = env["HOME"] ?? env["USERPROFILE"];
  const filled = text.replace(/\$(?:(\w+)|\{([^}]*)\})/g, valueOf);
  const expanded = home === undefined ? filled : filled.replace(/^~(?=$|[/\\])/, () => home);
  return expanded === text || depth === MAX_DEPTH ? expanded : expandVariables(expanded, env, depth + 1);
}
