"""The emitter alone. Against a real server: journeys/emitter-python.test.ts."""

import json
import os
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timezone
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, List

sys.path.insert(0, str(Path(__file__).parent.parent))

import whence
from whence.delivery import numbers_of, retry_after
from whence.segment import decode_segment, encode_item


class Server:
    """Records whatever comes, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: List[Any] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    data = decompress(data)
                outer.bodies.append((self.path, data.decode()))
                answer: Dict[str, Any] = {"receipt": {"status": "recorded"}}
                if "/events" in self.path:
                    answer = {"accounting": {"passed": data.count(b"\n")}, "results": []}
                elif "/predictions" in self.path:
                    answer = {"recorded": len(json.loads(data)["predictions"]), "results": []}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Emitting(unittest.TestCase):
    def setUp(self) -> None:
        self.server = Server()
        self.addCleanup(self.server.close)
        self.problems: List[str] = []

    def emitter(self, **options: Any) -> whence.Emitter:
        return whence.Emitter(
            self.server.url, "wk", every=0.01, keep_every=0.005, on_problem=lambda code, _: self.problems.append(code), **options
        )

    def test_events_predictions_and_runs_go_their_ways(self) -> None:
        with self.emitter() as one:
            one.emit("a b/ü", {"x": "ü"})
            one.predict("buys@3", {"entity": "c", "score": 0.5}, snapshot=12)
            one.emit({"runs": True}, {"id": "r-1"})
        bodies = dict((path.split("?")[0], body) for path, body in self.server.bodies)
        self.assertEqual(bodies["/v1/streams/a%20b%2F%C3%BC/events"], '{"x":"ü"}\n')
        prediction = json.loads(bodies["/v1/predictions"])
        self.assertEqual([prediction["model"], prediction["snapshot"]], ["buys@3", 12])
        self.assertEqual(prediction["predictions"][0]["id"], f"{one.emitter}-1")
        self.assertEqual(bodies["/v1/training-runs"], '{"id":"r-1"}')

    def test_a_record_may_be_changed_after_it_was_emitted(self) -> None:
        record = {"page": "before"}
        with self.emitter() as one:
            one.emit("s", record)
            record["page"] = "after"
        self.assertIn('{"page":"before"}\n', [body for _, body in self.server.bodies])

    def test_what_is_no_json_is_dropped_and_nothing_is_raised(self) -> None:
        loop: Dict[str, Any] = {}
        loop["loop"] = loop

        class Hostile(dict):  # type: ignore[type-arg]
            def items(self) -> Any:
                raise RuntimeError("no")

            def __iter__(self) -> Any:
                raise RuntimeError("no")

        with self.emitter() as one:
            strange = (loop, {"a": float("nan")}, {"a": object()}, {"a": "\ud800"}, {"a": datetime(2026, 1, 1)}, Hostile(a=1))
            taken = [one.emit("s", record) for record in strange]
            self.assertEqual(taken[:5], [False] * 5)
            self.assertTrue(one.emit("s", {"at": datetime(2026, 1, 1, tzinfo=timezone.utc)}))
        said = one.stats()["streams"]["s"]
        self.assertEqual(said["emitted"], said["recorded"] + said["dropped"])
        self.assertTrue(any('{"at":"2026-01-01T00:00:00Z"}' in body for _, body in self.server.bodies))

    def test_closed_it_takes_nothing_more_and_tells(self) -> None:
        one = self.emitter()
        one.close()
        self.assertFalse(one.emit("s", {}))
        self.assertEqual(one.stats()["streams"]["s"]["reasons"], {"closed": 1})

    def test_many_threads_give_each_number_once(self) -> None:
        with tempfile.TemporaryDirectory() as folder, self.emitter(spool=folder) as one:
            threads = [
                threading.Thread(target=lambda: [one.emit("s", {"i": i}) for i in range(500)]) for _ in range(8)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(one.close()["streams"]["s"]["recorded"], 4000)

    def test_a_spool_that_is_a_file_does_not_matter(self) -> None:
        with tempfile.NamedTemporaryFile() as file, self.emitter(spool=file.name) as one:
            one.emit("s", {})
            self.assertEqual(one.close()["streams"]["s"]["recorded"], 1)
        self.assertEqual(self.problems, ["spool"])

    def test_options_that_cannot_work_are_refused_at_once(self) -> None:
        for url, key, rates in (("nowhere", "k", {}), ("http://x", "", {}), ("http://x", "k", {"s": 2.0})):
            with self.assertRaises(ValueError):
                whence.Emitter(url, key, rates=rates)

    def test_samples(self) -> None:
        with self.emitter(rates={"none": 0.0}) as one:
            self.assertFalse(one.emit("none", {}))
        self.assertEqual(one.stats()["streams"]["none"]["sampledOut"], 1)

    def test_the_spool_is_for_its_owner_only(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            one = whence.Emitter("http://127.0.0.1:1", "wk", spool=os.path.join(folder, "spool"), on_problem=lambda *_: None)
            one.emit("s", {})
            one.close(0.05)
            for path in Path(folder, "spool").rglob("*"):
                self.assertEqual(path.stat().st_mode & 0o077, 0, path)


class Format(unittest.TestCase):
    def test_a_torn_tail_is_cut_at_any_byte(self) -> None:
        items = [('{"stream":"s"}', n, f'{{"n":{n},"t":"\\t ü"}}') for n in range(1, 4)]
        data = b"".join(map(encode_item, items))
        for cut in range(len(data)):
            found, damaged = decode_segment(data[:cut])
            self.assertEqual(found, items[: len(found)])
            self.assertEqual((len(found), damaged), (data[:cut].count(b"\n"), 0))

    def test_a_changed_byte_is_noticed(self) -> None:
        data = encode_item(('{"stream":"s"}', 7, '{"a":1}'))
        for at in range(len(data) - 1):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            found, damaged = decode_segment(changed)
            self.assertEqual(found, [], at)
            self.assertGreater(damaged, 0)

    def test_numbers(self) -> None:
        self.assertEqual(numbers_of([("", n, "") for n in (7, 8, 9, 12, 14, 15)]), "7-9,12,14-15")

    def test_retry_after(self) -> None:
        dates = {"retry-after": "Sun, 01 Mar 2026 10:00:05 GMT", "date": "Sun, 01 Mar 2026 10:00:00 GMT"}
        self.assertEqual(retry_after(dates), 5)
        for given, seconds in (("3", 3), ("-1", 0), ("soon", 0), ("99999999", 300), ("", 0)):
            self.assertEqual(retry_after({"retry-after": given}), seconds)


if __name__ == "__main__":
    unittest.main()
