"""Recognise what the columns of an unknown file hold: kinds, signs of numbers, dates, the key."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import narwhals as nw
import pandas as pd

from customer_segmentation.customers.date_choice import DateColumn, UnclearDatesError
from customer_segmentation.schema.cells import missing_as_empty, stripped
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.numbers import NumberSigns
from customer_segmentation.schema.schema import DATE_FORMATS, FLAGS, MISSING

# Kinds are told by so many rows; whether a key repeats, by all.
_LOOKED_AT = 100_000
# Share of a column's cells that must be of a kind.
_MOST = 0.95
_MAX_CATEGORIES = 20
_MAX_CODES = 12
_YEARS = (1850, 2100)
# Whole numbers up to here are taken for counts.
_MANY = 1_000.0
_NOTATIONS = (
    NumberSigns(),
    NumberSigns(","),
    NumberSigns(".", ","),
    NumberSigns(",", "."),
    NumberSigns(",", " "),
    NumberSigns(".", " "),
    NumberSigns(".", "'"),
)
_CURRENCY = r"[$€£¥₹]|%|\b(?:kr|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|INR|JPY|NOK|PLN|SEK|USD)\b"

# Words of headers, in a few languages; each is compared with a header's own words.
WORDS: Mapping[str, frozenset[str]] = {
    "key": frozenset(
        [
            "id",
            "key",
            "no",
            "nr",
            "number",
            "customer",
            "client",
            "kunde",
            "kundennummer",
            "member",
            "account",
            "cust",
        ]
    ),
    "money": frozenset(
        [
            "amount",
            "spend",
            "spent",
            "spending",
            "mnt",
            "price",
            "cost",
            "revenue",
            "sales",
            "turnover",
            "income",
            "salary",
            "balance",
            "payment",
            "payments",
            "purchases",
            "value",
            "fee",
            "limit",
            "advance",
            "umsatz",
            "betrag",
            "preis",
            "einkommen",
            "gehalt",
            "montant",
            "importe",
            "total",
            "charges",
            "credit",
            "debit",
        ]
    ),
    "count": frozenset(
        ["num", "number", "count", "no", "anzahl", "nombre", "n", "days", "months", "visits", "qty"]
    ),
    "income": frozenset(
        ["income", "salary", "einkommen", "gehalt", "revenu", "ingresos", "wage", "earnings"]
    ),
    "year": frozenset(["year", "jahr", "annee", "ano", "birth", "born", "geburtsjahr", "yob"]),
    "outcome": frozenset(
        [
            "response",
            "responded",
            "target",
            "label",
            "churn",
            "churned",
            "outcome",
            "converted",
            "conversion",
            "clicked",
            "accepted",
            "subscribed",
            "deposit",
            "y",
            "default",
        ]
    ),
    "code": frozenset(
        [
            "code",
            "type",
            "class",
            "group",
            "region",
            "channel",
            "category",
            "segment",
            "gender",
            "sex",
            "cluster",
            "area",
            "zone",
            "status",
            "marital",
            "education",
            "occupation",
        ]
    ),
    "personal": frozenset(
        [
            "name",
            "email",
            "mail",
            "phone",
            "address",
            "street",
            "birth",
            "gender",
            "sex",
            "first",
            "last",
        ]
    ),
    "deals": frozenset(
        [
            "deal",
            "deals",
            "discount",
            "discounts",
            "coupon",
            "coupons",
            "offer",
            "offers",
            "promo",
            "rabatt",
        ]
    ),
    "recency": frozenset(["recency", "since", "last", "days", "months"]),
    "visits": frozenset(["visit", "visits", "sessions", "logins"]),
    "order": frozenset(
        ["order", "invoice", "receipt", "basket", "transaction", "bon", "rechnung", "orderid"]
    ),
    "quantity": frozenset(["quantity", "qty", "units", "menge", "pieces"]),
    "share": frozenset(["share", "rate", "ratio", "percent", "pct", "frequency"]),
}


@dataclass(frozen=True)
class Seen:
    """What a column seems to hold.

    Attributes:
        header: As sent.
        words: Of the header, in lower case.
        kind: As a schema names it; `text` for what is not read.
        sure: The share of its cells that are of this kind.
        missing: The share without a value.
        values: The categories as spelled, most frequent first.
        minimum: Of its numbers.
        maximum: Of its numbers.
        notes: What a person should know.
        question: What only a person can answer; '' if nothing.
    """

    header: str
    words: tuple[str, ...]
    kind: str
    sure: float = 1.0
    missing: float = 0.0
    values: tuple[str, ...] = ()
    minimum: float = 0.0
    maximum: float = 0.0
    date_format: str = ""
    first_day: str = ""
    notes: tuple[str, ...] = ()
    question: str = ""

    def has(self, topic: str) -> bool:
        """Whether its header has a word of a topic."""
        return not WORDS[topic].isdisjoint(self.words)


@dataclass(frozen=True)
class SeenTable:
    """What a file seems to hold.

    Attributes:
        rows: How many.
        columns: In the file's order.
        signs: How its numbers are written.
        key: The header of the key; '' if there is none.
        are_orders: Whether it has order lines and no customers.
        copies: Header -> the header that says the same.
        question: About the signs of numbers; '' if none.
    """

    rows: int
    columns: tuple[Seen, ...]
    signs: NumberSigns
    key: str
    are_orders: bool = False
    copies: Mapping[str, str] = field(default_factory=dict)
    question: str = ""


def recognise_table(cells: pd.DataFrame) -> SeenTable:
    """What the cells of a file seem to hold.

    Args:
        cells: Text by header.
    """
    looked = cells.head(_LOOKED_AT).apply(lambda column: column.fillna("").str.strip())
    known = {header: column[~column.isin(MISSING)] for header, column in looked.items()}
    signs, question = _notation(known.values())
    columns = [_seen(str(header), known[header], len(looked), signs) for header in looked]
    key = _key(cells, columns)
    columns = [replace(c, kind="key", question="") if c.header == key else c for c in columns]
    return SeenTable(
        rows=len(cells),
        columns=tuple(columns),
        signs=signs,
        key=key,
        are_orders=_are_orders(cells, columns, key),
        copies=_copies(looked, columns, signs),
        question=question,
    )


def words_of(header: str) -> tuple[str, ...]:
    """The words of a header, in lower case: of `NumWebPurchases`, num, web and purchases."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header)
    return tuple(word.lower() for word in re.findall(r"[^\W\d_]+|[0-9]+", apart))


