#!/bin/bash
# Writes k8s/sparkapplication.yaml: the chart with ci/kind.yaml, for `kubectl apply` without Helm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
{
  echo "# Generated from helm/image-features with ci/kind.yaml by \`make manifests\`; edit those."
  helm template image-features helm/image-features --skip-tests --namespace image-features \
    --values helm/image-features/ci/kind.yaml
} >k8s/sparkapplication.yaml
