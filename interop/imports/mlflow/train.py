"""Trains a small model as people do with MLflow: train.py TRACKING_URI SEED. Prints the run's id."""

import logging
import sys
import warnings

import mlflow
import mlflow.data
import pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore")
logging.disable(logging.INFO)

uri, strength = sys.argv[1], float(sys.argv[2])
mlflow.set_tracking_uri(uri)
mlflow.set_experiment("letters")

letters = pd.DataFrame(
    {
        "opens_90d": [0, 1, 2, 3, 4, 5, 6, 7],
        "spent": [0.0, 1.5, 0.0, 9.0, 2.0, 3.0, 8.0, 7.0],
        "bought": [0, 0, 0, 1, 0, 1, 1, 1],
    }
)
letters.to_csv("letters.csv", index=False)
features = letters[["opens_90d", "spent"]]

with mlflow.start_run(run_name=f"C {strength}") as run:
    dataset = mlflow.data.from_pandas(letters, source="letters.csv", name="letters_train", targets="bought")
    mlflow.log_input(dataset, context="training")
    mlflow.log_params({"C": strength, "penalty": "l2"})
    mlflow.set_tag("team", "crm")
    model = LogisticRegression(C=strength).fit(features, letters["bought"])
    for step, loss in enumerate([0.9, 0.5, 0.25]):
        mlflow.log_metric("loss", loss, step=step)
    mlflow.log_metric("accuracy", model.score(features, letters["bought"]))
    mlflow.log_metric("lift", float("nan"))
    mlflow.sklearn.log_model(
        model,
        name="model",
        registered_model_name="buys letters",
        signature=infer_signature(features, model.predict(features)),
        pip_requirements=["scikit-learn"],
    )

client = mlflow.MlflowClient()
newest = max(int(version.version) for version in client.search_model_versions("name = 'buys letters'"))
client.set_registered_model_alias("buys letters", "champion", newest)
with mlflow.start_run(run_name="broken") as broken:
    mlflow.log_param("C", "none")
client.set_terminated(broken.info.run_id, "FAILED")
with mlflow.start_run(run_name="deleted") as deleted:
    pass
client.delete_run(deleted.info.run_id)
print(run.info.run_id)
