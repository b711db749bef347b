"""Where the model reads gold tables: parameters, and the function that every table calls."""

from __future__ import annotations

from collections.abc import Iterable

from tools.deploy.powerbi.writing import block, identity, indented, text_of_m

_KINDS = ("Folder", "Databricks", "Athena")
# Name -> what it is, and its value until somebody sets another.
PARAMETERS = {
    "Source": ("Where gold tables are: Folder, Databricks or Athena", _KINDS[0]),
    "Folder": ("With Folder: the folder that kedro export wrote Parquet to", "C:/gold"),
    "Server": (
        "With Databricks: the SQL warehouse's server hostname; with Athena: the ODBC data source",
        "",
    ),
    "HttpPath": ("With Databricks: the SQL warehouse's HTTP path", ""),
    "Database": ("With Databricks: the catalog; with Athena: the database", "prod"),
}

# Credentials are asked for by Power BI and kept by it. A table that no run has made yet, and a
# column that the source lacks, are empty.
_GOLD = """
(name as text, columns as list) as table =>
    let
        Names = List.Transform(columns, each _{0}),
        Short = Text.AfterDelimiter(name, "_"),
        Rows =
            if Source = "Folder" then
                Parquet.Document(File.Contents(Folder & "/" & name & ".parquet"))
            else if Source = "Databricks" then
                Item(
                    Databricks.Catalogs(Server, HttpPath, null)
                        {[Name = Database, Kind = "Database"]}[Data]
                        {[Name = "gold", Kind = "Schema"]}[Data],
                    Short
                )
            else
                Item(
                    Odbc.DataSource("dsn=" & Server, [HierarchicalNavigation = true])
                        {[Name = "AwsDataCatalog", Kind = "Database"]}[Data]
                        {[Name = Database, Kind = "Schema"]}[Data],
                    name
                ),
        Item = (tables as table, wanted as text) =>
            let
                Found = Table.SelectRows(tables, each [Name] = wanted)
            in
                if Table.IsEmpty(Found) then #table(Names, {}) else Found{0}[Data],
        Chosen = Table.SelectColumns(Rows, Names, MissingField.UseNull)
    in
        Table.TransformColumnTypes(Chosen, columns, "en-US")
""".strip()

DATES = """
let
    Told = Gold("gold_history", {{"as_of", type datetime}}),
    Days = List.RemoveNulls(Told[as_of]),
    Today = DateTime.LocalNow(),
    First = Date.StartOfYear(Date.From(if List.IsEmpty(Days) then Today else List.Min(Days))),
    Last = Date.EndOfYear(Date.From(if List.IsEmpty(Days) then Today else List.Max(Days))),
    All = List.Dates(First, Duration.Days(Last - First) + 1, #duration(1, 0, 0, 0)),
    Rows = Table.FromColumns({All}, type table [date = date]),
    Years = Table.AddColumn(Rows, "year", each Date.Year([date]), Int64.Type),
    Quarter = each Text.From([year]) & " Q" & Text.From(Date.QuarterOfYear([date])),
    Quarters = Table.AddColumn(Years, "quarter", Quarter, type text),
    Months = Table.AddColumn(Quarters, "month", each Date.ToText([date], "yyyy-MM"), type text)
in
    Months
""".strip()


def rows_of(table: str, columns: Iterable[tuple[str, str]], then: str = "") -> str:
    """The rows of a gold table as M reads them.

    Args:
        table: Its name in the catalog.
        columns: Names with M's types.
        then: What is done with `Rows`.
    """
    listed = ",\n        ".join(f"{{{text_of_m(name)}, {kind}}}" for name, kind in columns)
    return (
        f"let\n    Rows = Gold({text_of_m(table)}, {{\n        {listed}\n    }})\nin\n"
        f"    {then or 'Rows'}"
    )


def expressions() -> str:
    """The parameters and the function, as expressions.tmdl has them."""
    told = [_parameter(name, about, value) for name, (about, value) in PARAMETERS.items()]
    told.append(
        block(
            "expression Gold =",
            [
                indented(_GOLD, 1),
                f"lineageTag: {identity('expression', 'Gold')}",
                "",
                "annotation PBI_ResultType = Function",
            ],
            "A gold table with the columns named, wherever Source says that it is",
        )
    )
    return "\n\n".join(told) + "\n"


def _parameter(name: str, about: str, value: str) -> str:
    listed = f"List={{{', '.join(map(text_of_m, _KINDS))}}}, " if name == "Source" else ""
    meta = f'IsParameterQuery=true, {listed}Type="Text", IsParameterQueryRequired=false'
    return block(
        f"expression {name} = {text_of_m(value)} meta [{meta}]",
        [f"lineageTag: {identity('expression', name)}", "", "annotation PBI_ResultType = Text"],
        about,
    )
