// What `kubectl get` 1.32 printed for three Pending pods of a 1.35 cluster, cut down to the fields that are asked for.
// The tests hold our answers against these, so they are never edited to fit.

/** The pods, as the List that templates are applied to. */
export const podList = {
  apiVersion: "v1",
  items: [
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "flow-1",
        namespace: "output-answers",
        labels: {
          app: "dask",
          "prefect.io/flow_run_id": "9a8b",
        },
        creationTimestamp: "2026-11-21T07:51:18Z",
      },
      spec: {
        terminationGracePeriodSeconds: 30,
        containers: [
          {
            name: "worker",
            image: "dask:2",
            env: [
              {
                name: "A",
                value: "1",
              },
              {
                name: "B",
              },
            ],
            resources: {
              requests: {
                memory: "900Mi",
              },
            },
          },
        ],
      },
      status: {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
          },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "flow-10",
        namespace: "output-answers",
        labels: {
          app: "flow",
          tier: "10",
        },
        annotations: {
          "example.com/size": "1Gi",
        },
        creationTimestamp: "2026-11-21T07:51:18Z",
      },
      spec: {
        terminationGracePeriodSeconds: 5,
        containers: [
          {
            name: "flow",
            image: "prefect:1.3",
            resources: {
              requests: {
                cpu: "2",
                memory: "200Mi",
              },
            },
          },
        ],
      },
      status: {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
          },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: "flow-2",
        namespace: "output-answers",
        labels: {
          app: "flow",
          "prefect.io/flow_run_id": "2f3e",
          tier: "2",
        },
        annotations: {
          "example.com/size": "10Mi",
          note: 'a <b> & "c"',
        },
        creationTimestamp: "2026-11-21T07:51:18Z",
      },
      spec: {
        terminationGracePeriodSeconds: 20,
        containers: [
          {
            name: "flow",
            image: "prefect:1.4",
            args: ["run", "--fast", "x y"],
            ports: [
              {
                containerPort: 8080,
                protocol: "TCP",
              },
              {
                containerPort: 9090,
                protocol: "TCP",
              },
            ],
            resources: {
              requests: {
                cpu: "500m",
                memory: "1Gi",
              },
            },
          },
          {
            name: "sidecar",
            image: "proxy:2",
            resources: {},
          },
        ],
      },
      status: {
        phase: "Pending",
        conditions: [
          {
            type: "PodScheduled",
            status: "False",
            reason: "Unschedulable",
          },
        ],
      },
    },
  ],
  kind: "List",
  metadata: {
    resourceVersion: "",
  },
};

