"""Exports of other trades, as their programs write them: small, random, always the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.sources.made import as_parquet, as_xlsx

# Gives a cell from a source of chance and the number of the row.
Draw = Callable[[random.Random, int], Any]


@dataclass(frozen=True)
class Stranger:
    """A file, and what must come of it.

    Attributes:
        key: The header of the key, '' for none.
        kinds: Header -> kind.
        never: Headers that must not shape segments.
        wanted: Names that segments may be made of.
        asked: Words of each question.
        has: Words of the schema.
    """

    name: str
    content: bytes
    key: str
    kinds: dict[str, str]
    never: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    encoding: str = "utf-8"
    has: tuple[str, ...] = ()


def rows_of(count: int, columns: dict[str, Draw]) -> tuple[list[str], list[list[Any]]]:
    draw = random.Random(7)  # noqa: S311 - no secret
    return [*columns], [[make(draw, n) for make in columns.values()] for n in range(count)]


def delimited(
    count: int, columns: dict[str, Draw], sign: str = ",", encoding: str = "utf-8"
) -> bytes:
    header, rows = rows_of(count, columns)
    lines = [sign.join(map(str, row)) for row in [header, *rows]]
    return ("\r\n".join(lines) + "\r\n").encode(encoding)


def one_of(*values: Any) -> Draw:
    return lambda draw, _: draw.choice(values)


def as_bool(draw: random.Random, _: int) -> bool:
    return draw.random() < 0.4


def whole(low: int, high: int) -> Draw:
    return lambda draw, _: draw.randint(low, high)


def amount(middle: float, digits: int = 2) -> Draw:
    return lambda draw, _: round(draw.lognormvariate(0.0, 0.7) * middle, digits)


def german(middle: float, after: str = "") -> Draw:
    def cell(draw: random.Random, _: int) -> str:
        plain = f"{draw.lognormvariate(0.0, 0.8) * middle:,.2f}"
        return plain.translate(str.maketrans(",.", ".,")) + after

    return cell


def share() -> Draw:
    return lambda draw, _: round(draw.random(), 6)


def day(written: str, start: date = date(2021, 1, 1), days: int = 900) -> Draw:
    def cell(draw: random.Random, _: int) -> str:
        when = datetime(start.year, start.month, start.day, 8) + timedelta(  # noqa: DTZ001 - a wall clock
            days=draw.randint(0, days), minutes=draw.randint(0, 700)
        )
        return when.strftime(written)

    return cell


def now_and_then(make: Draw, empty: Any, every: int) -> Draw:
    return lambda draw, n: empty if n % every == every - 1 else make(draw, n)


def credit_cards() -> Stranger:
    money = ["BALANCE", "PURCHASES", "ONEOFF_PURCHASES", "INSTALLMENTS_PURCHASES", "CASH_ADVANCE"]
    shares = ["BALANCE_FREQUENCY", "PURCHASES_FREQUENCY", "CASH_ADVANCE_FREQUENCY"]
    columns: dict[str, Draw] = {"CUST_ID": lambda _, n: f"C{10001 + n}"}
    columns |= {name: amount(900.0, 6) for name in money} | {name: share() for name in shares}
    columns |= {
        "CASH_ADVANCE_TRX": whole(0, 25),
        "PURCHASES_TRX": whole(0, 120),
        "CREDIT_LIMIT": lambda draw, _: draw.choice((500, 1000, 1500, 6000, 9000.0)),
        "PAYMENTS": amount(800.0, 6),
        "MINIMUM_PAYMENTS": now_and_then(amount(300.0, 6), "", 30),
        "PRC_FULL_PAYMENT": share(),
        "TENURE": one_of(12, 12, 12, 11, 10, 6),
    }
    kinds = dict.fromkeys([*money, "CREDIT_LIMIT", "PAYMENTS", "MINIMUM_PAYMENTS"], "money")
    kinds |= dict.fromkeys([*shares, "PRC_FULL_PAYMENT"], "share")
    kinds |= dict.fromkeys(["CASH_ADVANCE_TRX", "PURCHASES_TRX", "TENURE"], "count")
    return Stranger(
        "CC GENERAL.csv", delimited(300, columns), "CUST_ID", kinds, ("CUST_ID", "MINIMUM_PAYMENTS")
    )


def mall() -> Stranger:
    columns: dict[str, Draw] = {
        "CustomerID": lambda _, n: f"{n + 1:04}",
        "Genre": one_of("Male", "Female"),
        "Age": whole(18, 70),
        "Annual Income (k$)": whole(15, 137),
        "Spending Score (1-100)": whole(1, 99),
    }
    kinds = {
        "Genre": "category",
        "Age": "count",
        "Annual Income (k$)": "money",
        "Spending Score (1-100)": "number",
    }
    has = ('unit: "years"', 'unit: "k$"', 'unit: "points"', "income: annual_income")
    content = delimited(200, columns)
    return Stranger("Mall_Customers.csv", content, "CustomerID", kinds, ("Genre",), has=has)


def telecom() -> Stranger:
    columns: dict[str, Draw] = {
        "customerID": lambda draw, n: f"{1000 + 7 * n}-{''.join(draw.choices('ABCDEFGHV', k=5))}",
        "gender": one_of("Female", "Male"),
        "SeniorCitizen": one_of(0, 0, 0, 1),
        "Partner": one_of("Yes", "No"),
        "tenure": whole(0, 72),
        "MultipleLines": one_of("No phone service", "No", "Yes"),
        "InternetService": one_of("DSL", "Fiber optic", "No"),
        "Contract": one_of("Month-to-month", "One year", "Two year"),
        "PaperlessBilling": one_of("Yes", "No"),
        "MonthlyCharges": lambda draw, _: round(draw.uniform(18.0, 118.0), 2),
        "TotalCharges": now_and_then(amount(1400.0), " ", 250),
        "Churn": one_of("No", "No", "Yes"),
    }
    kinds = {
        "gender": "category",
        "SeniorCitizen": "flag",
        "Partner": "flag",
        "tenure": "count",
        "MultipleLines": "category",
        "Contract": "category",
        "MonthlyCharges": "money",
        "TotalCharges": "money",
        "Churn": "flag",
    }
    never = ("Churn", "gender", "customerID")
    return Stranger(
        "WA_Fn-UseC_-Telco-Customer-Churn.csv", delimited(500, columns), "customerID", kinds, never
    )


def bank_marketing() -> Stranger:
    def quoted(*values: str) -> Draw:
        return lambda draw, _: f'"{draw.choice(values)}"'

    columns: dict[str, Draw] = {
        "age": whole(19, 80),
        '"job"': quoted("admin.", "blue-collar", "technician", "unknown", "self-employed"),
        '"marital"': quoted("married", "single", "divorced"),
        '"default"': quoted("no", "no", "no", "yes"),
        '"balance"': lambda draw, _: draw.randint(-800, 9000),
        '"housing"': quoted("yes", "no"),
        '"day"': whole(1, 31),
        '"month"': quoted("jan", "may", "jun", "aug"),
        '"duration"': whole(5, 1500),
        '"campaign"': whole(1, 12),
        '"pdays"': lambda draw, _: draw.choice((-1, -1, -1, -1, draw.randint(1, 400))),
        '"previous"': one_of(0, 0, 0, 1, 2, 5),
        '"poutcome"': quoted("unknown", "failure", "success", "other"),
        '"y"': quoted("no", "no", "no", "yes"),
    }
    kinds = {
        "age": "count",
        "job": "category",
        "default": "flag",
        "balance": "number",
        "pdays": "number",
        "y": "flag",
    }
    never = ("y", "default", "poutcome", "pdays")
    return Stranger("bank-full.csv", delimited(400, columns, ";"), "", kinds, never)


def german_shop() -> Stranger:
    columns: dict[str, Draw] = {
        "Kundennr": lambda _, n: f"{n + 100:05}",
        "Umsatz": german(1800.0, " €"),
        "Anzahl Bestellungen": whole(1, 40),
        "Letzte Bestellung": day("%d.%m.%Y"),
        "Ø Warenkorb": german(80.0, " €"),
        "Straße": lambda _, n: f"Gürtelweg {n}",
    }
    kinds = {
        "Umsatz": "money",
        "Anzahl Bestellungen": "count",
        "Letzte Bestellung": "date",
        "Ø Warenkorb": "money",
        "Straße": "text",
    }
    content = b"\xef\xbb\xbf" + delimited(300, columns, ";")
    asked = ("which day is the file of",)
    has = ("spend: umsatz", "days_since_letzte_bestellung", 'thousands_sign: "."', '["€"]')
    return Stranger("Kunden 2023.csv", content, "Kundennr", kinds, (), asked, has=has)


def french_export() -> Stranger:
    def spaced(draw: random.Random, _: int) -> str:
        return f"{draw.lognormvariate(0.0, 0.8) * 2600:,.2f}".replace(",", "\xa0").replace(".", ",")

    columns: dict[str, Draw] = {
        "N° client": lambda _, n: f"FR{n:04}",
        "Civilité": one_of("Mme", "M."),
        "Chiffre d'affaires": spaced,
        "Nb commandes": whole(0, 30),
        "Remise (%)": lambda draw, _: f"{draw.randint(0, 25)},5",
        "Ancienneté (mois)": whole(1, 120),
    }
    kinds = {
        "Civilité": "category",
        "Chiffre d'affaires": "money",
        "Nb commandes": "count",
        "Remise (%)": "number",
        "Ancienneté (mois)": "count",
    }
    content = delimited(250, columns, ";", "cp1252")
    return Stranger("clients.csv", content, "N° client", kinds, encoding="cp1252")


def gym() -> Stranger:
    columns: dict[str, Draw] = {
        "Member No.": lambda _, n: 100200 + 3 * n,
        "Membership Type": one_of("Basic", "Premium", "Family"),
        "Visits per Month": lambda draw, _: round(draw.uniform(0, 22), 1),
        "Join Date": day("%m/%d/%Y %I:%M %p"),
        "Monthly Fee": one_of("$29.99", "$49.99", "$89.99"),
        "Personal Trainer": one_of("TRUE", "FALSE"),
        "Email": lambda _, n: f"m{n}@example.org",
    }
    kinds = {
        "Membership Type": "category",
        "Visits per Month": "number",
        "Join Date": "date",
        "Monthly Fee": "money",
        "Personal Trainer": "flag",
        "Email": "text",
    }
    content, asked = delimited(300, columns), ("which day is the file of",)
    has = ("%m/%d/%Y", "days_since_join")
    return Stranger("gym members.csv", content, "Member No.", kinds, (), asked, has=has)


def hotel() -> Stranger:
    columns: dict[str, Draw] = {
        "": lambda _, n: n,
        "guest_id": lambda _, n: f"G-{n:06}",
        "lead_time": whole(0, 400),
        "total_nights": whole(1, 20),
        "adr": amount(95.0),
        "adults": whole(1, 4),
        "agent": now_and_then(one_of(9.0, 240.0, 14.0), "NULL", 5),
        "company": now_and_then(one_of(40.0, 223.0), "NULL", 2),
        "country": one_of("PRT", "GBR", "ESP", "FRA"),
        "total_of_special_requests": whole(0, 5),
        "is_canceled": one_of(0, 0, 1),
    }
    kinds = {
        "lead_time": "count",
        "adr": "money",
        "agent": "text",
        "company": "text",
        "country": "category",
        "is_canceled": "flag",
    }
    never = ("", "agent", "company", "is_canceled")
    return Stranger("hotel_guests.csv", delimited(300, columns), "guest_id", kinds, never)


def insurance() -> Stranger:
    columns: dict[str, Draw] = {
        "id": lambda _, n: n + 1,
        "Gender": one_of("Male", "Female"),
        "Age": whole(20, 85),
        "Driving_License": lambda _, n: int(n % 400 != 7),
        "Region_Code": lambda draw, _: f"{draw.randint(0, 52)}.0",
        "Previously_Insured": one_of(0, 1),
        "Vehicle_Age": one_of("< 1 Year", "1-2 Year", "> 2 Years"),
        "Vehicle_Damage": one_of("Yes", "No"),
        "Annual_Premium": lambda draw, _: f"{draw.randint(2630, 60000)}.0",
        "Policy_Sales_Channel": lambda draw, _: f"{draw.randint(1, 160)}.0",
        "Vintage": whole(10, 299),
        "Number of Policies": whole(1, 6),
        "Claims Amount": amount(400.0),
        "Response": one_of(0, 0, 0, 1),
    }
    kinds = {
        "Age": "count",
        "Region_Code": "text",
        "Vehicle_Age": "category",
        "Annual_Premium": "money",
        "Policy_Sales_Channel": "text",
        "Number of Policies": "count",
        "Claims Amount": "money",
        "Response": "flag",
    }
    never = ("Region_Code", "Policy_Sales_Channel", "Response", "Driving_License")
    return Stranger("insurance.csv", delimited(400, columns), "id", kinds, never)


def loyalty_cards() -> Stranger:
    columns: dict[str, Draw] = {
        "card_number": lambda _, n: f"{2_600_000_000_000 + 977 * n}",
        "points": whole(0, 9000),
        "visits_90d": whole(0, 40),
        "basket_value": amount(42.0),
        "newsletter": as_bool,
        "last_visit": day("%Y-%m-%dT%H:%M:%S"),
        "store_id": whole(100, 160),
    }
    header, rows = rows_of(250, columns)
    lines = [json.dumps(dict(zip(header, row, strict=True))) for row in rows]
    kinds = {
        "points": "number",
        "visits_90d": "count",
        "basket_value": "money",
        "newsletter": "flag",
        "last_visit": "date",
        "store_id": "text",
    }
    content, asked = "\n".join(lines).encode(), ("which day is the file of",)
    return Stranger("cards.jsonl", content, "card_number", kinds, ("store_id",), asked)


def typed_parquet() -> Stranger:
    columns: dict[str, Draw] = {
        "user_id": lambda _, n: 5_000_000 + n,
        "arpu": now_and_then(amount(30.0), None, 100),
        "sessions": whole(0, 300),
        "is_pro": as_bool,
        "signup": lambda draw, _: date(2020, 1, 1) + timedelta(draw.randint(0, 1000)),
        "cohort": lambda draw, _: draw.choice(("a", "b", None)),
    }
    header, rows = rows_of(300, columns)
    content = as_parquet(**{name: [row[i] for row in rows] for i, name in enumerate(header)})
    kinds = {
        "arpu": "money",
        "sessions": "count",
        "is_pro": "flag",
        "signup": "date",
        "cohort": "category",
    }
    asked = ("which day is the file of",)
    return Stranger("users.parquet", content, "user_id", kinds, (), asked)


def workbook() -> Stranger:
    columns: dict[str, Draw] = {
        "Client": lambda _, n: f"Firma {n}",
        "Region\nCode": one_of("N", "S", "W"),
        "Revenue\n(EUR)": lambda draw, _: round(draw.lognormvariate(0, 0.8) * 20000, 2),
        "Revenue prior year": lambda draw, _: round(draw.lognormvariate(0, 0.8) * 20000, 2),
        "Margin %": lambda draw, _: round(draw.uniform(2, 45), 1),
        "Remarks": one_of("", ""),
        "Customer Since": whole(1998, 2023),
    }
    header, rows = rows_of(200, columns)
    kinds = {
        "Region\nCode": "category",
        "Revenue\n(EUR)": "money",
        "Margin %": "number",
        "Remarks": "text",
        "Customer Since": "year",
    }
    asked = ("which day is the file of",)
    content = as_xlsx({"Accounts": [header, *rows]})
    return Stranger("accounts.xlsx", content, "Client", kinds, ("Remarks",), asked)


def pandas_leftovers() -> Stranger:
    """An index that was written, ids as floats, a near copy, amounts that are all unique."""
    columns: dict[str, Draw] = {
        "Unnamed: 0": lambda _, n: n,
        "customer_id": lambda _, n: f"{12345 + 3 * n}.0",
        "revenue": lambda draw, n: round(draw.uniform(10, 900) + n / 1000, 3),
        "revenue_net": lambda _, __: 0,
        "orders": whole(1, 60),
        "discount_rate": lambda draw, _: f"{draw.randint(0, 40)}%",
        "zip": lambda draw, _: f"{draw.randint(501, 99950):05}",
        "score": lambda draw, _: draw.choice(("?", *map(str, range(1, 40)))),
        "segment": one_of("A", "a ", "B"),
    }
    header, rows = rows_of(300, columns)
    for row in rows:
        row[3] = round(row[2] / 1.19 + row[4] / 100, 3)
    lines = [",".join(map(str, row)) for row in [header, *rows]]
    kinds = {
        "revenue": "money",
        "orders": "count",
        "discount_rate": "number",
        "zip": "text",
        "segment": "category",
        "Unnamed: 0": "text",
    }
    never = ("Unnamed: 0", "zip", "revenue_net", "customer_id")
    content, has = "\n".join(lines).encode(), ("from_float: true", 'missing_values: ["", ')
    return Stranger("export.csv", content, "customer_id", kinds, never, has=has)


def meters() -> Stranger:
    """Readings by quarter, ids as floats, arrears of a few, a tariff's prices, days to come."""
    columns: dict[str, Draw] = {
        "Meter ID": lambda _, n: f"{1_000_000_000 + 977 * n}.0",
        "MPAN": lambda draw, _: draw.randint(10**12, 10**13 - 1),
        **{f"Q{quarter}_2023_kWh": amount(800.0, 1) for quarter in (1, 2, 3, 4)},
        "standing charge": one_of(0.31, 0.45, 0.6),
        "arrears (£)": lambda draw, n: round(draw.lognormvariate(4, 1), 2) if n % 4 == 0 else 0,
        "supply start": day("%d-%b-%y", date(2012, 1, 1), 3000),
        "contract end": day("%Y-%m-%d", date(2023, 6, 1), 900),
        "paper bills": one_of("Yes", "No"),
    }
    kinds = {
        "MPAN": "text",
        "Q1_2023_kWh": "number",
        "arrears (£)": "money",
        "supply start": "date",
    }
    never = ("MPAN", "standing charge", "contract end", "paper bills")
    has = (
        "from_float: true",
        'kwh_total: {formula: "sum(q_{kwh}_2023_kwh)"',
        "arrears: {log: true}",
        "# contract end: not read, its days are after the snapshot's",
    )
    content, asked = delimited(300, columns, "\t"), ("which day is the file of",)
    return Stranger("meters.tsv", content, "Meter ID", kinds, never, asked, has=has)


