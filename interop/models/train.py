"""Trains a scikit-learn pipeline on an exported training set, registers it as ONNX, scores with it, and says so.

What a team has: a training script and a scoring script. The pipeline is scored as it stands, in scikit-learn and in
doubles; the ONNX file is what Whence scores again, in single precision.
"""

import argparse
import hashlib
import json
import math
import platform
import sys
import urllib.request

import numpy
import onnxruntime
import pyarrow.parquet
import skl2onnx
import sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import whence

parser = argparse.ArgumentParser()
for name in ("url", "key", "read-key", "training", "training-set", "view", "snapshot", "estimator", "spool", "commit"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--features", required=True, nargs="+")
args = parser.parse_args()


def call(method, path, body=None, key=args.key, kind="application/json"):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    with urllib.request.urlopen(urllib.request.Request(args.url + path, data, headers, method=method)) as answer:
        return answer.read()


# --- training ---------------------------------------------------------------------------------------------------------

estimators = {
    "logistic": LogisticRegression(C=0.5, max_iter=1000),
    "boosting": GradientBoostingClassifier(n_estimators=40, max_depth=3, random_state=7),
}
estimator = estimators[args.estimator]
run = f"{args.training_set}/{args.estimator}"
call("POST", "/v1/training-runs", {
    "id": run,
    "framework": f"scikit-learn {sklearn.__version__}",
    "status": "running",
    "trainingSet": args.training_set,
    "parameters": {key: value for key, value in estimator.get_params().items() if not isinstance(value, (list, dict))},
    "code": {"repository": "https://git.example/letters", "commit": args.commit, "entryPoint": "train.py"},
    "environment": {
        "language": f"python {platform.python_version()}",
        "packages": {"scikit-learn": sklearn.__version__, "skl2onnx": skl2onnx.__version__, "numpy": numpy.__version__},
    },
})

table = pyarrow.parquet.read_table(args.training)
columns = [table.column(name).to_pylist() for name in args.features]
X = numpy.array([[math.nan if v is None else float(v) for v in row] for row in zip(*columns)])
y = numpy.array(table.column("label").to_pylist()).astype(int)
pipeline = make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), estimator).fit(X, y)

# Without a ZipMap the probabilities are a tensor, which every runtime can give.
onnx = skl2onnx.to_onnx(
    pipeline,
    initial_types=[("X", FloatTensorType([None, len(args.features)]))],
    options={"zipmap": False},
).SerializeToString()
digest = hashlib.sha256(onnx).hexdigest()
call("PUT", f"/v1/artifacts/{digest}", onnx, kind="application/octet-stream")
auc = float(roc_auc_score(y, pipeline.predict_proba(X)[:, 1]))
call("POST", "/v1/training-runs", {
    "id": run,
    "status": "finished",
    "metrics": {"auc": auc},
    "artifacts": [{"path": "model.onnx", "sha256": digest, "bytes": len(onnx)}],
})
version = json.loads(call("POST", "/v1/models", {
    "name": f"letters-{args.estimator}",
    "predicts": "opens the next letter",
    "view": args.view,
    "trainingSet": args.training_set,
    "run": {"id": run, "code": {"repository": "https://git.example/letters", "commit": args.commit}},
    "metrics": {"auc": auc},
    "artifact": {"sha256": digest, "format": "onnx"},
    "signature": {
        "inputs": [{"name": "X", "features": args.features, "type": "float"}],
        "output": {"name": "probabilities", "column": 1},
    },
    "threshold": 0.5,
}))
model = f"{version['name']}@{version['version']}"

# --- scoring ----------------------------------------------------------------------------------------------------------

rows = [json.loads(line) for line in call("GET", f"/v1/snapshots/{args.snapshot}/rows", key=args.read_key).splitlines()]
inputs = [{name: row["values"][name] for name in args.features} for row in rows]
S = numpy.array([[math.nan if v is None else float(v) for v in each.values()] for each in inputs])
scores = pipeline.predict_proba(S)[:, 1]
single = onnxruntime.InferenceSession(onnx).run(["probabilities"], {"X": S.astype(numpy.float32)})[0][:, 1]

emitter = whence.Emitter(args.url, args.key, spool=args.spool)
for row, each, score in zip(rows, inputs, scores):
    emitter.predict(
        model,
        {"id": f"{args.estimator}-{row['subject']}", "subject": row["subject"], "score": float(score), "inputs": each},
        snapshot=int(args.snapshot),
    )
emitter.flush(timeout=60)
stats = emitter.stats()
emitter.close()

json.dump({
    "model": model,
    "run": run,
    "sha256": digest,
    "trained": len(y),
    "scored": len(rows),
    "missing": int(numpy.isnan(S).sum()),
    "yes": int((scores >= 0.5).sum()),
    "largestDifference": float(numpy.abs(scores - single).max()),
    "stats": stats,
}, sys.stdout)
