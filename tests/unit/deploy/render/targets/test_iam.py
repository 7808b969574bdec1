"""IAM policies: the source of each statement, and who may assume a role."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from job import resources
from job.deploy.render.helm import Chart
from job.deploy.render.render import TARGETS, TargetOptions
from job.deploy.render.targets.iam import policy
from job.deploy.render.targets.iam_trust import encode_base36, irsa_trust_policy, trust_policies
from job.errors import InvalidValueError

Manifest = dict[str, Any]
S3A = "spark.hadoop.fs.s3a."
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0b0b0b0b-0b0b-0b0b-0b0b-0b0b0b0b0b0b"
ROLE = "arn:aws:iam::123456789012:role/data/image-features"
PROVIDER = "oidc.eks.eu-central-1.amazonaws.com/id/0B0B"
PATHS = ["--input", "s3a://in/fruits", "--output", "s3a://out/a/b"]


def application(arguments: list[str] | None = None, **conf: str) -> Manifest:
    """A run of an account for each role, with these settings; dots are written as __."""
    return {
        "metadata": {"name": "fruits-one", "namespace": "images"},
        "spec": {
            "arguments": ["run", *(PATHS if arguments is None else arguments)],
            "sparkConf": {key.replace("__", "."): value for key, value in conf.items()},
            "driver": {"serviceAccount": "fruits-driver"},
            "executor": {"serviceAccount": "fruits-executor"},
        },
    }


def statements(found: Manifest, asked: Manifest | None = None) -> dict[str, Manifest]:
    made = policy(found, asked)["Statement"]
    by_sid = {each["Sid"]: each for each in made}
    assert len(by_sid) == len(made)
    assert all(sid.isalnum() for sid in by_sid), "IAM takes letters and digits only"
    return by_sid


def test_an_input_is_read_and_an_output_written_and_nothing_else() -> None:
    found = statements(application())
    assert list(found) == [
        "ListInput",
        "ReadInput",
        "ListOutput",
        "ReadWriteOutput",
        "ListUploads",
        "AbortUploads",
    ]
    assert found["ReadInput"]["Action"] == ["s3:GetObject"]
    assert found["ReadInput"]["Resource"] == ["arn:aws:s3:::in/fruits", "arn:aws:s3:::in/fruits/*"]
    of_out = ["arn:aws:s3:::out/a/b", "arn:aws:s3:::out/a/b/*"]
    assert found["ReadWriteOutput"]["Resource"] == found["AbortUploads"]["Resource"] == of_out
    assert found["ListOutput"]["Condition"] == {"StringLike": {"s3:prefix": ["a/b", "a/b/*"]}}


@pytest.mark.parametrize(
    ("given", "bucket", "key"),
    [
        ("s3://in/fruits/", "in", "fruits"),
        ("S3A://in//fruits", "in", "fruits"),
        ("s3a://in", "in", ""),
    ],
)
def test_a_path_is_read_however_it_is_spelt(given: str, bucket: str, key: str) -> None:
    found = statements(application([f"--input={given}", "--output", "s3a://out/x"]))
    assert found["ListInput"]["Resource"] == f"arn:aws:s3:::{bucket}"
    assert found["ReadInput"]["Resource"][-1] == f"arn:aws:s3:::{bucket}/{key}{'/' * bool(key)}*"
    assert ("Condition" in found["ListInput"]) == bool(key)


@pytest.mark.parametrize(
    ("name", "folder", "right"),
    [("--bundle", "pca", "ReadBundle"), ("--model", "classifiers/forest", "ReadModel")],
)
def test_a_bundle_or_model_in_another_output_is_readable(
    name: str, folder: str, right: str
) -> None:
    others = statements(application([*PATHS, name, f"s3a://out/other/{folder}"]))
    assert others[right]["Resource"][0] == f"arn:aws:s3:::out/other/{folder}"
    assert right not in statements(application([*PATHS, name, f"s3a://out/a/b/{folder}"]))


def test_a_destination_elsewhere_is_written() -> None:
    found = statements(application(["--output", "s3a://out/a", "--destination", "s3a://b/x.csv"]))
    assert "s3:PutObject" in found["ReadWriteDestination"]["Action"]
    assert found["ListDestinationUploads"]["Resource"] == "arn:aws:s3:::b"
    assert found["AbortDestinationUploads"]["Resource"][1] == "arn:aws:s3:::b/x.csv/*"
    assert "ListInput" not in found


@pytest.mark.parametrize("arguments", [[], ["--output"], ["--output", "/tmp/x"]])
def test_a_run_without_an_output_on_s3_has_no_rights(arguments: list[str]) -> None:
    with pytest.raises(InvalidValueError, match="expected --output s3a://bucket/folder"):
        policy(application(arguments))


def test_folders_of_settings_are_written() -> None:
    conf = {
        "spark__eventLog__enabled": "true",
        "spark__eventLog__dir": "s3a://out/logs",
        "spark__storage__decommission__fallbackStorage__path": "s3a://out/blocks/",
    }
    found = statements(application(**conf))
    assert found["ReadWriteEventLog"]["Resource"][1] == "arn:aws:s3:::out/logs/*"
    assert found["ReadWriteFallbackStorage"]["Resource"][1] == "arn:aws:s3:::out/blocks/*"
    conf["spark__eventLog__enabled"] = "false"
    assert "ReadWriteEventLog" not in statements(application(**conf))


def encrypted(algorithm: str, key: str = KEY, region: str = "eu-central-1") -> Manifest:
    found = application()
    found["spec"]["sparkConf"] = {
        f"{S3A}encryption.algorithm": algorithm,
        f"{S3A}encryption.key": key,
        f"{S3A}endpoint.region": region,
    }
    return found


def test_a_key_is_used_through_s3_alone() -> None:
    found = statements(encrypted("SSE-KMS"))["UseKey"]
    assert found["Resource"] == KEY
    assert found["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
    through = {"kms:ViaService": "s3.eu-central-1.amazonaws.com"}
    assert found["Condition"] == {"StringEquals": through}
    assert "Condition" not in statements(encrypted("SSE-KMS", region=""))["UseKey"]


@pytest.mark.parametrize(("algorithm", "key"), [("AES256", ""), ("SSE-KMS", ""), ("", KEY)])
def test_no_key_of_one_s_own_needs_no_right(algorithm: str, key: str) -> None:
    assert "UseKey" not in statements(encrypted(algorithm, key))


@pytest.mark.parametrize(
    ("region", "partition", "service"),
    [
        ("cn-north-1", "aws-cn", "s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "s3.us-gov-west-1.amazonaws.com"),
    ],
)
def test_other_partitions_have_arns_of_their_own(region: str, partition: str, service: str) -> None:
    found = statements(encrypted("SSE-KMS", region=region))
    assert found["ListInput"]["Resource"] == f"arn:{partition}:s3:::in"
    assert found["UseKey"]["Condition"]["StringEquals"]["kms:ViaService"] == service


def asked(**logs: str) -> Manifest:
    logs = {"s3": "", "cloudWatch": "", **logs}
    return {"spec": {"executionRoleArn": ROLE, "podTemplates": "s3://conf/templates", "logs": logs}}


def test_on_emr_templates_are_read_and_logs_written() -> None:
    found = statements(application(), asked(s3="s3://logs/emr", cloudWatch="/emr/fruits"))
    assert found["ReadPodTemplates"]["Resource"][1] == "arn:aws:s3:::conf/templates/*"
    assert found["WriteLogs"]["Action"] == ["s3:GetObject", "s3:PutObject"]
    group = "arn:aws:logs:*:*:log-group:/emr/fruits"
    assert found["WriteLogStreams"]["Resource"] == [group, f"{group}:*"]
    without = statements(application(), asked())
    assert not {"WriteLogs", "ListLogs", "WriteLogStreams", "FindLogGroup"} & without.keys()


def accounts(**roles: str) -> list[Manifest]:
    return [
        {
            "kind": "ServiceAccount",
            "metadata": {
                "name": f"fruits-{part}",
                "annotations": {"eks.amazonaws.com/role-arn": role},
            },
        }
        for part, role in roles.items()
    ]


def of_irsa() -> Manifest:
    found = application()
    provider = "software.amazon.awssdk.auth.credentials.WebIdentityTokenFileCredentialsProvider"
    found["spec"]["sparkConf"] = {f"{S3A}aws.credentials.provider": provider}
    return found


def test_a_role_of_both_accounts_trusts_both_and_no_other() -> None:
    files, omitted = trust_policies(of_irsa(), accounts(driver=ROLE, executor=ROLE), None, PROVIDER)
    (statement,) = files["trust-image-features.json"]["Statement"]
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::123456789012:oidc-provider/{PROVIDER}"
    }
    assert statement["Action"] == ["sts:AssumeRoleWithWebIdentity"]
    assert statement["Condition"]["StringEquals"] == {
        f"{PROVIDER}:aud": "sts.amazonaws.com",
        f"{PROVIDER}:sub": [
            "system:serviceaccount:images:fruits-driver",
            "system:serviceaccount:images:fruits-executor",
        ],
    }
    assert omitted == []


def test_two_roles_trust_one_account_each() -> None:
    files, _ = trust_policies(
        of_irsa(), accounts(driver=ROLE, executor=ROLE + "-2"), None, PROVIDER
    )
    assert files == {
        "trust-image-features.json": irsa_trust_policy(ROLE, PROVIDER, "images", ["fruits-driver"]),
        "trust-image-features-2.json": irsa_trust_policy(
            ROLE, PROVIDER, "images", ["fruits-executor"]
        ),
    }


def test_unknown_parts_are_placeholders_and_reported() -> None:
    files, omitted = trust_policies(of_irsa(), [], None, "")
    assert "arn:aws:iam::ACCOUNT_ID:oidc-provider/OIDC_PROVIDER" in json.dumps(files["trust.json"])
    assert [each.name for each in omitted] == ["OIDC_PROVIDER", "ACCOUNT_ID"]


def test_pod_identity_is_trusted_as_a_service() -> None:
    found = of_irsa()
    found["spec"]["sparkConf"][f"{S3A}aws.credentials.provider"] = "x.ContainerCredentialsProvider"
    files, _ = trust_policies(found, [], None, "")
    (statement,) = files["trust.json"]["Statement"]
    assert statement["Principal"] == {"Service": "pods.eks.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert "Condition" not in statement


def test_keys_of_a_user_need_no_role() -> None:
    found = of_irsa()
    provider = "x.EnvironmentVariableCredentialsProvider"
    found["spec"]["sparkConf"][f"{S3A}aws.credentials.provider"] = provider
    files, omitted = trust_policies(found, [], None, "")
    assert files == {}
    assert [each.name for each in omitted] == ["trust policy"]


def test_emr_s_accounts_have_the_role_s_name_in_base_36() -> None:
    # 'A' is 65 = 1 * 36 + 29, and the 29th digit after 0 is t; "AB" is 65 * 256 + 66 = 16706.
    assert (encode_base36("A"), encode_base36("AB")) == ("1t", "cw2")
    files, _ = trust_policies(of_irsa(), [], asked(), PROVIDER)
    (statement,) = files["trust-image-features.json"]["Statement"]
    subject = statement["Condition"]["StringLike"][f"{PROVIDER}:sub"]
    before = "system:serviceaccount:images:emr-containers-sa-*-*-123456789012-"
    assert subject == before + encode_base36("image-features")


@pytest.mark.usefixtures("helm")
@pytest.mark.parametrize("example", ["eks", "eks-spot", "emr", "scheduled", "kind"])
def test_examples_have_a_policy_that_iam_can_take(example: str) -> None:
    values = resources.chart() / "ci" / f"{example}.yaml"
    chart = Chart("fruits", "images", "one", (values,))
    place = TargetOptions(Path("/unused"), oidc_provider=PROVIDER)
    converted = TARGETS["iam"](chart, place)
    document = json.loads(converted.text)
    # A managed policy has 6,144 characters at most, without spaces.
    assert len("".join(converted.text.split())) <= 6144
    sids = [each["Sid"] for each in document["Statement"]]
    assert ("ReadPodTemplates" in sids) == (example == "emr")
    assert ("ListFallbackStorage" in sids) == (example == "eks-spot")
    assert all("*" not in each["Action"] for each in document["Statement"])
    assert bool(converted.files) == (example != "kind")


def test_the_application_that_is_given_stays_as_it_is() -> None:
    found = encrypted("SSE-KMS")
    before = deepcopy(found)
    policy(found, asked())
    assert found == before
