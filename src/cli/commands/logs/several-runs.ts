// The logs of one run or of several: then each line starts with its run's name, in a colour of its own.

import { ExpectedError } from "../../../base/errors.ts";
import type { LogDeps } from "./log-stream.ts";
import { followRunLogs, printRunLogs } from "./run-logs.ts";
import type { LogOptions, LogSubject } from "./run-logs.ts";

export interface NamedSubject extends LogSubject {
  readonly name: string;
}

export interface PrintOptions extends Omit<LogOptions, "runPrefix"> {
  readonly follow: boolean;
  /** Colours what the lines of the run at this place start with. */
  readonly paint: (at: number, prefix: string) => string;
  readonly signal: AbortSignal;
}

/** Returns the errors of single runs, so that the others are printed; throws that of the only one. */
export async function printLogs(
  deps: LogDeps,
  subjects: readonly NamedSubject[],
  { follow, paint, ...range }: PrintOptions,
): Promise<readonly ExpectedError[]> {
  const print = follow ? followRunLogs : printRunLogs;
  const [first] = subjects;
  if (subjects.length === 1 && first !== undefined) {
    await print(deps, first, { ...range, runPrefix: "" });
    return [];
  }
  const failures: ExpectedError[] = [];
  const printOne = async (subject: NamedSubject, at: number): Promise<void> => {
    const write: LogDeps["write"] = (bytes, prefix) => deps.write(bytes, paint(at, prefix));
    try {
      await print({ ...deps, write }, subject, { ...range, runPrefix: `${subject.name} ` });
    } catch (error) {
      if (!(error instanceof ExpectedError)) throw error;
      failures.push(error);
    }
  };
  if (follow) await Promise.all(subjects.map(printOne));
  else for (const [at, subject] of subjects.entries()) await printOne(subject, at);
  return failures;
}
