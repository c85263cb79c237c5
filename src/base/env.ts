// Environment variables as a value: only cli/context.ts reads process.env.

export type Env = Readonly<Record<string, string | undefined>>;

/** Like Python's expandvars and expanduser: unknown variables stay as they are. */
export function expandVariables(text: string, env: Env): string {
  const expanded = text.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (match, plain: string | undefined, braced: string) => {
      return env[plain ?? braced] ?? match;
    },
  );
  const home = env["HOME"] ?? env["USERPROFILE"];
  return home === undefined ? expanded : expanded.replace(/^~(?=$|[/\\])/, () => home);
}
