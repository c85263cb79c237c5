// Names for flow runs that were given none: an adjective and an animal, as Prefect makes them, but in a fixed order.

const ADJECTIVES = [
  "amber",
  "brave",
  "calm",
  "deft",
  "eager",
  "fond",
  "gentle",
  "hardy",
  "icy",
  "jolly",
  "keen",
  "lively",
  "mellow",
  "noble",
  "olive",
  "proud",
];
const ANIMALS = [
  "auk",
  "badger",
  "crane",
  "dormouse",
  "egret",
  "finch",
  "gecko",
  "heron",
  "ibis",
  "jackdaw",
  "kestrel",
  "lynx",
  "marten",
  "newt",
  "otter",
  "puffin",
];

/** The name of the n-th run, from 0; a number tells rounds apart. */
export function runName(n: number): string {
  const adjective = ADJECTIVES[n % ADJECTIVES.length] ?? "";
  const animal = ANIMALS[Math.floor(n / ADJECTIVES.length) % ANIMALS.length] ?? "";
  const round = Math.floor(n / (ADJECTIVES.length * ANIMALS.length));
  return `${adjective}-${animal}${round === 0 ? "" : `-${round + 1}`}`;
}
