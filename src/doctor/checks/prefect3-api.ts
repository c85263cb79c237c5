// The API of Prefect 2 and 3: whether it answers, and whether it accepts the key.

import { attempt } from "../../base/attempt.ts";
import { redactUrl } from "../../base/redact-url.ts";
import { unreachable } from "../answer.ts";
import { check } from "../check.ts";
import { broken, ok } from "../finding.ts";

const ABOUT = { section: "prefect", check: "Prefect 2/3 API" } as const;

export const prefect3Api = check(ABOUT, async ({ prefect3: { settings, hello } }) => {
  if (settings === undefined) return [];
  const address = redactUrl(settings.url.replace(/\/+$/, ""));
  const answer = await attempt(hello);
  if (answer.ok) return [ok(ABOUT, `${address} answers`)];
  return [broken(ABOUT, ...unreachable(address, answer.error, settings.apiKey ?? settings.authString))];
});
