// Kubernetes quantities such as 512Mi, 1.5Gi, 500m or 1e3.

import { SettingsError } from "./errors.ts";

const QUANTITY = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

const DIVISORS: Readonly<Record<string, number>> = { m: 1e3, u: 1e6, n: 1e9 };
const FACTORS: Readonly<Record<string, number>> = {
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * The quantity as a number: bytes of memory, cores of CPU. Undefined for invalid text.
 * Grammar: k8s.io/apimachinery, pkg/api/resource, where a bare `E` is exa and `E3` an exponent.
 */
export function parseQuantity(text: string): number | undefined {
  const match = QUANTITY.exec(text.trim());
  if (match === null) return undefined;
  const [, digits = "", suffix = ""] = match;
  const amount = Number(digits);
  const divisor = DIVISORS[suffix];
  if (divisor !== undefined) return amount / divisor;
  const factor = FACTORS[suffix];
  if (factor !== undefined) return amount * factor;
  return Number(digits + suffix);
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
