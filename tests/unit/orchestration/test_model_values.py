"""What a run keeps of a pydantic model's values, and what it refuses."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, Flag, auto
from pathlib import Path
from typing import Annotated

import pydantic
import pytest

from spine.codec.limits import DEFAULT_LIMITS
from spine.codec.secret import Secret
from spine.errors import InvalidParams
from spine.orchestration.model_values import values_of
from spine.orchestration.workflow import Workflow
from spine.records.values import Values
from spine.steps.step import Step

MOMENT = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


class Color(Enum):
    RED = "red"


class Box(pydantic.BaseModel):
    folder: Path = Path("report")
    colors: dict[Color, tuple[Color, date]] = {Color.RED: (Color.RED, date(2026, 1, 2))}
    paths: set[Path] = {Path("a")}
    at: datetime = MOMENT
    amount: Decimal = Decimal("1.10")
    span: timedelta = timedelta(days=1)
    ids: set[int] = {1}


class Holder(pydantic.BaseModel):
    boxes: list[Box] = [Box()]


def test_what_has_no_python_value_that_is_kept_becomes_json_and_what_lies_beside_it_stays():
    [box] = values_of(Holder(), DEFAULT_LIMITS)["boxes"]

    assert box == {
        "folder": "report",
        "colors": {"red": ["red", date(2026, 1, 2)]},
        "paths": ["a"],
        "at": MOMENT,
        "amount": Decimal("1.10"),
        "span": timedelta(days=1),
        "ids": {1},
    }


class Window(Enum):
    DAY = timedelta(days=1)


class Vat(Enum):
    LOW = Decimal("0.07")


class May(Flag):
    READ = auto()
    WRITE = auto()


class Chosen(pydantic.BaseModel):
    window: Window = Window.DAY
    vat: Vat = Vat.LOW
    may: May = May.READ | May.WRITE


def test_an_enum_is_its_value_whatever_that_is():
    assert values_of(Chosen(), DEFAULT_LIMITS) == {"window": timedelta(days=1), "vat": Decimal("0.07"), "may": 3}


class Spelled(pydantic.BaseModel):
    color: Annotated[Color, pydantic.PlainSerializer(lambda color: color.name, when_used="json")] = Color.RED


def test_an_enum_that_its_model_spells_in_its_own_way_is_stored_so():
    assert values_of(Spelled(), DEFAULT_LIMITS) == {"color": "RED"}


class Moments(pydantic.BaseModel):
    at: datetime = MOMENT
    within: dict[date, list[datetime]] = {}


def test_a_moment_given_as_text_is_one_in_a_step_whatever_its_zone():
    given = {"at": "2026-10-25T02:30:00Z", "within": {"2026-10-25": ["2026-10-25T04:30:00+02:00"]}}

    values = values_of(Moments.model_validate(given), DEFAULT_LIMITS)

    assert values == {"at": MOMENT, "within": {date(2026, 10, 25): [MOMENT]}}
    assert Values.of(values, at="params") == values


@dataclass
class Login:
    user: str
    password: pydantic.SecretStr


@dataclass
class Access:
    token: Secret


class WithLogin(pydantic.BaseModel):
    login: Login = Login("ann", pydantic.SecretStr("hunter2"))


class WithComputed(pydantic.BaseModel):
    @pydantic.computed_field
    @property
    def password(self) -> pydantic.SecretStr:
        return pydantic.SecretStr("hunter2")


class WithAccess(pydantic.BaseModel):
    access: Access = Access(Secret("TOKEN"))


class WithQueue(pydantic.BaseModel):
    queue: deque[pydantic.SecretStr] = deque([pydantic.SecretStr("hunter2")])


class WithKeys(pydantic.BaseModel):
    keys: dict[pydantic.SecretStr, int] = {pydantic.SecretStr("hunter2"): 1}


class Passwords(pydantic.RootModel[dict[str, pydantic.SecretStr]]):
    """One that looks like its keys."""

    def __iter__(self):
        return iter(self.root)

    def __len__(self):
        return len(self.root)

    def __contains__(self, name):
        return name in self.root


class WithPasswords(pydantic.BaseModel):
    passwords: Passwords = Passwords({"ann": pydantic.SecretStr("hunter2")})


class WithStream(pydantic.BaseModel):
    stream: Iterable[pydantic.SecretStr]


@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        (WithQueue, "params.queue is a secret of pydantic"),
        (WithPasswords, "params.passwords is a secret of pydantic"),
        (WithKeys, "params.keys is a secret of pydantic"),
        (lambda: WithStream(stream=["hunter2"]), "params.stream can be read only once; declare the field as a list"),
        (WithLogin, "params.login is a secret of pydantic.*declare the field as Secret"),
        (WithComputed, "params.password is a secret of pydantic.*declare the field as Secret"),
        (WithAccess, "params.access holds a secret.*make it a param of its own"),
    ],
)
def test_a_secret_that_a_dump_would_take_apart_is_refused_wherever_it_is(model, remedy):
    with pytest.raises(InvalidParams, match=remedy):
        values_of(model(), DEFAULT_LIMITS)


class Picky(pydantic.BaseModel):
    n: int = 0

    @pydantic.field_validator("n")
    @classmethod
    def look_up(cls, n):
        return {0: 0}[n]


class Sullen(Exception):
    def __str__(self):
        raise RuntimeError("no")


class Silent(pydantic.BaseModel):
    @pydantic.model_validator(mode="after")
    def refuse(self):
        raise Sullen


class Garbled(pydantic.BaseModel):
    n: int = 0

    @pydantic.field_validator("n")
    @classmethod
    def refuse(cls, n):
        raise LookupError("\ud800\0")


class Raw(pydantic.BaseModel):
    content: dict[str, bytes | Path] = {"a": b"\xff", "b": Path("x")}


@pytest.mark.parametrize(
    ("model", "given", "told"),
    [
        (Picky, {"n": 9}, "raised a KeyError: 9"),
        (Silent, {}, "raised a Sullen: Sullen"),
        (Garbled, {"n": 1}, r"raised a LookupError: \\ud800\\0$"),
        (Raw, {}, "raised a UnicodeDecodeError"),
    ],
)
def test_whatever_a_model_raises_says_that_it_was_the_model(model, given, told):
    flow = Workflow("judged", [Step.lambda_("only", lambda _ctx, _config: {})], params_model=model)

    with pytest.raises(InvalidParams, match=f"the params_model of workflow 'judged' {told}"):
        flow.first_params(given)
