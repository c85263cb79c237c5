// The environment as a value: only cli/context.ts reads the process's own.

export type Env = Readonly<Record<string, string | undefined>>;

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];

/** The proxy variables that are set, or undefined when none is: what Node's agents call `proxyEnv`. */
export function proxyEnvOf(env: Env): Env | undefined {
  const set = PROXY_VARIABLES.filter((name) => (env[name] ?? "") !== "").map((name) => [name, env[name]]);
  return set.length === 0 ? undefined : (Object.fromEntries(set) as Env);
}

/** Python's expandvars and expanduser: an unknown variable is left as it is written. */
export function expandVariables(text: string, env: Env): string {
  const expanded = text.replace(
    /\$(?:(\w+)|\{([^}]*)\})/g,
    (written, plain: string | undefined, braced: string) => {
      return env[plain ?? braced] ?? written;
    },
  );
  const home = env["HOME"] ?? env["USERPROFILE"];
  return home === undefined ? expanded : expanded.replace(/^~(?=$|[/\\])/, () => home);
}
