"""What Spark calls the steps of ours that are counted, in plans, metrics and event logs."""

# The plan node of the worker's function: what leaves it went through the network, or is bad.
FEATURIZE_NODE = "MapInArrow featurize"
ROWS_OUT = "number of output rows"
# Of a search: each row that leaves it was compared.
DISTANCES_NODE = "MapInArrow distances"
