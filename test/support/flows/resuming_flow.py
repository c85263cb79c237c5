"""Succeeds even if its pod is lost while `hold` sleeps: tasks with stored results do not run again, the others do."""
import time

import prefect
from prefect import Flow, Parameter, task
from prefect.engine.results import PrefectResult


def log(text):
    prefect.context.get("logger").info(text)


@task
def extract():
    log("extracting")
    return [1, 2, 3]


@task(result=PrefectResult(), checkpoint=True)
def fetch():
    log("fetching")
    return 100


@task
def double(number):
    log("doubling %s" % number)
    return number * 2


@task
def mail(numbers):
    log("mailing %s" % numbers)


@task
def hold(numbers, more, seconds):
    log("holding")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.1)
    return sum(numbers) + more


@task
def report(total):
    log("the total is %s" % total)
    if total != 112:
        raise ValueError("the total should be 112, not %s" % total)


with Flow("resuming") as flow:
    numbers = extract()
    sent = mail(numbers)
    held = hold(double.map(numbers), fetch(), Parameter("seconds", default=8), upstream_tasks=[sent])
    report(held)
