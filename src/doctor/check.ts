// Check: one of the things that doctor looks at.

import { attempt } from "../base/attempt.ts";
import { causeOf, isForbidden, ReportedError } from "./answer.ts";
import type { Context } from "./context.ts";
import { skipped, warning } from "./finding.ts";
import type { About, Finding } from "./finding.ts";

export type Check = (context: Context) => Promise<readonly Finding[]>;

/** A check. If one of its requests throws an ExpectedError, that is its finding. */
export function check(
  about: About,
  run: (context: Context) => ReturnType<Check> | readonly Finding[],
): Check {
  return async (context) => {
    const found = await attempt(() => run(context));
    if (found.ok) return found.value;
    if (found.error instanceof ReportedError) return [];
    const { message, hint } = found.error;
    if (!isForbidden(found.error)) return [warning(about, message, { hint })];
    return [skipped(about, `no permission to check it: ${causeOf(found.error)}`)];
  };
}
