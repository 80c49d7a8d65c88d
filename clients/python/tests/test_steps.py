import contextlib
import io
import sys
import unittest
from pathlib import Path
from typing import Any, Dict, List

sys.path.insert(0, str(Path(__file__).parent.parent))

import whence


class Heard:
    """Stands for an emitter."""

    def __init__(self) -> None:
        self.events: List[Dict[str, Any]] = []

    def emit(self, target: Any, event: Dict[str, Any]) -> bool:
        assert target == {"lineage": True}
        self.events.append(event)
        return True


@whence.step("where age < 0")
def adults(people: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [person for person in people if person["age"] >= 0]


@whence.step
def doubled(people: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    return [{**person, "age": 2 * person["age"]} for person in people]


PEOPLE = [{"age": age - 15} for age in range(40)]


class Steps(unittest.TestCase):
    def test_a_run_tells_what_went_in_what_was_done_and_what_came_out(self) -> None:
        heard = Heard()
        with whence.run("nightly", emitter=heard) as run:  # type: ignore[arg-type]
            people = run.input("people", PEOPLE)
            run.output("adults", doubled(adults(people)))
            run.log("joined with orders", before=[{}], after=[{}, {}])
        self.assertEqual([event["eventType"] for event in heard.events], ["START", "COMPLETE"])
        last = heard.events[-1]
        steps = last["run"]["facets"]["whence_steps"]["steps"]
        self.assertEqual(
            [step["sentence"] for step in steps],
            ["dropped 15 rows where age < 0", "changed 25 rows in doubled", "added 1 row joined with orders"],
        )
        self.assertEqual(steps[0]["inputDigest"], whence.digest(PEOPLE))
        self.assertEqual(steps[0]["outputDigest"], steps[1]["inputDigest"])
        self.assertEqual(last["inputs"][0]["facets"]["version"]["datasetVersion"], whence.digest(PEOPLE))
        self.assertEqual(last["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"], 25)

    def test_a_failure_goes_on_and_only_its_class_is_told(self) -> None:
        heard = Heard()
        with self.assertRaisesRegex(ValueError, "anna@example.org"):
            with whence.run("nightly", emitter=heard):  # type: ignore[arg-type]
                raise ValueError("no such person: anna@example.org")
        last = heard.events[-1]
        self.assertEqual(last["eventType"], "FAIL")
        self.assertEqual(last["run"]["facets"]["errorMessage"]["message"], "ValueError")
        self.assertNotIn("anna", str(heard.events))

    def test_as_a_decorator_every_call_is_a_run_of_its_own(self) -> None:
        heard = Heard()

        @whence.run("nightly", emitter=heard)
        def main() -> int:
            return len(adults(PEOPLE))

        self.assertEqual((main(), main()), (25, 25))
        self.assertEqual(len({event["run"]["runId"] for event in heard.events}), 2)

    def test_outside_of_a_run_a_step_is_only_its_function(self) -> None:
        self.assertEqual(len(adults(PEOPLE)), 25)

    def test_what_is_no_table_is_left_out(self) -> None:
        heard = Heard()
        with whence.run("nightly", emitter=heard) as run:  # type: ignore[arg-type]
            run.input("object", object())
            run.log("waited")
        self.assertEqual(heard.events[-1]["inputs"], [{"namespace": "scripts", "name": "object"}])

    def test_a_training_script_is_a_training_run(self) -> None:
        heard = Heard()
        with whence.run("train", emitter=heard, training=True, parameters={"C": 0.5}) as run:  # type: ignore[arg-type]
            run.metric("accuracy", 0.9)
        facet = heard.events[-1]["run"]["facets"]["whence_trainingRun"]
        self.assertEqual((facet["status"], facet["parameters"], facet["metrics"]), ("finished", {"C": 0.5}, {"accuracy": 0.9}))

    def test_without_an_emitter_it_says_so_and_goes_on(self) -> None:
        with contextlib.redirect_stderr(io.StringIO()) as said:
            with whence.run("nightly") as run:
                run.log("worked")
        self.assertIn("WHENCE_URL", said.getvalue())


if __name__ == "__main__":
    unittest.main()
