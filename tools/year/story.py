"""The page that tells a year."""

from __future__ import annotations

from collections import Counter
from typing import Final

from customer_segmentation.pages import environment
from tools.year.pictures import HEIGHT, WIDTH, Chart, chart
from tools.year.told import Kind, Story, Told

KINDS: Final[dict[Kind, str]] = {
    "drift": "Drift",
    "departure": "The model is no longer right",
    "alert": "Alert",
    "retrained": "Learned anew",
    "tried": "Challenger tried further",
    "refused": "Challenger refused",
    "promoted": "Challenger promoted",
}
_LETTERS: Final[dict[Kind, str]] = {
    "drift": "D",
    "departure": "!",
    "alert": "A",
    "retrained": "L",
    "tried": "T",
    "refused": "R",
    "promoted": "P",
}
_SHOWN: Final[tuple[Kind, ...]] = ("departure", "refused", "promoted")
_MOST_DRIFTED = 5


def page(story: Story, currency: str) -> str:
    """One page of HTML that needs nothing else.

    Args:
        story: Of the year.
        currency: Of its amounts.
    """
    figures = {
        "with the loop": [one.loop for one in story.months],
        "without: the first model, all year": [one.without for one in story.months],
        "oracle: who knows each customer's true probability": [one.oracle for one in story.months],
    }
    ratio = {"answers for each expected": [one.answers / one.expected for one in story.months]}
    return (
        environment("tools.year")
        .get_template("story.html.jinja")
        .render(
            lead=lead(story),
            tiles=_tiles(story),
            profit=chart(story, figures, "Profit", _SHOWN),
            answered=chart(story, ratio, "Answers for each expected", form="{:.2g}"),
            drift=_drift(story),
            explained=_explained(story),
            months=story.months,
            turn=story.turn,
            sentence=sentence,
            exploration=story.exploration,
            notes=_notes(story),
            letters=_LETTERS,
            kinds=KINDS,
            currency=currency,
            size=(WIDTH, HEIGHT),
        )
    )


def lead(story: Story) -> str:
    """What the year comes to."""
    whole = f"over the year {story.share('loop'):.0%} of the oracle's profit"
    without = f"Without it {story.share('without'):.0%} are left"
    last = story.months[-1].number
    if story.settled > last:
        return f"With feedback and retraining the campaigns brought {whole}. {without}."
    return (
        f"In month {story.turn} those who used to answer stop, and others start. With feedback "
        f"and retraining the campaigns brought {whole}, and from month {story.settled} on "
        f"{story.share('loop', story.settled):.0%}. {without}, and from month {story.settled} on "
        f"{story.share('without', story.settled):.0%}."
    )


def sentence(month: Told) -> str:
    """What a month's campaign came to."""
    explored = f", {month.explored:,} of them to explore" if month.explored else ""
    asked = f" The server answered {month.requests:,} requests." if month.requests else ""
    return (
        f"{month.contacts:,} contacts{explored}; {month.answers:,} answered, {month.expected:,.0f} "
        f"were expected. Profit {month.loop:,.0f}, of {month.oracle:,.0f} that could be had; the "
        f"first model would have brought {month.without:,.0f}.{asked}"
    )


def _tiles(story: Story) -> list[tuple[str, str]]:
    kinds = Counter(event.kind for month in story.months for event in month.events)
    return [
        (f"{story.share('loop'):.0%}", "of the oracle's profit, with the loop"),
        (f"{story.share('without'):.0%}", "without it"),
        (f"{kinds['retrained']}", "times a model was learned anew"),
        (f"{kinds['promoted']}", "challengers promoted"),
        (f"{kinds['refused']}", "refused, before any answered a customer"),
    ]


def _explained(story: Story) -> str:
    return (
        f"A contact costs {story.cost:g}, an answer is worth {story.value:g}. Profit is by the "
        "true probabilities, which the simulated market knows, of those who were contacted: the "
        "same customers and the same hold-outs in all three."
    )


def _drift(story: Story) -> Chart | None:
    """The inputs that moved most in any month."""
    most: Counter[str] = Counter()
    for month in story.months:
        for name, value in month.drift.items():
            most[name] = max(most[name], value)  # type: ignore[assignment] # counts may be any number
    names = [name for name, _ in most.most_common(_MOST_DRIFTED)]
    if not names:
        return None
    figures = {name: [month.drift.get(name, 0.0) for month in story.months] for name in names}
    return chart(story, figures, "Population stability index", form="{:.2g}")


def _notes(story: Story) -> list[str]:
    simulated = (
        f"Simulated: {story.customers:,} customers a month, of the project's generator, whose "
        "answers are drawn by probabilities that the page knows and the system does not. A few "
        "leave and sign up each month, spend grows and visits to the website grow more frequent."
    )
    minutes = story.seconds / 60.0
    return [simulated, *([f"Played in {minutes:,.1f} minutes on one machine."] if minutes else [])]