/** `kubectl get pods -o jsonpath=…`: template and output. */
export const jsonpathAnswers: readonly (readonly [string, string])[] = [
  ["{.items[*].metadata.name}", "flow-1 flow-10 flow-2"],
  ["{.items[0].metadata.name}", "flow-1"],
  ["{.items[-1].metadata.name}", "flow-2"],
  ["{.items[-1:].metadata.name}", "flow-2"],
  ["{.items[0:2].metadata.name}", "flow-1 flow-10"],
  ["{.items[1:].metadata.name}", "flow-10 flow-2"],
  ["{.items[:-1].metadata.name}", "flow-1 flow-10"],
  ["{.items[0:3:2].metadata.name}", "flow-1 flow-2"],
  ["{.items[::2].metadata.name}", "flow-1 flow-2"],
  ["{.items[0,2].metadata.name}", "flow-1 flow-2"],
  ["{.items[*]['metadata.name','kind']}", "flow-1 flow-10 flow-2 Pod Pod Pod"],
  ["{$.items[*].metadata.name}", "flow-1 flow-10 flow-2"],
  ["{@.items[*].metadata.name}", "flow-1 flow-10 flow-2"],
  ["{.kind}", "List"],
  ["{.}", ""],
  ["{.nothing}", ""],
  ["{.nothing.below}", ""],
  ["{.nothing[0]}", ""],
  ["{.nothing[*].x}", ""],
  ["{.items[*].nothing}", ""],
  ["names: {.items[*].metadata.name}!", "names: flow-1 flow-10 flow-2!"],
  ['{range .items[*]}{.metadata.name}{"\\n"}{end}', "flow-1\nflow-10\nflow-2\n"],
  [
    '{range .items[*]}{.metadata.name}{"\\t"}{.status.phase}{"\\n"}{end}',
    "flow-1\tPending\nflow-10\tPending\nflow-2\tPending\n",
  ],
  [
    "{range .items[*]}{.metadata.name}:{range .spec.containers[*]} {.name}={.image}{end};{end}",
    "flow-1: worker=dask:2;flow-10: flow=prefect:1.3;flow-2: flow=prefect:1.4 sidecar=proxy:2;",
  ],
  ["{range .items[*]}{range .spec.containers[*]}{.name}{end}{end}done", "workerflowflowsidecardone"],
  ["{range .nothing[*]}{.metadata.name}{end}empty", "empty"],
  ["{range .items[*].metadata}{.name} {end}", "flow-1 flow-10 flow-2 "],
  [
    "{range .items[*]}{@.metadata.name},{$.metadata.name} {end}",
    "flow-1,flow-1 flow-10,flow-10 flow-2,flow-2 ",
  ],
  ['{range .items[?(@.metadata.name=="flow-2")]}[{.metadata.name}]{end}', "[flow-2]"],
  ['{.items[?(@.metadata.name=="flow-2")].metadata.labels.tier}', "2"],
  ['{.items[?(@.metadata.name!="flow-2")].metadata.name}', "flow-1 flow-10"],
  ["{.items[?(@.metadata.name=='flow-1')].metadata.name}", "flow-1"],
  ["{.items[?(@.spec.terminationGracePeriodSeconds>5)].metadata.name}", "flow-1 flow-2"],
  ["{.items[?(@.spec.terminationGracePeriodSeconds>=20)].metadata.name}", "flow-1 flow-2"],
  ["{.items[?(@.spec.terminationGracePeriodSeconds<20)].metadata.name}", "flow-10"],
  ["{.items[?(@.spec.terminationGracePeriodSeconds==5)].metadata.name}", "flow-10"],
  ["{.items[?(@.metadata.labels.tier)].metadata.name}", "flow-10 flow-2"],
  ['{.items[?(@.spec.containers[0].name=="worker")].metadata.name}', "flow-1"],
  ["{.items[?(@.metadata.labels.app==@.spec.containers[0].name)].metadata.name}", "flow-10 flow-2"],
  ['{.items[?( @.metadata.name == "flow-10" )].metadata.name}', "flow-10"],
  ['{.items[*].spec.containers[?(@.name=="flow")].image}', "prefect:1.3 prefect:1.4"],
  [
    '{.items[*].status.conditions[?(@.type=="PodScheduled")].reason}',
    "Unschedulable Unschedulable Unschedulable",
  ],
  ["{.items[0].spec.containers[0].env[0]}", '{"name":"A","value":"1"}'],
  [
    "{.items[*].spec.containers[*].resources.requests}",
    '{"memory":"900Mi"} {"cpu":"2","memory":"200Mi"} {"cpu":"500m","memory":"1Gi"}',
  ],
  ["{.items[0].metadata.labels}", '{"app":"dask","prefect.io/flow_run_id":"9a8b"}'],
  ["{.items[0].metadata.labels.*}", "dask 9a8b"],
  ["{.items[2].metadata.annotations.note}", 'a <b> & "c"'],
  [
    "{.items[2].metadata.annotations}",
    '{"example.com/size":"10Mi","note":"a \\u003cb\\u003e \\u0026 \\"c\\""}',
  ],
  ["{.items[2].spec.containers[0].args}", '["run","--fast","x y"]'],
  ["{.items[2].spec.containers[0].args[*]}", "run --fast x y"],
  ["{.items[2].spec.containers[*].ports[*].containerPort}", "8080 9090"],
  ["{.items[0].metadata.labels.prefect\\.io/flow_run_id}", "9a8b"],
  ["{.items[0].metadata.labels['prefect\\.io/flow_run_id']}", "9a8b"],
  ["{.items[0].metadata['labels']['app']}", "dask"],
  ["{.items[*].spec..image}", "dask:2 prefect:1.3 prefect:1.4 proxy:2"],
  ["{..image}", "dask:2 prefect:1.3 prefect:1.4 proxy:2"],
  ["{.items[*].metadata.labels..app}", "dask flow flow"],
  ["{.items[0]['metadata', 'spec'].name}", "flow-1"],
  ['{"a\\tb\\\\c\\"d\\u00e9\\x41\\101"}', 'a\tb\\c"déAA'],
  ["{'single \"quoted\"'}", 'single "quoted"'],
  ["{'it\\'s'}", "it's"],
  ["{1}{2.5}{true}{-3}", "12.5true-3"],
  ["{ .items[0].metadata.name }", "flow-1"],
  ["{.items[0] .metadata .name}", "flow-1"],
  ["plain text only", "plain text only"],
  ["{.items[0].spec.terminationGracePeriodSeconds}", "30"],
  ["{.items[1:1].metadata.name}", ""],
  ["{range .items[*]}{.metadata.name}", "flow-1flow-10flow-2"],
  ["{.items|x}", ""],
  ["{.apiVersion} {.kind} {.metadata}", 'v1 List {"resourceVersion":""}'],
  ["{.items.metadata}", ""],
  ["{.items[0].metadata.name.first}", ""],
  ["{range .items[*]}{.metadata.name}{end}{range .items[*]}-{.kind}{end}", "flow-1flow-10flow-2-Pod-Pod-Pod"],
  ['{.items[?(@.metadata.annotations.example\\.com/size=="1Gi")].metadata.name}', "flow-10"],
  ["{.items[?(@.metadata.labels['tier']==\"10\")].metadata.name}", "flow-10"],
  ['{.items[?(@.metadata.name=="a)b")].metadata.name}', ""],
  ["{.items[?(@.status.phase==\"Pending\")]['metadata.name']}", "flow-1 flow-10 flow-2"],
  ['{.items[?(@.metadata.name>"flow-1")].metadata.name}', "flow-10 flow-2"],
];

