"""Words of headers, in a few languages, and what they say of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

# So long a word may be a part of another: `umsatz` in `jahresumsatz`.
_LONG = 6
# Each is compared with a header's own words.
_TOPICS: Mapping[str, str] = {
    # Who a row is about.
    "person": "customer cust client kunde kunden member user account acct card policy subscriber "
    "guest cliente abonne adherent konto mitglied passenger patient household buyer shopper",
    "id": "id ids no nr num nummer number key code numero identifier",
    "index": "index rowid unnamed rownum rownumber row",
    # Numbers that name something.
    "label": "id zip zipcode postcode postal plz phone mobile agent company iban sku code nr",
    "money": "amount amt spend spent spending mnt price cost revenue sales turnover income salary "
    "balance payment payments value fee limit advance umsatz betrag preis einkommen gehalt montant "
    "importe charge charges credit debit premium bill monetary ltv clv cltv mrr arpu budget rent "
    "tip tax profit savings loan mortgage wage cash warenkorb ausgaben prix chiffre panier ventas "
    "gasto gastos ingresos adr depense depenses saldo solde cotisation beitrag schaden schäden",
    # A header with one of these counts something.
    "number_of": "num number count anzahl nombre numero nb n ct cnt trx qty quantity menge",
    "things": "visits besuche visites visitas orders bestellungen commandes pedidos purchases "
    "achats compras transactions txn bookings nights stays claims policies calls logins sessions "
    "items units kids children dependents products articles trips rides flights",
    "income": "income salary einkommen gehalt revenus ingresos wage earnings",
    "spend": "spend spent spending revenue umsatz sales turnover monetary ausgaben depense "
    "depenses gasto purchases gifts donations donated dons spenden mrr ttc",
    "average": "avg average mean durchschnitt moyenne median max min rate share ratio percent",
    "age": "age alter edad alder",
    "year": "year jahr annee ano birth born geburtsjahr yob",
    "since": "since seit depuis joined",
    # Parts of a date count nothing.
    "calendar": "day month hour weekday week monat tag mois jour",
    "birth": "birth born geburtsjahr geburtsdatum yob dob naissance",
    "outcome": "response responded churn churned attrition exited outcome converted conversion "
    "clicked subscribed canceled cancelled gekündigt accepted retained",
    # Whom one may write to is no habit.
    "consent": "consent optin opt newsletter gdpr dsgvo contact contactable permission",
    # Of a date: it is to come.
    "future": "end ends expiry expires expiration renewal next due until ende ablauf echeance fin",
    # A month's or a quarter's add up.
    "measured": "kwh mwh gb mb minutes mins hours km miles litres liters kg m3 steps",
    # Only alone, and where there are two answers.
    "answer": "y target label deposit default class result",
    "code": "code type class group region channel category segment gender genre sex cluster area "
    "zone status marital education occupation",
    "personal": "name surname email mail phone address street birth dob gender genre sex",
    "deals": "deal deals discount discounts coupon coupons offer offers promo rabatt",
    "recency": "recency since inactive ago",
    "last": "last letzte letzter dernier derniere ultimo ultima latest recent",
    "visits": "visit visits sessions logins besuche visites",
    "score": "score rating points grade stars nps punkte note satisfaction",
    "share": "share rate ratio percent pct prc frequency anteil quote taux",
    "percent": "percent pct prozent",
    "duration": "tenure duration months month days day hours minutes weeks years laufzeit dauer "
    "monate tage jahre mois jours meses dias seconds",
    "order": "order orders invoice receipt basket transaction bon rechnung orderid bestellung "
    "commande ticket bill check belegnr",
    "quantity": "quantity qty units menge pieces anzahl quantite cantidad",
    "product": "product category item lineitem article stockcode sku artikel department produit "
    "type typ dish meal menu plat gericht produkt brand service treatment",
    "cancel": "status cancelled canceled returned state storniert",
}
WORDS: Mapping[str, frozenset[str]] = {t: frozenset(w.split()) for t, w in _TOPICS.items()}
# Words after which the unit of a rate stands: visits per month.
_PER = frozenset(["per", "pro", "par", "por", "je", "a"])
_UNITS = {
    "months": "month months monate mois meses",
    "days": "day days tage jours dias",
    "years": "years jahre",
    "hours": "hours",
    "minutes": "minutes",
    "weeks": "weeks",
    "seconds": "seconds",
}
# Between the words of NumWebPurchases and HTTPCalls; 5G and kWh are one.
_BORDER = re.compile("(?<=[A-Za-z][a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")
_BRACKETS = re.compile(r"[(\[]([^)\]]*)[)\]]")


def words_of(header: str) -> tuple[str, ...]:
    """The words of a header, in lower case: of `NumWebPurchases`, num, web and purchases."""
    return tuple(re.findall(r"[^\W\d_]+|[0-9]+", _apart(header)))


def spoken(header: str) -> str:
    """A header as people say it: of `NumVisits_30d`, num visits 30d."""
    return " ".join(re.findall(r"(?:[^\W_]|(?<=\w)'(?=\w))+", _apart(header)))


def _apart(header: str) -> str:
    return _BORDER.sub(" ", header).lower()


def about(words: Iterable[str], topic: str) -> bool:
    """Whether one of the words is of a topic, or has a long word of it as a part."""
    known, long = WORDS[topic], [word for word in WORDS[topic] if len(word) >= _LONG]
    return any(word in known or any(part in word for part in long) for word in words)


def bare(header: str) -> str:
    """A header without what stands in brackets, unless nothing else is there."""
    return _BRACKETS.sub(" ", header).strip() or header


def unit_in(header: str) -> str:
    """The unit in brackets at the end of a header, such as k$; '' for none or a range."""
    inside = _BRACKETS.findall(header)
    unit = " ".join(inside[-1].split()) if inside else ""
    return unit if unit and len(unit) <= 12 and not re.search(r"\d|[{}]", unit) else ""  # noqa: PLR2004 - units are short


def is_per(words: tuple[str, ...]) -> bool:
    """Whether a header is of a rate, such as visits per month."""
    return not _PER.isdisjoint(words[1:])


def duration_unit(words: Iterable[str]) -> str:
    """What a duration is counted in, as the header says it; '' where it does not."""
    found = {*words}
    return next((unit for unit, names in _UNITS.items() if found & {*names.split()}), "")


def names_something(words: Sequence[str]) -> bool:
    """Whether a header ends as that of an identifier does: `id`, `customer no`, `clientnum`."""
    last = words[-1] if words else ""
    stuck = any(last.endswith(each) for each in ("id", "num", "nummer", "nr", "number", "no"))
    return last in WORDS["id"] or (stuck and about([last], "person"))
