"""More templates: rates, time, measures and wages."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction

from honing.demo.arithmetic import Problem, Step, plain
from honing.demo.words import money, name, names


def _recipe(rng: random.Random) -> Problem:
    thing, quarters = rng.choice(["flour", "oats", "milk", "sugar"]), rng.choice([1, 3, 5, 7])
    batches, spare = rng.randint(3, 9), rng.randint(1, 3)
    total = Fraction(quarters * batches, 4) + spare
    return Problem(
        question=f"One batch of pancakes takes {plain(Fraction(quarters, 4))} cups of {thing}. A cook "
        f"makes {batches} batches and has {spare} {'cup' if spare == 1 else 'cups'} of "
        f"{thing} left. How many cups of {thing} were there at the start?",
        steps=(
            Step("Used", f"{batches} * {plain(Fraction(quarters, 4))}"),
            Step("At the start", f"{plain(total - spare)} + {spare}"),
        ),
        answer=total,
    )


def _film(rng: random.Random) -> Problem:
    hours, minutes, breaks = rng.randint(1, 3), rng.randrange(5, 60, 5), rng.randint(2, 4)
    pause = rng.choice([5, 10, 15])
    return Problem(
        question=f"A concert has {hours} {'hour' if hours == 1 else 'hours'} and {minutes} minutes of "
        f"music and {breaks} breaks of {pause} minutes each. How many minutes does it last in "
        "all?",
        steps=(
            Step("Music in minutes", f"{hours} * 60 + {minutes}"),
            Step("Breaks in minutes", f"{breaks} * {pause}"),
            Step("In all", f"{hours * 60 + minutes} + {breaks * pause}"),
        ),
        answer=hours * 60 + minutes + breaks * pause,
    )


def _sleep(rng: random.Random) -> Problem:
    who = name(rng)
    start, end = rng.randrange(1260, 1435, 5), rng.randrange(305, 470, 5)
    before = 1440 - start
    return Problem(
        question=f"{who} falls asleep at {start // 60}:{start % 60:02d} and wakes up at "
        f"{end // 60}:{end % 60:02d} the next morning, on a 24-hour clock. For how many "
        "minutes does this sleep last?",
        steps=(
            Step("Minutes until midnight", f"24 * 60 - ({start // 60} * 60 + {start % 60})"),
            Step("Minutes after midnight", f"{end // 60} * 60 + {end % 60}"),
            Step("Together", f"{before} + {end}"),
        ),
        answer=before + end,
    )


def _journey(rng: random.Random) -> Problem:
    first, second = rng.randint(30, 60) * 2, rng.randint(8, 20) * 2
    long, short = Fraction(rng.randint(3, 9), 2), Fraction(rng.randint(1, 5), 2)
    return Problem(
        question=f"A train goes {first} kilometres an hour for {plain(long)} hours, and then {second} "
        f"kilometres an hour for {plain(short)} hours. How many kilometres does it go in all?",
        steps=(
            Step("First part", f"{first} * {plain(long)}"),
            Step("Second part", f"{second} * {plain(short)}"),
            Step("In all", f"{plain(first * long)} + {plain(second * short)}"),
        ),
        answer=first * long + second * short,
    )


def _saving(rng: random.Random) -> Problem:
    who, weekly, weeks = name(rng), rng.randint(6, 25), rng.randint(5, 20)
    start = rng.randint(10, 60)
    price = start + weekly * weeks
    return Problem(
        question=f"{who} has ${start} and saves ${weekly} every week. After how many weeks does {who} "
        f"have the ${price} that a bicycle costs?",
        steps=(
            Step("Still needed", f"{price} - {start}"),
            Step("Weeks", f"{price - start} / {weekly}"),
        ),
        answer=weeks,
    )


def _unit_price(rng: random.Random) -> Problem:
    thing, kilos, more = rng.choice(["rice", "apples", "lentils"]), rng.randint(2, 4), rng.randint(5, 10)
    price = Fraction(rng.randint(180, 420), 100)
    cheaper = price - Fraction(rng.randint(10, 80), 100)
    return Problem(
        question=f"A bag with {kilos} kilograms of {thing} costs {money(price * kilos)}. A sack with "
        f"{more} kilograms costs {money(cheaper * more)}. By how many dollars per kilogram is "
        "the sack cheaper?",
        steps=(
            Step("Bag, per kilogram", f"{plain(price * kilos)} / {kilos}"),
            Step("Sack, per kilogram", f"{plain(cheaper * more)} / {more}"),
            Step("Cheaper by", f"{plain(price)} - {plain(cheaper)}"),
        ),
        answer=price - cheaper,
    )


def _paint(rng: random.Random) -> Problem:
    first, second = rng.sample([2, 3, 5, 7], 2)
    unit = rng.randint(3, 12)
    colour, other = rng.sample(["blue", "white", "red", "yellow"], 2)
    total = (first + second) * unit
    return Problem(
        question=f"To mix paint, {colour} and {other} are taken in the ratio {first} to {second}. How "
        f"many litres of {colour} are in {total} litres of this paint?",
        steps=(
            Step("Parts", f"{first} + {second}"),
            Step("Litres per part", f"{total} / {first + second}"),
            Step(f"Litres of {colour}", f"{unit} * {first}"),
        ),
        answer=Fraction(total * first, first + second),
    )


def _wage(rng: random.Random) -> Problem:
    who, hourly, normal, extra = (
        name(rng),
        rng.randint(12, 28),
        rng.choice([30, 35, 38, 40]),
        rng.randint(2, 9),
    )
    overtime = Fraction(3 * hourly, 2)
    return Problem(
        question=f"{who} earns ${hourly} an hour for the first {normal} hours of a week and 1.5 times "
        f"as much for every further hour. How many dollars does {who} earn in a week of "
        f"{normal + extra} hours?",
        steps=(
            Step("Normal hours", f"{normal} * {hourly}"),
            Step("Further hours", f"{normal + extra} - {normal}"),
            Step("Pay for one further hour", f"1.5 * {hourly}"),
            Step("Pay for the further hours", f"{extra} * {plain(overtime)}"),
            Step("In all", f"{normal * hourly} + {plain(extra * overtime)}"),
        ),
        answer=hourly * (normal + Fraction(3, 2) * extra),
    )


def _laps(rng: random.Random) -> Problem:
    who, lap, count = name(rng), rng.choice([250, 300, 350, 400]), rng.randint(5, 19)
    walk = rng.randint(3, 9) * 100
    return Problem(
        question=f"{who} runs {count} laps of {lap} metres and then walks {walk} metres home. How many "
        "kilometres is that in all?",
        steps=(
            Step("Laps in metres", f"{count} * {lap}"),
            Step("All metres", f"{count * lap} + {walk}"),
            Step("Kilometres", f"{count * lap + walk} / 1000"),
        ),
        answer=Fraction(count * lap + walk, 1000),
    )


def _book(rng: random.Random) -> Problem:
    who, part, days = name(rng), rng.choice([3, 4, 5]), rng.randint(4, 8)
    left = days * rng.randint(6, 15) * (part - 1)
    pages = left * part // (part - 1)
    return Problem(
        question=f"A book has {pages} pages. {who} reads 1/{part} of them on Sunday and the rest over "
        f"the next {days} days, the same number every day. How many pages does {who} read on "
        f"each of these {days} days?",
        steps=(
            Step("Sunday", f"{pages} / {part}"),
            Step("Rest", f"{pages} - {pages // part}"),
            Step("Each day", f"{left} / {days}"),
        ),
        answer=Fraction(pages * (part - 1), part * days),
    )


def _tank(rng: random.Random) -> Problem:
    inflow, outflow, minutes = rng.randint(12, 30), rng.randint(3, 9), rng.randint(15, 50)
    start = rng.randint(20, 200)
    volume = start + (inflow - outflow) * minutes
    return Problem(
        question=f"A tank of {volume} litres holds {start} litres of water. {inflow} litres flow in "
        f"every minute while {outflow} litres flow out every minute. After how many minutes "
        "is the tank full?",
        steps=(
            Step("Missing", f"{volume} - {start}"),
            Step("Gain per minute", f"{inflow} - {outflow}"),
            Step("Minutes", f"{volume - start} / {inflow - outflow}"),
        ),
        answer=minutes,
    )


def _battery(rng: random.Random) -> Problem:
    start, hours, percent = rng.randint(85, 100), rng.randint(3, 6), rng.randint(4, 9)
    charge = rng.randint(3, 12)
    return Problem(
        question=f"A phone's battery is at {start}%. It loses {percent} percentage points every hour "
        f"for {hours} hours, and then gains {charge} percentage points. At how many percent "
        "is the battery then?",
        steps=(
            Step("Lost", f"{percent} * {hours}"),
            Step("Before charging", f"{start} - {percent * hours}"),
            Step("After charging", f"{start - percent * hours} + {charge}"),
        ),
        answer=start + charge - percent * hours,
    )


def _exchange(rng: random.Random) -> Problem:
    who, dollars = name(rng), rng.randint(4, 30) * 25
    rate, fee = Fraction(rng.randint(80, 98), 100), rng.randint(2, 6)
    return Problem(
        question=f"{who} changes ${dollars} into euros. One dollar gives {plain(rate)} euros, and "
        f"{fee} euros are taken as a fee at the end. How many euros does {who} get?",
        steps=(
            Step("Before the fee", f"{dollars} * {plain(rate)}"),
            Step("After the fee", f"{plain(dollars * rate)} - {fee}"),
        ),
        answer=dollars * rate - fee,
    )


def _stamps(rng: random.Random) -> Problem:
    first, second = names(rng, 2)
    has, times, gives = rng.randint(20, 60), rng.randint(2, 5), rng.randint(3, 7)
    return Problem(
        question=f"{first} has {has} stamps and {second} has {times} times as many. Then {second} "
        f"gives {gives} stamps to {first}. How many more stamps than {first} does {second} "
        "have now?",
        steps=(
            Step(f"{second} before", f"{times} * {has}"),
            Step(f"{second} now", f"{times * has} - {gives}"),
            Step(f"{first} now", f"{has} + {gives}"),
            Step("Difference", f"{times * has - gives} - {has + gives}"),
        ),
        answer=(times - 1) * has - 2 * gives,
    )


RATE_TEMPLATES: tuple[Callable[[random.Random], Problem], ...] = (
    _recipe,
    _film,
    _sleep,
    _journey,
    _saving,
    _unit_price,
    _paint,
    _wage,
    _laps,
    _book,
    _tank,
    _battery,
    _exchange,
    _stamps,
)
"""The templates of this file."""
