// Node's flags in the executable, and when its code caches are made: V8 rejects a cache that was made with other flags.

// Most flags of V8 also make it reject the code caches of Node's own modules: to load https then takes 15 ms more. Not these.
export const NODE_FLAGS: readonly string[] = [
  // Users cannot act on what Node says of itself or of packages.
  "--no-warnings",
  // Megabytes for young objects: the start-up needs more than V8's initial size, and V8 would take 50 MB as soon as thousands of
  // Jobs are listed.
  "--min-semi-space-size=2",
  "--max-semi-space-size=4",
  // V8's helper threads cost an agent that launches on two cores more than they save: a tenth of its processor time.
  "--single-threaded-gc",
];
