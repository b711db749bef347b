"""Files of other kinds than text, made in memory for tests."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
from pyarrow import parquet

Sheets = dict[str, list[list[Any]]]
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_parquet(**columns: Any) -> bytes:
    written = io.BytesIO()
    parquet.write_table(pa.table(columns), written)
    return written.getvalue()


def as_zip(**members: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return written.getvalue()


def as_xlsx(sheets: Sheets, **more: str) -> bytes:
    """A workbook as Excel writes it; a `dt.date` is a number with a style, a tuple raw XML."""

    def cell(value: Any, place: str) -> str:
        if isinstance(value, tuple):
            return str(value[0]).replace("PLACE", place)
        if isinstance(value, str):
            return (
                f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else ""
            )
        if isinstance(value, bool):
            return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
        if isinstance(value, dt.date):
            start = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no zones
            days = dt.timedelta(value.toordinal() - start.toordinal()) / dt.timedelta(days=1)
            if isinstance(value, dt.datetime):
                days = (value - start) / dt.timedelta(days=1)
            return f'<c r="{place}" s="{1 + isinstance(value, dt.datetime)}"><v>{days!r}</v></c>'
        return f'<c r="{place}"><v>{value}</v></c>'

    def sheet(rows: list[list[Any]]) -> str:
        lines = (
            "".join(
                cell(value, f"{'A' * (x > 25)}{chr(65 + x % 26)}{y}") for x, value in enumerate(row)
            )
            for y, row in enumerate(rows, 1)
        )
        body = "".join(f'<row r="{y}">{line}</row>' for y, line in enumerate(lines, 1))
        return f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'

    office = "http://schemas.openxmlformats.org"
    main, relations = (
        f"{office}/spreadsheetml/2006/main",
        f"{office}/officeDocument/2006/relationships",
    )
    package = f"{office}/package/2006"
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="r{n}" {more.get(name, "")}/>'
        for n, name in enumerate(sheets, 1)
    )
    related = "".join(
        f'<Relationship Id="r{n}" Type="{relations}/worksheet" Target="worksheets/s{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    styles = f'<Relationship Id="styles" Type="{relations}/styles" Target="styles.xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": (
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
            f'Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{package}/relationships">{related}{styles}</Relationships>'
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{main}"><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
            '<xf numFmtId="22"/></cellXfs></styleSheet>'
        ),
        **{f"xl/worksheets/s{n}.xml": sheet(rows) for n, rows in enumerate(sheets.values(), 1)},
    }
    return as_zip(**{name: text.encode() for name, text in parts.items()})
