"""A program that emits as it is told: a JSON array a line on stdin, its answer on stdout.

    emitter-child.py OPTIONS    options of the emitter, as JSON; the package is found through PYTHONPATH
"""

import json
import os
import sys

import whence

options = json.loads(sys.argv[1])
problems = []
emitter = whence.Emitter(
    every=0.02, keep_every=0.005, first_wait=0.01, longest_wait=0.05,
    on_problem=lambda code, message: problems.append(code), **options
)  # fmt: skip

for line in sys.stdin:
    command, *given = json.loads(line)
    if command == "emit":
        to, records = given
        answer = [emitter.emit(to, record) for record in records]
    elif command == "burst":
        name, count = given
        answer = sum(
            emitter.emit("visits", {"id": f"{name}-{i}", "customer": f"c-{i % 20}", "time": "2026-03-01T10:00:00Z"})
            for i in range(count)
        )
    elif command == "fork":
        name, count = given
        child = os.fork()
        if child == 0:
            for i in range(count):
                emitter.emit("visits", {"id": f"{name}-{i}", "customer": "c-1", "time": "2026-03-01T10:00:00Z"})
            emitter.close()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        answer = os.waitstatus_to_exitcode(status)
    elif command == "run":

        @whence.step("where age < 0")
        def adults(people):
            return [person for person in people if person["age"] >= 0]

        with whence.run("nightly", emitter=emitter) as run:
            people = run.input("crm.people", [{"age": age - 15} for age in range(40)])
            run.output("crm.adults", adults(people))
        answer = {"id": run.id, "steps": run.steps}
    elif command == "flush":
        answer = emitter.flush(*given)
    elif command == "close":
        answer = emitter.close(*given)
    elif command == "stats":
        answer = emitter.stats()
    elif command == "exit":
        sys.exit(0)
    elif command == "throw":
        raise RuntimeError("the program fails")
    else:
        answer = problems
    print(json.dumps(answer), flush=True)
