"""What Terraform reads of the project says what the project says, and its files are in order."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from tests.services.terraform import Made
from tests.tools.deploy.applied import table
from tools.access.policies import Names, bucket_policy, iam_policy
from tools.access.roles import declared as access
from tools.deploy.declared import DEPLOY, declared
from tools.deploy.terraform import project, reader, rights, runner, server
from tools.terraform import PLUGINS, NoTerraformError, Workspace

# Of Amazon: the policies of a role together, and a bucket's.
ROLE_BYTES, BUCKET_BYTES = 10_240, 20_480
ENVIRONMENTS = list(declared().environments)


def compact(statements: Any) -> int:
    return len(json.dumps(statements, separators=(",", ":")))


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_rights_are_those_of_the_access_page_and_no_others(name: str) -> None:
    """By statement, but for the names of buckets, tables and principals."""

    def bare(statement: dict[str, Any]) -> dict[str, Any]:
        named = statement.get("Resource") or statement["NotResource"]
        objects = [("Resource" in statement, arn.partition("/")[2]) for arn in named]
        return {key: statement[key] for key in ("Sid", "Effect", "Action")} | {"of": objects}

    said = rights(name)
    assert [bare(one) for one in said["bucket"]] == [
        bare(one) for one in bucket_policy(name, Names())["Statement"]
    ]
    for role, given in said["roles"].items():
        whole = [bare(one) for one in iam_policy(role, Names())["Statement"]]
        assert [bare(one) for one in given["lake"] if bare(one) not in whole] == []
        own = [one for one in whole if one["Sid"].startswith(name.title())]
        assert [one for one in own if one not in [bare(each) for each in given["lake"]]] == []


def test_each_role_is_made_where_it_works_and_promotes_from_there() -> None:
    made = {name: list(rights(name)["roles"]) for name in ENVIRONMENTS}
    assert made == {
        "dev": ["developer", "administrator"],
        "staging": ["ci", "administrator", "debugger", "server", "steward"],
        "prod": ["service", "consumer", "server", "steward"],
    }
    assert {name: runner(name) for name in ENVIRONMENTS} == {
        "dev": "developer",
        "staging": "ci",
        "prod": "service",
    }
    # What asks needs to write nothing, and the API's server what it counts.
    assert {name: server(name) for name in ENVIRONMENTS} == {
        "dev": "developer",
        "staging": "server",
        "prod": "server",
    }
    assert {name: reader(name) for name in ENVIRONMENTS} == {
        "dev": "developer",
        "staging": "debugger",
        "prod": "consumer",
    }
    reached = [one["Sid"] for one in rights("prod")["roles"]["service"]["lake"]]
    assert reached == ["StagingList", "StagingRead", "ProdList", "ProdUse"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_policies_are_within_what_amazon_takes(name: str) -> None:
    said = rights(name)
    # What modules/access adds: the key, code, the catalog, Athena, names that are filled in.
    assert compact(said["bucket"]) < BUCKET_BYTES - 4_000
    assert all(compact([*one.values()]) < ROLE_BYTES - 4_000 for one in said["roles"].values())


def test_the_page_says_what_is_on_where_and_which_roles_there_are() -> None:
    assert {row["part"]: row["on"] for row in table("part")} == {
        part: ", ".join(where) or "nowhere" for part, where in declared().standing.items()
    }
    assert {row["environment"]: row["roles"] for row in table("environment")} == {
        name: ", ".join(rights(name)["roles"]) for name in ENVIRONMENTS
    }


def test_every_module_is_in_the_table_of_what_is_proven_and_in_that_of_services() -> None:
    modules = {path.name for path in (DEPLOY / "aws" / "modules").iterdir()}
    assert {row["module"] for row in table("module")} == modules
    readme = (DEPLOY / "aws" / "README.md").read_text("utf-8")
    assert [name for name in modules if f"| `{name}` |" not in readme] == []


def test_delta_is_where_prod_is_and_every_table_has_a_place() -> None:
    said = project()
    assert {name: one["delta"] for name, one in said["environments"].items()} == {
        "dev": False,
        "staging": False,
        "prod": True,
    }
    for one in said["environments"].values():
        assert {*said["tables"]} <= {*one["places"]}
        assert {"bronze_customers", "silver_customers", "silver_quarantine"} <= {*one["places"]}


def test_customers_files_land_where_only_trusted_roles_read() -> None:
    landed = access().layers["landed"]
    assert landed.personal
    assert project()["landing"].startswith(landed.files[0].removesuffix("*"))


def test_terraform_is_formatted(terraform: Made) -> None:
    assert terraform().run("fmt", "-check", "-recursive") == ""


def test_no_policy_allows_all_of_a_service() -> None:
    for path in (DEPLOY / "aws").rglob("*.tf"):
        statements = path.read_text("utf-8").split("Effect")[1:]
        allowed = [text for text in statements if '"Deny"' not in text.partition("\n")[0]]
        assert [text for text in allowed if re.search(r'"(\*|\w+):\*"', text)] == [], path
        assert not re.search(
            r"arn:aws:iam::aws:policy|AdministratorAccess|FullAccess", str(statements)
        )


# Nobody's.
EXAMPLES = ("000000000000", "111111111111")


def test_no_account_and_no_address_of_a_registry_is_written() -> None:
    for path in (DEPLOY / "aws").rglob("*"):
        # What Terraform itself leaves there is nobody's to commit.
        is_written = path.suffix in {".tf", ".tfvars", ".hcl", ".json", ".md"}
        if is_written and not any(part.startswith(".terraform") for part in path.parts):
            text = path.read_text("utf-8")
            assert "registry.terraform" not in text, path
            assert not [
                word
                for word in text.replace(":", " ").replace("-", " ").split()
                if word.isdecimal() and len(word) == len(EXAMPLES[0]) and word not in EXAMPLES
            ], path


def test_who_has_no_terraform_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoTerraformError, match="terraform is not installed"):
        Workspace.made(tmp_path / "aws")


def test_a_mirror_without_the_provider_is_an_error_and_no_skip(
    terraform: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    terraform()
    monkeypatch.setenv(PLUGINS, str(tmp_path))
    with pytest.raises(UserError, match="terraform init") as refused:
        Workspace.made(tmp_path / "aws")
    assert not isinstance(refused.value, NoTerraformError)
