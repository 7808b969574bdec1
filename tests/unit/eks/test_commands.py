"""The `aws` commands in the docs match the service models of AWS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.aws_command import commands_in, complaints

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_the_docs_are_of_aws_s_model(page: Path) -> None:
    found = list(commands_in(page.read_text(encoding="utf-8")))
    assert [each for command in found for each in complaints(command)] == []


def test_the_page_of_eks_has_its_commands() -> None:
    found = [str(each) for each in commands_in((ROOT / "docs" / "eks.md").read_text())]
    assert len(found) >= 20
    for each in ("aws eks create-pod-identity-association", "aws ec2 describe-route-tables"):
        assert each in found


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("aws iam make-role --role-name x", "no such operation"),
        ("aws emr-on-eks list-virtual-clusters", "no such service"),
        ("aws iam create-role --role x", "--role"),
        ("aws iam create-role --role-name x", "AssumeRolePolicyDocument is missing"),
        ("aws iam create-role --role-name --path /", "--role-name has no value"),
        ("aws ecr create-repository --repository-name x --image-tag-mutability NEVER", "none of"),
        (
            "aws ecr create-repository --repository-name x --image-scanning-configuration a=b",
            "no member a",
        ),
        (
            "aws emr-containers create-virtual-cluster --name x --container-provider '{\"id\": 1}'",
            "Invalid type for parameter id",
        ),
        ("aws logs put-retention-policy --log-group-name x --retention-in-days y", "no number"),
        ("aws ecr get-login-password --registry x", "--registry"),
    ],
)
def test_a_command_that_aws_would_not_take_is_found(command: str, said: str) -> None:
    for page in (f"    VALUE=$({command} \\\n      --query x)\n", f"say `{command}`\n"):
        problems = [each for found in commands_in(page) for each in complaints(found)]
        assert any(said in each for each in problems), problems
