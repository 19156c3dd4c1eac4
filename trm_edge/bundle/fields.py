"""Typed reading of untrusted JSON: every complaint names the document and the field.

Knows nothing about bundles; the manifest and the golden vectors are both read through it.
"""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from trm_edge.errors import InvalidBundle, unknown

Choice = TypeVar("Choice", bound=StrEnum)

MAX_TEXT = 1000  #: characters of one text field
MAX_INT = 2**31 - 1  #: what Java, JavaScript and int32 tensors all hold


def parse_json(text: str, document: str) -> Any:
    """Parse standard JSON: ``NaN`` and ``Infinity``, which only Python reads, are refused.

    Raises:
        InvalidBundle: not JSON.
    """

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidBundle(f"{document} is not valid JSON: {error}") from None


class Fields:
    """One JSON object of ``document``, read field by field.

    Every getter raises :class:`~trm_edge.errors.InvalidBundle` where the field is missing or is not what
    the getter promises. Fields nobody asks for are ignored: that is the forward compatibility promise.
    """

    def __init__(self, data: Any, document: str, path: str = "") -> None:
        self._document = document
        self._path = path
        if not isinstance(data, dict):
            where = f"field '{path}'" if path else "the document"
            raise InvalidBundle(f"{document}: {where} must be an object, not {_shown(data)}")
        self._data: dict[str, Any] = data

    def raw(self, name: str) -> Any:
        """The value as parsed, whatever its type."""
        try:
            return self._data[name]
        except KeyError:
            raise InvalidBundle(f"{self._document}: field '{self._path}{name}' is missing") from None

    def has(self, name: str) -> bool:
        """Whether the field is there; for fields that older documents do not have."""
        return name in self._data

    def refuse(self, name: str, rule: str) -> NoReturn:
        """Complain that field ``name`` must be ``rule``."""
        given = _shown(self._data.get(name))
        raise InvalidBundle(f"{self._document}: field '{self._path}{name}' must be {rule}, not {given}")

    def text(self, name: str) -> str:
        """A printable, non-empty line."""
        value = self.raw(name)
        if not isinstance(value, str) or not value or len(value) > MAX_TEXT or not value.isprintable():
            self.refuse(name, f"one printable line of 1 to {MAX_TEXT} characters")
        return value

    def integer(self, name: str, *, low: int = 0, high: int = MAX_INT) -> int:
        """A whole number in ``low..high``."""
        value = self.raw(name)
        if type(value) is not int or not low <= value <= high:
            self.refuse(name, f"a whole number from {low} to {high}")
        return value

    def number(self, name: str) -> float:
        """A finite number."""
        value = self.raw(name)
        if not is_number(value):
            self.refuse(name, "a finite number")
        return float(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """An array of finite numbers."""
        values = self.array(name)
        if not all(map(is_number, values)):
            self.refuse(name, "an array of finite numbers")
        return tuple(map(float, values))

    def integers(self, name: str) -> tuple[int, ...]:
        """An array of whole numbers from 0 to :data:`MAX_INT`."""
        values = self.array(name)
        if not all(type(value) is int and 0 <= value <= MAX_INT for value in values):
            self.refuse(name, f"an array of whole numbers from 0 to {MAX_INT}")
        return tuple(values)

    def array(self, name: str) -> list[Any]:
        """An array of anything."""
        value = self.raw(name)
        if not isinstance(value, list):
            self.refuse(name, "an array")
        return value

    def object(self, name: str) -> dict[str, Any]:
        """An object, kept as parsed."""
        value = self.raw(name)
        if not isinstance(value, dict):
            self.refuse(name, "an object")
        return value

    def optional_object(self, name: str) -> dict[str, Any] | None:
        """An object, or null."""
        return None if self.raw(name) is None else self.object(name)

    def choice(self, name: str, kind: type[Choice]) -> Choice:
        """A member of ``kind`` by its value."""
        value = self.text(name)
        try:
            return kind(value)
        except ValueError:
            raise InvalidBundle(
                f"{self._document}: {unknown(name, value, [member.value for member in kind])}"
            ) from None

    def child(self, name: str) -> Fields:
        """The object in field ``name``."""
        return Fields(self.raw(name), self._document, f"{self._path}{name}.")

    def children(self, name: str) -> list[Fields]:
        """The objects in the array of field ``name``."""
        return [
            Fields(item, self._document, f"{self._path}{name}[{index}].") for index, item in enumerate(self.array(name))
        ]


def is_number(value: Any) -> bool:
    """Whether a parsed JSON value is a finite number (``true`` is not one, nor is 1e999)."""
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