def _notation(columns: Iterable[pd.Series[str]]) -> tuple[NumberSigns, str]:
    """How numbers are written, in the notation that most columns fit; and what is not clear."""
    numeric, ignored = [], Counter[str]()
    for column in columns:
        if len(column) and column.str.contains("[0-9]").mean() > _MOST:
            signs = column.str.extractall(f"({_CURRENCY})")[0]
            if len(signs) > len(column) / 2:
                ignored.update(signs.unique())
            numeric.append(column)
    around = tuple(sorted(ignored))
    bare = [column.str.replace(_CURRENCY, "", regex=True).str.strip() for column in numeric]
    fits = [
        sum(column.str.contains(signs.pattern).mean() >= _MOST for column in bare)
        for signs in _NOTATIONS
    ]
    best = max(range(len(fits)), key=lambda i: (fits[i], -i))
    chosen = replace(_NOTATIONS[best], ignored=around)
    # 1,234 and 1.234 are a thousand or a little above 1.
    groups = "^[+-]?[0-9]{1,3}[.,][0-9]{3}$"
    unclear = any(
        (fraction := column[column.str.contains("[.,]")]).size
        and fraction.str.contains(groups).all()
        for column in bare
    )
    question = (
        "some numbers have exactly three digits after their sign, such as 1.234: if these are "
        "thousands, set thousands_sign and decimal_sign"
    )
    return chosen, question if unclear else ""


def _seen(  # noqa: PLR0911 - one for each kind
    header: str, known: pd.Series[str], rows: int, signs: NumberSigns
) -> Seen:
    seen = Seen(header, words_of(header), "text", missing=1.0 - len(known) / max(rows, 1))
    if known.empty:
        return replace(seen, notes=("it is blank",))
    distinct = known.nunique()
    if distinct == 1:
        return replace(seen, notes=(f"it is {known.iloc[0][:40]!r} in every row",))
    folded = known.str.lower()
    if distinct == 2 and folded.isin({"0", "1", *FLAGS}).all():  # noqa: PLR2004 - yes and no
        return replace(seen, kind="flag")
    if dated := _dates(seen, known):
        return dated
    numbers = _numbers(known, signs)
    if (share := float(numbers.notna().mean())) >= _MOST:
        return _number(replace(seen, sure=share), numbers.dropna(), distinct)
    if distinct <= _MAX_CATEGORIES:
        return replace(seen, kind="category", values=tuple(known.value_counts().index))
    return replace(seen, notes=(f"{distinct:,} different texts",))


