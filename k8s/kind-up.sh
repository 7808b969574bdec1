#!/bin/bash
# Loads images onto the nodes, and installs S3 and, on the kind cluster, the operator.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { echo "kind-up: $*"; }
kubectl_() { kubectl --context "$KUBE_CONTEXT" "$@"; }

if [ -n "$LOAD_IMAGE" ]; then
  for each in "$IMAGE" "$S3_IMAGE"; do
    say "loading $each"
    $LOAD_IMAGE "$each"
  done
else
  say "$KUBE_CONTEXT is not a kind cluster: its nodes must pull $IMAGE and $S3_IMAGE; LOAD_IMAGE=\"docker push\" pushes them"
fi

say "S3"
sed "s|image: image-features-s3:dev|image: $S3_IMAGE|" k8s/s3.yaml | kubectl_ --namespace "$NAMESPACE" apply -f -

if [ -z "$USE_CLUSTER" ]; then
  operators=$(kubectl_ get deployments --all-namespaces --selector app.kubernetes.io/name=spark-operator --output name)
  # Do not change an existing operator: users may have changed its settings.
  if [ -z "$operators" ]; then
    say "operator"
    $INSTALL_OPERATOR --values k8s/spark-operator-values.yaml
  fi
  "$PYTHON" -m k8s.check_operator "$KUBE_CONTEXT" "$NAMESPACE"
fi

kubectl_ --namespace "$NAMESPACE" rollout status deployment/s3 --timeout=3m
say "ready: namespace $NAMESPACE of $KUBE_CONTEXT"
[ -n "$USE_CLUSTER" ] || echo "export KUBECONFIG=$KUBECONFIG"
