#!/bin/bash
# Deletes the cluster of kind-up if it exists, and no other cluster.
set -euo pipefail
if [ -n "$USE_CLUSTER" ]; then
  echo "kind-down: deletes nothing of $USE_CLUSTER; \`kubectl --context $USE_CLUSTER delete namespace $NAMESPACE\` deletes what kind-up added"
  exit
fi
if ! command -v kind >/dev/null; then
  echo "kind-down: kind is not on PATH; put it there, or name the folder it was made from in LOCAL_KIND" >&2
  exit 1
fi
if kind get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  echo "kind-down: deleting cluster $CLUSTER"
  kind delete cluster --name "$CLUSTER"
else
  echo "kind-down: there is no cluster $CLUSTER"
fi
