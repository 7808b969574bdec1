"""Imports the modules of the job, so that the image contains their bytecode."""

import importlib

for name in (
    "bokeh.embed",
    "bokeh.plotting",
    "click",
    "cykooz_resizer",
    "delta",
    "jinja2",
    "keras",
    "obstore",
    "onnxruntime",
    "PIL.Image",
    "pyarrow.dataset",
    "pyspark.daemon",
    "pyspark.ml",
    "pyspark.sql.functions",
    "pyspark.worker",
    "rich.console",
    "rich.progress",
    "tenacity",
    "tensorflow",
    "tf2onnx",
    "yaml",
):
    importlib.import_module(name)

# Keras loads its applications on first use.
importlib.import_module("keras.src.applications.mobilenet_v2")
