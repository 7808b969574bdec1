"""Names of the counted plan nodes and metrics, as Spark's plans and event logs have them."""

# The plan node of the featurizing function: each output row is a featurized or a bad image.
FEATURIZE_NODE = "MapInArrow featurize"
ROWS_OUT = "number of output rows"
# The plan node of a similarity search: each output row is a compared image.
DISTANCES_NODE = "MapInArrow distances"
