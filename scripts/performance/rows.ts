// The rows of docs/performance.md: what each figure of the bench means to a reader.

export interface Row {
  /** The name of the measurement in the bench's report. */
  readonly measurement: string;
  readonly what: string;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** In the order of the page. */
export const SECTIONS: readonly Section[] = [
  {
    title: "The agent at work",
    rows: [
      {
        measurement: "launch throughput",
        what: "launching 1,000 due runs, against a loop that only creates such Jobs",
      },
      { measurement: "launch, Prefect's own", what: "the same, against Prefect's own agent" },
      { measurement: "launch processor time", what: "processor time for each launched run" },
      { measurement: "delay due → Job, p95", what: "from the start time of a run to its Job, idle agent" },
      { measurement: "failure → Prefect, p95", what: "from a pod's end in the API to Failed in Prefect" },
      {
        measurement: "quiet requests, 1,000 Jobs",
        what: "requests a minute to both APIs while 1,000 Jobs run",
      },
      { measurement: "memory at rest", what: "memory at rest" },
      { measurement: "memory, 10,000 Jobs", what: "memory with 10,000 live Jobs" },
    ],
  },
  {
    title: "An agent started beside 10,000 live Jobs",
    rows: [
      { measurement: "restart, failure told", what: "from its start to a new failure in Prefect" },
      { measurement: "restart, memory", what: "the most memory that it takes" },
      {
        measurement: "restart, quiet requests",
        what: "requests a minute to both APIs when the Jobs are quiet",
      },
    ],
  },
  {
    title: "Commands",
    rows: [
      { measurement: "startup version", what: "`version`" },
      { measurement: "startup --help", what: "`--help`" },
      { measurement: "jobs, 10 of them", what: "`jobs` with 10 Jobs" },
      { measurement: "jobs, 5,000 of them", what: "`jobs` with 5,000 Jobs" },
      { measurement: "jobs, 5,000 of one run", what: "`jobs` with 5,000 Jobs of one run" },
      { measurement: "jobs, 10,000 with pods", what: "`jobs` with 10,000 Jobs and their pods" },
      { measurement: "cleanup, 20 ms away", what: "`cleanup --yes` of 5,000 finished Jobs, 20 ms away" },
      {
        measurement: "cleanup on loopback",
        what: "`cleanup --yes` of 2,000 finished Jobs on the same machine",
      },
      { measurement: "cleanup, memory", what: "memory of `cleanup` with 10,000 Jobs and pods" },
    ],
  },
];
