// The API of Prefect 2 and 3: whether it answers, and whether it accepts the key.

import { attempt } from "../../base/attempt.ts";
import { redactUrl } from "../../base/redact-url.ts";
import { unreachable } from "../answer.ts";
import { checkOf } from "../finding.ts";

const { check, broken, ok } = checkOf({ section: "prefect", check: "Prefect 2/3 API" });

export const prefect3Api = check(async ({ prefect3: { settings, hello } }) => {
  if (settings === undefined) return [];
  const address = redactUrl(settings.url.replace(/\/+$/, ""));
  const answer = await attempt(hello);
  if (answer.ok) return [ok(`${address} answers`)];
  const message = unreachable(address, answer.error, settings.apiKey ?? settings.authString);
  return [broken(message, { hint: answer.error.hint })];
});