/** `kubectl get pods -o custom-columns=…`: columns and output. */
export const columnAnswers: readonly (readonly [string, string])[] = [
  ["NAME:.metadata.name", "NAME\nflow-1\nflow-10\nflow-2\n"],
  [
    "NAME:.metadata.name,PHASE:.status.phase,NODE:.spec.nodeName",
    "NAME      PHASE     NODE\nflow-1    Pending   <none>\nflow-10   Pending   <none>\nflow-2    Pending   <none>\n",
  ],
  [
    "NAME:metadata.name,TIER:{.metadata.labels.tier}",
    "NAME      TIER\nflow-1    <none>\nflow-10   10\nflow-2    2\n",
  ],
  [
    "NAME:{metadata.name},IMAGES:.spec.containers[*].image",
    "NAME      IMAGES\nflow-1    dask:2\nflow-10   prefect:1.3\nflow-2    prefect:1.4,proxy:2\n",
  ],
  [
    "N:.kind,LABELS:.metadata.labels",
    "N     LABELS\nPod   map[app:dask prefect.io/flow_run_id:9a8b]\nPod   map[app:flow tier:10]\nPod   map[app:flow prefect.io/flow_run_id:2f3e tier:2]\n",
  ],
  [
    "N:.metadata.name,ARGS:.spec.containers[*].args,REQ:.spec.containers[0].resources.requests",
    "N         ARGS               REQ\nflow-1    <none>             map[memory:900Mi]\nflow-10   <none>             map[cpu:2 memory:200Mi]\nflow-2    [run --fast x y]   map[cpu:500m memory:1Gi]\n",
  ],
  [
    'N:.metadata.name,FLOW:.spec.containers[?(@.name=="flow")].image',
    "N         FLOW\nflow-1    <none>\nflow-10   prefect:1.3\nflow-2    prefect:1.4\n",
  ],
  [
    "N:.metadata.name,GRACE:.spec.terminationGracePeriodSeconds,PORTS:.spec.containers[*].ports[*].containerPort",
    "N         GRACE   PORTS\nflow-1    30      <none>\nflow-10   5       <none>\nflow-2    20      8080,9090\n",
  ],
  [
    "N:.metadata.name,ID:.metadata.labels.prefect\\.io/flow_run_id",
    "N         ID\nflow-1    9a8b\nflow-10   <none>\nflow-2    2f3e\n",
  ],
  [
    "N:.metadata.name,NOTE:.metadata.annotations.note",
    'N         NOTE\nflow-1    <none>\nflow-10   <none>\nflow-2    a <b> & "c"\n',
  ],
  [
    "N:.metadata.name,ENV:.spec.containers[0].env",
    "N         ENV\nflow-1    [map[name:A value:1] map[name:B]]\nflow-10   <none>\nflow-2    <none>\n",
  ],
  ["N:", "N\n<none>\n<none>\n<none>\n"],
  [":.metadata.name", "\nflow-1\nflow-10\nflow-2\n"],
  ["N:.metadata.nothing[0]", "N\n<none>\n<none>\n<none>\n"],
];

