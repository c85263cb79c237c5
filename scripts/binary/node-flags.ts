// Node's flags in the executable, and when its code caches are made: V8 rejects a cache that was made with other flags.

export const NODE_FLAGS: readonly string[] = [
  // Users cannot act on what Node says of itself or of packages.
  "--no-warnings",
  // Megabytes for young objects: the start-up needs more than V8's initial size.
  "--min-semi-space-size=2",
  // Memory instead of speed: V8 would take 50 MB for young objects as soon as thousands of Jobs are listed, and let the heap grow
  // to three times what is in use. Of the processor time this costs nothing that can be measured.
  "--max-semi-space-size=4",
  "--heap-growing-percent=50",
  // V8's helper threads cost an agent that launches on two cores more than they save: a tenth of its processor time.
  "--single-threaded-gc",
];
