#!/bin/bash
# The preStop hook of executors: signals the JVM to decommission, and waits until the JVM exits.
#
# The pod's grace period limits the wait: afterwards the kubelet sends TERM.
set -euo pipefail

executor=$(pgrep -o -x java) || exit 0
kill -s PWR "$executor"
while kill -0 "$executor" 2>/dev/null; do sleep 1; done
