// Environment variables as a value: only cli/context.ts reads process.env.

export type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/** The proxy variables that are set, in the form of the `proxyEnv` option of Node's agents; undefined when none is set. */
export function proxyEnvOf(env: Env): Env | undefined {
  const set = PROXY_VARIABLES.filter((name) => (env[name] ?? "") !== "").map((name) => [name, env[name]]);
  return set.length === 0 ? undefined : (Object.fromEntries(set) as Env);
}

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
