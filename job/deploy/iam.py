"""The ARN of an IAM role, and the annotation that gives it to a service account on EKS."""

from __future__ import annotations

import re

# On a service account: the role that its pods assume (IRSA).
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
ROLE_ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*):iam::(?P<account>\d{12}):role/"
    r"(?:[\w+=,.@/-]+/)?(?P<name>[\w+=,.@-]+)"
)