def _numbers(known: pd.Series[str], signs: NumberSigns) -> pd.Series[float]:
    text = nw.from_native(known.to_frame("cell")).lazy()
    plain = signs.plain(signs.without_ignored(nw.col("cell")))
    read = text.select(nw.when(signs.is_number(nw.col("cell"))).then(plain).alias("number"))
    return pd.to_numeric(read.collect().to_native()["number"], errors="coerce").astype("float64")


def _number(seen: Seen, numbers: pd.Series[float], distinct: int) -> Seen:
    minimum, maximum = float(numbers.min()), float(numbers.max())
    seen = replace(seen, minimum=minimum, maximum=maximum)
    is_whole = bool((numbers % 1.0 == 0.0).all())
    if is_whole and seen.has("year") and _YEARS[0] <= minimum and maximum <= _YEARS[1]:
        return replace(seen, kind="year")
    if is_whole and seen.has("code") and distinct <= _MAX_CODES:
        codes = tuple(f"{value:g}" for value in sorted(numbers.unique()))
        return replace(seen, kind="category", values=codes)
    if minimum < 0.0:
        return replace(seen, kind="number")
    if not is_whole and maximum <= 1.0:
        return replace(seen, kind="share")
    is_count = seen.has("count") or (maximum < _MANY and not seen.has("money"))
    return replace(seen, kind="count" if is_whole and is_count else "money")


def _dates(seen: Seen, known: pd.Series[str]) -> Seen | None:
    """The same as a column of dates, if it is one."""
    formats = tuple(DateFormat.of(text) for text in DATE_FORMATS)
    # Eight digits are a day only where the header says so.
    shapes = [f for f in formats if f.text != "%Y%m%d" or {"date", "day", "datum"} & {*seen.words}]
    fits = known.str.contains("|".join(f"^(?:{f.shape_with_time})$" for f in shapes))
    if fits.mean() < _MOST:
        return None
    column = DateColumn(seen.header, seen.header, tuple(shapes))
    rows = nw.from_native(known.to_frame(seen.header)).lazy()
    text = missing_as_empty(stripped(seen.header), MISSING)
    evidence = partial(column.evidence, text=text)(rows).collect().rows(named=True)
    try:
        chosen = column.choose(evidence)
    except UnclearDatesError as error:
        return replace(seen, kind="date", question=f"{error.problem}. {error.remedy}")
    days = [
        day
        for text in known.unique()
        if (day := chosen.format.day(text.split("T")[0].split(" ")[0] if chosen.has_time else text))
    ]
    return replace(
        seen,
        kind="date",
        sure=float(fits.mean()),
        date_format=chosen.format.text,
        first_day=min(days).isoformat() if days else "",
    )


def _key(cells: pd.DataFrame, columns: Sequence[Seen]) -> str:
    """The header of the column that tells customers apart, '' if there is none."""

    def is_key(seen: Seen) -> bool:
        cell = cells[seen.header]
        may_be = seen.kind in {"count", "text", "money"} and not seen.missing
        return may_be and bool(cell.is_unique) and (seen.kind != "money" or seen.has("key"))

    found = [seen for seen in columns if is_key(seen)]
    named = [seen for seen in found if seen.has("key")]
    # An amount may be unique in a small file: without a telling name, only what is no number.
    unnamed = [seen for seen in found if seen.kind == "text"]
    return (named or unnamed or [Seen("", (), "text")])[0].header


def _are_orders(cells: pd.DataFrame, columns: Sequence[Seen], key: str) -> bool:
    """Whether rows are purchases: an order's number, and customers who stand on several rows."""
    has_order = any(seen.has("order") for seen in columns)
    customers = [seen for seen in columns if "customer" in " ".join(seen.words)]
    repeated = any(cells[seen.header].duplicated().mean() > 0.2 for seen in customers)  # noqa: PLR2004 - few
    return has_order and (repeated or (not key and any(c.has("quantity") for c in columns)))


def _copies(looked: pd.DataFrame, columns: Sequence[Seen], signs: NumberSigns) -> dict[str, str]:
    """Columns of numbers that say what another one says."""
    names = [c.header for c in columns if c.kind in {"money", "count", "number", "share"}]
    numbers = pd.DataFrame({name: _numbers(looked[name], signs) for name in names})
    related = numbers.corr().abs().to_numpy()
    copies: dict[str, str] = {}
    for place, name in enumerate(names):
        for before, other in enumerate(names[:place]):
            if other not in copies and related[place, before] > 0.9999:  # noqa: PLR2004 - all but rounding
                copies[name] = other
                break
    return copies
