"""Succeeds: three mapped children and a sum over them."""
from prefect import Flow, Parameter, task


@task
def numbers(count):
    return list(range(count))


@task(log_stdout=True)
def double(number):
    print(f"doubling {number}")
    return number * 2


@task
def total(values):
    return sum(values)


with Flow("mapped") as flow:
    count = Parameter("count", default=3)
    total(double.map(numbers(count)))