def donors() -> Stranger:
    """Dollars whose sign of thousands only the largest have; two dates that say the same."""

    def dollars(draw: random.Random, n: int) -> str:
        return f'"${draw.uniform(1_000, 9_000) if n % 40 == 0 else draw.uniform(5, 900):,.2f}"'

    columns: dict[str, Draw] = {
        "Constituent ID": lambda _, n: f"{n + 1:07}",
        "Total Gifts": dollars,
        "Number of Gifts": whole(1, 40),
        "Last Gift Date": day("%m/%d/%Y"),
        "Thanked": lambda _, __: "",
        "5K Run": one_of("Y", "N"),
        "Do Not Contact": one_of("Y", "N"),
    }
    header, rows = rows_of(400, columns)
    for row in rows:
        row[4] = row[3]
    content = "\n".join(",".join(map(str, row)) for row in [header, *rows]).encode()
    kinds = {"Total Gifts": "money", "Last Gift Date": "date", "5K Run": "flag"}
    has = ("spend: total_gifts", "column_5k_run:", "# Thanked: not read, it says the same")
    never, asked = ("Do Not Contact", "Thanked", "5K Run"), ("which day is the file of",)
    return Stranger("donors.csv", content, "Constituent ID", kinds, never, asked, has=has)


def plans() -> Stranger:
    """No number at all."""
    columns: dict[str, Draw] = {
        "account_id": lambda _, n: f"acc_{n:05}",
        "gender": one_of("F", "M"),
        "plan": one_of("free", "team", "enterprise"),
        "region": one_of("North", "South"),
    }
    kinds = dict.fromkeys(["plan", "region", "gender"], "category")
    has = ("segment_features: [plan, region, gender]",)
    return Stranger("plans.csv", delimited(200, columns), "account_id", kinds, has=has)


