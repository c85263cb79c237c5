// The order of values in --sort-by: numbers, moments and quantities by what they mean, all other text as it is spelt.

import { parseQuantity } from "../base/quantity.ts";

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const RANKS = ["boolean", "number", "string", "object"];

/**
 * Negative, 0 or positive, for sorting. Nothing (undefined, null) comes first, then booleans, numbers, text, Dates.
 * Two texts are compared as moments or as quantities if both are such; else by spelling, where kubectl too puts
 * flow-10 before flow-2.
 */
export function compareValues(left: unknown, right: unknown): number {
  const difference = rank(left) - rank(right);
  if (difference !== 0) return difference;
  if (left instanceof Date && right instanceof Date) return left.getTime() - right.getTime();
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "boolean" && typeof right === "boolean") return Number(left) - Number(right);
  return typeof left === "string" && typeof right === "string" ? compareTexts(left, right) : 0;
}

function rank(value: unknown): number {
  return value === undefined || value === null ? -1 : RANKS.indexOf(typeof value);
}

function compareTexts(left: string, right: string): number {
  if (left === right) return 0;
  if (MOMENT.test(left) && MOMENT.test(right)) return Date.parse(left) - Date.parse(right);
  const [leftAmount, rightAmount] = [parseQuantity(left), parseQuantity(right)];
  if (leftAmount !== undefined && rightAmount !== undefined) return leftAmount - rightAmount;
  return left < right ? -1 : 1;
}
