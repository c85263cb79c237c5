// Kubernetes quantities such as 512Mi, 1.5Gi, 500m or 1e3.

import { SettingsError } from "./errors.ts";

const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Each is a thousand times the one before; with an i, 1,024 times. */
const PREFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];

/**
 * The quantity as a number: bytes of memory, cores of CPU. Undefined for invalid text.
 * Grammar: k8s.io/apimachinery, pkg/api/resource, where a bare `E` is exa and `E3` an exponent.
 */
export function parseQuantity(text: string): number | undefined {
  const match = QUANTITY.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = "", suffix = ""] = match;
  const power = PREFIXES.indexOf(suffix.replace("Ki", "ki").replace("i", "")) - 3;
  if (power < -3) return Number(digits + suffix);
  if (suffix.endsWith("i")) return Number(digits) * 1024 ** power;
  return power < 0 ? Number(digits) / 1000 ** -power : Number(digits) * 1000 ** power;
}

/** The number of cores. Throws SettingsError that names the flag. */
export function readCpu(text: string, flag: string): number {
  const cores = parseQuantity(text);
  if (cores === undefined || cores < 0) {
    throw new SettingsError(`cannot read ${flag} "${text}": not a CPU quantity`, {
      hint: "write cores like 2 or 0.5, or thousandths of a core like 500m",
    });
  }
  return cores;
}

/** The number of bytes. Throws SettingsError that names the flag, also for a fraction of a byte: 512m is half a byte. */
export function readMemory(text: string, flag: string): number {
  const bytes = parseQuantity(text);
  if (bytes === undefined || bytes < 0) {
    throw new SettingsError(`cannot read ${flag} "${text}": not a memory quantity`, {
      hint: "write bytes with a unit, like 512Mi or 2Gi",
    });
  }
  if (!Number.isInteger(bytes)) {
    throw new SettingsError(`cannot read ${flag} "${text}": not a whole number of bytes`, {
      hint: "m means thousandths; write megabytes as M or Mi, like 512Mi",
    });
  }
  return bytes;
}
