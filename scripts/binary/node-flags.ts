// What Node is told inside the executable, and wherever code caches are made for it: V8 refuses a cache of other flags.

export const NODE_FLAGS: readonly string[] = [
  // Deprecations inside Node's and our packages' code are nothing that a user can act upon.
  "--no-deprecation",
  "--disable-warning=ExperimentalWarning",
  // Megabytes for young objects. Starting makes more of them than V8 begins with, and none of them can go yet.
  "--min-semi-space-size=2",
];
