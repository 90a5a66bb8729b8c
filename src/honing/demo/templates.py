"""The templates: each draws its numbers and gives one problem with exactly one right answer.

`answer` comes from a formula of its own; `arithmetic.worked` then checks that the steps lead there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from honing.demo.arithmetic import Problem, Step, plain
from honing.demo.templates_rates import RATE_TEMPLATES
from honing.demo.words import money, name, names

Template = Callable[[random.Random], Problem]


def _boxes(rng: random.Random) -> Problem:
    who, thing = name(rng), rng.choice(["pencils", "marbles", "stickers", "seeds"])
    boxes, each = rng.randint(4, 15), rng.randint(6, 24)
    given = rng.randint(5, boxes * each // 2)
    return Problem(
        question=f"{who} has {boxes} boxes with {each} {thing} in each box, and gives {given} {thing} "
        f"to a friend. How many {thing} does {who} have left?",
        steps=(
            Step(f"All {thing}", f"{boxes} * {each}"),
            Step("Left", f"{boxes * each} - {given}"),
        ),
        answer=boxes * each - given,
    )


def _change(rng: random.Random) -> Problem:
    who, (thing, other) = name(rng), rng.sample(["notebook", "glue stick", "ruler", "marker", "pen"], 2)
    few, more = rng.randint(2, 5), rng.randint(2, 4)
    price, second = Fraction(rng.randint(95, 395), 100), Fraction(rng.randint(105, 495), 100)
    total = few * price + more * second
    paid = 20 if total < 20 else 50
    return Problem(
        question=f"A {thing} costs {money(price)} and a {other} costs {money(second)}. {who} buys "
        f"{few} of the first and {more} of the second and pays with ${paid}. How much change "
        f"in dollars does {who} get?",
        steps=(
            Step(f"All {thing}s", f"{few} * {plain(price)}"),
            Step(f"All {other}s", f"{more} * {plain(second)}"),
            Step("Total", f"{plain(few * price)} + {plain(more * second)}"),
            Step("Change", f"{paid} - {plain(total)}"),
        ),
        answer=paid - total,
    )


def _discount(rng: random.Random) -> Problem:
    thing, percent = (
        rng.choice(["coat", "lamp", "backpack", "chair"]),
        rng.choice([5, 10, 15, 20, 25, 30, 40]),
    )
    price = rng.randint(12, 90) * 2
    off = Fraction(price * percent, 100)
    return Problem(
        question=f"A {thing} costs ${price}. In a sale its price is cut by {percent}%. What does the "
        f"{thing} cost in the sale, in dollars?",
        steps=(
            Step("Price cut", f"{price} * {percent} / 100"),
            Step("Sale price", f"{price} - {plain(off)}"),
        ),
        answer=Fraction(price * (100 - percent), 100),
    )


def _fraction_of_group(rng: random.Random) -> Problem:
    bottom = rng.choice([3, 4, 5, 6, 8])
    top = rng.randint(1, bottom - 1)
    total = bottom * rng.randint(12, 40)
    place = rng.choice(["school", "camp", "club", "village"])
    return Problem(
        question=f"There are {total} children in a {place}. {top}/{bottom} of them walk there, and the "
        "others come by bus. How many children come by bus?",
        steps=(
            Step("Walk", f"{total} * {top} / {bottom}"),
            Step("By bus", f"{total} - {total * top // bottom}"),
        ),
        answer=Fraction(total * (bottom - top), bottom),
    )


def _ribbon(rng: random.Random) -> Problem:
    who, (first, second) = name(rng), rng.sample([3, 4, 5, 6, 7, 8, 9], 2)
    used = Fraction(1, first) + Fraction(1, second)
    return Problem(
        question=f"{who} uses 1/{first} of a ribbon for one gift and 1/{second} of the same whole "
        "ribbon for another gift. What fraction of the ribbon is left? Give a fraction in "
        "lowest terms.",
        steps=(
            Step("Used", f"1 / {first} + 1 / {second}"),
            Step("Left", f"1 - {plain(used)}"),
        ),
        answer=1 - used,
    )


def _temperature(rng: random.Random) -> Problem:
    start, drop, hours = rng.randint(-3, 8), rng.randint(2, 4), rng.randint(3, 7)
    place = rng.choice(["On a mountain", "In a valley", "By a lake", "At a weather station"])
    return Problem(
        question=f"{place} it is {start} degrees Celsius at noon. Then it gets {drop} degrees colder "
        f"every hour. What is the temperature {hours} hours later, in degrees Celsius?",
        steps=(
            Step("Drop", f"{drop} * {hours}"),
            Step("Temperature", f"{start} - {drop * hours}"),
        ),
        answer=start - drop * hours,
    )


def _overdraft(rng: random.Random) -> Problem:
    who = name(rng)
    balance, earned = Fraction(rng.randint(1500, 6000), 100), rng.randint(10, 40)
    spent = balance + earned + Fraction(rng.randint(125, 4000), 100)
    return Problem(
        question=f"{who} has {money(balance)} in an account. {who} puts in ${earned} and then pays a "
        f"bill of {money(spent)} from it. The account may go below zero. What is the balance "
        "now, in dollars?",
        steps=(
            Step("Before the bill", f"{plain(balance)} + {earned}"),
            Step("After the bill", f"{plain(balance + earned)} - {plain(spent)}"),
        ),
        answer=balance + earned - spent,
    )


def _elevator(rng: random.Random) -> Problem:
    start, up = rng.randint(1, 6), rng.randint(2, 8)
    down = start + up + rng.randint(1, 4)
    return Problem(
        question="In a building the ground floor has number 0, and the floors below it have negative "
        f"numbers. An elevator starts at floor {start}, goes up {up} floors and then down "
        f"{down} floors. At which floor does it stop?",
        steps=(
            Step("After going up", f"{start} + {up}"),
            Step("After going down", f"{start + up} - {down}"),
        ),
        answer=start + up - down,
    )


def _ages(rng: random.Random) -> Problem:
    oldest, middle, youngest = names(rng, 3)
    age, older, times = rng.randint(3, 12), rng.randint(2, 9), rng.randint(2, 4)
    return Problem(
        question=f"{youngest} is {age} years old. {middle} is {older} years older than {youngest}. "
        f"{oldest} is {times} times as old as {middle}. How old are the three together, in "
        "years?",
        steps=(
            Step(middle, f"{age} + {older}"),
            Step(oldest, f"{times} * {age + older}"),
            Step("Together", f"{age} + {age + older} + {times * (age + older)}"),
        ),
        answer=age + (1 + times) * (age + older),
    )


def _stadium(rng: random.Random) -> Problem:
    adults, children = rng.randint(12, 60) * 100, rng.randint(11, 40) * 50
    price, less = rng.randint(12, 30), rng.randint(4, 9)
    return Problem(
        question=f"A stadium sells {adults:,} tickets for adults at ${price} each and {children:,} "
        f"tickets for children at ${less} each. How many dollars does it take in all?",
        steps=(
            Step("Adults", f"{adults} * {price}"),
            Step("Children", f"{children} * {less}"),
            Step("In all", f"{adults * price} + {children * less}"),
        ),
        answer=adults * price + children * less,
        thousands=True,
    )


def _growth(rng: random.Random) -> Problem:
    people, percent = rng.randint(12, 95) * 1000, rng.choice([2, 3, 4, 5, 6, 8, 12])
    place = rng.choice(["town", "city", "district", "island"])
    return Problem(
        question=f"{people:,} people live in a {place}. In one year their number grows by {percent}%. "
        "How many people live there after that year?",
        steps=(
            Step("Growth", f"{people} * {percent} / 100"),
            Step("After the year", f"{people} + {people * percent // 100}"),
        ),
        answer=people * (100 + percent) // 100,
        thousands=True,
    )


def _fence(rng: random.Random) -> Problem:
    long, wide, gate = rng.randint(15, 40), rng.randint(8, 14), rng.randint(2, 4)
    price = Fraction(rng.randint(9, 30), 2)
    length = 2 * (long + wide) - gate
    return Problem(
        question=f"A rectangular garden is {long} metres long and {wide} metres wide. It gets a fence "
        f"all around, but for a gate of {gate} metres. One metre of fence costs "
        f"{money(price)}. What does the fence cost, in dollars?",
        steps=(
            Step("Around", f"2 * ({long} + {wide})"),
            Step("Fence", f"{2 * (long + wide)} - {gate}"),
            Step("Cost", f"{length} * {plain(price)}"),
        ),
        answer=length * price,
    )


def _buses(rng: random.Random) -> Problem:
    seats, people = rng.choice([36, 42, 48, 50]), rng.randint(90, 400)
    teachers = rng.randint(4, 12)
    return Problem(
        question=f"{people} pupils and {teachers} teachers go on a trip. A bus has {seats} seats, and "
        "everybody needs a seat. How many buses are needed at least?",
        steps=(
            Step("People", f"{people} + {teachers}"),
            Step("Buses, rounded up", f"ceil({people + teachers} / {seats})"),
        ),
        answer=-(-(people + teachers) // seats),
    )


def _leftover(rng: random.Random) -> Problem:
    who, thing = name(rng), rng.choice(["cookies", "cards", "plums", "shells"])
    bags, each = rng.randint(3, 6), rng.randint(25, 60)
    friends = rng.choice([7, 8, 9, 11])
    return Problem(
        question=f"{who} has {bags} bags of {each} {thing} and shares all of them equally among "
        f"{friends} friends, so that each gets the same whole number, as large as possible. "
        f"How many {thing} are left over?",
        steps=(
            Step(f"All {thing}", f"{bags} * {each}"),
            Step("Left over", f"{bags * each} % {friends}"),
        ),
        answer=bags * each % friends,
    )


def _average(rng: random.Random) -> Problem:
    who, game = name(rng), rng.choice(["darts", "bowling", "trivia", "archery"])
    scores = [rng.randint(40, 99) for _ in range(4)]
    return Problem(
        question=f"In four rounds of {game}, {who} scores {scores[0]}, {scores[1]}, {scores[2]} and "
        f"{scores[3]} points. What is the average score per round, in points?",
        steps=(
            Step("Sum", " + ".join(map(str, scores))),
            Step("Average", f"{sum(scores)} / 4"),
        ),
        answer=Fraction(sum(scores), 4),
    )


TEMPLATES: tuple[Template, ...] = (
    _boxes,
    _change,
    _discount,
    _fraction_of_group,
    _ribbon,
    _temperature,
    _overdraft,
    _elevator,
    _ages,
    _stadium,
    _growth,
    _fence,
    _buses,
    _leftover,
    _average,
    *RATE_TEMPLATES,
)
"""Every template, in the order in which rows are drawn."""
