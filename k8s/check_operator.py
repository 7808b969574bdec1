"""Says in one line whether a spark-operator watches: -m k8s.check_operator CONTEXT NAMESPACE."""

from __future__ import annotations

import sys

from job.checks import CannotCheckError
from job.deploy.doctor.operator import watching
from job.deploy.submit.cluster import Cluster
from job.errors import JobError


def main(context: str, namespace: str) -> int:
    """The exit code: 0 where one does, and where that cannot be seen."""
    try:
        print(f"kind-up: {watching(Cluster(context, namespace))}")
    except CannotCheckError as reason:
        print(f"kind-up: it cannot be seen whether an operator watches {namespace}: {reason}")
    except JobError as error:
        print(f"kind-up: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
