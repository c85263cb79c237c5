// One of the things that doctor looks at, and how its findings are made.

import { attempt } from "../base/attempt.ts";
import { causeOf, isForbidden, ReportedError } from "./answer.ts";
import type { Context } from "./context.ts";
import type { About, Finding, More, Status } from "./finding.ts";

/** `check` makes the check of it: if one of its requests throws an ExpectedError, that is its finding. */
export function checkOf(about: About) {
  const findingOf =
    (status: Status) =>
    (message: string, more?: More): Finding => ({ ...about, status, message, ...more });
  const warning = findingOf("warning");
  const skipped = findingOf("skipped");
  const check =
    (run: (context: Context) => Promise<readonly Finding[]> | readonly Finding[]) =>
    async (context: Context): Promise<readonly Finding[]> => {
      const found = await attempt(() => run(context));
      if (found.ok) return found.value;
      if (found.error instanceof ReportedError) return [];
      const { message, hint } = found.error;
      if (!isForbidden(found.error)) return [warning(message, { hint })];
      return [skipped(`no permission to check it: ${causeOf(found.error)}`)];
    };
  return { check, ok: findingOf("ok"), warning, broken: findingOf("broken"), skipped };
}
