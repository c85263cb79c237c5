// The namespace of the Jobs: whether it exists and is not being deleted. If it does not exist, nothing in it is checked.

import { shellWord } from "../../base/shell-word.ts";
import { checkOf, kubectl } from "../finding.ts";

const { check, broken, ok } = checkOf({ section: "kubernetes", check: "namespace" });

export const namespace = check(async ({ kubernetes }) => {
  const { namespace: chosen, object } = await kubernetes.located();
  if (!object.ok) throw object.error;
  const { value: name, source } = chosen;
  if (object.value === undefined) {
    const fix = [kubectl(`create namespace ${shellWord(name)}`)];
    return [broken(`"${name}" does not exist`, { hint: "choose another one with -n, or create it", fix })];
  }
  if (object.value.metadata.deletionTimestamp === undefined) return [ok(`"${name}" exists (${source})`)];
  const hint = "choose another one with -n, or see what blocks its deletion";
  const look = kubectl(`describe namespace ${shellWord(name)}`);
  return [broken(`"${name}" is being deleted, so nothing can be created in it`, { hint, look })];
});
