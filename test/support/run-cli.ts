// The command line in process: a context of the test's own, with its files, variables and streams, and real adapters.

import { Readable, Writable } from "node:stream";
import { systemClock } from "../../src/base/clock.ts";
import { connectors } from "../../src/cli/context.ts";
import type { CliContext } from "../../src/cli/context.ts";
import { run } from "../../src/cli/run.ts";
import { mustKeepSecrets } from "./secrets.ts";

export interface CliWorld {
  /** The only variables there are; nothing comes from the process. HOME is /home/user. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path to text; there are no other files, but for those that a job template is read from. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly signal?: AbortSignal;
}

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** The home directory of the person at this command line. */
export const HOME = "/home/user";

/** Runs `kubectl prefect ARGV…` and tells what it said. Throws when a secret is in it. */
export async function runCli(argv: readonly string[], given: CliWorld = {}): Promise<CliResult> {
  const env = { HOME, ...given.env };
  const files = new Map(Object.entries(given.files ?? {}));
  const readFile = (path: string): string | undefined => files.get(path);
  const world = { env, clock: systemClock, home: HOME, readFile };
  const stdout = new Recorder();
  const stderr = new Recorder();
  const context: CliContext = {
    ...world,
    ...connectors({ ...world, userAgent: "kubectl-prefect/test" }),
    stdin: Readable.from(given.stdin === undefined ? [] : [given.stdin]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    colorDepth: 1,
    signal: given.signal ?? new AbortController().signal,
    hostname: "laptop",
    pid: 4711,
    isRunning: () => false,
  };
  const exitCode = await run(argv, context, false);
  const said = { stdout: stdout.text, stderr: stderr.text };
  mustKeepSecrets({ argv, env, files: Object.values(given.files ?? {}) }, said);
  return { ...said, exitCode };
}

/** Keeps what is written. */
class Recorder {
  text = "";
  readonly stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      this.text += chunk.toString("utf8");
      done();
    },
  });
}
