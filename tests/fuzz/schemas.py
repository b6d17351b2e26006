"""JSON Schemas of others, odd and altered: work is bounded, and one meaning is one verdict.

Some are drawn from a grammar, some are known to hang or crash engines. What an engine in Rust
does is one step here: the project counts its work before it is run (core.encoding.json_schema).
"""

import json
from random import Random

from did_service.core.credentials import schema_check
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from tests.fuzz.attempts import Attempt, Target
from tests.fuzz.mutations import altered
from tests.support.rewriting import spelled
from tests.support.schemas import COSTLY, DRAFT, UNBOUNDED, random_document, random_value

# Not those whose instance is large: making it again and again is what takes the time.
KNOWN = [content for content, _ in UNBOUNDED.values()] + [made for made, _ in COSTLY.values()]


def make(random: Random) -> Attempt:
    """Judge a few values by an odd schema."""
    schema = _schema(random)
    values = [random_value(random, depth=random.randint(1, 6)) for _ in range(3)]
    spellings = [json.dumps(each) for each in (schema, spelled(schema, random))]
    names = ("schema.json", "the same.json")
    inputs = {name: text.encode() for name, text in zip(names, spellings, strict=True)}

    def run() -> str | None:
        verdicts = [_verdicts(text, values) for text in spellings]
        return None if verdicts[0] == verdicts[1] else f"two meanings: {verdicts}, {values}"

    return Attempt({**inputs, "values.json": json.dumps(values).encode()}, run)


def _schema(random: Random) -> object:
    form = random.randrange(4)
    if form == 0:
        return random_document(random)
    if form == 1:
        return altered(random_document(random), random, KNOWN)
    known = {**random.choice(KNOWN), **DRAFT}
    return altered(known, random, [random_document(random), random.choice(KNOWN)])


def _verdicts(text: str, values: list) -> list[object]:
    """Whether each value fits, or that the schema is not taken."""
    try:
        schema = schema_check.parse_schema(text)
    except DidServiceError:
        return ["not taken"]
    return [_verdict(schema, value) for value in values]


def _verdict(schema: schema_check.Schema, value: object) -> object:
    try:
        return schema.check(strict_json.loads(json.dumps(value))) == ()
    except DidServiceError as error:
        return error.code


TARGET = Target("schemas", make, most_steps=1_500_000)
