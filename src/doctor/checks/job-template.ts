// The job template of --job-template: whether it is valid, and whether its command would start the flow.

import { attempt } from "../../base/attempt.ts";
import { objectIn, textIn } from "../../base/json.ts";
import { shellCommandWarning } from "../../prefect1/build/shell-command.ts";
import { jobSettings } from "../../prefect1/config/job-settings.ts";
import { sampleJob } from "../../prefect1/build/build.ts";
import { checkTemplateNamespace } from "../../prefect1/build/template.ts";
import { checkOf } from "../finding.ts";

const { check, broken, ok } = checkOf({ section: "configuration", check: "job template" });

export const jobTemplate = check(async ({ target, template, kubernetes }) => {
  if (target.templatePath === undefined) return [];
  const loaded = await attempt(template);
  if (!loaded.ok) {
    const { message, hint = "a template is a Job with spec.template.spec" } = loaded.error;
    return [broken(message, { hint })];
  }
  const { origin, body } = loaded.value;
  const own = textIn(objectIn(body["metadata"])["namespace"]);
  const connection = await attempt(kubernetes.connection);
  const ofContext = connection.value?.target.namespace;
  const namespace = target.namespace?.value ?? ofContext ?? own ?? "default";
  const elsewhere = await attempt(() => checkTemplateNamespace(loaded.value, namespace));
  if (!elsewhere.ok) return [broken(elsewhere.error.message, { hint: elsewhere.error.hint })];
  const { config } = target;
  const problem = await attempt(
    () => config.ok && shellCommandWarning(sampleJob(loaded.value, jobSettings(config.value, { namespace }))),
  );
  if (problem.ok && problem.value) return [broken(`${origin.name}: ${problem.value}`)];
  // A Job that cannot be built is the finding of another check.
  return [ok(`${origin.name} is valid`)];
});
