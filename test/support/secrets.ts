// Checks in every test that runs commands: no command prints a secret from its arguments, variables or files.

/** Shorter texts would occur by chance. */
const MIN_LENGTH = 6;
const FLAGS = /^(?:-k|--key|-t|--token)$/;
const VARIABLES = /(?:API_KEY|AUTH_TOKEN|SECRET_ACCESS_KEY|SESSION_TOKEN|AUTH_STRING)$/;
const IN_FILES =
  /"?\b(?:token|api_key|auth_token|password|client-key-data|PREFECT_API_KEY)"?\s*[:=]\s*"?([^"'\s,}]+)/g;

export interface CommandInput {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The texts of its files. */
  readonly files?: readonly string[] | undefined;
}

/** The secrets in a command's input. */
export function secretsOf({ argv, env = {}, files = [] }: CommandInput): string[] {
  const flags = argv.flatMap((word, at) => {
    const [flag = "", value] = word.startsWith("--") ? word.split(/=(.*)/s) : [word];
    return FLAGS.test(flag) ? [value ?? argv[at + 1] ?? ""] : [];
  });
  const variables = Object.entries(env).flatMap(([name, value = ""]) =>
    VARIABLES.test(name) ? [value] : [],
  );
  const inFiles = files.flatMap((file) => [...file.matchAll(IN_FILES)].map(([, value = ""]) => value));
  return [...new Set([...flags, ...variables, ...inFiles])].filter((secret) => secret.length >= MIN_LENGTH);
}

/** Throws if a command's output contains a secret. `install` and `render` print keys on stdout on purpose. */
export function assertNoSecretsPrinted(
  input: CommandInput,
  output: { readonly stdout: string; readonly stderr: string },
): void {
  const isManifest = input.argv.some((word) => word === "install" || word === "render");
  const text = isManifest ? output.stderr : output.stdout + output.stderr;
  for (const secret of secretsOf(input)) {
    if (!text.includes(secret) && !text.includes(Buffer.from(secret).toString("base64"))) continue;
    const line = text.split("\n").find((each) => each.includes(secret)) ?? "as base64";
    throw new Error(`a secret was printed by "${input.argv.join(" ")}": ${line}`);
  }
}
