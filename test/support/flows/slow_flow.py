"""Sleeps for `seconds` in steps of 0.1 s, so that it can be interrupted at once."""
import time

import prefect
from prefect import Flow, Parameter, task


@task
def nap(seconds):
    prefect.context.get("logger").info("napping for %s seconds", seconds)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.1)


@task
def wake(_):
    prefect.context.get("logger").info("awake")


with Flow("slow") as flow:
    wake(nap(Parameter("seconds", default=600)))
