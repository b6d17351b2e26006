"""What a service says of itself: the words of /ready and the numbers of /metrics."""


def words(service) -> list[str]:
    """The words of the parts that are not well."""
    return sorted({part.word for part in service.ready() if part.word is not None})


def number(service, name: str, **labels: str) -> float:
    """The sum of a family's samples that have these labels."""
    wanted = labels.items()
    return sum(
        sample.value
        for metric in service.metrics()
        if metric.name == name
        for sample in metric.samples
        if wanted <= dict(sample.labels).items()
    )
