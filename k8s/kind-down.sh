#!/bin/bash
# Deletes the cluster, if it is there.
set -euo pipefail
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
