import sys
import unittest
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from whence import digest

ROWS = [{"id": 1, "age": 40, "name": "Ä"}, {"id": 2, "age": None, "name": "b"}, {"id": 2, "age": None, "name": "b"}]


class Digest(unittest.TestCase):
    def test_is_what_it_was(self) -> None:
        """Whoever kept a digest must be able to compare it in ten years."""
        self.assertEqual(digest([{"a": 1}]), "sha256:" + EXPECTED)

    def test_the_order_of_rows_and_columns_does_not_matter(self) -> None:
        turned = [dict(reversed(list(row.items()))) for row in reversed(ROWS)]
        self.assertEqual(digest(turned), digest(ROWS))

    def test_a_value_a_name_a_repeat_matter(self) -> None:
        for other in (ROWS[:2], [*ROWS, ROWS[0]], [{**ROWS[0], "age": 41}, *ROWS[1:]], [{**ROWS[0], "x": None}, *ROWS[1:]]):
            self.assertNotEqual(digest(other), digest(ROWS))

    def test_a_column_of_integers_with_gaps_is_the_same_as_floats(self) -> None:
        floats = [{**row, "age": float("nan") if row["age"] is None else float(row["age"])} for row in ROWS]
        self.assertEqual(digest(floats), digest(ROWS))

    def test_texts_are_no_numbers_and_times_are_instants(self) -> None:
        self.assertNotEqual(digest([{"a": "1"}]), digest([{"a": 1}]))
        utc = datetime(2026, 3, 1, 10, tzinfo=timezone.utc)
        self.assertEqual(digest([{"a": utc}]), digest([{"a": utc.astimezone(timezone(timedelta(hours=5)))}]))
        self.assertNotEqual(digest([{"a": utc}]), digest([{"a": utc + timedelta(microseconds=1)}]))
        self.assertNotEqual(digest([{"a": Decimal("1.10")}]), digest([{"a": Decimal("1.1")}]))

    def test_strange_values_have_a_digest_too(self) -> None:
        strange = [{"a": float("inf"), "b": b"\x00", "c": [1, {"d": {2, 3}}], "e": "\ud800", "f": object}]
        self.assertRegex(digest(strange), r"^sha256:[0-9a-f]{64}$")
        self.assertRegex(digest([]), r"^sha256:[0-9a-f]{64}$")

    def test_what_is_no_table_is_refused(self) -> None:
        for value in (1, "text", None, [1, 2], {"a": 1}):
            with self.assertRaises(TypeError):
                digest(value)

    def test_libraries_agree(self) -> None:
        libraries = []
        try:
            import pandas

            libraries.append(pandas.DataFrame(ROWS))
        except ImportError:
            pass
        try:
            import pyarrow

            libraries.append(pyarrow.Table.from_pylist(ROWS))
        except ImportError:
            pass
        try:
            import polars

            libraries.append(polars.DataFrame(ROWS))
        except ImportError:
            pass
        if not libraries:
            self.skipTest("neither pandas, nor polars, nor PyArrow is installed")
        for table in libraries:
            self.assertEqual(digest(table), digest(ROWS), type(table))


EXPECTED = "d5f9d4cf11caecf480747a4ebc1c235bd2fcd1a0da1404a613dfa65568dfd0ac"

if __name__ == "__main__":
    unittest.main()
