// Runs the command line in this process, with the test's files, variables and streams, and the real adapters.

import { Readable, Writable } from "node:stream";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { cliContext } from "../../src/cli/context.ts";
import { run } from "../../src/cli/run.ts";
import { assertNoSecretsPrinted } from "./secrets.ts";

export interface CliInput {
  /** All environment variables, besides HOME=/home/user. */
  readonly env?: Readonly<Record<string, string>>;
  /** Path to text. No other files exist, except for job templates. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string | Buffer;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Whether stdout and stderr are terminals, 200 columns wide. */
  readonly isTerminal?: boolean;
  /** Whether the reader of stdout is slower than the program. */
  readonly isSlow?: boolean;
}

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** The user's home directory. */
const HOME = "/home/user";

/** Runs `kubectl prefect ARGV…`. Throws if its output contains a secret. */
export async function runCli(argv: readonly string[], input: CliInput = {}): Promise<CliResult> {
  const env = { HOME, ...input.env };
  const files = new Map(Object.entries(input.files ?? {}));
  const readFile = (path: string): string | undefined => files.get(path);
  const stdout = new Recorder(input.isTerminal, input.isSlow);
  const stderr = new Recorder(input.isTerminal);
  const context = cliContext({
    env,
    clock: input.clock ?? systemClock,
    home: HOME,
    readFile,
    userAgent: "kubectl-prefect/test",
    stdin: Readable.from(input.stdin === undefined ? [] : [input.stdin]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    isInteractive: false,
    signal: input.signal ?? new AbortController().signal,
  });
  const exitCode = await run(argv, context);
  const output = { stdout: stdout.text, stderr: stderr.text };
  assertNoSecretsPrinted({ argv, env, files: Object.values(input.files ?? {}) }, output);
  return { ...output, exitCode };
}

/** Records what is written. */
class Recorder {
  text = "";
  readonly stream: Writable;

  constructor(isTTY = false, isSlow = false) {
    const stream = new Writable({
      highWaterMark: isSlow ? 1 : undefined,
      write: (chunk: Buffer, _encoding, done) => {
        this.text += chunk.toString("utf8");
        if (isSlow) setImmediate(done);
        else done();
      },
    });
    this.stream = isTTY ? Object.assign(stream, { isTTY, columns: 200, rows: 100 }) : stream;
  }
}