/** `kubectl get pods --sort-by=…`: path and the names in order. */
export const sortAnswers: readonly (readonly [string, string])[] = [
  [".metadata.name", "flow-1 flow-10 flow-2"],
  ["metadata.name", "flow-1 flow-10 flow-2"],
  ["{.metadata.name}", "flow-1 flow-10 flow-2"],
  [".metadata.labels.tier", "flow-1 flow-2 flow-10"],
  [".metadata.annotations.example\\.com/size", "flow-1 flow-2 flow-10"],
  [".spec.containers[0].resources.requests.memory", "flow-10 flow-1 flow-2"],
  [".spec.containers[0].resources.requests.cpu", "flow-1 flow-2 flow-10"],
  [".spec.terminationGracePeriodSeconds", "flow-10 flow-2 flow-1"],
  [".metadata.creationTimestamp", "flow-1 flow-10 flow-2"],
  [".spec.containers[*].image", "flow-1 flow-10 flow-2"],
];

/** Texts in the order that `kubectl get configmaps --sort-by=.data.k` gave them. */
export const sortedQuantities = [
  "",
  "12n",
  "100m",
  "1",
  "1.5",
  "10",
  "1e3",
  "2k",
  "500M",
  "0.5Gi",
  "900Mi",
  "1Gi",
  "1Ti",
  "3E",
];
export const sortedTexts = [
  "A2",
  "a",
  "a-1",
  "a0",
  "a001",
  "a01",
  "a1",
  "a1.5",
  "a10",
  "a1b",
  "a2",
  "b",
  "b2c",
];

/** Seconds since an event's lastTimestamp, and the LAST SEEN that the API server gave. */
export const ageAnswers: readonly (readonly [number, string])[] = [
  [1, "1s"],
  [31, "31s"],
  [60, "60s"],
  [120, "2m"],
  [124, "2m4s"],
  [181, "3m1s"],
  [313, "5m13s"],
  [600, "10m"],
  [604, "10m"],
  [3600, "60m"],
  [3606, "60m"],
  [10800, "3h"],
  [10804, "3h"],
  [14401, "4h"],
  [14461, "4h1m"],
  [18000, "5h"],
  [28741, "7h59m"],
  [28802, "8h"],
  [86391, "23h"],
  [100001, "27h"],
  [172701, "47h"],
  [172802, "2d"],
  [176401, "2d1h"],
  [300001, "3d11h"],
  [691101, "7d23h"],
  [691202, "8d"],
  [5000001, "57d"],
  [63071991, "729d"],
  [63072002, "2y"],
  [64000001, "2y10d"],
  [100000001, "3y62d"],
  [252287991, "7y364d"],
  [252288002, "8y"],
  [300000001, "9y"],
];
