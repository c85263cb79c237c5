// Kubernetes quantities such as 512Mi, 1.5Gi, 500m or 1e3.

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
