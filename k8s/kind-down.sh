#!/bin/bash
# Deletes the cluster, if it is there.
set -euo pipefail
if kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  echo "kind-down: deleting cluster $CLUSTER"
  kind delete cluster --name "$CLUSTER"
else
  echo "kind-down: there is no cluster $CLUSTER"
fi
