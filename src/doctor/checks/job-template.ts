// The job template of --job-template: whether it is valid.

import { attempt } from "../answer.ts";
import { check } from "../check.ts";
import { broken, ok } from "../finding.ts";

const ABOUT = { section: "configuration", check: "job template" } as const;

export const jobTemplate = check(ABOUT, async ({ target, template }) => {
  if (target.templatePath === undefined) return [];
  const loaded = await attempt(template);
  if (loaded.ok) return [ok(ABOUT, `${loaded.value.origin.name} is valid`)];
  const { message, hint } = loaded.error;
  return [broken(ABOUT, message, { hint })];
});
