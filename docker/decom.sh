#!/bin/bash
# The preStop hook of executors: asks the JVM to decommission itself, and waits until it has.
#
# The pod's grace period bounds the wait; the kubelet sends TERM when it is over.
set -euo pipefail

executor=$(pgrep -o -x java) || exit 0
kill -s PWR "$executor"
while kill -0 "$executor" 2>/dev/null; do sleep 1; done
