"""A Spark job like any other: it knows nothing of lineage. Its session is told of the listener from outside.

    python job.py FOLDER

Reads orders.csv and customers.csv of the folder, and writes what each country has ordered as Parquet.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

folder = sys.argv[1]
spark = SparkSession.builder.appName("orders by country").getOrCreate()

orders = spark.read.csv(
    f"{folder}/orders.csv", header=True, schema="order_id bigint, customer_id string, cents bigint"
)
customers = spark.read.csv(
    f"{folder}/customers.csv", header=True, schema="id string, country string, email string"
)
by_country = (
    orders.join(customers, orders.customer_id == customers.id)
    .where(orders.cents > 0)
    .groupBy("country")
    .agg(f.count("order_id").alias("orders"), f.sum("cents").alias("cents"))
)
by_country.write.mode("overwrite").parquet(f"{folder}/orders_by_country")
spark.stop()
