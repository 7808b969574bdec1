"""Imports the modules of the job, so that the image contains their bytecode."""

import importlib
from importlib.util import find_spec

for name in (
    "bokeh.embed",
    "bokeh.plotting",
    "click",
    "cykooz_resizer",
    "delta",
    "jinja2",
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
    "yaml",
):
    importlib.import_module(name)

# A slim image does not have them. Keras loads its applications on first use.
if find_spec("keras"):
    for name in ("keras", "tensorflow", "tf2onnx", "keras.src.applications.mobilenet_v2"):
        importlib.import_module(name)