STRANGERS = [
    make()
    for make in (
        *(credit_cards, mall, telecom, bank_marketing, german_shop, french_export, gym),
        *(hotel, insurance, loyalty_cards, typed_parquet, workbook, pandas_leftovers),
        *(meters, donors, plans),
    )
]


def superstore() -> Stranger:
    people = [
        f"{a}{b}-{10000 + 35 * n}"
        for n, (a, b) in enumerate(zip("ABCDEFGH" * 8, "KLMNOPQR" * 8, strict=True))
    ]
    columns: dict[str, Draw] = {
        "Row ID": lambda _, n: n + 1,
        "Order ID": lambda _, n: f"CA-2016-{100000 + n // 3}",
        "Order Date": day("%m/%d/%Y"),
        "Ship Date": day("%m/%d/%Y"),
        "Customer ID": lambda _, n: people[(n // 3 * 7) % len(people)],
        "Customer Name": lambda _, n: f"Person {(n // 3 * 7) % len(people)}",
        "Segment": one_of("Consumer", "Corporate", "Home Office"),
        "Category": one_of("Furniture", "Office Supplies", "Technology"),
        "Sales": amount(120.0, 4),
        "Quantity": whole(1, 12),
        "Discount": one_of(0, 0, 0.2, 0.5),
        "Profit": lambda draw, _: round(draw.gauss(20, 60), 4),
    }
    kinds = {"Order Date": "date", "Sales": "money", "Discount": "share", "Category": "category"}
    asked = ("which day is the file of",)
    has = (
        'amount: {kind: number, headers: ["Sales"]}',
        "orders: {kind: count, aggregate: distinct(order_number)",
        "bought * is(item, {product})",
        "  lifetime: {purchase: bought}",
        'ordered_on: {kind: date, headers: ["Order Date"]',
    )
    content = delimited(900, columns)
    return Stranger("Superstore.csv", content, "Customer ID", kinds, (), asked, has=has)


def bank_transactions() -> Stranger:
    columns: dict[str, Draw] = {
        "Konto": lambda draw, _: f"DE{draw.randint(10, 69)}",
        "Buchungsdatum": day("%d.%m.%Y"),
        "Betrag": lambda draw, n: ("-" if draw.random() < 0.4 else "") + german(90.0)(draw, n),
        "Typ": one_of("Lastschrift", "Gutschrift", "Karte"),
    }
    kinds = {"Buchungsdatum": "date", "Betrag": "number", "Typ": "category"}
    asked = ("which day is the file of",)
    has = ("lifetime: {purchase: bought, spend: brought}", "spend: spend", "purchases: lines")
    content = delimited(800, columns, ";")
    return Stranger("umsaetze.csv", content, "Konto", kinds, (), asked, has=has)


def receipts() -> Stranger:
    columns: dict[str, Draw] = {
        "receipt_no": lambda _, n: 70000 + n // 2,
        "time": day("%Y-%m-%d %H:%M"),
        "loyalty_card": lambda _, n: f"L{(n // 2 * 11) % 61:03}",
        "item": one_of(
            "pizza", "pasta", "salad", "coffee", "cake", "wine", "beer", "tea", "soup", "rice"
        ),
        "qty": whole(1, 4),
        "unit_price": one_of("$4.50", "$9.90", "$14.00", "$6.20"),
        "status": one_of("paid", "paid", "paid", "paid", "voided"),
    }
    kinds = {"time": "date", "qty": "count", "unit_price": "money", "item": "category"}
    asked = ("which day is the file of",)
    has = ("quantity * unit_price", "distinct(order_number)", "(1 - is(status, voided))")
    content = delimited(800, columns)
    return Stranger("receipts.csv", content, "loyalty_card", kinds, (), asked, has=has)


def statement() -> Stranger:
    """An account's number alone names the customer; what is spent is below 0."""
    columns: dict[str, Draw] = {
        "Account": lambda draw, _: 4_000_000_000 + 7919 * draw.randint(0, 79),
        "Booking date": day("%d.%m.%Y"),
        "Amount": lambda draw, n: (
            f"{(draw.uniform(900, 2000) if n % 9 == 0 else -draw.uniform(2, 300)):.2f}"
        ),
        "Type": one_of("Card payment", "Direct debit", "ATM"),
    }
    kinds = {"Booking date": "date", "Amount": "number", "Type": "category"}
    has = (
        'bought: {formula: "max(0 - amount, 0)"}',
        "received: {kind: money",
        "is(item, {product})",
    )
    content, asked = delimited(900, columns), ("which day is the file of",)
    return Stranger("statement.csv", content, "Account", kinds, (), asked, has=has)


def dishes() -> Stranger:
    """Many products, some unknown; cancelled receipts whose amounts are not below 0."""
    columns: dict[str, Draw] = {
        "Receipt": lambda _, n: f"{'R' if n % 50 < 2 else ''}{5000 + n // 2}",
        "Timestamp": day("%Y-%m-%d %H:%M:%S"),
        "Guest Card": lambda _, n: f"G{(n // 2 * 7) % 83:04}",
        "Dish": lambda draw, n: "Other" if n % 9 == 0 else f"Dish {int(draw.expovariate(0.2))}",
        "Line Total": amount(9.0),
    }
    kinds = {"Receipt": "text", "Dish": "category", "Line Total": "money"}
    has = (
        "bought: {formula: \"max(amount, 0) * (1 - starts(order_number, 'R'))\"}",
        'categories:\n        "dish_',
        '"rest": ["Other"]\n      other: rest',
        '"rest": "everything else"',
    )
    content, asked = delimited(900, columns), ("which day is the file of",)
    return Stranger("dishes.csv", content, "Guest Card", kinds, (), asked, has=has)


def web_shop() -> Stranger:
    """Customers by their e-mail; what is said of an order stands on its first line alone."""
    columns: dict[str, Draw] = {
        "Name": lambda _, n: f"#{1001 + n // 3}",
        "Email": lambda _, n: f"user{n // 3 * 7 % 61}@example.org",
        "Financial Status": now_and_then(one_of("paid", "refunded"), "", 3),
        "Total": lambda draw, n: "" if n % 3 else round(draw.uniform(20, 300), 2),
        "Discount Amount": lambda draw, n: "" if n % 3 else draw.choice((0, 5, 10)),
        "Created at": day("%Y-%m-%d %H:%M:%S +0100"),
        "Lineitem quantity": whole(1, 3),
        "Lineitem name": lambda draw, _: f"Shirt {draw.randint(1, 6)}",
        "Lineitem price": amount(40.0),
    }
    kinds = {"Created at": "date", "Lineitem name": "category"}
    has = ('worth: {formula: "quantity * unit_price"}', "purchases: lines", "order line}")
    content, asked = delimited(900, columns), ("which day is the file of",)
    return Stranger("orders_export.csv", content, "Email", kinds, (), asked, has=has)


ORDER_LINES = [superstore(), bank_transactions(), receipts(), statement(), dishes(), web_shop()]
