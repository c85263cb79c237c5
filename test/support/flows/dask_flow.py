"""Starts a Dask cluster of `workers` pods and runs there until `gate` answers `open` for its flow run."""
import time
import urllib.request

import prefect
from prefect import Flow, Parameter, task, unmapped
from prefect.executors import DaskExecutor


def cluster():
    from dask_kubernetes.classic import KubeCluster, make_pod_spec

    worker = make_pod_spec(
        image=prefect.context.image,
        threads_per_worker=1,
        extra_container_config={"imagePullPolicy": "IfNotPresent"},
        extra_pod_config={"terminationGracePeriodSeconds": 2},
    )
    workers = prefect.context.parameters["workers"]
    return KubeCluster(worker, deploy_mode="local", n_workers=workers)


@task
def parts(workers):
    return list(range(workers))


@task
def work(part, gate):
    url = f"{gate}/{prefect.context.flow_run_id}"
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if answer.read() == b"open":
                    return part
        except OSError as error:
            prefect.context.get("logger").info("the gate does not answer: %s", error)
        time.sleep(0.2)


with Flow("dask", executor=DaskExecutor(cluster_class=cluster)) as flow:
    work.map(parts(Parameter("workers", default=1)), gate=unmapped(Parameter("gate")))
