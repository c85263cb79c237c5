// A guard in everything that runs commands for tests: what a command was given as a secret, it must not print.

/** Shorter ones are found in any text. */
const LEAST = 6;
const FLAGS = /^(?:-k|--key|-t|--token)$/;
const VARIABLES = /(?:API_KEY|AUTH_TOKEN|SECRET_ACCESS_KEY|SESSION_TOKEN|AUTH_STRING)$/;
const IN_FILES =
  /"?\b(?:token|api_key|auth_token|password|client-key-data|PREFECT_API_KEY)"?\s*[:=]\s*"?([^"'\s,}]+)/g;

export interface Given {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Texts of the files that it reads. */
  readonly files?: readonly string[] | undefined;
}

/** What is secret of what a command was given. */
export function secretsOf({ argv, env = {}, files = [] }: Given): string[] {
  const flags = argv.flatMap((word, at) => {
    const [flag = "", value] = word.startsWith("--") ? word.split(/=(.*)/s) : [word];
    return FLAGS.test(flag) ? [value ?? argv[at + 1] ?? ""] : [];
  });
  const variables = Object.entries(env).flatMap(([name, value = ""]) =>
    VARIABLES.test(name) ? [value] : [],
  );
  const inFiles = files.flatMap((text) => [...text.matchAll(IN_FILES)].map(([, value = ""]) => value));
  return [...new Set([...flags, ...variables, ...inFiles])].filter((secret) => secret.length >= LEAST);
}

/** Throws when a secret stands in what a command said. `install` and `render` print keys on stdout on purpose. */
export function mustKeepSecrets(
  given: Given,
  said: { readonly stdout: string; readonly stderr: string },
): void {
  const isManifest = given.argv.some((word) => word === "install" || word === "render");
  const seen = isManifest ? said.stderr : said.stdout + said.stderr;
  for (const secret of secretsOf(given)) {
    if (!seen.includes(secret) && !seen.includes(Buffer.from(secret).toString("base64"))) continue;
    const line = seen.split("\n").find((each) => each.includes(secret)) ?? "as base64";
    throw new Error(`a secret was printed by "${given.argv.join(" ")}": ${line}`);
  }
}
